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
from allocation.selectors.pyramid_columns import scope_of
from allocation.selectors.thresholds import LOW_HEALTH, SOON
from allocation.snapshots.figures import UNKNOWN, Column, CustomerFigures, Everybody, customer_figures
from allocation.snapshots.figures_summed import (
    Cells,
    Scope,
    added_up,
    answered,
    cells,
    currencies_in,
    first_of,
)
from allocation.snapshots.figures_worked import Rates, base_cents


@dataclass(frozen=True, slots=True)
class ScopeSums:
    """summary: without hours. biggest: the largest renewals within 90 days, with what a row needs."""

    summary: Summary
    biggest: list[Customer]


def scope_sums(*, user: Any, as_of: date, everybody: Everybody | None = None) -> ScopeSums:
    """everybody: the columns of customers, where they were read already. The same number of statements at any size."""
    everybody = customer_figures() if everybody is None else everybody
    scope = scope_of(user=user)
    rates, problem = known_rates(currencies=currencies_in(everybody, scope=scope), as_of=as_of)
    question = _InScope(scope, tuple(rates.items()), settings.BASE_CURRENCY, as_of, as_of + SOON)
    (counts, cents, soon, low, unknown), biggest = answered(everybody, question)
    tiers: Sequence[Tier | None] = [*Tier.objects.order_by("rank"), None]
    places = [(tier, tier.pk if tier else 0) for tier in tiers]
    summary = Summary(
        customers=sum(counts),
        arr_cents=sum(cents),
        renewals_soon=sum(soon),
        low_health=sum(low),
        without_health=sum(unknown),
        tiers=tuple(
            TierLine(tier, counts[at], cents[at], 0) for tier, at in places if at < len(counts) and counts[at]
        ),
        money_problem=problem,
    )
    found = Customer.objects.select_related("tier", "csm__team", "vertical").in_bulk(biggest)
    return ScopeSums(summary=summary, biggest=[found[pk] for pk in biggest if pk in found])


@dataclass(frozen=True, slots=True)
class _Part:
    """Of one sheet: sums by tier, and its largest renewals: by what they bring, unknown amounts last, then by day and id."""

    sums: Cells
    biggest: Column


@dataclass(frozen=True, slots=True)
class _InScope:
    """What the customers of a scope come to; first, last: renewals that are soon."""

    scope: Scope
    rates: Rates
    base: str
    first: date
    last: date

    def of(self, everybody: CustomerFigures) -> _Part:
        figures = self.scope.of(everybody)
        cents, _ = base_cents(
            cents=figures.arr, currency=figures.currency, rates=dict(self.rates), base=self.base
        )
        soon = (figures.renewal >= self.first.toordinal()) & (figures.renewal <= self.last.toordinal())
        known = figures.health != UNKNOWN
        sums = cells(figures.tier, cents, soon, known & (figures.health < 100 * LOW_HEALTH), ~known)
        worth = np.where(figures.arr == UNKNOWN, UNKNOWN, cents)
        return _Part(
            sums,
            first_of(np.array([-worth, figures.renewal, figures.ids])[:, soon], at_most=SHORT_LIST, keys=3),
        )

    def together(self, parts: Sequence[_Part]) -> tuple[list[list[int]], list[int]]:
        biggest = first_of(*(part.biggest for part in parts), at_most=SHORT_LIST, keys=3)
        return added_up([part.sums for part in parts], amounts=4), biggest[2].tolist()
