"""A book as its page shows it: what it asks of the CSM, its tiers, its customers with hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet

from accounts.models import CSM, Customer, Tier
from allocation.engine.books import caps
from allocation.engine.facts.books import BookPolicy, CsmFacts, TierFacts
from allocation.models import AllocationPolicy
from allocation.selectors import wording
from allocation.selectors.amounts import by_base_amount, in_base_cents
from allocation.selectors.book_facts import BookFacts, book_facts
from allocation.selectors.covers import CoveredBook, covered_books
from allocation.selectors.thresholds import LOW_HEALTH, SOON
from allocation.snapshots.away import LONG_LEAVE_DAYS, days_away_among
from allocation.snapshots.books import TouchPlans, csm_minutes
from allocation.snapshots.covers import Away

SHORT_LIST = 8


@dataclass(frozen=True, slots=True)
class TierLine:
    """Customers of one tier among some; `cap` only for one CSM's book."""

    tier: Tier | None
    customers: int
    arr_cents: int
    minutes: int
    cap: int | None = None

    @property
    def over_cap(self) -> bool:
        return self.cap is not None and self.customers > self.cap


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of some active customers. Money in cents of the base currency, hours in minutes of a month."""

    customers: int = 0
    arr_cents: int = 0
    minutes: int = 0
    renewals_soon: int = 0
    low_health: int = 0
    without_health: int = 0
    tiers: tuple[TierLine, ...] = ()
    minutes_of: Mapping[int, int] = field(default_factory=dict)
    # Why amounts in some currency are missing from the sums; empty when all could be converted.
    money_problem: str = ""


def summary(*, customers: QuerySet[Customer], as_of: date, hours: bool = True) -> Summary:
    """One reading of the active customers among `customers`, tiers, rates and (with `hours`) touch plans."""
    rows = list(
        customers.active()
        .order_by()
        .values_list("pk", "tier_id", "arr", "currency", "renewal_date", "health")
    )
    cents, problem = in_base_cents(amounts=[(row[2], row[3]) for row in rows], as_of=as_of)
    plans = TouchPlans(as_of=as_of, among=customers.active().order_by().values("pk")) if hours else None
    minutes_of = {
        pk: plans.minutes(customer_id=pk, tier_id=tier_id) if plans else 0 for pk, tier_id, *_ in rows
    }
    lines = tier_lines([(row[0], row[1]) for row in rows], cents, minutes_of)
    return _summed(
        [row[4:6] for row in rows], cents, minutes_of=minutes_of, tiers=lines, problem=problem, as_of=as_of
    )


def summary_of(*, facts: BookFacts, csm_ids: Collection[int]) -> Summary:
    """The same of the active customers of these CSMs, who are the book's or covered; no statement."""
    rows = facts.active(csm_ids=csm_ids)
    cents, problem = in_base_cents(
        amounts=[(row["arr"], row["currency"]) for row in rows], as_of=facts.on, rates=facts.rates
    )
    minutes_of = facts.minutes_of(rows)
    lines = tier_lines([(row["pk"], row["tier_id"]) for row in rows], cents, minutes_of, facts.tiers)
    return _summed(
        [(row["renewal_date"], row["health"]) for row in rows],
        cents,
        minutes_of=minutes_of,
        tiers=lines,
        problem=problem,
        as_of=facts.on,
    )


def _summed(
    rows: Sequence[tuple[date | None, Decimal | None]],
    cents: Sequence[int],
    *,
    minutes_of: Mapping[int, int],
    tiers: tuple[TierLine, ...],
    problem: str,
    as_of: date,
) -> Summary:
    """rows: day of renewal and health of each."""
    return Summary(
        customers=len(rows),
        arr_cents=sum(cents),
        minutes=sum(minutes_of.values()),
        renewals_soon=sum(1 for day, _ in rows if day is not None and as_of <= day <= as_of + SOON),
        low_health=sum(1 for _, health in rows if health is not None and health < LOW_HEALTH),
        without_health=sum(1 for _, health in rows if health is None),
        tiers=tiers,
        minutes_of=minutes_of,
        money_problem=problem,
    )


def tier_lines(
    rows: Iterable[tuple[int, int | None]],
    cents: Iterable[int],
    minutes_of: Mapping[int, int],
    in_order: Iterable[Tier] | None = None,
) -> tuple[TierLine, ...]:
    """By tier, the highest first, those without a tier last. rows: (customer, tier). in_order: the tiers, where they are
    read already.
    """
    sums: dict[int | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    for (pk, tier_id), amount in zip(rows, cents, strict=True):
        line = sums[tier_id]
        line[0] += 1
        line[1] += amount
        line[2] += minutes_of[pk]
    tiers: list[Tier | None] = [*(in_order or Tier.objects.order_by("rank")), None]
    return tuple(TierLine(tier, *sums[key]) for tier in tiers if (key := tier.pk if tier else None) in sums)


@dataclass(frozen=True, slots=True)
class Book:
    """One CSM's book: `capacity` in minutes of the month from the day.

    summary: of the customers that the CSM owns. away: whether the CSM is away on the day, and who covers. covered: the
    books the CSM serves beside the own one.
    """

    csm: CSM
    summary: Summary
    capacity: int
    away: Away | None = None
    covered: tuple[CoveredBook, ...] = ()

    @property
    def is_covered(self) -> bool:
        return self.away is not None and self.away.cover_id is not None

    @property
    def load(self) -> int:
        """Minutes that count with this CSM on the day: of the own book and of those covered; 0 while somebody else covers."""
        if self.is_covered:
            return 0
        return self.summary.minutes + sum(one.minutes for one in self.covered)

    @property
    def utilisation_pct(self) -> float | None:
        return 100 * self.load / self.capacity if self.capacity and not self.is_covered else None


def csm_in_scope(*, user: Any, pk: int) -> CSM | None:
    """None for an open seat as well: nobody's book is no page."""
    return CSM.objects.visible_to(user).people().select_related("team", "user").filter(pk=pk).first()


def own_csm(*, user: Any) -> CSM | None:
    """The CSM that the person is; no statement where the person came with it (`who_asks`)."""
    found: CSM | None = getattr(user, "csm", None)
    return found


def csm_book(*, csm: CSM, as_of: date, facts: BookFacts | None = None) -> Book:
    """The figures of one book; the same number of statements at any size. facts: of it and the day, where they are read already."""
    facts = facts or book_facts(csm=csm, on=as_of)
    leaves = [(row.csm_id, row.starts_on, row.ends_before) for row in facts.leaves]
    away = days_away_among(leaves, as_of=as_of, at_least=LONG_LEAVE_DAYS).get(csm.pk, 0)
    return Book(
        csm=csm,
        summary=_with_caps(summary_of(facts=facts, csm_ids={csm.pk}), csm, facts.full_time_hours),
        capacity=csm_minutes(csm=csm, away=away),
        away=facts.covers.away.get(csm.pk),
        covered=covered_books(facts=facts),
    )


def _with_caps(found: Summary, csm: CSM, full_time: Decimal | None) -> Summary:
    """The tiers with the cap of this CSM: cap × share of full time. full_time: hours by the policy; None: the default."""
    if full_time is None:
        full_time = AllocationPolicy._meta.get_field("full_time_hours").get_default()
    tiers = [line.tier for line in found.tiers if line.tier is not None]
    table = caps(
        csms=[
            CsmFacts(
                key=csm.key,
                name=csm.name,
                team="",
                contract_minutes=round(csm.hours_per_month * 60),
                capacity_minutes=0,
            )
        ],
        tiers=[TierFacts(tier.slug, tier.name, tier.touch_level, tier.cap) for tier in tiers],
        policy=BookPolicy(full_time_minutes=round(Decimal(full_time) * 60)),
    )
    cap_of = {
        tier.pk: int(table[0, place]) if tier.cap is not None else None for place, tier in enumerate(tiers)
    }
    lines = tuple(
        TierLine(
            line.tier,
            line.customers,
            line.arr_cents,
            line.minutes,
            cap_of.get(line.tier.pk) if line.tier else None,
        )
        for line in found.tiers
    )
    return Summary(
        customers=found.customers,
        arr_cents=found.arr_cents,
        minutes=found.minutes,
        renewals_soon=found.renewals_soon,
        low_health=found.low_health,
        without_health=found.without_health,
        tiers=lines,
        minutes_of=found.minutes_of,
        money_problem=found.money_problem,
    )


def next_renewals(*, customers: QuerySet[Customer], as_of: date, by_amount: bool) -> list[Customer]:
    """Active customers whose renewal is within 90 days: the nearest, or (`by_amount`) the largest."""
    rows = customers.active().filter(renewal_date__gte=as_of, renewal_date__lte=as_of + SOON)
    joined = rows.select_related("tier", "csm__team", "vertical")
    if by_amount:
        joined = by_base_amount(joined, as_of=as_of)
        return list(joined.order_by(F("arr_base").desc(nulls_last=True), "renewal_date", "pk")[:SHORT_LIST])
    return list(joined.order_by("renewal_date", "name", "pk")[:SHORT_LIST])


def base_money(cents: int) -> str:
    """Cents of the base currency as people read them, with cents when there are some."""
    amount = wording.from_cents(cents)
    return wording.money(amount, settings.BASE_CURRENCY, places=wording.places_of([amount]))
