"""Querysets of people, teams and what they know."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.querysets.scope import NOTHING, csm_scope, led_team_ids


class UserQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> UserQuerySet:
        """People to choose from: CS ops everybody, others who serves a book in scope."""
        return self.filter(csm_scope(user, "csm"))


class TeamQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> TeamQuerySet:
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        if user.is_ops:
            return self.all()
        condition = NOTHING
        if user.is_manager:
            condition |= Q(pk__in=led_team_ids(user))
        if user.is_csm:
            condition |= Q(csms__user_id=user.pk)
        return self.filter(condition).distinct()


class CSMQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> CSMQuerySet:
        return self.filter(csm_scope(user, ""))

    def serving(self, on: date) -> CSMQuerySet:
        """CSMs who have started and not left on the day."""
        return self.filter(
            Q(starts_on__isnull=True) | Q(starts_on__lte=on),
            Q(leaves_on__isnull=True) | Q(leaves_on__gt=on),
        )


class LeaveQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> LeaveQuerySet:
        return self.filter(csm_scope(user, "csm"))


class DelegationQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> DelegationQuerySet:
        """CS ops all, others those they gave or took."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        return self.all() if user.is_ops else self.filter(Q(manager=user) | Q(delegate=user))

    def holding(self, on: date) -> DelegationQuerySet:
        """Those that hold on the day and were not taken back."""
        return self.filter(starts_on__lte=on, ends_before__gt=on, ended_at__isnull=True)


class PreferenceQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> PreferenceQuerySet:
        """Everybody the own one, CS ops all."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        return self.all() if user.is_ops else self.filter(user=user)
