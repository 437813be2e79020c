"""How much of the revenue hangs on how few customers. Prose: ``docs/pyramid.md``.

Exact on cents: shares are fractions, and whoever shows them rounds once. The order of customers of equal ARR plays no part,
since only sums of the largest amounts are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

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


def concentration(
    *, cents: Sequence[int] | npt.NDArray[np.int64], tops: Sequence[int] = TOP_PCTS
) -> Concentration:
    """Figures of one amount per customer, in cents and never below 0; unknown counts as 0 and its customer counts too.

    Raises ValueError for an amount below 0: shares of a total would mean nothing.
    """
    ordered = np.sort(np.asarray(cents, dtype=np.int64))[::-1]
    if len(ordered) and ordered[-1] < 0:
        raise ValueError("An amount below 0 has no share of a total: leave it out.")
    count, largest = len(ordered), int(ordered[0]) if len(ordered) else 0
    upto = _added_up(ordered)
    total = int(upto[-1])
    # The first place at which twice the sum is the total or more.
    half = int(np.searchsorted(upto, -(-total // 2))) if total else None
    return Concentration(
        customers=count,
        cents=total,
        tops=tuple(_top(pct, upto=upto) for pct in tops),
        half=half,
        largest=largest,
        largest_share=share_of(part=largest, whole=total),
        curve=tuple((place, int(upto[place])) for place in _places(count)),
    )


def _added_up(ordered: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Sums of the first 0, 1, 2 … amounts, exact: as Python counts where they might not fit."""
    if len(ordered) and int(ordered[0]) * len(ordered) >= 2**63:
        return np.array([0, *accumulate(ordered.tolist())], dtype=object)
    return np.concatenate([[0], np.cumsum(ordered)])


def share_of(*, part: int, whole: int) -> Fraction | None:
    """Part ÷ whole; None of nothing."""
    return Fraction(part, whole) if whole else None


def top_count(*, customers: int, pct: int) -> int:
    """How many customers the largest ``pct`` per cent are: rounded up, so that one of nine is the top 10 %."""
    return -(-customers * pct // 100)


def _top(pct: int, *, upto: npt.NDArray[Any]) -> TopShare:
    number = top_count(customers=len(upto) - 1, pct=pct)
    cents = int(upto[number])
    return TopShare(pct=pct, customers=number, cents=cents, share=share_of(part=cents, whole=int(upto[-1])))


def _places(count: int) -> list[int]:
    """Where the curve has points: everywhere if there is room, else evenly, closer where it bends, at the largest."""
    if count <= CURVE_POINTS:
        return list(range(count + 1))
    return sorted({0, 1, count, *(count * step**2 // CURVE_POINTS**2 for step in range(1, CURVE_POINTS))})
