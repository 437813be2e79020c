"""Stop a plan on its way: what was computed is put away, what was applied or given back stays, whole batches only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from allocation.models import OPEN_STATUSES, BookPlan, Move, RowStatus, RunStatus
from allocation.selectors import wording
from allocation.selectors.stopping import stopped_by
from allocation.services.planning.pieces import forget_pieces


class UnableToCancelPlan(ValueError):
    """There is nothing of the plan to be stopped, or not by this person; the message says why."""


def cancel_plan(*, plan_id: int, actor: Any, at: datetime) -> str:
    """Stop what is done with a plan. The sentence says what that means. Raises UnableToCancelPlan.

    Waiting or computed: it is discarded (`stop_plan` keeps the best so far instead). Applied or undone: it ends after the
    customers under way, and those done stay done; it can be gone on with, or undone. A wish to apply that no worker has
    taken up yet is taken back. Where no worker has it (any more) that is so at once, else within seconds.
    """
    if actor is not None and not actor.is_ops:
        raise UnableToCancelPlan("Only CS ops may cancel a book plan.")
    by = actor.pk if actor is not None else None
    with transaction.atomic():
        plan = BookPlan.objects.select_for_update().filter(pk=plan_id).first()
        if plan is None:
            raise UnableToCancelPlan(f"There is no book plan {plan_id}.")
        if BookPlan.objects.ask_to_cancel(plan_id, by_id=by, at=at):
            return _what_happens(plan)
        if BookPlan.objects.mark_unheld(plan_id, by_id=by, at=at):
            said = end_cancelled(plan_id=plan_id, fence=plan.fence)
            forget_pieces(plan_id=plan_id)
            return said
        if BookPlan.objects.take_wish_back(plan_id):
            return f"Book plan {plan_id} is not applied; its proposal stays."
        raise UnableToCancelPlan(_why_not(plan))


def _what_happens(plan: BookPlan) -> str:
    if plan.status == RunStatus.COMPUTING:
        return f"Book plan {plan.pk} is stopped within a few seconds, and discarded."
    return f"Book plan {plan.pk} stops after the customers under way; what is done stays done."


def _why_not(plan: BookPlan) -> str:
    if plan.is_being_stopped:
        return f"{stopped_by(plan)} asked for that already: book plan {plan.pk} stops after the customers under way."
    return (
        f"Book plan {plan.pk} is {plan.get_status_display().lower()}: only a plan that waits or is worked on can be "
        "cancelled."
    )


@dataclass(frozen=True, slots=True)
class _End:
    status: RunStatus
    message: str
    fields: dict[str, Any]


def end_cancelled(*, plan_id: int, fence: int) -> str:
    """End a plan that was to be stopped, and say how. Its runner calls this, or who cancels where it has none."""
    with transaction.atomic():
        row = BookPlan.objects.select_for_update(of=("self",)).select_related("cancel_asked_by")
        plan = row.get(pk=plan_id)
        end = _end_of(plan)
        BookPlan.objects.end_cancelled(
            plan_id, fence=fence, status=end.status, message=end.message, **end.fields
        )
    return f"Book plan {plan_id}: {end.message}"


def _end_of(plan: BookPlan) -> _End:
    by = stopped_by(plan)
    counts = Counter(Move.objects.filter(plan=plan).values_list("status", flat=True))
    applied, waiting = counts[RowStatus.APPLIED], counts[RowStatus.PROPOSED]
    if plan.status == RunStatus.APPLYING:
        done = applied + counts[RowStatus.SKIPPED]
        if not done:
            return _proposed_again(
                plan, f"Cancelled by {by} before any customer was moved; the proposal stays."
            )
        return _End(RunStatus.FAILED, f"Stopped by {by}: {_of(done, done + waiting)} done.", {})
    if plan.status == RunStatus.UNDOING:
        back = counts[RowStatus.UNDONE] + counts[RowStatus.KEPT]
        if not back and not waiting:
            message = f"Undoing was cancelled by {by} before any customer was given back; it stays applied."
            return _End(RunStatus.APPLIED, message, {"undone_by": None})
        return _End(RunStatus.FAILED, f"Undoing was stopped by {by}: {_of(back, back + applied)} done.", {})
    return _End(RunStatus.DISCARDED, f"Cancelled by {by}; nothing of it was kept.", {})


def _of(done: int, total: int) -> str:
    return f"{wording.grouped(done)} of {wording.counted(total, 'customer')}"


def _proposed_again(plan: BookPlan, message: str) -> _End:
    """As before somebody wished it applied; unless another plan was proposed meanwhile."""
    fields: dict[str, Any] = {"apply_when_proposed": False, "applied_by": None}
    beside = BookPlan.objects.side_by_side(plan.comparison_id).values("pk")
    others = BookPlan.objects.filter(status__in=OPEN_STATUSES, pk__gt=plan.pk).exclude(pk__in=beside)
    newer = others.order_by("pk").last()
    if newer is not None:
        return _End(RunStatus.STALE, f"Book plan {newer.pk} is newer.", fields)
    return _End(RunStatus.PROPOSED, message, fields)
