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
    days = [touch.touch.due_on for touch in touches]
    for place in sorted(range(len(touches)), key=lambda place: _turn(touches[place])):
        one = touches[place]
        if one.touch.activity.times_a_year < OFTEN:
            days[place] = _day(one, minutes)
        minutes[one.csm, days[place]] += one.minutes
    return tuple(days)


def _turn(one: TouchOfBook) -> tuple[object, ...]:
    touch, activity = one.touch, one.touch.activity
    keeps_its_day = activity.times_a_year >= OFTEN
    size = 0 if keeps_its_day else -one.minutes
    return (
        not keeps_its_day,
        size,
        touch.due_on,
        one.external_id,
        activity.name,
        activity.goal_kind,
        touch.slot_on,
    )


def _day(one: TouchOfBook, minutes: Mapping[tuple[int, date], int]) -> date:
    first = one.touch.due_on
    if minutes[one.csm, first] + one.minutes <= FULL_DAY_MINUTES:
        return first
    days = [first + DAY * later for later in range(LATER_AT_MOST.days + 1)]
    working = [day for day in days if day.weekday() < WORKING_DAYS]
    # Nothing is gained by a day that holds as much: the earliest of those that hold least.
    least = min(working, key=lambda day: (minutes[one.csm, day], day))
    fitting = (day for day in working if minutes[one.csm, day] + one.minutes <= FULL_DAY_MINUTES)
    return next(fitting, least)
