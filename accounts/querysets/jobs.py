"""Claiming, keeping, resting, stopping and finishing a piece of long work by conditional UPDATEs.

The row is the record of what is to be done; a broker only rings the bell. One runner has a row at a time:
`claim` succeeds for exactly one of many, and a runner that died loses its claim when the lease lapses.
Every later write of the runner names its fence, so that one who was overtaken can change nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts.kept_statements import Kept, KeptChange

Change = Callable[..., tuple[models.QuerySet[Any], Mapping[str, Any]]]


def lease() -> timedelta:
    """How long a claim lasts without a sign of life of its runner."""
    return timedelta(seconds=settings.LEASE_SECONDS)


# So often a row is tried; then it is failed, with a sentence.
ATTEMPTS = 5
# Where each batch is one transaction, and whoever takes the row over goes on from there.
KEPT_BY_BATCH = ("applying", "undoing")


class CancelAsked(Exception):
    """Somebody asked for the work to be stopped: its runner writes no further batch and ends the row."""


class JobQuerySet(models.QuerySet):
    def claim(self, pk: int, *, owner: str, waiting: Iterable[str], working: str) -> int | None:
        """Take row `pk` from a `waiting` status (or from a runner whose lease lapsed) into `working`.

        Returns the fence to name in later writes, or None when somebody else has it or it rests after a fault. Does not
        wait for a runner that holds the row's own lock while it writes everything in one step: it has it.
        """
        return self._claim(claimed, pk, owner=owner, waiting=waiting, working=working)

    def _is_begun(self, pk: int, working: str) -> bool:
        """Where rows can be locked; asked for first, since who asks for a lock may take it."""
        if not connection.features.has_select_for_update_skip_locked:
            return False
        return bool(_status_of(self.model).rows(pk=pk) == [(working,)])

    def _claim(
        self, change: Change, pk: int, *, owner: str, waiting: Iterable[str], working: str, **more: Any
    ) -> int | None:
        """change: `claimed`, or one that asks for more."""
        with transaction.atomic():
            if self._is_begun(pk, working) and self.is_locked(pk):
                return None
            now = timezone.now()
            values = {"now": now, "until": now + lease(), "owner": owner[:100], **more}
            if self._changed(change, pk=pk, waiting=tuple(waiting), working=working, **values) != 1:
                return None
            return int(_fence_of(self.model).rows(pk=pk)[0][0])

    def _changed(self, change: Change, **values: Any) -> int:
        """How many rows the change found; of the whole table its statement is kept."""
        if self.query.where:
            rows, columns = change(self, **values)
            return rows.update(**columns)
        return _kept(self.model, change).run(**values)

    def is_locked(self, pk: int) -> bool:
        """Whether a transaction under way holds the row: to write to it would mean to wait. Never so on SQLite.

        In a transaction a row that was free is locked from now on.
        """
        if not connection.features.has_select_for_update_skip_locked:
            return False
        with transaction.atomic():
            # As strongly as an UPDATE, and no stronger: rows that are added below it are no obstacle.
            free = self.model._base_manager.filter(pk=pk).select_for_update(skip_locked=True, no_key=True)
            return not list(free.values_list("pk", flat=True))

    def heartbeat(self, pk: int, *, fence: int, done: int, total: int, message: str = "") -> bool:
        """Say how far the work is and keep the claim. False: the claim is lost, stop.

        Where batches are kept one by one, one that was kept since the last heartbeat makes earlier attempts forgotten: a
        row is given up when it comes no further, not when its workers were stopped often.

        Raises CancelAsked when somebody wants it stopped; inside a transaction nothing of its batch is kept then.
        """
        values = {"until": timezone.now() + lease(), "done": done, "total": total, "message": message[:500]}
        kept = self._changed(_come_so_far, pk=pk, fence=fence, **values)
        if kept != 1:
            held = self.filter(pk=pk, fence=fence, status__in=self.model.WORKING)
            if held.filter(cancel_asked_at__isnull=False).exists():
                raise CancelAsked
        return kept == 1

    def keep(self, pk: int, *, fence: int) -> bool:
        """Keep the claim and say nothing else. False: it is lost."""
        ours = self.filter(pk=pk, fence=fence, status__in=self.model.WORKING)
        return ours.update(lease_until=timezone.now() + lease()) == 1

    def finish(self, pk: int, *, fence: int, status: str, message: str = "", **fields: Any) -> bool:
        """Leave the working state for `status`, with the result fields. False: the claim was lost."""
        values = {"status": status, "message": message[:500], "now": timezone.now()}
        return self._changed(_ended_by_its_runner, pk=pk, fence=fence, **values, **fields) == 1

    def ask_to_cancel(self, pk: int, *, by_id: int | None, at: datetime) -> bool:
        """Mark a row that has a runner: it stops with its next heartbeat. False: it has none, or was marked before."""
        held = self.filter(
            pk=pk, status__in=self.model.WORKING, lease_until__gte=at, cancel_asked_at__isnull=True
        )
        return held.exclude(claimed_by="").update(cancel_asked_at=at, cancel_asked_by=by_id) == 1

    def unheld(self, at: datetime) -> JobQuerySet:
        """Rows that wait for a runner, or whose runner is gone (its lease lapsed) or let go (it rests after a fault)."""
        gone = Q(lease_until__isnull=True) | Q(lease_until__lt=at) | Q(claimed_by="")
        return self.filter(Q(status__in=self.model.WAITING) | (Q(status__in=self.model.WORKING) & gone))

    def mark_unheld(self, pk: int, *, by_id: int | None, at: datetime) -> bool:
        """Mark a row that has no runner: who cancels ends it. False: it has one, or there is nothing to be stopped."""
        return self.unheld(at).filter(pk=pk).update(cancel_asked_at=at, cancel_asked_by=by_id) == 1

    def end_cancelled(self, pk: int, *, fence: int, status: str, message: str, **fields: Any) -> bool:
        """What was to be stopped ends as `status`; who asked for it, and when, stays on the row. False: it is not as seen."""
        ended = self.filter(
            pk=pk,
            fence=fence,
            status__in=(*self.model.WAITING, *self.model.WORKING),
            cancel_asked_at__isnull=False,
        ).update(**_ended(status, message[:500], timezone.now()), **fields)
        return ended == 1

    def anew(self, at: datetime) -> dict[str, Any]:
        """The columns of a row that is put into a working status without a runner: whoever comes first claims it."""
        return {
            "lease_until": at,
            "claimed_by": "",
            "attempts": 0,
            "progress_done": 0,
            "progress_total": 0,
            "message": "",
            "rest_until": None,
            "cancel_asked_at": None,
            "cancel_asked_by": None,
        }

    def rest(self, pk: int, *, owner: str, until: datetime, message: str, forgiven: bool) -> bool:
        """Let go of a row until a time, after a fault that can pass. forgiven: the try does not count.

        The status stays what it is, so that whoever takes it up goes on with the same work. False: it is not `owner`'s.
        """
        fields: dict[str, Any] = {"attempts": 0} if forgiven else {}
        held = self.filter(pk=pk, claimed_by=owner[:100], status__in=self.model.WORKING)
        rested = held.update(
            claimed_by="", lease_until=timezone.now(), rest_until=until, message=message[:500], **fields
        )
        return rested == 1

    def fail(self, pk: int, *, owner: str, message: str) -> bool:
        """End what `owner` works on as failed, with a sentence. False: it is not `owner`'s."""
        held = self.filter(pk=pk, claimed_by=owner[:100], status__in=self.model.WORKING)
        failed = held.update(
            **_ended("failed", message[:500], timezone.now()), cancel_asked_at=None, cancel_asked_by=None
        )
        return failed == 1

    def waiting_too_long(self, *, seconds: int) -> JobQuerySet:
        """Rows whose bell was not heard: queued for a while, or whose runner's lease lapsed; none that rests."""
        now = timezone.now()
        return self.filter(
            Q(status__in=self.model.WAITING, queued_at__lt=now - timedelta(seconds=seconds))
            | Q(status__in=self.model.WORKING, lease_until__lt=now),
            _rested(now),
        )


def _rested(now: datetime) -> Q:
    return Q(rest_until__isnull=True) | Q(rest_until__lte=now)


def _ended(status: str, message: str, now: datetime) -> dict[str, Any]:
    return {
        "status": status,
        "claimed_by": "",
        "lease_until": None,
        "rest_until": None,
        "finished_at": now,
        "message": message,
    }


def claimed(
    rows: models.QuerySet[Any],
    *,
    pk: int,
    waiting: tuple[str, ...],
    working: str,
    now: datetime,
    until: datetime,
    owner: str,
) -> tuple[models.QuerySet[Any], Mapping[str, Any]]:
    free = Q(status__in=waiting) | Q(status=working, lease_until__lt=now)
    going_on = (
        When(status=working, then=F("progress_done")),
        When(status=working, then=F("progress_total")),
    )
    return rows.filter(free, _rested(now), pk=pk), {
        "status": working,
        "claimed_by": owner,
        "lease_until": until,
        "fence": F("fence") + 1,
        # Each piece of work has its own: proposing, applying and undoing a run are three.
        "attempts": Case(When(status=working, then=F("attempts") + 1), default=Value(1)),
        "progress_done": Case(going_on[0], default=Value(0)),
        "progress_total": Case(going_on[1], default=Value(0)),
        "started_at": now,
        "rest_until": None,
        # A wish to stop outlives the runner that did not see it; work that begins anew knows of none.
        "cancel_asked_at": Case(When(status=working, then=F("cancel_asked_at")), default=Value(None)),
        "cancel_asked_by": Case(When(status=working, then=F("cancel_asked_by")), default=Value(None)),
    }


def _come_so_far(
    rows: models.QuerySet[Any], *, pk: int, fence: int, until: datetime, done: int, total: int, message: str
) -> tuple[models.QuerySet[Any], Mapping[str, Any]]:
    held = rows.filter(pk=pk, fence=fence, status__in=rows.model.WORKING, cancel_asked_at__isnull=True)
    return held, {
        "lease_until": until,
        "attempts": Case(
            When(status__in=KEPT_BY_BATCH, progress_done__lt=done, then=Value(1)),
            default=F("attempts"),
            output_field=models.PositiveIntegerField(),
        ),
        "progress_done": done,
        "progress_total": total,
        "message": message,
    }


def _ended_by_its_runner(
    rows: models.QuerySet[Any],
    *,
    pk: int,
    fence: int,
    status: str,
    message: str,
    now: datetime,
    **fields: Any,
) -> tuple[models.QuerySet[Any], Mapping[str, Any]]:
    ours = rows.filter(pk=pk, fence=fence, status__in=rows.model.WORKING)
    ended = _ended(status, message, now)
    return ours, {**ended, "cancel_asked_at": None, "cancel_asked_by": None, **fields}


@lru_cache(maxsize=64)
def _kept(model: type[models.Model], change: Change) -> KeptChange:
    return KeptChange(lambda **values: change(model._default_manager.all(), **values))


@lru_cache(maxsize=16)
def _fence_of(model: type[models.Model]) -> Kept:
    return Kept(lambda *, pk: model._default_manager.filter(pk=pk).values_list("fence"))


@lru_cache(maxsize=16)
def _status_of(model: type[models.Model]) -> Kept:
    return Kept(lambda *, pk: model._base_manager.filter(pk=pk).values_list("status"))
