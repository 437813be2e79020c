"""Querysets of customers and what hangs on them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.querysets.scope import csm_scope


class CustomerQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> CustomerQuerySet:
        return self.filter(csm_scope(user, "csm"))

    def active(self) -> CustomerQuerySet:
        return self.filter(status="active")

    def served(self) -> CustomerQuerySet:
        """Active customers of a tier that a CSM serves (self-service has none)."""
        return self.active().filter(tier__isnull=False).exclude(tier__touch_level="self_service")


class CustomerPartQuerySet(models.QuerySet):
    """Rows that belong to one customer: visible where the customer is."""

    def visible_to(self, user: Any) -> CustomerPartQuerySet:
        return self.filter(csm_scope(user, "customer__csm"))


class GoalQuerySet(CustomerPartQuerySet):
    def open_on(self, on: date) -> GoalQuerySet:
        return self.filter(Q(ends_before__isnull=True) | Q(ends_before__gt=on), starts_on__lte=on)
