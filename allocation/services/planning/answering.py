"""What a review of moves says to the objections to them: refusing or re-pointing a move answers them, keeping it is said in words.

An answer holds: what an objector was told is not taken back by another review of the same plan. In the caller's transaction, under the lock of the plan: nobody objects or takes back meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from allocation.models import BookPlan, Objection
from allocation.services.planning.telling import tell_answered

Answer = Objection.Answer
# Whether the objector is who loses the customer, or who gets it as the move leads now.
_GIVES, _GETS = Q(csm=F("move__from_csm")), Q(csm=F("move__to_csm"))


def answer_by_refusing(
    *, plan: BookPlan, move_ids: Collection[int], actor: Any, words: str, at: datetime
) -> None:
    """The moves were refused: their objectors had their way. Who refuses does not answer the own objection."""
    waiting = Objection.objects.standing().filter(move__in=move_ids, answered_at__isnull=True)
    _answer(plan, waiting, Answer.REFUSED, actor, words, at)


def promised_to_stay(*, move_ids: Collection[int]) -> list[str]:
    """External ids of customers of refused moves whose objectors were told so: accepting them again would not be true."""
    return _customers(Q(answer=Answer.REFUSED) & (_GIVES | _GETS), move_ids)


def promised_not_to_go(*, move_id: int, to_csm_id: int, is_back: bool) -> list[str]:
    """The external id, where somebody was told that the customer stays, or would not go there.

    is_back: to whom the planner had named. One for whom the move was refused gets the customer no more, and one whose
    customer was to stay keeps it; to somebody else it may go.
    """
    stays = Q(answer=Answer.REFUSED) & _GIVES
    not_there = Q(answer__in=[Answer.REFUSED, Answer.REPOINTED], csm=to_csm_id)
    not_as_planned = Q(answer=Answer.REPOINTED) & _GIVES if is_back else Q(pk__in=[])
    return _customers(stays | not_there | not_as_planned, [move_id])


def answer_by_repointing(
    *, plan: BookPlan, move_id: int, to_csm_id: int, is_back: bool, actor: Any, words: str, at: datetime
) -> None:
    """The customer goes to somebody else, which answers what was said against it.

    Not what the very CSM said to whom it goes. To whom the planner had named (is_back) it answers only those who no longer
    have to do with it. The move is read as it leads now.
    """
    waiting = Objection.objects.standing().filter(move=move_id, answered_at__isnull=True)
    meant = waiting.exclude(_GIVES) if is_back else waiting
    _answer(plan, meant.exclude(csm=to_csm_id), Answer.REPOINTED, actor, words, at)


def answer_by_keeping(
    *, plan: BookPlan, objection_ids: Collection[int], actor: Any, words: str, at: datetime
) -> int:
    """The moves stay as they are, and the objectors are told why. How many were answered now."""
    waiting = Objection.objects.standing().filter(pk__in=objection_ids, answered_at__isnull=True)
    return _answer(plan, waiting, Answer.KEPT, actor, words, at)


def _customers(answered: Q, move_ids: Collection[int]) -> list[str]:
    found = Objection.objects.standing().filter(answered, move__in=move_ids)
    names = found.order_by("move__customer__external_id").values_list(
        "move__customer__external_id", flat=True
    )
    return list(dict.fromkeys(names))


def _answer(plan: BookPlan, waiting: Any, answer: Answer, actor: Any, words: str, at: datetime) -> int:
    ids = list(waiting.exclude(by=actor).order_by("pk").values_list("pk", flat=True))
    if not ids:
        return 0
    said = {"answer": answer, "answered_by": actor, "answered_at": at, "answer_words": words}
    changed = Objection.objects.filter(pk__in=ids, answered_at__isnull=True).update(**said)
    tell_answered(plan_id=plan.pk, objection_ids=ids, at=at)
    return int(changed)
