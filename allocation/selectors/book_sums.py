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
from allocation.snapshots.figures import UNKNOWN, Column, CustomerFigures
from allocation.snapshots.figures_worked import base_cents, currency_words, minutes, summed_by
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


def book_sums(*, figures: CustomerFigures, as_of: date, rates_on: date, policy: AllocationPolicy) -> BookSums:
    """Of every book; `figures` are everybody's. Raises UnknownRate. The same number of statements at any size."""
    base = settings.BASE_CURRENCY
    named = set(currency_words(figures.currency[figures.arr != UNKNOWN]).values())
    rates = frozen_rates(currencies=named, as_of=rates_on, base=base)
    cents, _ = base_cents(cents=figures.arr, currency=figures.currency, rates=rates, base=base)
    asked = minutes(figures=figures, as_of=as_of)
    tiers = list(Tier.objects.order_by("rank", "slug"))
    held = np.bincount(figures.csm, minlength=1)
    csms, keys = csm_facts(
        as_of=as_of,
        policy=policy,
        used=set(np.flatnonzero(held).tolist()),
        with_seats=False,
        with_skills=False,
    )
    size = max(keys, default=0) + 1
    sums = _Sums(
        customers=np.bincount(figures.csm, minlength=size).tolist(),
        cents=summed_by(figures.csm, cents, size=size),
        minutes=summed_by(figures.csm, asked, size=size),
        by_tier=_by_tier(figures, tiers=tiers, size=size),
    )
    ids = {key: pk for pk, key in keys.items()}
    renewals = _renewals(figures, cents, on=as_of, size=size)
    largest = np.zeros(size, dtype=np.int64)
    np.maximum.at(largest, figures.csm, cents)
    return BookSums(
        rows=_rows(sums=sums, csms=csms, ids=ids, tiers=tiers, policy=policy),
        largest_cents={key: int(largest[pk]) for key, pk in ids.items() if sums.customers[pk]},
        renewals={key: renewals[pk] for key, pk in ids.items() if sums.customers[pk]},
        csm_ids=ids,
        nobodys=Nobodys(sums.customers[0], sums.cents[0], sums.minutes[0]),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """By CSM id; position 0 is nobody. by_tier: CSM ids × tiers in their order."""

    customers: list[int]
    cents: list[int]
    minutes: list[int]
    by_tier: Column


def _by_tier(figures: CustomerFigures, *, tiers: Sequence[Tier], size: int) -> Column:
    places = np.full(max((tier.pk for tier in tiers), default=0) + 1, len(tiers), dtype=np.int64)
    places[[tier.pk for tier in tiers]] = range(len(tiers))
    width = len(tiers) + 1  # the last for those without a tier
    counted = np.bincount(figures.csm.astype(np.int64) * width + places[figures.tier], minlength=size * width)
    return counted.reshape(size, width)


def _renewals(figures: CustomerFigures, cents: Column, *, on: date, size: int) -> list[Renewals]:
    places = figures.csm.astype(np.int64) * PLACES + places_of_days(figures.renewal, on=on)
    counts = np.bincount(places, minlength=size * PLACES).tolist()
    amounts = summed_by(places, cents, size=size * PLACES)
    return [
        Renewals(tuple(counts[at : at + PLACES]), tuple(amounts[at : at + PLACES]))
        for at in range(0, size * PLACES, PLACES)
    ]


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
        if csm.leaving == "gone" and not sums.customers[pk]:
            continue
        count = sums.by_tier[pk].tolist()
        of_tiers = list(zip(facts, bounds, count, strict=False))
        rows.append(
            BookRow(
                csm=csm.key,
                name=csm.name,
                team=csm.team,
                customers=sums.customers[pk],
                by_tier={tier.slug: number for tier, _, number in of_tiers if tier.served or number},
                cap_room={
                    tier.slug: None if cap == NO_CAP else cap - number
                    for tier, cap, number in of_tiers
                    if tier.served
                },
                arr_cents=sums.cents[pk],
                minutes=sums.minutes[pk],
                capacity_minutes=max(0, csm.capacity_minutes) if csm.leaving != "gone" else 0,
            )
        )
    return tuple(rows)
