"""Renewals by calendar quarter, so that people see what comes at whom: counts and ARR that add up to the book."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from allocation.selectors import wording

QUARTERS = 4  # this one and the next three
PLACES = QUARTERS + 3  # with the past, later, and no date


@dataclass(frozen=True, slots=True)
class Period:
    """Some days in which contracts end; together the periods hold every customer once. key: the name in JSON and CSV.

    hint: which days, where the label does not say it.
    """

    key: str
    label: str
    hint: str

    @property
    def words(self) -> str:
        """How the figures of the period came."""
        days = self.hint or "in this quarter"
        return f"Active customers by the end of their contract: {days}. Below it their ARR, at today's rate."


@dataclass(frozen=True, slots=True)
class Renewals:
    """Of one book or several: customers and their ARR in cents, one position a period."""

    customers: tuple[int, ...]
    arr_cents: tuple[int, ...]


def all_renewals(books: Iterable[Renewals]) -> Renewals:
    """Of several books together."""
    found = [Renewals((0,) * PLACES, (0,) * PLACES), *books]
    customers, cents = zip(*((one.customers, one.arr_cents) for one in found), strict=True)
    return Renewals(tuple(map(sum, zip(*customers, strict=True))), tuple(map(sum, zip(*cents, strict=True))))


def periods(on: date) -> tuple[Period, ...]:
    """Past, the rest of this quarter, the next three, later, no date: the order of the positions."""
    starts = _starts(on)
    found = [Period("past", "Past", f"before {wording.day(on)}, a date that has gone by")]
    for place, start in enumerate(starts[:QUARTERS]):
        name = f"Q{(start.month + 2) // 3} {start.year}"
        hint = f"from {wording.day(on)} on, the rest of this quarter" if place == 0 else ""
        found.append(Period(f"{start.year}-Q{(start.month + 2) // 3}", name, hint))
    found.append(Period("later", "Later", f"from {wording.day(starts[QUARTERS])} on"))
    found.append(Period("no_date", "No date", "nobody wrote down when the contract ends"))
    return tuple(found)


def _starts(on: date) -> list[date]:
    """First days of this quarter and of as many as follow, and of the one after."""
    first = (on.year * 12 + on.month - 1) // 3 * 3
    return [date((first + 3 * n) // 12, (first + 3 * n) % 12 + 1, 1) for n in range(QUARTERS + 1)]


def renewals_by_csm(
    *, csm: Sequence[str], cents: Iterable[int], dates: Iterable[date | None], on: date
) -> dict[str, Renewals]:
    """By CSM key, of customers given as columns of equal length."""
    starts = _starts(on)
    sums: dict[str, tuple[list[int], list[int]]] = {}
    for key, amount, day in zip(csm, cents, dates, strict=True):
        counts, amounts = sums.setdefault(key, ([0] * (QUARTERS + 3), [0] * (QUARTERS + 3)))
        place = _place(day, on, starts)
        counts[place] += 1
        amounts[place] += amount
    return {key: Renewals(tuple(counts), tuple(amounts)) for key, (counts, amounts) in sums.items()}


def _place(day: date | None, on: date, starts: Sequence[date]) -> int:
    if day is None:
        return QUARTERS + 2
    if day < on:
        return 0
    return sum(day >= start for start in starts[1:]) + 1


def places_of_days(days: npt.NDArray[Any], *, on: date) -> npt.NDArray[np.int64]:
    """The position of the period of each day, given as Python counts days (0: no date); as `renewals_by_csm` places them."""
    bounds = [on.toordinal(), *(start.toordinal() for start in _starts(on)[1:])]
    places = np.searchsorted(np.array(bounds), days, side="right").astype(np.int64)
    places[days == 0] = QUARTERS + 2
    return places


def renewals_answer(*, found: Iterable[Renewals], on: date) -> list[dict[str, Any]]:
    """Sums by period for JSON: customers, and ARR in units of the base currency."""
    total = all_renewals(found)
    return [
        {"period": one.key, "customers": number, "arr": cents // 100 if cents % 100 == 0 else cents / 100}
        for one, number, cents in zip(periods(on), total.customers, total.arr_cents, strict=True)
    ]
