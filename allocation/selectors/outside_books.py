"""What stands beside the books, so that their sum is the whole: customers in nobody's book, and hours that cross the fence.

Sum of the books + outside = pyramid = customer list, to the cent and the minute (`docs/pyramid.md`, "Totals").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from accounts.models import Customer
from allocation.selectors.amounts import in_base_cents
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Covers
from allocation.snapshots.held import active_on, changed_since, csms_on, tiers_on


@dataclass(frozen=True, slots=True)
class OutsideBooks:
    """customers, arr_cents, minutes: of active customers without a CSM. lent: minutes of the books shown that a CSM who is not shown
    carries; borrowed: minutes of other books that the CSMs shown carry.
    """

    customers: int = 0
    arr_cents: int = 0
    minutes: int = 0
    lent: int = 0
    borrowed: int = 0

    def __bool__(self) -> bool:
        return bool(self.customers or self.lent or self.borrowed)

    @property
    def minutes_to_add(self) -> int:
        """What the hours of the books shown lack to be those of their customers and of nobody's."""
        return self.minutes + self.lent - self.borrowed


def outside_books(
    *, user: Any, shown: Collection[str], covers: Covers, day: date, today: date, whole: bool = True
) -> OutsideBooks:
    """shown: keys of the CSMs whose books are summed. whole: they are all that the person sees, so that customers of nobody belong
    to it; those are in the scope of CS ops only. Seven statements at most, at any size; none where there is nothing to read.
    """
    crossing = {one.csm_id: one.key in shown for one in covers.away.values() if _crosses(one, shown)}
    with_nobody = whole and user.is_ops
    if not crossing and not with_nobody:
        return OutsideBooks()
    rows = _rows(csm_ids=crossing, with_nobody=with_nobody, day=day)
    cents, _ = in_base_cents(amounts=[(row[3], row[4]) for row in rows], as_of=today)
    plans = TouchPlans(as_of=day)
    minutes = [plans.minutes(customer_id=row[0], tier_id=row[1]) for row in rows]
    nobody = [place for place, row in enumerate(rows) if row[2] is None]

    def carried(*, is_shown: bool) -> int:
        return sum(
            asked for row, asked in zip(rows, minutes, strict=True) if crossing.get(row[2]) is is_shown
        )

    return OutsideBooks(
        customers=len(nobody),
        arr_cents=sum(cents[place] for place in nobody),
        minutes=sum(minutes[place] for place in nobody),
        lent=carried(is_shown=True),
        borrowed=carried(is_shown=False),
    )


def _crosses(away: Any, shown: Collection[str]) -> bool:
    """Covered by the other side of the fence."""
    return away.cover_id is not None and (away.key in shown) != (away.cover_key in shown)


def _rows(*, csm_ids: Iterable[int], with_nobody: bool, day: date) -> list[tuple[Any, ...]]:
    """(customer, tier, CSM, ARR, currency) of those active and held so on the day."""
    wanted: set[int | None] = {*csm_ids, *([None] if with_nobody else [])}
    columns = ("pk", "tier_id", "csm_id", "arr", "currency")
    if changed_since(as_of=day):
        tiers, csms = tiers_on(day=day), csms_on(day=day)
        rows = active_on(day=day).order_by("pk").values_list(*columns)
        held = [(row[0], tiers.get(row[0]), csms.get(row[0]), *row[3:]) for row in rows]
        return [row for row in held if row[2] in wanted]
    chosen = Q(csm_id__in=[pk for pk in wanted if pk is not None])
    if with_nobody:
        chosen |= Q(csm__isnull=True)
    return list(Customer.objects.active().filter(chosen).order_by("pk").values_list(*columns))
