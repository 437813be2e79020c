"""Querysets of imports."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from accounts.querysets.jobs import JobQuerySet
from accounts.querysets.scope import NOTHING


class ImportBatchQuerySet(JobQuerySet):
    def visible_to(self, user: Any) -> ImportBatchQuerySet:
        """CS ops see every import, others the ones they sent."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.filter(NOTHING)
        return self.filter(Q() if user.is_ops else Q(requested_by=user))
