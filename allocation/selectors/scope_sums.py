"""What all customers in a person's scope come to today, from the columns of customers: home, the admin's first page, lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings

from accounts.models import Customer, Tier
from allocation.selectors.amounts import known_rates
from allocation.selectors.books import SHORT_LIST, Summary, TierLine
from allocation.selectors.pyramid_columns import figures_in_scope
from allocation.selectors.thresholds import LOW_HEALTH, SOON
from allocation.snapshots.figures import UNKNOWN, Column, CustomerFigures
from allocation.snapshots.figures_worked import base_cents, currency_words, summed, summed_by


@dataclass(frozen=True, slots=True)
class ScopeSums:
    """summary: without hours. biggest: the largest renewals within 90 days, with what a row needs."""

    summary: Summary
    biggest: list[Customer]


def scope_sums(*, user: Any, as_of: date, figures: CustomerFigures | None = None) -> ScopeSums:
    """figures: of the person's scope, where they were read already. The same number of statements at any size."""
    figures = figures_in_scope(user=user) if figures is None else figures
    base = settings.BASE_CURRENCY
    named = set(currency_words(figures.currency[figures.arr != UNKNOWN]).values())
    rates, problem = known_rates(currencies=named, as_of=as_of)
    cents, _ = base_cents(cents=figures.arr, currency=figures.currency, rates=rates, base=base)
    day = as_of.toordinal()
    soon = (figures.renewal >= day) & (figures.renewal <= (as_of + SOON).toordinal())
    summary = Summary(
        customers=len(figures),
        arr_cents=summed(cents),
        renewals_soon=int(soon.sum()),
        low_health=int(((figures.health != UNKNOWN) & (figures.health < 100 * LOW_HEALTH)).sum()),
        without_health=int((figures.health == UNKNOWN).sum()),
        tiers=_tier_lines(figures, cents),
        money_problem=problem,
    )
    return ScopeSums(summary=summary, biggest=_biggest(figures, cents, soon))


def _tier_lines(figures: CustomerFigures, cents: Column) -> tuple[TierLine, ...]:
    tiers: Sequence[Tier | None] = [*Tier.objects.order_by("rank"), None]
    size = max((tier.pk for tier in tiers if tier), default=0) + 1
    counts = np.bincount(figures.tier, minlength=size).tolist()
    sums = summed_by(figures.tier, cents, size=size)
    places = [(tier, tier.pk if tier else 0) for tier in tiers]
    return tuple(TierLine(tier, counts[at], sums[at], 0) for tier, at in places if counts[at])


def _biggest(figures: CustomerFigures, cents: Column, soon: Column) -> list[Customer]:
    """By what they bring, unknown amounts last, then by day and id."""
    at = np.flatnonzero(soon)
    worth = np.where(figures.arr[at] == UNKNOWN, UNKNOWN, cents[at])
    if len(at) > SHORT_LIST:
        least = np.partition(worth, len(at) - SHORT_LIST)[len(at) - SHORT_LIST]
        at, worth = at[worth >= least], worth[worth >= least]
    order = np.lexsort((figures.ids[at], figures.renewal[at], -worth))[:SHORT_LIST]
    ids = figures.ids[at[order]].tolist()
    found = Customer.objects.select_related("tier", "csm__team", "vertical").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]
