"""Claiming, keeping and finishing a piece of long work by conditional UPDATEs.

The row is the record of what is to be done; a broker only rings the bell. One runner has a row at a time:
`claim` succeeds for exactly one of many, and a runner that died loses its claim when the lease lapses.
Every later write of the runner names its fence, so that one who was overtaken can change nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone


def lease() -> timedelta:
    """How long a claim lasts without a sign of life of its runner."""
    return timedelta(seconds=settings.LEASE_SECONDS)


class JobQuerySet(models.QuerySet):
    def claim(self, pk: int, *, owner: str, waiting: Iterable[str], working: str) -> int | None:
        """Take row `pk` from a `waiting` status (or from a runner whose lease lapsed) into `working`.

        Returns the fence to name in later writes, or None when somebody else has it.
        """
        now = timezone.now()
        free = Q(status__in=list(waiting)) | Q(status=working, lease_until__lt=now)
        taken = self.filter(free, pk=pk).update(
            status=working,
            claimed_by=owner[:100],
            lease_until=now + lease(),
            fence=F("fence") + 1,
            # Each piece of work has its own: proposing, applying and undoing a run are three.
            attempts=Case(When(status=working, then=F("attempts") + 1), default=Value(1)),
            started_at=now,
        )
        if taken != 1:
            return None
        return int(self.values_list("fence", flat=True).get(pk=pk))

    def heartbeat(self, pk: int, *, fence: int, done: int, total: int, message: str = "") -> bool:
        """Say how far the work is and keep the claim. False: the claim is lost, stop."""
        kept = self.filter(pk=pk, fence=fence, status__in=self.model.WORKING).update(
            lease_until=timezone.now() + lease(),
            progress_done=done,
            progress_total=total,
            message=message[:500],
        )
        return kept == 1

    def keep(self, pk: int, *, fence: int) -> bool:
        """Keep the claim and say nothing else. False: it is lost."""
        ours = self.filter(pk=pk, fence=fence, status__in=self.model.WORKING)
        return ours.update(lease_until=timezone.now() + lease()) == 1

    def finish(self, pk: int, *, fence: int, status: str, message: str = "", **fields: Any) -> bool:
        """Leave the working state for `status`, with the result fields. False: the claim was lost."""
        ended = self.filter(pk=pk, fence=fence, status__in=self.model.WORKING).update(
            status=status,
            claimed_by="",
            lease_until=None,
            finished_at=timezone.now(),
            message=message[:500],
            **fields,
        )
        return ended == 1

    def waiting_too_long(self, *, seconds: int) -> JobQuerySet:
        """Rows whose bell was not heard: queued for a while, or whose runner's lease lapsed."""
        now = timezone.now()
        return self.filter(
            Q(status__in=self.model.WAITING, queued_at__lt=now - timedelta(seconds=seconds))
            | Q(status__in=self.model.WORKING, lease_until__lt=now)
        )
