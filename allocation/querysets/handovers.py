"""Querysets of handovers and the steps of their checklists."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django.db import models

from accounts.querysets.scope import csm_scope


class HandoverQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        """Both ends see it, and who leads either."""
        return self.filter(csm_scope(user, "from_csm") | csm_scope(user, "to_csm"))

    def open(self) -> Self:
        return self.filter(status="open")

    def late_on(self, on: date) -> Self:
        """Open beyond their day."""
        return self.open().filter(due_on__lt=on)


class HandoverStepQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        return self.filter(csm_scope(user, "handover__from_csm") | csm_scope(user, "handover__to_csm"))
