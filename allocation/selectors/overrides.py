"""Overrides as people read them: those of one customer, and the list of the command."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Customer, Tier, User
from allocation.models import Override, OverrideEdit
from allocation.selectors.approvers import approvers_of_team
from allocation.selectors.tiers import tiers_in_use

# Of the past ones the page shows so many, the newest first; the admin lists all.
PAST_SHOWN = 20
PROPOSED_MONTHS = 6


def months_later(day: date, months: int) -> date:
    """The same day of a later month (of an earlier one, where months are negative), or its last day where it is shorter.

    Beyond the calendar's ends, its last or first day.
    """
    place = day.year * 12 + day.month - 1 + months
    year, month = place // 12, place % 12 + 1
    if not date.min.year <= year <= date.max.year:
        return date.max if year > date.max.year else date.min
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def latest_end(starts_on: date) -> date:
    """The last day that an override which starts then may name as the first it no longer holds."""
    return months_later(starts_on, settings.OVERRIDE_MONTHS)


def proposed_end(starts_on: date) -> date:
    """What the form proposes: half a year, or less where less is allowed."""
    return months_later(starts_on, min(PROPOSED_MONTHS, settings.OVERRIDE_MONTHS))


def tiers_to_wish() -> QuerySet[Tier]:
    """Tiers that may be asked for, the highest first."""
    return tiers_in_use().filter(retired=False)


@dataclass(frozen=True, slots=True)
class CustomerOverrides:
    """in_force: decides the tier today; coming: approved, begins later; waiting: nobody has decided it; past: the rest.

    tier_names: by slug, for what the model said when each was asked for. deciders: names of who is asked about the one
    that waits; lacking: the sentence when nobody can decide it.
    """

    in_force: Override | None
    coming: Override | None
    waiting: Override | None
    past: tuple[Override, ...]
    more_past: bool
    tier_names: Mapping[str, str]
    deciders: tuple[str, ...] = ()
    lacking: str = ""

    @property
    def approved(self) -> Override | None:
        return self.in_force or self.coming


def customer_overrides(*, customer: Customer, today: date) -> CustomerOverrides:
    """One statement; one more where there is any, and five more where one waits, for who is asked."""
    joins = ("tier", "asked_by", "decided_by", "ended_by")
    rows = list(
        Override.objects.filter(customer=customer).select_related(*joins).order_by("-pk")[: PAST_SHOWN + 3]
    )
    waiting = next((row for row in rows if row.status == Override.Status.ASKED), None)
    approved = next((row for row in rows if row.status == Override.Status.APPROVED), None)
    past = [row for row in rows if row is not waiting and row is not approved]
    deciders, lacking = ((), "") if waiting is None else _deciders(customer, waiting, today)
    return CustomerOverrides(
        in_force=approved if approved and approved.starts_on <= today else None,
        coming=approved if approved and approved.starts_on > today else None,
        waiting=waiting,
        past=tuple(past[:PAST_SHOWN]),
        more_past=len(past) > PAST_SHOWN,
        tier_names=dict(Tier.objects.values_list("slug", "name")) if rows else {},
        deciders=deciders,
        lacking=lacking,
    )


def _deciders(customer: Customer, waiting: Override, today: date) -> tuple[tuple[str, ...], str]:
    team = customer.csm.team_id if customer.csm else None
    editors = OverrideEdit.objects.filter(override=waiting).values_list("editor_id", flat=True)
    barred = {waiting.asked_by_id, *editors}
    found = approvers_of_team(team_id=team, on=today, without=barred)
    people = User.objects.in_bulk(found.people)
    return tuple(str(people[pk]) for pk in found.people if pk in people), found.lacking


def with_override_marks(rows: QuerySet[Customer], *, on: date) -> QuerySet[Customer]:
    """Adds ``overridden`` (one decides the tier on the day) and ``override_asked`` to the rows' own statement."""
    of_this = Override.objects.filter(customer=OuterRef("pk"))
    return rows.annotate(overridden=Exists(of_this.in_force(on)), override_asked=Exists(of_this.asked()))


def override_or_none(*, pk: int, user: Any = None) -> Override | None:
    """One override with everything that is said of it; of those the person may see, where somebody is named."""
    rows = Override.objects.all() if user is None else Override.objects.visible_to(user)
    found: Override | None = with_joins(rows).filter(pk=pk).first()
    return found


def with_joins(rows: QuerySet[Override]) -> QuerySet[Override]:
    """The joins of a row of a list."""
    return rows.select_related("customer__csm", "tier", "asked_by", "decided_by")


def listed_overrides(*, user: Any, status: str = "") -> Sequence[Override]:
    """Of the customers the person may see (None: all), the newest first; of one status where one is named."""
    rows = Override.objects.all() if user is None else Override.objects.visible_to(user)
    if status:
        rows = rows.filter(status=status)
    return list(with_joins(rows).order_by("-pk"))


def override_answer(override: Override) -> Mapping[str, Any]:
    """One override under the JSON keys of the command."""
    decided = override.decided_by
    return {
        "override": override.pk,
        "external_id": override.customer.external_id,
        "tier": override.tier.slug,
        "status": override.status,
        "asked_by": override.asked_by.email,
        "decided_by": decided.email if decided else None,
        "expires_on": override.expires_on,
        "starts_on": override.starts_on,
        "reason": override.reason_kind,
        "words": override.words,
        "evidence": override.evidence,
        "due_on": override.due_on,
        "decided_words": override.decided_words or None,
        "ended_words": override.ended_words or None,
        "model_suggested": override.model_said.get("suggested"),
    }
