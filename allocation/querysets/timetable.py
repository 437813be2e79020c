"""Querysets of the timetable."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import models

from accounts.querysets.jobs import JobQuerySet


def _acts(user: Any) -> bool:
    return bool(getattr(user, "is_authenticated", False) and user.is_active)


class ScheduleQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> ScheduleQuerySet:
        return self.all() if _acts(user) and user.is_ops else self.none()


class SlotQuerySet(JobQuerySet):
    def visible_to(self, user: Any) -> SlotQuerySet:
        return self.all() if _acts(user) and user.is_ops else self.none()

    def open(self) -> SlotQuerySet:
        """Queued or under way."""
        return self.filter(status__in=("queued", "working"))


class FreezeQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> FreezeQuerySet:
        """CS ops and managers: both wonder why a proposal is not applied."""
        return self.all() if _acts(user) and (user.is_ops or user.is_manager) else self.none()

    def holding(self, on: date) -> FreezeQuerySet:
        return self.filter(starts_on__lte=on, ends_before__gt=on)


class PulseQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> PulseQuerySet:
        return self.all() if _acts(user) and user.is_ops else self.none()

    def leave(self, *, part: str, at: datetime) -> None:
        """Note that `part` was alive at this moment; a clock that is behind takes nothing back.

        Raises DatabaseError when the database cannot be written to.
        """
        if self.filter(part=part, at__lt=at).update(at=at) == 0:
            self.get_or_create(part=part, defaults={"at": at})
