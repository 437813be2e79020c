"""Querysets of people, teams and what they know."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from accounts.querysets.scope import NOTHING, csm_scope, led_team_ids, served_by


class UserQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> UserQuerySet:
        """People to choose from: CS ops everybody, others who serves a book in scope."""
        return self.filter(csm_scope(user, "csm"))

    def who_asks(self, pk: Any) -> Any:
        """The user with roles, CSM and team, or None; one statement, so that a request asks once who asks."""
        rows = list(self.filter(pk=pk).select_related("csm__team").annotate(role=F("groups__name")))
        if not rows:
            return None
        user: Any = rows[0]  # one row a role
        user.role_names = frozenset(row.role for row in rows if row.role is not None)
        return user


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
            condition |= served_by(user, "csms")
        return self.filter(condition).distinct()


def key_of(*, email: str | None, name: str) -> str:
    """How a CSM is named in files and JSON: the e-mail, or the name if there is none."""
    return email or name


class CSMQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> CSMQuerySet:
        return self.filter(csm_scope(user, ""))

    def keys_by_id(self) -> dict[int, str]:
        """The key of each by its id, without a row made of it."""
        rows = self.order_by().values_list("pk", "email", "name")
        return {pk: key_of(email=email, name=name) for pk, email, name in rows}

    def people(self) -> CSMQuerySet:
        """Who is hired: without open seats, which plans alone count with."""
        return self.filter(is_seat=False)

    def serving(self, on: date | Combinable) -> CSMQuerySet:
        """CSMs who have started and not left on the day (or what says it in a query). An open seat serves nobody."""
        return self.people().filter(
            Q(starts_on__isnull=True) | Q(starts_on__lte=on),
            Q(leaves_on__isnull=True) | Q(leaves_on__gt=on),
        )


class LeaveQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> LeaveQuerySet:
        return self.filter(csm_scope(user, "csm"))

    def holding(self, on: date) -> LeaveQuerySet:
        """Of who is away on the day."""
        return self.filter(starts_on__lte=on, ends_before__gt=on)

    def within(self, starts_on: date, ends_before: date) -> LeaveQuerySet:
        """Those with a day in common with these days."""
        return self.filter(starts_on__lt=ends_before, ends_before__gt=starts_on)

    def covered_on(self, on: date) -> LeaveQuerySet:
        """Of who is away on the day and is covered then: this says it for rights, hours, pages and mail.

        A cover is here: has started and not left, is not away too, and (where there is a sign-in) it is in use.
        """
        csms = apps.get_model("accounts", "CSM").objects
        away = self.model._default_manager.holding(on).values("csm_id")
        covers = csms.serving(on).exclude(user__is_active=False).exclude(pk__in=away)
        return self.holding(on).filter(covered_by__in=covers.values("pk"))

    def lacking_cover(self, on: date) -> LeaveQuerySet:
        """Of those that hold on the day or begin later: nobody is named, or who is named is not there on all of the days
        still to come.
        """
        cover_is_away = self.model._default_manager.filter(
            csm=OuterRef("covered_by"),
            starts_on__lt=OuterRef("ends_before"),
            ends_before__gt=Greatest(OuterRef("starts_on"), Value(on)),
        )
        return self.filter(
            Q(covered_by__isnull=True)
            | Q(covered_by__user__is_active=False)
            | Q(covered_by__leaves_on__lt=F("ends_before"))
            | Q(covered_by__starts_on__gt=Greatest(F("starts_on"), Value(on)))
            | Exists(cover_is_away),
            ends_before__gt=on,
        )

    def with_cover(self, on: date) -> LeaveQuerySet:
        """Each with `is_covered`: whether it is one of `covered_on` the day."""
        covered = self.model._default_manager.covered_on(on).filter(pk=OuterRef("pk"))
        return self.annotate(is_covered=Exists(covered))

    def with_cover_at_first(self, on: date) -> LeaveQuerySet:
        """Each with `is_covered_at_first`: the same on the day, or on its first day where it begins later."""
        first = Greatest(OuterRef("starts_on"), Value(on))
        away = self.model._default_manager.filter(
            csm=OuterRef("pk"),
            starts_on__lte=Greatest(OuterRef(OuterRef("starts_on")), Value(on)),
            ends_before__gt=Greatest(OuterRef(OuterRef("starts_on")), Value(on)),
        )
        covers = apps.get_model("accounts", "CSM").objects.serving(first).exclude(user__is_active=False)
        here = covers.filter(~Exists(away), pk=OuterRef("covered_by"))
        return self.annotate(is_covered_at_first=Exists(here))


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
