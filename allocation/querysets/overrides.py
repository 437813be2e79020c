"""Querysets of overrides and of objections."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.querysets.customers import CustomerPartQuerySet
from accounts.querysets.scope import csm_scope, led_team_ids


class OverrideQuerySet(CustomerPartQuerySet):
    def asked(self) -> OverrideQuerySet:
        """Those that wait for a decision."""
        return self.filter(status="asked")

    def asked_by(self, user: Any) -> OverrideQuerySet:
        """The person's own requests, whoever has the customer by now."""
        return self.filter(asked_by=user) if getattr(user, "is_active", False) else self.none()

    def in_force(self, on: date) -> OverrideQuerySet:
        return self.filter(status="approved", starts_on__lte=on, expires_on__gt=on)

    def begun_by(self, on: date) -> OverrideQuerySet:
        """Those whose tier a customer holds or held."""
        return self.filter(starts_on__lte=on, begun_at__isnull=False)

    def holding_since(self, day: date) -> OverrideQuerySet:
        """Those whose tier the customer holds, and that were to hold on a day after `day`: what a decision as of `day`,
        carried out later, must leave alone.
        """
        return self.filter(status="approved", begun_at__isnull=False, expires_on__gt=day)

    def to_begin(self, on: date) -> OverrideQuerySet:
        """Approved ones whose day has come and whose tier nobody has given to the customer yet."""
        return self.in_force(on).filter(begun_at__isnull=True)

    def run_out(self, on: date) -> OverrideQuerySet:
        """Those that the calendar ends: approved ones that no longer hold, and requests that nobody decided in time."""
        return self.filter(status__in=("asked", "approved"), expires_on__lte=on)

    def decidable_by(self, user: Any) -> OverrideQuerySet:
        """Those that wait, and that this manager may decide: of customers of the own teams and those below (and of teams
        that were delegated), neither asked for nor edited by the manager.
        """
        if not (getattr(user, "is_authenticated", False) and user.is_active and user.is_manager):
            return self.none()
        theirs = self.asked().filter(customer__csm__team_id__in=led_team_ids(user))
        return theirs.exclude(asked_by=user).exclude(edits__editor=user)


class OverrideEditQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> OverrideEditQuerySet:
        return self.filter(csm_scope(user, "override__customer__csm"))


class ObjectionQuerySet(models.QuerySet):
    """Seen by whoever sees the book it was raised for; by managers also from the other book of the move."""

    def visible_to(self, user: Any) -> ObjectionQuerySet:
        own = csm_scope(user, "csm")
        if not (getattr(user, "is_authenticated", False) and user.is_active and user.is_manager):
            return self.filter(own)
        teams = led_team_ids(user)
        return self.filter(own | Q(move__from_csm__team_id__in=teams) | Q(move__to_csm__team_id__in=teams))

    def standing(self) -> ObjectionQuerySet:
        """Not taken back."""
        return self.filter(withdrawn_at__isnull=True)

    def unanswered(self) -> ObjectionQuerySet:
        """Standing, nobody answered it, and the move is still to be applied: such a plan is not applied."""
        return self.standing().filter(answered_at__isnull=True, move__status="proposed")

    def answerable_by(self, user: Any) -> ObjectionQuerySet:
        """Unanswered ones that this person may answer: CS ops all; a manager those of CSMs of the own teams, and those
        to moves of customers of these; nobody the own.
        """
        if not (getattr(user, "is_authenticated", False) and user.is_active):
            return self.none()
        others = self.unanswered().exclude(by=user)
        if user.is_ops:
            return others
        if not user.is_manager:
            return self.none()
        teams = led_team_ids(user)
        return others.filter(Q(csm__team_id__in=teams) | Q(move__customer__csm__team_id__in=teams))
