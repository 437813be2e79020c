"""What stands beside the books, so that their sum is the whole: customers in nobody's book, and hours that cross the fence.

Sum of the books + outside = pyramid = customer list, to the cent and the minute (`docs/pyramid.md`, "Totals").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Q

from accounts.models import CSM, Customer
from accounts.querysets.scope import with_teams_below
from allocation.selectors.amounts import in_base_cents
from allocation.selectors.book_sums import Nobodys
from allocation.selectors.pyramid_columns import PyramidColumns
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Covers, covers_on
from allocation.snapshots.figures_worked import summed
from allocation.snapshots.held import active_on, changed_since, csms_on, tiers_on


@dataclass(frozen=True, slots=True)
class OutsideBooks:
    """customers, arr_cents, minutes: of active customers in none of the books shown, which are those without a CSM; of a past day
    also those that were in books of others then (`elsewhere`: how many) and are in the person's scope now. lent: minutes of the
    books shown that a CSM who is not shown carries; borrowed: minutes of other books that the CSMs shown carry.
    """

    customers: int = 0
    arr_cents: int = 0
    minutes: int = 0
    lent: int = 0
    borrowed: int = 0
    elsewhere: int = 0

    def __bool__(self) -> bool:
        return bool(self.customers or self.lent or self.borrowed)

    @property
    def minutes_to_add(self) -> int:
        """What the hours of the books shown lack to be those of their customers and of nobody's."""
        return self.minutes + self.lent - self.borrowed


def outside_books(
    *,
    user: Any,
    shown: Collection[str],
    covers: Covers,
    day: date,
    today: date,
    whole: bool = True,
    nobodys: Nobodys | None = None,
) -> OutsideBooks:
    """shown: keys of the CSMs whose books are summed. whole: they are all that the person sees, so that customers in none of them
    belong to it; of the present day those are in the scope of CS ops only. nobodys: customers in nobody's book, where they were added
    up already. Ten statements at most, at any size; none where there is nothing to read.
    """
    crossing = {one.csm_id: one.key in shown for one in covers.away.values() if _crosses(one, shown)}
    past = whole and not user.is_ops and changed_since(as_of=day)
    if not crossing and not past and not (whole and user.is_ops):
        return OutsideBooks()
    inside = _ids(shown) if past else frozenset()
    counted = nobodys if whole and user.is_ops and not past else None
    with_nobody = whole and user.is_ops and counted is None
    rows = (
        _rows(user=user, csm_ids=crossing, with_nobody=with_nobody, past=past, day=day)
        if crossing or with_nobody or past
        else []
    )
    cents, _ = in_base_cents(amounts=[(row[3], row[4]) for row in rows], as_of=today)
    # Of the present day these are few: whom a cover serves.
    plans = TouchPlans(as_of=day, among=None if past or with_nobody else [row[0] for row in rows])
    minutes = [plans.minutes(customer_id=row[0], tier_id=row[1]) for row in rows]
    beside = [place for place, row in enumerate(rows) if row[2] is None or (past and row[2] not in inside)]

    def carried(*, is_shown: bool) -> int:
        return sum(
            asked for row, asked in zip(rows, minutes, strict=True) if crossing.get(row[2]) is is_shown
        )

    counted = counted or Nobodys()
    return OutsideBooks(
        customers=counted.customers + len(beside),
        arr_cents=counted.arr_cents + sum(cents[place] for place in beside),
        minutes=counted.minutes + sum(minutes[place] for place in beside),
        lent=carried(is_shown=True),
        borrowed=carried(is_shown=False),
        elsewhere=sum(rows[place][2] is not None for place in beside),
    )


def outside_of_pyramid(
    *,
    user: Any,
    nobodys: Nobodys,
    columns: PyramidColumns | None,
    day: date,
    today: date,
    team: int | None = None,
    narrowed: bool = False,
) -> OutsideBooks:
    """The same beside a pyramid, whose lines hold the customers of nobody themselves. nobodys: theirs. columns: of a past day, when
    others had some of them, customer by customer. narrowed: to some customers of a book, of which no balance is made, so that no hours
    are set against it.
    """
    books = CSM.objects.visible_to(user)
    if team is not None:
        books = books.filter(team_id__in=with_teams_below(team=team))
    keys = books.keys_by_id()
    found = OutsideBooks()
    if not narrowed:
        found = outside_books(
            user=user,
            shown=frozenset(keys.values()),
            covers=covers_on(on=day),
            day=day,
            today=today,
            whole=False,
        )
    elsewhere = 0
    if columns is not None:
        beside = ~np.isin(columns.csm, list(keys))
        nobodys = Nobodys(int(beside.sum()), summed(columns.cents[beside]), summed(columns.minutes[beside]))
        elsewhere = int(np.count_nonzero(columns.csm[beside]))
    return replace(
        found,
        customers=nobodys.customers,
        arr_cents=nobodys.arr_cents,
        minutes=nobodys.minutes,
        elsewhere=elsewhere,
    )


def _ids(keys: Collection[str]) -> frozenset[int]:
    return frozenset(pk for pk, key in CSM.objects.all().keys_by_id().items() if key in keys)


def _crosses(away: Any, shown: Collection[str]) -> bool:
    """Covered by the other side of the fence."""
    return away.cover_id is not None and (away.key in shown) != (away.cover_key in shown)


def _rows(
    *, user: Any, csm_ids: Collection[int], with_nobody: bool, past: bool, day: date
) -> list[tuple[Any, ...]]:
    """(customer, tier, CSM, ARR, currency) of those active and held so on the day; past: whoever held them."""
    wanted: set[int | None] = {*csm_ids, *([None] if with_nobody else [])}
    columns = ("pk", "tier_id", "csm_id", "arr", "currency")
    if past or changed_since(as_of=day):
        there = active_on(day=day)
        if not user.is_ops:  # as `workload`: of a past book only what is in the person's scope now
            there = there.filter(pk__in=Customer.objects.visible_to(user).order_by().values("pk"))
        tiers, csms = tiers_on(day=day), csms_on(day=day)
        rows = there.order_by("pk").values_list(*columns)
        held = [(row[0], tiers.get(row[0]), csms.get(row[0]), *row[3:]) for row in rows]
        return [row for row in held if past or row[2] in wanted]
    chosen = Q(csm_id__in=[pk for pk in wanted if pk is not None])
    if with_nobody:
        chosen |= Q(csm__isnull=True)
    return list(Customer.objects.active().filter(chosen).order_by("pk").values_list(*columns))
