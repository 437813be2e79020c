"""Querysets of the pieces of plans."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from accounts.querysets.jobs import JobQuerySet


class PieceQuerySet(JobQuerySet):
    def takeable(self) -> PieceQuerySet:
        """Pieces that nobody has, whose worker is gone, or that failed with their worker."""
        gone = Q(status="computing", lease_until__lt=Now())
        return self.filter(Q(status__in=["queued", "failed"]) | gone)

    def given_up(self) -> PieceQuerySet:
        """Pieces that failed with a worker, or rest after a fault: no reason for the plan to wait."""
        return self.filter(Q(status="failed") | Q(status="computing", rest_until__gt=Now()))
