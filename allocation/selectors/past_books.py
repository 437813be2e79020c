"""A book as it stood on a past day: who was in it and in which tier by the ledgers, with the figures of today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import CSM, Customer, Tier
from allocation.models import BookHolding
from allocation.selectors import wording
from allocation.selectors.amounts import in_base_cents
from allocation.selectors.books import Summary, tier_lines
from allocation.selectors.covers import past_covered_minutes
from allocation.selectors.customers import open_goals
from allocation.snapshots.away import LONG_LEAVE_DAYS, days_away
from allocation.snapshots.books import TouchPlans, csm_minutes
from allocation.snapshots.covers import covers_on
from allocation.snapshots.held import active_on, tiers_on


@dataclass(frozen=True, slots=True)
class PastRow:
    """A customer of the book, as strings but for the tier of the day."""

    pk: int
    external_id: str
    name: str
    tier: Tier | None
    arr: str
    hours: str
    health: Any
    since: str
    goals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PastBook:
    """summary, rows: of the customers that the person may see today; left_out: how many more there were.

    load: minutes that counted with the CSM on the day, of those customers; none while covered (`is_covered`).
    """

    csm: CSM
    summary: Summary
    capacity: int
    rows: tuple[PastRow, ...]
    left_out: int
    load: int
    is_covered: bool = False

    @property
    def utilisation_pct(self) -> float | None:
        return 100 * self.load / self.capacity if self.capacity and not self.is_covered else None


def past_book(*, csm: CSM, day: date, today: date, user: Any) -> PastBook:
    """The book of a CSM at the end of a past day; the same number of statements at any size.

    Ordered by tier, then name. Amounts are compared at the rates of today.
    """
    since = dict(BookHolding.objects.held_on(day).filter(csm=csm).values_list("customer_id", "starts_on"))
    there = active_on(day=day).filter(book_holdings__in=BookHolding.objects.held_on(day).filter(csm=csm))
    every = set(there.values_list("pk", flat=True))
    seen = list(Customer.objects.visible_to(user).filter(pk__in=there.values("pk")).order_by("name", "pk"))
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank")}
    held = tiers_on(day=day, customer_ids=[one.pk for one in seen])
    plans = TouchPlans(as_of=day, among=[one.pk for one in seen])
    minutes = {one.pk: plans.minutes(customer_id=one.pk, tier_id=held.get(one.pk)) for one in seen}
    cents, problem = in_base_cents(amounts=[(one.arr, one.currency) for one in seen], as_of=today)
    goals = open_goals(customer_ids=[one.pk for one in seen], on=day)
    lowest = len(tiers)
    places = {pk: place for place, pk in enumerate(tiers)}
    in_order = sorted(seen, key=lambda one: places.get(held.get(one.pk, 0), lowest))  # stable: by name within
    away = days_away(as_of=day, at_least=LONG_LEAVE_DAYS).get(csm.pk, 0)
    covers = covers_on(on=day)
    is_covered = covers.is_covered(csm.pk)
    carried = past_covered_minutes(covers=covers, csm_id=csm.pk, day=day, user=user)
    return PastBook(
        csm=csm,
        summary=Summary(
            customers=len(seen),
            arr_cents=sum(cents),
            minutes=sum(minutes.values()),
            tiers=tier_lines([(one.pk, held.get(one.pk)) for one in seen], cents, minutes, tiers.values()),
            minutes_of=minutes,
            money_problem=problem,
        ),
        capacity=csm_minutes(csm=csm, away=away),
        rows=tuple(_row(one, tiers.get(held.get(one.pk, 0)), minutes, since, goals) for one in in_order),
        left_out=len(every) - len(seen),
        load=0 if is_covered else sum(minutes.values()) + carried,
        is_covered=is_covered,
    )


def _row(
    one: Customer,
    tier: Tier | None,
    minutes: dict[int, int],
    since: dict[int, date],
    goals: dict[int, tuple[str, ...]],
) -> PastRow:
    return PastRow(
        pk=one.pk,
        external_id=one.external_id,
        name=one.name,
        tier=tier,
        arr=wording.money(one.arr, one.currency),
        hours=wording.hours_and_minutes(minutes[one.pk]),
        health=one.health,
        since=wording.day(since[one.pk]),
        goals=goals.get(one.pk, ()),
    )
