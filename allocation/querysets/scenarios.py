"""Querysets of what-if questions and sensitivities."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from accounts.querysets.jobs import JobQuerySet
from allocation.querysets.decisions import leads


class ScenarioQuerySet(JobQuerySet):
    def visible_to(self, user: Any) -> ScenarioQuerySet:
        """CS ops see every scenario, a manager the own ones and those that are shared, nobody else any."""
        if not leads(user):
            return self.none()
        return self.all() if user.is_ops else self.filter(Q(owner=user) | Q(shared=True))

    def kept(self) -> ScenarioQuerySet:
        """Those that nobody has put away."""
        return self.filter(retired_at__isnull=True)


class SensitivityQuerySet(JobQuerySet):
    def visible_to(self, user: Any) -> SensitivityQuerySet:
        """CS ops only: it shows the rules of the model."""
        return self.all() if leads(user) and user.is_ops else self.none()
