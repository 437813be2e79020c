"""What the books of today come to, from the columns of customers: the rows of the balance without a row for each customer.

The same numbers as `engine.books_report.book_rows` and `renewals_by_csm` give of a snapshot, which a past day is read from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.conf import settings

from accounts.models import Tier
from allocation.engine.books import caps
from allocation.engine.books_state import NO_CAP
from allocation.engine.facts.books import BookRow, CsmFacts
from allocation.models import AllocationPolicy
from allocation.selectors.renewals import PLACES, Renewals, places_of_days
from allocation.snapshots.books import book_policy, csm_facts, tier_facts
from allocation.snapshots.figures import Column, CustomerFigures, Everybody
from allocation.snapshots.figures_summed import Cells, added_up, answered, cells, currencies_in
from allocation.snapshots.figures_worked import Activities, Rates, base_cents, minutes, touch_activities
from allocation.snapshots.money import frozen_rates


@dataclass(frozen=True, slots=True)
class Nobodys:
    """Customers in nobody's book."""

    customers: int = 0
    arr_cents: int = 0
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class BookSums:
    """rows: as they stand, before hours are carried. largest_cents, renewals, csm_ids: by the CSM's key."""

    rows: tuple[BookRow, ...]
    largest_cents: Mapping[str, int]
    renewals: Mapping[str, Renewals]
    csm_ids: Mapping[str, int]
    nobodys: Nobodys | None = None


def book_sums(*, everybody: Everybody, as_of: date, rates_on: date, policy: AllocationPolicy) -> BookSums:
    """Of every book. Raises UnknownRate. The same number of statements at any size."""
    base = settings.BASE_CURRENCY
    rates = frozen_rates(currencies=currencies_in(everybody), as_of=rates_on, base=base)
    tiers = list(Tier.objects.order_by("rank", "slug"))
    numbers = (0, *sorted(tier.pk for tier in tiers))
    sums = answered(everybody, _Books(tuple(rates.items()), base, touch_activities(), as_of, numbers))
    csms, keys = csm_facts(
        as_of=as_of, policy=policy, used=sums.renewals.keys(), with_seats=False, with_skills=False
    )
    ids = {key: pk for pk, key in keys.items()}
    held = [(key, pk) for key, pk in ids.items() if pk in sums.renewals]
    return BookSums(
        rows=_rows(sums=sums, csms=csms, ids=ids, tiers=tiers, policy=policy),
        largest_cents={key: sums.largest[pk] for key, pk in held},
        renewals={key: sums.renewals[pk] for key, pk in held},
        csm_ids=ids,
        nobodys=Nobodys(sums.customers(0), sums.cents(0), sums.minutes.get(0, 0)),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """By CSM id, of those who have customers; 0 is nobody. tiers: customers by tier id."""

    renewals: Mapping[int, Renewals]
    minutes: Mapping[int, int]
    largest: Mapping[int, int]
    tiers: Mapping[int, Mapping[int, int]]

    def customers(self, csm: int) -> int:
        return sum(self.renewals[csm].customers) if csm in self.renewals else 0

    def cents(self, csm: int) -> int:
        return sum(self.renewals[csm].arr_cents) if csm in self.renewals else 0


@dataclass(frozen=True, slots=True)
class _Part:
    """Of one sheet: money by CSM and period, hours by CSM and tier, the largest amount by CSM."""

    periods: Cells
    tiers: Cells
    largest: Column


@dataclass(frozen=True, slots=True)
class _Books:
    """What the books come to. tiers: ids, rising from 0, which is none."""

    rates: Rates
    base: str
    activities: Activities
    on: date
    tiers: tuple[int, ...]

    def of(self, figures: CustomerFigures) -> _Part:
        rates, csm = dict(self.rates), figures.csm.astype(np.int64)
        cents, _ = base_cents(cents=figures.arr, currency=figures.currency, rates=rates, base=self.base)
        asked = minutes(figures=figures, activities=self.activities, as_of=self.on)
        largest = np.zeros(int(csm.max(initial=0)) + 1, dtype=np.int64)
        np.maximum.at(largest, csm, cents)
        return _Part(
            cells(csm * PLACES + places_of_days(figures.renewal, on=self.on), cents),
            cells(csm * len(self.tiers) + self._places(figures.tier), asked),
            largest,
        )

    def _places(self, tier: Column) -> Column:
        """Where each tier stands in `tiers`; 0 of one that went in the meantime."""
        known = np.array(self.tiers)
        places = np.minimum(np.searchsorted(known, tier), len(known) - 1)
        return np.where(known[places] == tier, places, 0)

    def together(self, parts: Sequence[_Part]) -> _Sums:
        customers, cents = added_up([part.periods for part in parts], amounts=1)
        in_tier, asked = added_up([part.tiers for part in parts], amounts=1)
        largest = np.zeros(max((len(part.largest) for part in parts), default=1), dtype=np.int64)
        for part in parts:
            np.maximum(largest[: len(part.largest)], part.largest, out=largest[: len(part.largest)])
        tiers: dict[int, dict[int, int]] = {}
        hours: dict[int, int] = {}
        for place in np.flatnonzero(in_tier).tolist():
            csm, tier = divmod(place, len(self.tiers))
            tiers.setdefault(csm, {})[self.tiers[tier]] = in_tier[place]
            hours[csm] = hours.get(csm, 0) + asked[place]
        return _Sums(
            renewals={csm: _renewals(customers, cents, csm * PLACES) for csm in tiers},
            minutes=hours,
            largest={csm: int(largest[csm]) for csm in tiers},
            tiers=tiers,
        )


def _renewals(customers: list[int], cents: list[int], at: int) -> Renewals:
    """The last places of a CSM without renewals so late are not there."""
    lacking = (0,) * max(0, at + PLACES - len(customers))
    return Renewals((*customers[at : at + PLACES], *lacking), (*cents[at : at + PLACES], *lacking))


def _rows(
    *,
    sums: _Sums,
    csms: Sequence[CsmFacts],
    ids: Mapping[str, int],
    tiers: Sequence[Tier],
    policy: AllocationPolicy,
) -> tuple[BookRow, ...]:
    facts = tier_facts(tiers)
    limits = caps(csms=csms, tiers=facts, policy=book_policy(policy=policy, max_moves_pct=None)).tolist()
    rows = []
    for csm, bounds in zip(csms, limits, strict=True):
        pk = ids[csm.key]
        if csm.leaving == "gone" and pk not in sums.renewals:
            continue
        held = sums.tiers.get(pk, {})
        of_tiers = [
            (fact, cap, held.get(tier.pk, 0)) for fact, tier, cap in zip(facts, tiers, bounds, strict=True)
        ]
        rows.append(
            BookRow(
                csm=csm.key,
                name=csm.name,
                team=csm.team,
                customers=sums.customers(pk),
                by_tier={tier.slug: number for tier, _, number in of_tiers if tier.served or number},
                cap_room={
                    tier.slug: None if cap == NO_CAP else cap - number
                    for tier, cap, number in of_tiers
                    if tier.served
                },
                arr_cents=sums.cents(pk),
                minutes=sums.minutes.get(pk, 0),
                capacity_minutes=max(0, csm.capacity_minutes) if csm.leaving != "gone" else 0,
            )
        )
    return tuple(rows)
