"""The touch plan of customers: what comes, what is late, and what of the coming months was done or skipped already.

As planning on this day would leave it (the same engine function): what is stored, and what is not stored yet, since it lies
beyond the horizon or since the tier changed a moment ago.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Customer
from allocation.engine.touches import YEAR_DAYS, rewrite_touches
from allocation.models import Touch
from allocation.selectors.touches import LINE, TouchLine, state_of_touch
from allocation.snapshots.touches import TouchState, touch_states


def touch_plan(
    *, customers: QuerySet[Customer] | Collection[int], on: date, days: int = YEAR_DAYS
) -> Mapping[int, tuple[TouchLine, ...]]:
    """Lines by customer id, by due day and name: every customer asked for that is there has an entry.

    The slots of the `days` from `on`, open ones of before (due today or late) and what was logged or done with a due day within;
    five queries, whatever the number of customers. A line without a touch_id is not stored yet.
    """
    asked = customers if isinstance(customers, QuerySet) else Customer.objects.filter(pk__in=customers)
    states = touch_states(customers=asked, on=on)
    return _lines(asked, states, on, on + timedelta(days=days))


def touch_plan_answer(*, customer: Customer, on: date) -> dict[str, Any]:
    """The answer of the command, under its JSON keys: the coming 12 months of one customer."""
    asked = Customer.objects.filter(pk=customer.pk)
    (state,) = touch_states(customers=asked, on=on)
    lines = _lines(asked, [state], on, on + timedelta(days=YEAR_DAYS))[customer.pk]
    return {
        "external_id": state.external_id,
        "tier": state.tier or None,
        "touches": [
            {"activity": line.activity, "due_on": line.due_on, "hours": line.hours, "status": line.status}
            for line in lines
        ],
    }


def _lines(
    asked: QuerySet[Customer], states: Sequence[TouchState], on: date, before: date
) -> Mapping[int, tuple[TouchLine, ...]]:
    rows: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for customer_id, *row in _rows(asked, on, before).values_list("customer_id", *LINE):
        rows[customer_id].append(tuple(row))
    return {state.pk: _of_one(state, rows.get(state.pk, []), on, before) for state in states}


def _rows(asked: QuerySet[Customer], on: date, before: date) -> QuerySet[Touch]:
    """Open touches up to the end, and closed ones within."""
    ahead = Q(slot_on__lt=before) | Q(due_on__lt=before)
    recent = Q(status=Touch.Status.PLANNED) | Q(slot_on__gte=on) | Q(due_on__gte=on)
    found: QuerySet[Touch] = Touch.objects.filter(
        ahead, recent, customer__in=asked.order_by().values("pk")
    ).order_by("pk")
    return found


def _of_one(
    state: TouchState, rows: Sequence[tuple[Any, ...]], on: date, before: date
) -> tuple[TouchLine, ...]:
    changes = rewrite_touches(customer=state.facts, stored=state.stored, on=on, before=before)
    gone, becomes = set(changes.drop), dict(changes.becomes)
    found = []
    for pk, name, slot_on, due_on, hours, status in rows:
        if pk in gone:
            continue
        if pk in becomes:
            name, hours = becomes[pk].name, becomes[pk].hours
        standing = state_of_touch(status=status, due_on=due_on, on=on)
        found.append(TouchLine(pk, name, slot_on, due_on, hours, standing))
    for touch in changes.add:
        standing = state_of_touch(status=Touch.Status.PLANNED, due_on=touch.due_on, on=on)
        found.append(
            TouchLine(None, touch.activity.name, touch.slot_on, touch.due_on, touch.activity.hours, standing)
        )
    return tuple(sorted(found, key=lambda line: (line.due_on, line.activity, line.touch_id or 0)))
