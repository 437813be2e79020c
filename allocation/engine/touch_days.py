"""On which day new touches fall due, so that no day of a CSM is asked more than it holds. Prose: ``docs/engine/touches.md``.

The places in the rhythm (slots) are not touched here: only the day on which a slot is due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from allocation.engine.facts.touches import TouchOfBook
from allocation.engine.touches import OFTEN, WORKING_DAYS

FULL_DAY_MINUTES = 6 * 60
# A rhythm below OFTEN has at least 18 days between two slots; with two days for a weekend a touch stays before the next slot.
LATER_AT_MOST = timedelta(days=14)
DAY = timedelta(days=1)


def spread_touches(
    *, touches: Sequence[TouchOfBook], held: Mapping[tuple[int, date], int]
) -> tuple[date, ...]:
    """The due day of each of these touches, in their order; the same whatever the order is.

    held: minutes of the touches that are there, by CSM and day. A touch is due on the day of its rhythm where that day then
    holds six hours at most; else on the first working day of the next two weeks that does, and where none does on the one that
    holds least. Activities of 20 times a year and more keep their day: they are asked first, then the longest of the others.
    """
    minutes = Counter(dict(held))
    days = [one.touch.due_on for one in touches]
    asks = _asks(touches)
    turns = [_turn(one, *asks[one.touch.activity.key]) for one in touches]
    for place in sorted(range(len(touches)), key=turns.__getitem__):
        one = touches[place]
        asked, keeps_its_day = asks[one.touch.activity.key]
        if not keeps_its_day:
            days[place] = _day(minutes, one.csm, days[place], asked)
        minutes[one.csm, days[place]] += asked
    return tuple(days)


def _asks(touches: Sequence[TouchOfBook]) -> dict[int, tuple[int, bool]]:
    """By activity, of which there are few: the minutes that it asks, and whether its touches keep their day."""
    activities = {one.touch.activity.key: one.touch.activity for one in touches}
    return {key: (round(one.hours * 60), one.times_a_year >= OFTEN) for key, one in activities.items()}


def _turn(one: TouchOfBook, asked: int, keeps_its_day: bool) -> tuple[object, ...]:
    touch, activity = one.touch, one.touch.activity
    if keeps_its_day:
        return (0,)
    return (1, -asked, touch.due_on, one.external_id, activity.name, activity.goal_kind, touch.slot_on)


def _day(minutes: Mapping[tuple[int, date], int], csm: int, first: date, asked: int) -> date:
    if minutes[csm, first] + asked <= FULL_DAY_MINUTES:
        return first
    days = [first + DAY * later for later in range(LATER_AT_MOST.days + 1)]
    working = [day for day in days if day.weekday() < WORKING_DAYS]
    fitting = (day for day in working if minutes[csm, day] + asked <= FULL_DAY_MINUTES)
    # Of days that hold as little as another, the earliest.
    return next(fitting, None) or min(working, key=lambda day: (minutes[csm, day], day))
