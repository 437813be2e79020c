"""Changes of CSM of the largest customers: a manager approves or declines each, with words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from allocation.models import BookPlan, Move, Notice, RunStatus
from allocation.selectors import notice_words
from allocation.services.planning.reviewing import (
    UnableToReviewPlan,
    checked_words,
    look_at_approvals,
    open_plan,
    open_table,
    refuse_rows,
)


class UnableToApproveMoves(ValueError):
    """The moves do not wait for this person, or the plan changed since; the message says which."""


def approve_moves(
    *,
    plan_id: int,
    move_ids: Collection[int],
    actor: Any,
    words: str,
    at: datetime,
    seen_version: int | None = None,
) -> int:
    """A manager lets moves of the largest customers pass. Returns how many; those of other teams are left alone.

    seen_version: the review the manager was shown; another one by now is refused, since rows may lead elsewhere. When
    nothing waits any more, the plan can be applied, and is if that was asked for. Raises UnableToApproveMoves.
    """
    with transaction.atomic():
        said = _checked(words, "Say why the move is approved, so that the next reader understands.")
        plan = _open(plan_id, actor)
        _refuse_unseen(plan, seen_version)
        ids = _theirs(plan, move_ids, actor)
        approved = (
            Move.objects.filter(pk__in=ids)
            .waiting_for_approval()
            .update(approved_by=actor, approved_at=at, approval_words=said)
        )
        look_at_approvals(plan_id, by_review=False)
        _tell_asker(plan, actor, at)
    return int(approved)


def decline_moves(
    *,
    plan_id: int,
    move_ids: Collection[int],
    actor: Any,
    words: str,
    at: datetime,
    seen_version: int | None = None,
) -> int:
    """A manager says no: the moves are refused, the customers stay where they are. Returns how many.

    Raises UnableToApproveMoves; where a limit would break, the customer needs another CSM first (re-point the move).
    """
    with transaction.atomic():
        said = _checked(words, "Say why the move is declined, so that the next reader understands.")
        plan = _open(plan_id, actor)
        _refuse_unseen(plan, seen_version)
        ids = _theirs(plan, move_ids, actor)
        try:
            declined = refuse_rows(open_table(plan_id, actor), ids, actor=actor, words=said, at=at)
        except UnableToReviewPlan as refusal:
            raise UnableToApproveMoves(f"{refusal} Name another CSM for it instead.") from refusal
        _tell_asker(plan, actor, at)
        return declined


def _checked(words: str, if_none: str) -> str:
    try:
        return checked_words(words, if_none)
    except UnableToReviewPlan as refusal:
        raise UnableToApproveMoves(str(refusal)) from refusal


def _open(plan_id: int, actor: Any) -> BookPlan:
    """The plan, locked. Who asked for it approves nothing in it."""
    if actor is None or not actor.is_manager:
        raise UnableToApproveMoves("Moves of the largest customers need the approval of a manager.")
    try:
        plan = open_plan(plan_id, actor)
    except UnableToReviewPlan as refusal:
        raise UnableToApproveMoves(str(refusal)) from refusal
    if plan.requested_by_id == actor.pk:
        raise UnableToApproveMoves(
            f"You asked for book plan {plan_id} yourself; another manager has to decide."
        )
    return plan


def _tell_asker(plan: BookPlan, actor: Any, at: datetime) -> None:
    """Once nothing waits any more, whoever asked for the plan is told by whom the last move was decided."""
    waits = BookPlan.objects.filter(pk=plan.pk, status=RunStatus.AWAITING_APPROVAL)
    if plan.requested_by_id is None or waits.exists():
        return
    subject, body = notice_words.job_was_decided(
        what=f"book plan {plan.pk}", by=str(actor), link=notice_words.plan_link(plan.pk)
    )
    about = f"plan-{plan.pk}-decided-{at:%Y%m%d%H%M%S%f}"  # a plan may wait, and be decided, again
    Notice.objects.leave(
        to=[plan.requested_by_id], kind=Notice.Kind.DECIDED, about=about, subject=subject, body=body, at=at
    )


def _refuse_unseen(plan: BookPlan, seen_version: int | None) -> None:
    if seen_version not in {None, plan.review_version}:
        raise UnableToApproveMoves("The plan was changed since you looked at it. Look again.")


def _theirs(plan: BookPlan, move_ids: Collection[int], actor: Any) -> list[int]:
    """Which of these moves wait for this manager. Raises UnableToApproveMoves when none does."""
    wanted = set(move_ids)
    waiting = Move.objects.filter(plan=plan).waiting_for_approval().decided_by(actor)
    found = [pk for pk in waiting.values_list("pk", flat=True) if pk in wanted]
    if not found:
        raise UnableToApproveMoves(
            "None of these moves waits for you: they are decided, of other teams, or you named the CSM yourself."
        )
    return found
