"""What people do with a run: ask for one, and put one aside."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.kept_statements import Kept
from allocation.models import OPEN_STATUSES, RetierRun, RunStatus, TieringModel

ATTEMPTS = 3  # a run may end between our asking and our looking


class UnableToQueueRun(ValueError):
    """No published model, or an as-of date before the last applied run."""


class RunInProgress(UnableToQueueRun):
    """A run of the scope is queued or being computed already; ``run_id`` names it."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} of this scope is being computed already; wait for it, or discard it.")
        self.run_id = run_id


class RunStillOpen(UnableToQueueRun):
    """People look at an open proposal of the scope: another would make it stale."""


class UnableToDiscardRun(ValueError):
    """The run is past the point where it can be discarded."""


def queue_run(
    *,
    as_of: date,
    at: datetime,
    scope: str = "full",
    actor_id: int | None = None,
    apply_when_proposed: bool = False,
) -> RetierRun:
    """Write down that a run is to be computed under the published model. Raises UnableToQueueRun, RunInProgress."""
    model = TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).first()
    if model is None:
        raise UnableToQueueRun("No tiering model is published; load a playbook or publish a draft first.")
    refuse_before_last_applied(as_of=as_of)
    try:
        with transaction.atomic():
            return RetierRun.objects.create(
                scope=scope,
                as_of=as_of,
                tiering_model=model,
                requested_by_id=actor_id,
                apply_when_proposed=apply_when_proposed,
                queued_at=at,
            )
    except IntegrityError:
        busy = RetierRun.objects.filter(
            scope=scope, status__in=[RunStatus.QUEUED, RunStatus.COMPUTING]
        ).first()
        if busy is None:  # it ended between the two statements: the next try finds the way free
            raise UnableToQueueRun("Another run of this scope was just finished; try again.") from None
        raise RunInProgress(busy.pk) from None


def queue_full_run_unless_open(*, as_of: date, at: datetime) -> RetierRun:
    """A full run that no person asked for, as by the calendar. Raises RunStillOpen, RunInProgress, UnableToQueueRun."""
    waiting = RetierRun.objects.filter(scope=RetierRun.Scope.FULL, status__in=OPEN_STATUSES)
    newest = waiting.order_by("-pk").first()
    if newest is not None:
        raise RunStillOpen(f"Run {newest.pk} still waits to be applied or discarded, so none was asked for.")
    return queue_run(as_of=as_of, at=at)


def request_goals_run(*, as_of: date, at: datetime, actor_id: int | None = None) -> RetierRun | None:
    """A goal changed: see to it that a goals run looks at it. The run that will; None while no model is published.

    One that waits will see the change. One that is being computed may have read the goals already: another follows it.
    """
    for _ in range(ATTEMPTS):
        try:
            return queue_run(as_of=as_of, at=at, scope=RetierRun.Scope.GOALS, actor_id=actor_id)
        except RunInProgress as busy:
            this = RetierRun.objects.filter(pk=busy.run_id)
            computing = this.filter(status=RunStatus.COMPUTING)
            if computing.update(follow_as_of=as_of) == 1 or this.filter(status=RunStatus.QUEUED).exists():
                found: RetierRun = this.get()
                return found
        except UnableToQueueRun:
            if not TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).exists():
                return None
    return None


def refuse_before_last_applied(*, as_of: date) -> None:
    """The ledger only grows forward: no run as of a day before the last applied one. Raises UnableToQueueRun."""
    applied = _LAST_APPLIED.rows()
    last = applied[0][0] if applied else None
    if last is not None and as_of < last:
        raise UnableToQueueRun(
            f"A run as of {last:%d %b %Y} was applied already; choose that day or a later one, not {as_of:%d %b %Y}."
        )


_LAST_APPLIED = Kept(
    lambda: (
        RetierRun.objects.filter(status=RunStatus.APPLIED)
        .values("status")
        .annotate(last=Max("as_of"))
        .values_list("last")
    )
)


def discard_run(*, run_id: int, at: datetime) -> None:
    """Put a run aside that nobody has begun to apply. Raises UnableToDiscardRun.

    Whoever computes it just now finds the claim lost and stops; so a run that always fails stands in nobody's way.
    """
    before_applying = [RunStatus.QUEUED, RunStatus.COMPUTING, *OPEN_STATUSES]
    changed = RetierRun.objects.filter(pk=run_id, status__in=before_applying).update(
        status=RunStatus.DISCARDED, finished_at=at, claimed_by="", lease_until=None
    )
    if changed != 1:
        raise UnableToDiscardRun(
            f"Run {run_id} cannot be discarded; only a run that waits, is computed or is proposed can."
        )
