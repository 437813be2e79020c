"""Querysets of imports."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.querysets.jobs import JobQuerySet
from accounts.querysets.scope import NOTHING


class ImportBatchQuerySet(JobQuerySet):
    def visible_to(self, user: Any) -> ImportBatchQuerySet:
        """CS ops see every import, others the ones they sent."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.filter(NOTHING)
        return self.filter(Q() if user.is_ops else Q(requested_by=user))

    def not_half_written(self) -> ImportBatchQuerySet:
        """Batches of which no row took effect, or all did."""
        chunks = apps.get_model("accounts", "ImportChunk").objects.filter(batch=OuterRef("pk"), applied=True)
        return self.exclude(Q(status="failed") & Exists(chunks))

    def confirm(self) -> int:
        """Staged batches become confirmed ones, and wait from now on; gives how many."""
        return self.filter(status="staged").update(status="confirmed", queued_at=Now(), message="")

    def finish_applied(self, pk: int, *, fence: int) -> bool:
        """End the work on a batch as applied. False: the claim was lost."""
        return self.finish(pk, fence=fence, status="applied", applied_at=Now())
