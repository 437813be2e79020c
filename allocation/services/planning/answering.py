"""What a review of moves says to the objections to them: refusing or re-pointing a move answers them, keeping it is said in words.

In the caller's transaction, under the lock of the plan: nobody objects or takes back meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q

from allocation.models import BookPlan, Objection
from allocation.services.planning.telling import tell_answered

Answer = Objection.Answer
NO_ANSWER = {"answer": "", "answered_by": None, "answered_at": None, "answer_words": ""}


def answer_by_refusing(
    *, plan: BookPlan, move_ids: Collection[int], actor: Any, words: str, at: datetime
) -> None:
    """The moves were refused: their objectors had their way. Who refuses does not answer the own objection."""
    waiting = Objection.objects.standing().filter(move__in=move_ids, answered_at__isnull=True)
    _answer(plan, waiting, Answer.REFUSED, actor, words, at)


def ask_again_after_accepting(*, move_ids: Collection[int]) -> None:
    """Refused moves are to be applied after all: what was answered by refusing them waits for another answer."""
    Objection.objects.standing().filter(move__in=move_ids, answer=Answer.REFUSED).update(**NO_ANSWER)


def answer_by_repointing(
    *, plan: BookPlan, move_id: int, to_csm_id: int, is_back: bool, actor: Any, words: str, at: datetime
) -> None:
    """The customer goes to somebody else, which answers what was said against it.

    Not so where it goes to whom the planner had named again (is_back), or to the very CSM who objects: there an answer
    by an earlier review no longer holds, and another one is needed.
    """
    objections = Objection.objects.standing().filter(move=move_id)
    by_review = objections.filter(answer__in=[Answer.REFUSED, Answer.REPOINTED])
    same_again = by_review if is_back else by_review.filter(Q(csm=to_csm_id) | Q(answer=Answer.REFUSED))
    same_again.update(**NO_ANSWER)
    if not is_back:
        waiting = objections.filter(answered_at__isnull=True).exclude(csm=to_csm_id)
        _answer(plan, waiting, Answer.REPOINTED, actor, words, at)


def answer_by_keeping(
    *, plan: BookPlan, objection_ids: Collection[int], actor: Any, words: str, at: datetime
) -> int:
    """The moves stay as they are, and the objectors are told why. How many were answered now."""
    waiting = Objection.objects.standing().filter(pk__in=objection_ids, answered_at__isnull=True)
    return _answer(plan, waiting, Answer.KEPT, actor, words, at)


def _answer(plan: BookPlan, waiting: Any, answer: Answer, actor: Any, words: str, at: datetime) -> int:
    ids = list(waiting.exclude(by=actor).order_by("pk").values_list("pk", flat=True))
    if not ids:
        return 0
    said = {"answer": answer, "answered_by": actor, "answered_at": at, "answer_words": words}
    changed = Objection.objects.filter(pk__in=ids, answered_at__isnull=True).update(**said)
    tell_answered(plan_id=plan.pk, objection_ids=ids, at=at)
    return int(changed)
