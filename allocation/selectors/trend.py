"""How the books have stood over the last year: a few days of it, from the figures kept of each day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from allocation.engine.balance import balance
from allocation.engine.facts.books import BookRow
from allocation.models import BookDay

DAYS = 366  # so that the same day a year ago is there in a leap year too
# What is kept of more days than these is shown by the week, then by the month.
BY_DAY, BY_WEEK = timedelta(days=14), timedelta(weeks=14)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The books of one day: utilisation in per cent, ARR in cents. worked_out: from the ledgers, later, with the amounts and
    hours of that later day.
    """

    on: date
    books: int
    mean: float | None
    least: float | None
    most: float | None
    cv: float | None
    customers: int
    arr_cents: int
    worked_out: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """points: the oldest first, the day looked at last. every: "day", "week" or "month". begun: the first day kept, if any."""

    points: tuple[TrendPoint, ...]
    every: str
    begun: date | None = None

    @property
    def is_drawn(self) -> bool:
        return len(self.points) > 1


def trend(
    *, user: Any, on: date, rows: Sequence[BookRow] | None, team_ids: Collection[int] | None = None
) -> Trend:
    """The last twelve months of the books a person sees, of the CSMs who are in these teams today (None: in any).

    rows: the books of the day itself, which end the trend as the page shows them; None where they lack customers that the
    person no longer sees, as of a past day: then it ends with what was kept of the day, like every other point. So many points
    as fit a picture: each day, or the last of each week or month, by how far back it goes. Two statements.
    """
    until = on if rows is not None else on + timedelta(days=1)
    kept = BookDay.objects.visible_to(user).filter(on__gt=_year_before(on), on__lte=on)
    if team_ids is not None:
        kept = kept.filter(csm__team_id__in=team_ids)
    every_day = sorted(set(kept.order_by().values_list("on", flat=True).distinct()))
    days = [day for day in every_day if day < until]
    every, chosen = _chosen(days, on=on)
    if rows is None and days and chosen[-1:] != days[-1:]:
        chosen.append(days[-1])  # stands for its own week or month
    lines: dict[date, list[_Figures]] = {day: [] for day in chosen}
    columns = "on", "minutes", "capacity_minutes", "covered", "customers", "arr_cents"
    for day, *figures in kept.filter(on__in=chosen).order_by("on", "pk").values_list(*columns):
        lines[day].append(tuple(figures))  # type: ignore[arg-type]
    begun = _first_day_kept_on_itself(days)
    points = [_point(day, lines[day], worked_out=begun is not None and day < begun) for day in chosen]
    here = [
        (row.minutes, row.capacity_minutes, row.covered, row.customers, row.arr_cents) for row in rows or ()
    ]
    return Trend(
        points=(*points, _point(on, here)) if here else tuple(points),
        every=every,
        begun=every_day[0] if every_day else None,
    )


# minutes, capacity, covered, customers, ARR in cents
_Figures = tuple[int, int, bool, int, int]


def _point(on: date, lines: Iterable[_Figures], *, worked_out: bool = False) -> TrendPoint:
    lines = list(lines)
    shares = [
        Fraction(minutes, capacity) for minutes, capacity, covered, *_ in lines if capacity and not covered
    ]
    mean = sum(shares, Fraction(0)) / len(shares) if shares else None
    return TrendPoint(
        on=on,
        books=len(lines),
        mean=None if mean is None else float(100 * mean),
        least=float(100 * min(shares)) if shares else None,
        most=float(100 * max(shares)) if shares else None,
        cv=balance(values=shares).cv,
        customers=sum(line[3] for line in lines),
        arr_cents=sum(line[4] for line in lines),
        worked_out=worked_out,
    )


def _year_before(on: date) -> date:
    """The calendar begins with the year 1, and a page may be asked for it."""
    return date.fromordinal(max(on.toordinal() - DAYS, 1))


def _chosen(days: Sequence[date], *, on: date) -> tuple[str, list[date]]:
    """How often, by how far back it goes, and which days: the last of each week or month, but of the present one, which
    the day itself stands for.
    """
    if not days or on - days[0] <= BY_DAY:
        return "day", list(days)
    if on - days[0] <= BY_WEEK:
        weeks = {day.isocalendar()[:2]: day for day in days}
        return "week", [day for week, day in weeks.items() if week != on.isocalendar()[:2]]
    months = {(day.year, day.month): day for day in days}
    return "month", [day for month, day in months.items() if month != (on.year, on.month)]


def _first_day_kept_on_itself(days: Sequence[date]) -> date | None:
    """Only month ends are worked out later: from the first other day on, all were kept on themselves."""
    others = [day for day in days if (day + timedelta(days=1)).day != 1]
    return others[0] if others else days[-1] if days else None
