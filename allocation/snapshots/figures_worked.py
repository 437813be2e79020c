"""What is worked out of the columns of customers: cents of the base currency, minutes of a month, who has an open goal.

To the cent and the minute what `money.in_base` and `TouchPlans` say of each customer by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from accounts.models import TouchActivity
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.figures import UNKNOWN, Column, CustomerFigures
from allocation.snapshots.money import in_base

Truths = npt.NDArray[np.bool_]
Rates = tuple[tuple[str, Decimal], ...]  # currency and units per one of the base
Activities = tuple[
    tuple[int, int | None, Decimal, Decimal], ...
]  # tier, kind of goal, times a year, hours each
_LETTER = (1 << 21) - 1
_FITS = 2**62  # whole numbers below can be doubled and still fit
_PART = 2**20


def currency_words(codes: Column) -> dict[int, str]:
    """The currencies by their code."""
    return {code: "".join(chr(code >> shift & _LETTER) for shift in (42, 21, 0)) for code in distinct(codes)}


def distinct(column: Column) -> list[int]:
    """The values there are, rising. Of a long column with few values quicker than sorting it."""
    found: set[int] = set()
    for start in range(0, len(column), _PART):
        rest = column[start : start + _PART]
        while len(rest):
            value = rest[0]
            found.add(int(value))
            rest = rest[rest != value]
    return sorted(found)


def base_cents(
    *, cents: Column, currency: Column, rates: Mapping[str, Decimal], base: str
) -> tuple[Column, Truths]:
    """Amounts in cents of the base currency, and which of them are known and have a rate; the others count 0."""
    worth = np.where(cents == UNKNOWN, 0, cents)
    counts = cents != UNKNOWN
    for code, name in currency_words(currency).items():
        if name == base:
            continue
        here = currency == code
        if name not in rates:
            worth[here] = 0
            counts &= ~here
        else:
            worth[here] = _divided(worth[here], name, rates, base)
    return worth, counts


def _divided(cents: Column, currency: str, rates: Mapping[str, Decimal], base: str) -> Column:
    """Half to even, exact: with whole numbers where they fit, one by one where they do not."""
    per, times = rates[currency].as_integer_ratio()
    if per * 2 >= _FITS:
        return _one_by_one(cents, currency, rates, base)
    fits = cents < _FITS // times
    many = np.where(fits, cents, 0) * times
    whole = many // per
    rest = 2 * (many - whole * per)
    found: Column = whole + ((rest > per) | ((rest == per) & (whole % 2 == 1)))
    if not fits.all():
        found[~fits] = _one_by_one(cents[~fits], currency, rates, base)
    return found


def _one_by_one(cents: Column, currency: str, rates: Mapping[str, Decimal], base: str) -> Column:
    amounts = [Decimal(one) / 100 for one in cents.tolist()]
    return np.array(
        [int(in_base(one, currency, rates=rates, base=base) * 100) for one in amounts], dtype=np.int64
    )


def touch_activities() -> Activities:
    """What the touch plans of all tiers ask, as `minutes` is given it. One statement."""
    rows = TouchActivity.objects.order_by("pk")
    return tuple(rows.values_list("tier_id", "goal_kind_id", "times_a_year", "hours_each"))


@lru_cache(maxsize=8)
def _plans(activities: Activities) -> TouchPlans:
    return TouchPlans(as_of=date.min, goals=(), activities=activities)


def minutes(*, figures: CustomerFigures, activities: Activities, as_of: date) -> Column:
    """Minutes of a month that the touch plans ask of each, with the goals open on the day."""
    plans = _plans(activities)
    found = np.zeros(len(figures), dtype=np.int64)
    tiers = distinct(figures.tier)
    for tier in tiers:
        asked = plans.minutes_with(tier_id=tier or None, kinds=frozenset())
        if asked:
            found[figures.tier == tier] = asked
    counted = is_open(figures, as_of=as_of) & np.isin(figures.goal_kind, sorted(plans.kinds))
    if not counted.any():
        return found
    of, kind = figures.goal_of[counted], figures.goal_kind[counted]
    rows = np.unique(of)
    # Which kinds each has, as a number that stands for the set of them.
    groups, group = [frozenset[int]()], np.zeros(len(rows), dtype=np.int64)
    for one in distinct(kind):
        has = np.zeros(len(rows), dtype=np.int64)
        has[np.searchsorted(rows, of[kind == one])] = 1
        values, group = np.unique(2 * group + has, return_inverse=True)
        groups = [groups[value // 2] | ({one} if value % 2 else set()) for value in values.tolist()]
    of_tier = figures.tier[rows]
    for tier in tiers:
        asked_by = np.array([plans.minutes_with(tier_id=tier or None, kinds=kinds) for kinds in groups])
        here = of_tier == tier
        found[rows[here]] = asked_by[group[here]]
    return found


def is_open(figures: CustomerFigures, *, as_of: date) -> Truths:
    """Of each goal, whether it is open on the day."""
    day = as_of.toordinal()
    found: Truths = (figures.goal_starts <= day) & ((figures.goal_ends == 0) | (figures.goal_ends > day))
    return found


def has_open_goal(figures: CustomerFigures, *, kinds: Column, as_of: date) -> Truths:
    """Of each customer, whether a goal of one of these kinds (ids) is open on the day."""
    found = np.zeros(len(figures), dtype=np.bool_)
    found[figures.goal_of[is_open(figures, as_of=as_of) & np.isin(figures.goal_kind, kinds)]] = True
    return found


def summed(amounts: Column) -> int:
    """Their exact sum, whatever its size."""
    if not len(amounts) or int(amounts.max()) * len(amounts) < _FITS:
        return int(amounts.sum())
    return int((amounts >> 32).sum()) * 2**32 + int((amounts & (2**32 - 1)).sum())
