"""How even books are: the four figures that pages, plans and commands show, for any measure.

Formulas: ``docs/engine/books.md``, "How even is it". Population statistics (divided by n), computed exactly on fractions
and turned into floats once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, sqrt

OUTSIDE = Fraction(15, 100)


@dataclass(frozen=True, slots=True)
class Balance:
    """Figures of one measure over all books that have it; all None when there is no book or nothing to share.

    ``outside_15_pct``: per cent of books more than 15 % above or below the mean. ``cv``: standard deviation ÷ mean.
    ``gini``: 0 = all equal. ``max_over_mean``: the largest book ÷ the mean.
    """

    outside_15_pct: float | None
    cv: float | None
    gini: float | None
    max_over_mean: float | None


NOTHING = Balance(outside_15_pct=None, cv=None, gini=None, max_over_mean=None)


def balance(*, values: Sequence[Fraction | int | None]) -> Balance:
    """Figures for one value per book. None (such as utilisation without capacity) is left out; order does not matter."""
    given = [value for value in values if value is not None]
    # Everything below is exact and the same for values that are all so many times as large: whole numbers, then.
    times = lcm(*(value.denominator for value in given))
    known = sorted(value.numerator * (times // value.denominator) for value in given)
    total = sum(known)
    if not known or total <= 0:
        return NOTHING
    n = len(known)
    off = [n * value - total for value in known]  # n times as far from the mean
    bound = OUTSIDE.numerator * total
    outside = sum(OUTSIDE.denominator * abs(far) > bound for far in off)
    squares = sum(far * far for far in off)
    # Σ_i Σ_j |x_i − x_j| ÷ (2 n² mean), by rank: with x sorted, Σ (2 rank − n − 1) x ÷ (n Σ x).
    ranked = sum((2 * rank - n - 1) * value for rank, value in enumerate(known, start=1))
    return Balance(
        outside_15_pct=round(float(Fraction(100 * outside, n)), 1),
        cv=round(sqrt(Fraction(squares, n * total * total)), 4),
        gini=round(float(Fraction(ranked, n * total)), 4),
        max_over_mean=round(float(Fraction(known[-1] * n, total)), 4),
    )
