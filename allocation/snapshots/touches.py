"""Customers with the touch plans of their tiers, their goals and the touches that are there: rows → facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, Sum

from accounts.models import Customer, Goal, TouchActivity
from allocation.engine.facts.touches import (
    ActivityFacts,
    GoalSpan,
    RhythmKey,
    StoredTouch,
    TouchedCustomer,
)
from allocation.models import Touch


@dataclass(frozen=True, slots=True)
class TouchState:
    """One customer: what its plan says, and what is there. tier: slug, "" without one. csm: id, None in nobody's book."""

    pk: int
    external_id: str
    tier: str
    csm: int | None
    facts: TouchedCustomer
    stored: Sequence[StoredTouch]


def touch_states(*, customers: QuerySet[Customer], on: date) -> list[TouchState]:
    """In the order of their ids; four queries, whatever the number of customers.

    Of the touches: those with a slot that are open, or whose slot is `on` or later.
    """
    rows = list(
        customers.order_by("pk").values_list(
            "pk", "external_id", "status", "tier_id", "tier__slug", "tier_since", "csm_id"
        )
    )
    among = customers.order_by().values("pk")
    plans, goals, stored = _plans(), _goals(among, on), _stored(among, on)
    return [
        TouchState(
            pk,
            external_id,
            slug or "",
            csm_id,
            TouchedCustomer(
                external_id,
                since,
                plans.get(tier_id, ()) if status == Customer.Status.ACTIVE else (),
                tuple(goals.get(pk, ())),
            ),
            stored.get(pk, ()),
        )
        for pk, external_id, status, tier_id, slug, since, csm_id in rows
    ]


def _plans() -> Mapping[int | None, tuple[ActivityFacts, ...]]:
    """The lines of each tier's plan."""
    found: dict[int | None, list[ActivityFacts]] = defaultdict(list)
    columns = ("tier_id", "pk", "name", "times_a_year", "hours_each", "goal_kind__slug")
    for tier_id, pk, name, times, hours, kind in TouchActivity.objects.order_by("pk").values_list(*columns):
        found[tier_id].append(ActivityFacts(pk, name, times, hours, kind or ""))
    return {tier_id: tuple(lines) for tier_id, lines in found.items()}


def _goals(among: Any, on: date) -> Mapping[int, list[GoalSpan]]:
    """Goals that are open on the day or later."""
    found = defaultdict(list)
    rows = Goal.objects.filter(Q(ends_before__isnull=True) | Q(ends_before__gt=on), customer__in=among)
    for customer_id, *span in rows.order_by("pk").values_list(
        "customer_id", "kind__slug", "starts_on", "ends_before"
    ):
        found[customer_id].append(GoalSpan(*span))
    return found


def _stored(among: Any, on: date) -> Mapping[int, list[StoredTouch]]:
    found = defaultdict(list)
    rows = Touch.objects.filter(
        Q(status=Touch.Status.PLANNED) | Q(slot_on__gte=on), slot_on__isnull=False, customer__in=among
    )
    columns = ("customer_id", "pk", "activity_id", "activity__name", "activity__goal_kind__slug", "name",
               "hours", "slot_on", "due_on", "status")  # fmt: skip
    for customer_id, pk, activity, line, kind, name, hours, slot_on, due_on, status in rows.order_by("pk").values_list(*columns):  # fmt: skip
        is_open = status == Touch.Status.PLANNED
        rhythm = RhythmKey(line, kind or "")
        found[customer_id].append(StoredTouch(pk, activity, rhythm, name, hours, slot_on, due_on, is_open))
    return found


def minutes_by_day(*, csm_ids: Collection[int], first: date, last: date) -> dict[tuple[int, date], int]:
    """What the open touches of these books ask of each day from `first` to `last`, by CSM and day; one query."""
    rows = Touch.objects.open().filter(customer__csm__in=csm_ids, due_on__range=(first, last)).order_by()
    found = rows.values_list("customer__csm_id", "due_on").annotate(asked=Sum("hours"))
    return {(csm_id, day): round(asked * 60) for csm_id, day, asked in found}
