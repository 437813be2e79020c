"""Months ahead: customers grow and leave, CSMs start and leave, and how many are to be hired when. ``docs/headcount.md``.

Shares are per cent a year; minutes are of a month. Compounding is in floating point and rounded once, at the end.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from allocation.engine.attention import net_minutes
from allocation.engine.headcount import HeadLine, exact_in_all

MONTH_DAYS = 30
LONG_LEAVE_DAYS = 30
WORKING_DAYS = 260
CLOSE = 1e-6
"""Heads below this are none: it keeps compounding from asking for somebody."""


@dataclass(frozen=True, slots=True)
class PersonAhead:
    """A CSM: own hours, and the days known. ``leaves``: (first day, first day back)."""

    hours_per_month: Decimal
    overhead_pct: Decimal
    ramp_pct: Decimal
    starts_on: date | None = None
    leaves_on: date | None = None
    leaves: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is assumed of the months ahead."""

    months: int = 12
    growth_pct: float = 0.0
    churn_pct: float = 0.0
    attrition_pct: float = 0.0
    leave_days: float = 0.0
    ramp_months: int = 0
    ramp_start_pct: float = 100.0


@dataclass(frozen=True, slots=True)
class MonthAhead:
    """The day ``number`` months from today.

    ``heads_there``: full-time heads of today's CSMs who are here then; ``heads_ramped``: as much as they give, by long leave
    and (where new CSMs have one) by their ramp.
    ``hires``: heads to begin in this month; ``hired``: those and all before. ``minutes_there``: net, of today's CSMs;
    ``minutes_with_hires``: of both. ``minutes_short``: asked but not there, hires counted.
    """

    number: int
    on: date
    customers: int
    minutes_asked: int
    minutes_there: int
    heads_there: float
    heads_ramped: float
    heads_exact: float
    heads_needed: int
    hires: int
    hired: int
    minutes_with_hires: int

    @property
    def minutes_short(self) -> int:
        return max(0, self.minutes_asked - self.minutes_with_hires)


def months_ahead(
    *,
    lines: Sequence[HeadLine],
    people: Sequence[PersonAhead],
    full_time_minutes: int,
    head_minutes: int,
    on: date,
    ahead: Ahead,
    besides: int = 0,
) -> tuple[MonthAhead, ...]:
    """Today (number 0) and each month ahead. Hires begin early enough to be ramped when they are lacking, or now.

    ``besides``: heads lacking today that the hours and caps do not show, since who has room may not serve who waits.
    """
    exact = float(exact_in_all(lines))
    last = max(ahead.months, ahead.ramp_months)
    days = [later(on, number) for number in range(last + 1)]
    asked = [exact * _growth(ahead, number) for number in range(last + 1)]
    there = [_there(people, on, day, number, full_time_minutes, ahead) for number, day in enumerate(days)]
    hires = _hires(
        [_with(besides, heads, there[0][1]) for heads in asked], [ramped for _, ramped, _ in there], ahead
    )
    customers, minutes = sum(line.customers for line in lines), sum(line.minutes_asked for line in lines)
    found = []
    for number in range(ahead.months + 1):
        heads, ramped, net = there[number]
        grown = _growth(ahead, number)
        given = sum(
            n * ramp_of(ahead, number - begun) * kept(ahead, number - begun)
            for begun, n in enumerate(hires[: number + 1])
        )
        found.append(
            MonthAhead(
                number=number,
                on=days[number],
                customers=round(customers * grown),
                minutes_asked=round(minutes * grown),
                minutes_there=round(net),
                heads_there=heads,
                heads_ramped=ramped,
                heads_exact=asked[number],
                heads_needed=math.ceil(round(asked[number], 6)),
                hires=hires[number],
                hired=sum(hires[: number + 1]),
                minutes_with_hires=round(net + given * head_minutes),
            )
        )
    return tuple(found)


def _with(besides: int, heads: float, ramped_today: float) -> float:
    """Heads to be there. Who has room may not serve who waits: that many more than are there are needed at least."""
    return max(heads, ramped_today) + besides if besides else heads


def later(day: date, months: int) -> date:
    """The same day of the month, or the last of a shorter month."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def ramp_of(ahead: Ahead, months: int, start_pct: float | None = None) -> float:
    """The share of a full head that a new one gives ``months`` after the start: a straight line to 1."""
    start = (ahead.ramp_start_pct if start_pct is None else start_pct) / 100
    if months >= ahead.ramp_months:
        return 1.0
    return start + (1 - start) * months / ahead.ramp_months


def kept(ahead: Ahead, months: int) -> float:
    """The share of CSMs that has not left ``months`` later, by attrition."""
    return float((1 - ahead.attrition_pct / 100) ** (months / 12))


def _growth(ahead: Ahead, months: int) -> float:
    """Customers ``months`` later for each one today."""
    return float(max(0.0, 1 + (ahead.growth_pct - ahead.churn_pct) / 100) ** (months / 12))


def _there(
    people: Sequence[PersonAhead], on: date, day: date, number: int, full_time: int, ahead: Ahead
) -> tuple[float, float, float]:
    """Full-time heads, ramped heads and net minutes of today's people on the day."""
    heads = ramped = minutes = 0.0
    for person in people:
        here = (person.starts_on is None or person.starts_on <= day) and (
            person.leaves_on is None or person.leaves_on > day
        )
        if not here:
            continue
        ramp = _ramp_then(person, on, day, number, ahead)
        away = _days_away(person, day)
        net = net_minutes(
            hours_per_month=person.hours_per_month,
            ramp_pct=Decimal(str(round(100 * ramp, 6))),
            overhead_pct=person.overhead_pct,
            days_away=away,
            days=MONTH_DAYS,
        )
        if net <= 0:
            continue
        head = float(person.hours_per_month) * 60 / full_time
        heads += head
        ramped += head * (ramp if ahead.ramp_months else 1.0) * (1 - away / MONTH_DAYS)
        minutes += net * (1 - ahead.leave_days / WORKING_DAYS)
    share = kept(ahead, number)
    return heads * share, ramped * share, minutes * share


def _ramp_then(person: PersonAhead, on: date, day: date, number: int, ahead: Ahead) -> float:
    """A new one from the first day; who is on the way rises as steeply as a new one; without ramp months as it is."""
    own = float(person.ramp_pct) / 100
    if not ahead.ramp_months:
        return own
    if person.starts_on is not None and person.starts_on > on:
        begun = (day.year - person.starts_on.year) * 12 + day.month - person.starts_on.month
        return ramp_of(ahead, begun - (day.day < person.starts_on.day))
    steep = (1 - ahead.ramp_start_pct / 100) / ahead.ramp_months
    return max(own, min(1.0, own + steep * number))


def _days_away(person: PersonAhead, day: date) -> int:
    """Days of long leave in the month from the day."""
    end = day + timedelta(days=MONTH_DAYS)
    days: set[date] = set()
    for starts_on, ends_before in person.leaves:
        if (ends_before - starts_on).days >= LONG_LEAVE_DAYS:
            first, last = max(starts_on, day), min(ends_before, end)
            days.update(first + timedelta(days=n) for n in range((last - first).days))
    return len(days)


def _hires(asked: Sequence[float], ramped: Sequence[float], ahead: Ahead) -> list[int]:
    """Heads to begin in each month, so that in no month more is asked than there is.

    What cannot be ramped in time counts as whole: more people than are needed would not be ramped sooner either.
    """
    hires = [0] * len(asked)
    early = ahead.ramp_months if kept(ahead, ahead.ramp_months) > 0 else 0  # nobody is left to be ramped
    for number, heads in enumerate(asked):
        begin = max(0, number - early)
        given = sum(n * kept(ahead, number - begun) for begun, n in enumerate(hires) if begun <= begin)
        lacking = heads - ramped[number] - given
        if lacking > CLOSE:
            hires[begin] += math.ceil(lacking / (kept(ahead, number - begin) or 1.0) - CLOSE)
    return hires
