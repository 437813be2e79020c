"""How much of the revenue hangs on how few customers. Prose: ``docs/pyramid.md``.

Exact on cents: shares are fractions, and whoever shows them rounds once. The order of customers of equal ARR plays no part,
since only sums of the largest amounts are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

TOP_PCTS = (1, 5, 10, 20)
CURVE_POINTS = 120  # what a picture can show; the figures beside it are of every customer


@dataclass(frozen=True, slots=True)
class TopShare:
    """The largest ``pct`` per cent of the customers: how many these are (rounded up), what they bring, and of what share."""

    pct: int
    customers: int
    cents: int
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class Concentration:
    """Figures over some customers.

    ``half``: the fewest customers that bring half of the total or more; None where nothing is brought. ``curve``: points
    (customers, cents) of the largest ones added up, from (0, 0) to all. Shares are None where the total is 0.
    """

    customers: int
    cents: int
    tops: tuple[TopShare, ...]
    half: int | None
    largest: int
    largest_share: Fraction | None
    curve: tuple[tuple[int, int], ...]


def concentration(*, cents: Sequence[int], tops: Sequence[int] = TOP_PCTS) -> Concentration:
    """Figures of one amount per customer, in cents and never below 0; unknown counts as 0 and its customer counts too.

    Raises ValueError for an amount below 0: shares of a total would mean nothing.
    """
    ordered = sorted(cents, reverse=True)
    if ordered and ordered[-1] < 0:
        raise ValueError("An amount below 0 has no share of a total: leave it out.")
    upto = [0, *accumulate(ordered)]
    count, total = len(ordered), upto[-1]
    largest = ordered[0] if ordered else 0
    return Concentration(
        customers=count,
        cents=total,
        tops=tuple(_top(pct, upto=upto) for pct in tops),
        half=next((place for place, sum_ in enumerate(upto) if 2 * sum_ >= total), None) if total else None,
        largest=largest,
        largest_share=share_of(part=largest, whole=total),
        curve=tuple((place, upto[place]) for place in _places(count)),
    )


def share_of(*, part: int, whole: int) -> Fraction | None:
    """Part ÷ whole; None of nothing."""
    return Fraction(part, whole) if whole else None


def top_count(*, customers: int, pct: int) -> int:
    """How many customers the largest ``pct`` per cent are: rounded up, so that one of nine is the top 10 %."""
    return -(-customers * pct // 100)


def _top(pct: int, *, upto: Sequence[int]) -> TopShare:
    number = top_count(customers=len(upto) - 1, pct=pct)
    return TopShare(
        pct=pct, customers=number, cents=upto[number], share=share_of(part=upto[number], whole=upto[-1])
    )


def _places(count: int) -> list[int]:
    """Where the curve has points: everywhere if there is room, else evenly, closer where it bends, at the largest."""
    if count <= CURVE_POINTS:
        return list(range(count + 1))
    return sorted({0, 1, count, *(count * step**2 // CURVE_POINTS**2 for step in range(1, CURVE_POINTS))})
