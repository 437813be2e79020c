"""Stop a run on its way: what was computed is put away, what was applied or given back stays, whole batches only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum

from allocation.models import OPEN_STATUSES, RetierRun, RowStatus, RunChunk, RunStatus
from allocation.selectors import wording
from allocation.selectors.stopping import stopped_by


class UnableToCancelRun(ValueError):
    """There is nothing of the run to be stopped, or not by this person; the message says why."""


def cancel_run(*, run_id: int, actor: Any, at: datetime) -> str:
    """Stop what is done with a run. The sentence says what that means. Raises UnableToCancelRun.

    Waiting or computed: it is discarded. Applied or undone: it ends after the customers under way, and those done stay
    done; it can be gone on with, or undone. A wish to apply that no worker has taken up yet is taken back. Where no worker
    has it (any more) that is so at once, else within seconds. actor: None for the operator of the machine.
    """
    if actor is not None and not actor.is_ops:
        raise UnableToCancelRun("Only CS ops may cancel a run.")
    by = actor.pk if actor is not None else None
    with transaction.atomic():
        run = RetierRun.objects.select_for_update().filter(pk=run_id).first()
        if run is None:
            raise UnableToCancelRun(f"There is no run {run_id}.")
        if RetierRun.objects.ask_to_cancel(run_id, by_id=by, at=at):
            return _what_happens(run)
        if RetierRun.objects.mark_unheld(run_id, by_id=by, at=at):
            return end_cancelled(run_id=run_id, fence=run.fence)
        if RetierRun.objects.take_wish_back(run_id):
            return f"Run {run_id} is not applied; its proposal stays."
        raise UnableToCancelRun(_why_not(run))


def _what_happens(run: RetierRun) -> str:
    if run.status == RunStatus.COMPUTING:
        return f"Run {run.pk} is stopped within a few seconds, and discarded."
    return f"Run {run.pk} stops after the customers under way; what is done stays done."


def _why_not(run: RetierRun) -> str:
    if run.is_being_stopped:
        return f"{stopped_by(run)} asked for that already: run {run.pk} stops after the customers under way."
    return f"Run {run.pk} is {run.get_status_display().lower()}: only a run that waits or is worked on can be cancelled."


@dataclass(frozen=True, slots=True)
class _End:
    status: RunStatus
    message: str
    fields: dict[str, Any]


def end_cancelled(*, run_id: int, fence: int) -> str:
    """End a run that was to be stopped, and say how. Its runner calls this, or who cancels where it has none."""
    with transaction.atomic():
        row = RetierRun.objects.select_for_update(of=("self",)).select_related("cancel_asked_by")
        run = row.get(pk=run_id)
        end = _end_of(run)
        RetierRun.objects.end_cancelled(
            run_id, fence=fence, status=end.status, message=end.message, **end.fields
        )
    return f"Run {run_id}: {end.message}"


def _end_of(run: RetierRun) -> _End:
    by = stopped_by(run)
    done = _customers(run)
    applied, undone = done.get(RowStatus.APPLIED, 0), done.get(RowStatus.UNDONE, 0)
    if run.status == RunStatus.APPLYING:
        if not applied:
            return _proposed_again(
                run, f"Cancelled by {by} before any customer was changed; the proposal stays."
            )
        return _End(RunStatus.FAILED, f"Stopped by {by}: {_of(applied, sum(done.values()))} done.", {})
    if run.status == RunStatus.UNDOING:
        if not undone and not done.get(RowStatus.PROPOSED):
            message = f"Undoing was cancelled by {by} before any customer was given back; it stays applied."
            return _End(RunStatus.APPLIED, message, {"undone_by": None})
        return _End(
            RunStatus.FAILED, f"Undoing was stopped by {by}: {_of(undone, undone + applied)} done.", {}
        )
    return _End(RunStatus.DISCARDED, f"Cancelled by {by}; nothing of it was kept.", {})


def _customers(run: RetierRun) -> dict[str, int]:
    """How many customers are in the chunks of each status."""
    rows = RunChunk.objects.filter(run=run).order_by().values_list("status").annotate(n=Sum("customers"))
    return dict(rows)


def _of(done: int, total: int) -> str:
    return f"{wording.grouped(done)} of {wording.counted(total, 'customer')}"


def _proposed_again(run: RetierRun, message: str) -> _End:
    """As before somebody wished it applied; unless another run was proposed meanwhile."""
    fields: dict[str, Any] = {"apply_when_proposed": False, "applied_by": None}
    newer = (
        RetierRun.objects.filter(scope=run.scope, status__in=OPEN_STATUSES, pk__gt=run.pk)
        .order_by("pk")
        .last()
    )
    if newer is not None:
        return _End(RunStatus.STALE, f"Run {newer.pk} proposes anew.", fields)
    return _End(RunStatus.PROPOSED, message, fields)
