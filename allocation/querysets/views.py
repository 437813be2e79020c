"""Querysets of saved views and of the figures kept of each day."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from accounts.querysets.scope import csm_scope


class SavedViewQuerySet(models.QuerySet):
    def of(self, user: Any) -> Self:
        """A person's own."""
        return self.filter(user_id=user.pk) if getattr(user, "is_authenticated", False) else self.none()


class BookDayQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        return self.filter(csm_scope(user, "csm"))
