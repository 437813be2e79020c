"""Querysets of touches and of calendar addresses."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Self

from django.db import models

from accounts.querysets.customers import CustomerPartQuerySet
from accounts.querysets.scope import csm_scope

DUE_DAYS = 7
"""An open touch is due from its day on and in the days before it: this many days with the day itself."""

REOPEN_WITHIN = timedelta(days=7)
"""What was written down can be taken back for so long."""


class TouchQuerySet(CustomerPartQuerySet):
    def open(self) -> Self:
        """Planned, and neither done nor skipped."""
        return self.filter(status="planned")

    def late_on(self, on: date) -> Self:
        """Open, and their day has passed."""
        return self.open().filter(due_on__lt=on)

    def due_on(self, on: date) -> Self:
        """Open, and due on the day or in the six days after it."""
        return self.open().filter(due_on__gte=on, due_on__lt=on + timedelta(days=DUE_DAYS))

    def coming_on(self, on: date) -> Self:
        """Open, and neither late nor due on the day."""
        return self.open().filter(due_on__gte=on + timedelta(days=DUE_DAYS))

    def done(self) -> Self:
        return self.filter(status="done")

    def closed_since(self, at: datetime) -> Self:
        """Done, skipped or logged, and written down then or later."""
        return self.exclude(status="planned").filter(closed_at__gte=at)

    def of_active_customers(self) -> Self:
        """Of customers that have not left."""
        return self.filter(customer__status="active")


class CalendarFeedQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        return self.filter(csm_scope(user, "csm"))

    def revocable_by(self, user: Any) -> Self:
        """The own one, and for CS ops and managers those of CSMs in their scope. Who covers a book does not touch its calendar."""
        mine = self.filter(csm__user=user)
        return mine | self.visible_to(user) if user.is_ops or user.is_manager else mine

    def standing(self) -> Self:
        """Not revoked."""
        return self.filter(revoked_at__isnull=True)
