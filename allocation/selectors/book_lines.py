"""Books side by side, as the balance page, the list of books and the home page show them.

The numbers are those of `selectors.balance` (and so of the `workload_balance` command); here they get an order and words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from accounts.models import CSM, Tier
from allocation.engine.balance import OUTSIDE
from allocation.engine.facts.books import BookRow
from allocation.selectors import wording
from allocation.selectors.covers import leave_marks
from allocation.snapshots.covers import Covers

# name in the address: what people read, the key it sorts by
SORTS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "-utilisation": ("Fullest first", lambda row: -(row.utilisation if row.utilisation is not None else -1)),
    "utilisation": ("Emptiest first", lambda row: (row.utilisation is None, row.utilisation or 0)),
    "name": ("By name", lambda row: row.name),
    "-name": ("By name, from Z", lambda row: tuple(-ord(letter) for letter in row.name)),
    "team": ("By team", lambda row: row.team),
    "-customers": ("Most customers first", lambda row: -row.customers),
    "customers": ("Fewest customers first", lambda row: row.customers),
    "-arr": ("Most ARR first", lambda row: -row.arr_cents),
    "arr": ("Least ARR first", lambda row: row.arr_cents),
    "-hours": ("Most hours first", lambda row: -row.minutes),
    "hours": ("Fewest hours first", lambda row: row.minutes),
}
DEFAULT_SORT = "-utilisation"


def known_sort(sort: str | None, *, default: str = DEFAULT_SORT) -> str:
    return sort if sort in SORTS else default


def in_order(rows: Sequence[BookRow], *, sort: str) -> list[BookRow]:
    """By a name of SORTS; ties by name and key."""
    key = SORTS[sort][1]
    return sorted(rows, key=lambda row: (key(row), row.name, row.csm))


@dataclass(frozen=True, slots=True)
class BookLine:
    """One CSM as strings; `pct` is the utilisation in per cent. `pk` None: not to be opened. by_tier: (tier, customers)."""

    pk: int | None
    name: str
    team: str
    customers: str
    by_tier: tuple[tuple[str, str], ...]
    arr: str
    hours: str
    capacity: str
    pct: float | None
    outside: bool
    side: str
    # Who is away until when and who covers, or whom the CSM covers; empty for most.
    leave: str = ""
    leave_tone: str = ""
    covered: bool = False


def book_lines(
    rows: Sequence[BookRow],
    *,
    among: Sequence[BookRow],
    tiers: Sequence[Tier],
    user: Any,
    covers: Covers | None = None,
    seen: frozenset[str] = frozenset(),
) -> list[BookLine]:
    """`rows` as strings, against the mean of `among`; one statement for the ways to the books."""
    marks = leave_marks(covers=covers, seen=seen) if covers else {}
    ids = {csm.key: csm.pk for csm in CSM.objects.visible_to(user).only("pk", "email", "name")}
    places = wording.places_of(wording.from_cents(row.arr_cents) for row in rows)
    mean = mean_pct(among)
    return [
        BookLine(
            pk=ids.get(row.csm),
            name=row.name,
            team=row.team,
            customers=wording.grouped(row.customers),
            by_tier=tuple((tier.name, wording.grouped(row.by_tier.get(tier.slug, 0))) for tier in tiers),
            arr=wording.grouped(wording.from_cents(row.arr_cents), places=places),
            hours=wording.hours_and_minutes(row.minutes),
            capacity=wording.hours_and_minutes(row.capacity_minutes),
            pct=utilisation_pct(row),
            outside=is_outside(row, mean),
            side="above" if mean is not None and (utilisation_pct(row) or 0) > mean else "below",
            leave=marks.get(row.csm, ("", ""))[0],
            leave_tone=marks.get(row.csm, ("", ""))[1],
            covered=row.covered,
        )
        for row in rows
    ]


def totals(rows: Sequence[BookRow], *, tiers: Sequence[Tier]) -> dict[str, Any]:
    """The last line of the table."""
    minutes, capacity = sum(row.minutes for row in rows), sum(row.capacity_minutes for row in rows)
    places = wording.places_of(wording.from_cents(row.arr_cents) for row in rows)
    return {
        "customers": wording.grouped(sum(row.customers for row in rows)),
        "by_tier": [wording.grouped(sum(row.by_tier.get(tier.slug, 0) for row in rows)) for tier in tiers],
        "arr": wording.grouped(wording.from_cents(sum(row.arr_cents for row in rows)), places=places),
        "hours": wording.hours_and_minutes(minutes),
        "capacity": wording.hours_and_minutes(capacity),
        "utilisation": wording.percent(100 * minutes / capacity, places=2) if capacity else wording.DASH,
    }


def shown_tiers(rows: Sequence[BookRow]) -> list[Tier]:
    """Tiers that somebody has customers of, the highest first."""
    used = {slug for row in rows for slug, number in row.by_tier.items() if number}
    return [tier for tier in Tier.objects.order_by("rank") if tier.slug in used]


def utilisation_pct(row: BookRow) -> float | None:
    return None if row.utilisation is None else 100 * row.utilisation


def mean_pct(rows: Sequence[BookRow]) -> Fraction | None:
    """Mean utilisation in per cent, over the books that have a capacity: what the ±15 % are of."""
    # Many books have the same capacity: few fractions are added up.
    asked, books = Counter[int](), 0
    for row in rows:
        if row.is_measured:
            asked[row.capacity_minutes] += row.minutes
            books += 1
    shares = (Fraction(minutes, capacity) for capacity, minutes in asked.items())
    return 100 * sum(shares, Fraction(0)) / books if books else None


def is_outside(row: BookRow, mean: Fraction | None) -> bool:
    """More than 15 % above or below the mean."""
    if mean is None or not row.is_measured:
        return False
    # In whole numbers: the shares and the mean over one denominator.
    share, middle = 100 * row.minutes * mean.denominator, mean.numerator * row.capacity_minutes
    return OUTSIDE.denominator * abs(share - middle) > OUTSIDE.numerator * middle


def over_capacity(rows: Sequence[BookRow]) -> list[BookRow]:
    """Books that ask for more hours than there are."""
    return [row for row in rows if row.capacity_minutes > 0 and row.minutes > row.capacity_minutes]


def furthest_from_even(rows: Sequence[BookRow], *, at_most: int) -> list[BookRow]:
    """Books whose utilisation is furthest from the mean."""
    mean = mean_pct(rows)
    if mean is None:
        return []
    known = [row for row in rows if row.is_measured]
    far = sorted(known, key=lambda row: (-abs((utilisation_pct(row) or 0) - float(mean)), row.name, row.csm))
    return far[:at_most]
