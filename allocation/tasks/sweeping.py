"""The sweep: rings again for rows whose bell was not heard, and gives up on those that keep failing.

It trusts the database only. Many sweeps at once do no harm: a ring is a hint, and claiming a row is one conditional
UPDATE (accounts.querysets.jobs).
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Job
from accounts.querysets.jobs import ATTEMPTS
from allocation.tasks import bell

logger = logging.getLogger(__name__)

LIMIT = 100
GIVEN_UP = (
    "Given up after {attempts} attempts: the worker stopped each time. Start it again, and if that fails too, "
    "look into the worker's log."
)


@dataclass(frozen=True, slots=True)
class Errand:
    """What is rung for rows of `model` in one of `statuses`: `task`, told the row's id as `argument`.

    `accepted`: the rows are open proposals, and wait only where somebody wished them applied and they can be today.
    """

    model: type[Job]
    statuses: tuple[str, ...]
    task: Task
    argument: str
    accepted: bool = False

    def waiting(self) -> QuerySet[Any]:
        """The rows whose bell was not heard."""
        rows: Any = self.model._default_manager.filter(status__in=self.statuses)
        if self.accepted:
            since = timezone.now() - timedelta(seconds=settings.SWEEP_SECONDS)
            return rows.wished(on=timezone.localdate()).filter(finished_at__lt=since)
        return rows.waiting_too_long(seconds=settings.SWEEP_SECONDS)


@dataclass(frozen=True, slots=True)
class Due:
    """A row that waits for its bell. `hopeless`: tried too often, so it is marked as failed instead."""

    errand: Errand
    row: Job
    hopeless: bool

    @property
    def name(self) -> str:
        return f"{self.row._meta.verbose_name} {self.row.pk} ({self.row.status})"


def due_rows(errands: Sequence[Errand], *, limit: int) -> Iterator[Due]:
    """At most `limit` rows of each kind, the longest waiting first."""
    for errand in errands:
        for row in errand.waiting().order_by("queued_at", "pk")[:limit]:
            yield Due(errand, row, hopeless=row.attempts >= ATTEMPTS and row.status in row.WORKING)


def give_up(due: Due) -> bool:
    """Mark a row that was tried too often as failed, unless somebody took it meanwhile or its worker came back."""
    now = timezone.now()
    still_dead = Q(fence=due.row.fence, status=due.row.status, lease_until__lt=now)
    ended = due.errand.model._default_manager.filter(still_dead, pk=due.row.pk).update(
        status="failed",
        claimed_by="",
        lease_until=None,
        rest_until=None,
        cancel_asked_at=None,  # it ended by what kept failing, not by anybody's wish
        cancel_asked_by=None,
        finished_at=now,
        message=GIVEN_UP.format(attempts=due.row.attempts),
    )
    return ended == 1


def sweep_rows(errands: Sequence[Errand], *, limit: int, dry_run: bool) -> dict[str, list[str]]:
    """{"rung": […], "given_up": […]} by name; in a dry run, what would be."""
    found: dict[str, list[str]] = {"rung": [], "given_up": []}
    for due in due_rows(errands, limit=limit):
        if due.hopeless:
            if dry_run or give_up(due):
                found["given_up"].append(due.name)
            continue
        if not dry_run:
            bell.ring(due.errand.task, **{due.errand.argument: due.row.pk})
        found["rung"].append(due.name)
    return found


@shared_task(name="allocation.sweep", ignore_result=True)
def sweep(*, limit: int = LIMIT, dry_run: bool = False) -> None:
    """Ring again for what waits too long. On the timetable (cstiers.celery_settings)."""
    from allocation.tasks.errands import (
        ERRANDS,  # the errands name the tasks, so they are read when all are there
    )

    found = sweep_rows(ERRANDS, limit=limit, dry_run=dry_run)
    for what, names in found.items():
        if names:
            logger.warning("Sweep: %s %s", what.replace("_", " "), ", ".join(names))
