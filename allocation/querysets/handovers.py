"""Querysets of handovers and the steps of their checklists."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Q

from accounts.querysets.scope import ago, csm_scope

SEEN_AFTERWARDS = timedelta(days=30)
"""So long after it closed a handover is still seen by those who have lost its customer."""


class HandoverQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        """Both ends see it, and who leads either: while it is open and 30 days afterwards; after that, as anything else of
        the customer, whoever has the customer in scope.
        """
        rows = self.filter(csm_scope(user, "from_csm") | csm_scope(user, "to_csm"))
        if getattr(user, "is_ops", False):
            return rows
        lately = Q(status="open") | Q(closed_at__gte=ago(SEEN_AFTERWARDS))
        return rows.filter(lately | csm_scope(user, "customer__csm"))

    def open(self) -> Self:
        return self.filter(status="open")

    def late_on(self, on: date) -> Self:
        """Open beyond their day."""
        return self.open().filter(due_on__lt=on)

    def of_csms(self, csm_ids: Any) -> Self:
        """Those in which one of these CSMs gives or takes the customer."""
        return self.filter(Q(from_csm__in=csm_ids) | Q(to_csm__in=csm_ids))


class HandoverStepQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        """With their handover."""
        ends = csm_scope(user, "handover__from_csm") | csm_scope(user, "handover__to_csm")
        return self.filter(
            ends, handover__in=apps.get_model("allocation", "Handover").objects.visible_to(user)
        )
