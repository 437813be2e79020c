"""When which touch is due, and what a change of the plan rewrites. Prose: ``docs/engine/touches.md``.

Whole numbers throughout: a day is the floor of an exact fraction, so nothing drifts and nothing depends on when one asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from allocation.engine.facts.touches import (
    ActivityFacts,
    GoalSpan,
    PlannedTouch,
    RhythmKey,
    StoredTouch,
    TouchChanges,
    TouchedCustomer,
)

YEAR_DAYS = 365
EPOCH = date(2001, 1, 1)  # a Monday
# The phase is a whole number of these parts of a step of the rhythm.
PARTS = 2**32
WORKING_DAYS, WEEK_DAYS = 5, 7
# From OFTEN times a year on a rhythm keeps to one weekday. Beyond WEEKLY two slots may lie less than a week apart: they
# would meet on one day.
OFTEN, WEEKLY = 20, 52


def phase_of(*, external_id: str, rhythm: RhythmKey) -> int:
    """Where in a step of the rhythm the slots of this customer lie: 0 to below PARTS, the same on every machine."""
    text = "\x1f".join((external_id, rhythm.name, rhythm.goal_kind))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def slots_between(*, times_a_year: Decimal, phase: int, first: date, before: date) -> Iterator[date]:
    """The days of the rhythm from `first` to the day before `before`, each once, in their order."""
    if times_a_year <= 0 or before <= first:
        return
    times, per = times_a_year.as_integer_ratio()
    # Slot k lies (k × PARTS + phase) × step ÷ scale days after the epoch.
    step, scale = YEAR_DAYS * per, PARTS * times
    wanted = (first - EPOCH).days * scale - phase * step
    k = -(-wanted // (step * PARTS))
    last = None
    while True:
        day = EPOCH + timedelta(days=(k * PARTS + phase) * step // scale)
        if day >= before:
            return
        if day != last:
            yield day
        last = day
        k += 1


def due_day(*, slot_on: date, times_a_year: Decimal, phase: int) -> date:
    """The slot's own day, or the Monday after a weekend; for a rhythm of 20 to 52 times a year the next day of its weekday.

    Never before the slot, and before the next slot of a rhythm of 20 to 52 times a year.
    """
    if OFTEN <= times_a_year <= WEEKLY:
        return slot_on + timedelta(days=(phase % WORKING_DAYS - slot_on.weekday()) % WEEK_DAYS)
    beyond = slot_on.weekday() - WORKING_DAYS
    return slot_on if beyond < 0 else slot_on + timedelta(days=2 - beyond)


def wanted_touches(*, customer: TouchedCustomer, first: date, before: date) -> tuple[PlannedTouch, ...]:
    """The touches of the plan whose slot lies from `first` to the day before `before`, by slot, due day and name.

    None before the customer got its tier; those of a goal kind only where such a goal is open from the slot to the day due,
    so that planning on any day between leaves the same.
    """
    start = first if customer.since is None else max(first, customer.since)
    found = [
        PlannedTouch(activity, day, _due(customer, activity, day))
        for activity in customer.activities
        for day in _slots(customer, activity, start, before)
    ]
    return tuple(sorted(found, key=lambda one: (one.slot_on, one.activity.name, one.activity.goal_kind)))


def rewrite_touches(
    *, customer: TouchedCustomer, stored: Sequence[StoredTouch], on: date, before: date
) -> TouchChanges:
    """What planning on day `on`, up to the day before `before`, changes of the customer's touches.

    Only open ones that are due after `on` go or change; slots of touches that are there, in whatever state, are not made
    again. A second time it changes nothing.
    """
    plan = {activity.rhythm: activity for activity in customer.activities}
    taken: set[tuple[RhythmKey, date]] = {
        (one.rhythm, one.slot_on) for one in stored if not _may_be_rewritten(one, on)
    }
    drop: list[int] = []
    becomes: list[tuple[int, ActivityFacts]] = []
    # The one that is of the activity already comes first: where two have one slot, it is the one that stays.
    for one in sorted(stored, key=lambda one: (_is_of_another(one, plan), one.key)):
        if not _may_be_rewritten(one, on):
            continue
        activity = plan.get(one.rhythm)
        place = (one.rhythm, one.slot_on)
        if activity is None or place in taken or not _still_wanted(customer, activity, one.slot_on, on):
            drop.append(one.key)
            continue
        taken.add(place)
        if (one.activity, one.name, one.hours) != (activity.key, activity.name, activity.hours):
            becomes.append((one.key, activity))
    add = [
        touch
        for touch in wanted_touches(customer=customer, first=on, before=before)
        if (touch.activity.rhythm, touch.slot_on) not in taken
    ]
    return TouchChanges(tuple(add), tuple(sorted(drop)), tuple(sorted(becomes, key=lambda pair: pair[0])))


def _slots(customer: TouchedCustomer, activity: ActivityFacts, first: date, before: date) -> Iterator[date]:
    grid = _grid(customer, activity, first, before)
    if not activity.goal_kind:
        return grid
    return (day for day in grid if _is_open_until_due(customer, activity, day))


def _is_open_until_due(customer: TouchedCustomer, activity: ActivityFacts, slot_on: date) -> bool:
    days = (_due(customer, activity, slot_on) - slot_on).days
    return all(
        _is_asked_for(activity, customer.goals, slot_on + timedelta(days=more)) for more in range(days + 1)
    )


def _grid(customer: TouchedCustomer, activity: ActivityFacts, first: date, before: date) -> Iterator[date]:
    phase = phase_of(external_id=customer.external_id, rhythm=activity.rhythm)
    return slots_between(times_a_year=activity.times_a_year, phase=phase, first=first, before=before)


def _due(customer: TouchedCustomer, activity: ActivityFacts, slot_on: date) -> date:
    phase = phase_of(external_id=customer.external_id, rhythm=activity.rhythm)
    return due_day(slot_on=slot_on, times_a_year=activity.times_a_year, phase=phase)


def _is_asked_for(activity: ActivityFacts, goals: Sequence[GoalSpan], day: date) -> bool:
    if not activity.goal_kind:
        return True
    return any(goal.kind == activity.goal_kind and goal.is_open_on(day) for goal in goals)


def _may_be_rewritten(touch: StoredTouch, on: date) -> bool:
    """Today's and late ones are people's to do or skip, and what is done or skipped is history."""
    return touch.is_open and touch.due_on > on


def _is_of_another(touch: StoredTouch, plan: dict[RhythmKey, ActivityFacts]) -> bool:
    activity = plan.get(touch.rhythm)
    return activity is None or activity.key != touch.activity


def _still_wanted(customer: TouchedCustomer, activity: ActivityFacts, slot_on: date, on: date) -> bool:
    """Whether the slot is one of the plan's. One of the past, moved into the future, goes by the goals of today."""
    return _is_asked_for(activity, customer.goals, max(slot_on, on)) and any(
        _grid(customer, activity, slot_on, slot_on + timedelta(days=1))
    )
