"""Where a customer stands among the others: percentiles and ARR shares (design section 8), in whole numbers.

A population is taken once from all active customers; any row can then be measured against it, also a row with
a changed value ("what if"): its own old value is taken out first, so a row is never compared with itself twice.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allocation.engine.facts.tiering import Flags, Floats, Integers, Population, Populations

CENTS = 100
POINT = 1_000_000  # points are counted in millionths
FULL = 100 * POINT


EVERYONE = -1


def population(
    people: Populations, *, name: str, values: Floats, counted: Flags, group: int = EVERYONE
) -> Population:
    """The population of ``values`` (NaN = missing) over the rows that are counted; sorted once, then kept."""
    found = people.get((name, group))
    if found is None:
        known = np.sort(values[counted & ~np.isnan(values)])
        cents = to_cents(known)
        total = int(cents.sum())
        above = total - np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(cents)))
        found = people[(name, group)] = Population(values=known, above=above, total=total)
    return found


def to_cents(values: Floats) -> Integers:
    """Amounts to whole cents; missing becomes 0."""
    return np.asarray(np.rint(np.nan_to_num(values) * CENTS), dtype=np.int64)


def percentile_points(*, people: Population, values: Floats, own: Floats) -> Integers:
    """100 × (number below + half of those equal, itself included) ÷ number, in millionths; -1 where missing.

    own: the value with which the row itself is in the population, NaN if it is not in it.
    """
    missing = np.isnan(values)
    inside = ~np.isnan(own)
    left = np.searchsorted(people.values, values, side="left")
    right = np.searchsorted(people.values, values, side="right")
    below = left - (inside & (own < values))
    equal = right - left - (inside & (own == values)) + 1
    number = len(people.values) - inside.astype(np.int64) + 1
    points = half_even(FULL * (2 * below + equal), 2 * number)
    return np.where(missing, -1, points)


def arr_shares(*, people: Population, values: Floats, own: Floats) -> Mapping[str, Floats]:
    """``arr_share`` (own ARR) and ``arr_share_above`` (ARR of those with strictly more), in % of total ARR.

    Equal ARR, equal share. NaN where the ARR is missing or nobody has any.
    """
    cents, mine = to_cents(values), to_cents(own)
    right = np.searchsorted(people.values, values, side="right")
    above = people.above[right] - np.where(own > values, mine, 0)
    total = people.total - mine + cents
    known = ~np.isnan(values) & (total > 0)
    safe = np.where(known, total, 1)
    return {
        "arr_share": np.where(known, 100.0 * cents / safe, np.nan),
        "arr_share_above": np.where(known, 100.0 * above / safe, np.nan),
    }


def half_even(numerator: Integers, denominator: Integers) -> Integers:
    """Whole-number division rounded half-even; the denominator is above zero."""
    quotient, remainder = np.divmod(numerator, denominator)
    twice = 2 * remainder
    up = (twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))
    return np.asarray(quotient + up, dtype=np.int64)


def points_as_numbers(points: Integers, *, unit: int) -> Floats:
    """Whole-number points (-1 = missing) as float64 points (NaN = missing), each the nearest double."""
    out: NDArray[np.float64] = np.where(points < 0, np.nan, points / unit)
    return out
