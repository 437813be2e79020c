"""When work is due by the calendar: a rhythm and a wall clock in one zone → the moments, each once.

A moment has a name, the words of the wall clock: "2026-10-25 02:30". Work that is due at most once a day has each name
once, also on the day on which the clock is put back (the first of the two counts) and on the day on which it is put
forward over that time (it is due as much later as the clock was put forward). What is due every hour follows the
hours as they pass: the second of two equal times is named with a "+".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Rhythm = Literal["hourly", "daily", "weekly", "monthly", "yearly"]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Longer than any rhythm: one moment of each lies within.
HORIZON = timedelta(days=366 + 28)


@dataclass(frozen=True, slots=True)
class Due:
    """One moment: its name and the instant, in UTC."""

    slot: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """What is due when. at: of the wall clock; an hourly rhythm takes its minute only. weekday: 0 is Monday.

    day is 1 to 28, so that there is one in every month.
    """

    rhythm: Rhythm
    at: time
    zone: ZoneInfo
    month: int = 1
    day: int = 1
    weekday: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 28:
            raise ValueError("A day of the month is 1 to 28.")

    def is_on(self, day: date) -> bool:
        """Whether something is due on the day, at a rhythm of days."""
        match self.rhythm:
            case "weekly":
                return day.weekday() == self.weekday
            case "monthly":
                return day.day == self.day
            case "yearly":
                return (day.month, day.day) == (self.month, self.day)
            case _:
                return True


def due_between(*, timing: Timing, after: datetime, upto: datetime) -> list[Due]:
    """The moments after `after` up to and with `upto` (both aware), in their order."""
    moments = _hours(timing, after, upto) if timing.rhythm == "hourly" else _days(timing, after, upto)
    return [due for due in moments if after < due.at <= upto]


def next_due(*, timing: Timing, after: datetime) -> Due:
    """The first moment after `after`."""
    horizon = HOUR * 2 if timing.rhythm == "hourly" else HORIZON
    return due_between(timing=timing, after=after, upto=after + horizon)[0]


def _days(timing: Timing, after: datetime, upto: datetime) -> Iterator[Due]:
    # A day more on both sides: where a clock is put forward over midnight a moment slips into the next day.
    day = after.astimezone(timing.zone).date() - DAY
    last = upto.astimezone(timing.zone).date() + DAY
    while day <= last:
        if timing.is_on(day):
            wall = datetime.combine(day, timing.at.replace(second=0, microsecond=0))
            yield Due(f"{wall:%Y-%m-%d %H:%M}", wall.replace(tzinfo=timing.zone).astimezone(UTC))
        day += DAY


def _hours(timing: Timing, after: datetime, upto: datetime) -> Iterator[Due]:
    hour = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    while hour <= upto:
        # Zones differ from UTC by quarters of an hour too.
        there = hour.astimezone(timing.zone)
        at = hour + timedelta(minutes=(timing.at.minute - there.minute) % 60)
        local = at.astimezone(timing.zone)
        if local.minute == timing.at.minute:
            yield Due(f"{local:%Y-%m-%d %H:%M}{'+' if local.fold else ''}", at)
        hour += HOUR
