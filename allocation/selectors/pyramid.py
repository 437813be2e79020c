"""The engagement pyramid: customers, ARR, hours, risk and room to grow by tier, and how concentrated the revenue is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from accounts.models import Tier
from allocation.engine.concentration import Concentration, concentration, share_of
from allocation.selectors.full_time import FullTime, full_time
from allocation.selectors.pyramid_columns import PyramidColumns, pyramid_columns
from allocation.selectors.pyramid_lines import Chosen
from allocation.selectors.risks import GOAL_REASON, LOW_HEALTH_REASON, LOW_SENTIMENT_REASON
from allocation.selectors.tiers import tiers_in_use
from allocation.snapshots.figures import UNKNOWN
from allocation.snapshots.figures_worked import distinct, summed


@dataclass(frozen=True, slots=True)
class Risk:
    """Who of a layer is at risk. reasons: how many for each; they overlap, `customers` and `cents` count once."""

    customers: int
    cents: int
    share: Fraction | None
    reasons: Mapping[str, int]
    renewing: int
    renewing_cents: int


@dataclass(frozen=True, slots=True)
class Room:
    """Room to grow. known: customers with a recorded potential; with_room: those of them whose potential is above their ARR."""

    known: int
    unknown: int
    with_room: int
    cents: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One tier (None: those without a tier), or all. Money in cents of the base currency, minutes of a month.

    without_arr: customers whose ARR is not known or has no rate; they count 0. without_csm: those in nobody's book.
    """

    tier: Tier | None
    customers: int
    customers_share: Fraction | None
    arr_cents: int
    arr_share: Fraction | None
    minutes: int
    heads: int | None
    exact_heads: Fraction | None
    without_arr: int
    without_csm: int
    risk: Risk
    room: Room
    concentration: Concentration


@dataclass(frozen=True, slots=True)
class Pyramid:
    """tiers: the highest first. apart: those below the pyramid: retired tiers still held, then "no tier". total: of all of them."""

    tiers: tuple[Layer, ...]
    apart: tuple[Layer, ...]
    total: Layer
    full_time: FullTime
    columns: PyramidColumns

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.tiers, *self.apart)

    @property
    def problem(self) -> str:
        return self.columns.problem


def pyramid(*, user: Any, day: date, today: date, chosen: Chosen | None = None) -> Pyramid:
    """Of what the person may see, narrowed as chosen; the same number of statements at any size.

    A tier in use without customers is a layer too, so that a gap in the pyramid is seen.
    """
    chosen = chosen or Chosen()
    columns = pyramid_columns(user=user, day=day, today=today, chosen=chosen)
    heads = full_time(user=user, on=day, team=chosen.team)
    total = _layer(None, columns, heads=heads)

    def layer(tier: Tier | None) -> Layer:
        return _layer(tier, columns.among(columns.tier == (tier.pk if tier else 0)), heads=heads, of=total)

    every, in_use = list(Tier.objects.order_by("rank")), set(tiers_in_use().values_list("pk", flat=True))
    held = set(distinct(columns.tier))
    apart = [layer(tier) for tier in every if tier.retired and tier.pk in held]
    if 0 in held:
        apart.append(layer(None))
    return Pyramid(
        tiers=tuple(
            layer(tier) for tier in every if not tier.retired and (tier.pk in held or tier.pk in in_use)
        ),
        apart=tuple(apart),
        total=total,
        full_time=heads,
        columns=columns,
    )


def _layer(tier: Tier | None, held: PyramidColumns, *, heads: FullTime, of: Layer | None = None) -> Layer:
    """of: the layer of all of them; None for that one itself."""
    customers, cents, minutes = len(held), summed(held.cents), summed(held.minutes)
    return Layer(
        tier=tier,
        customers=customers,
        customers_share=share_of(part=customers, whole=of.customers if of else customers),
        arr_cents=cents,
        arr_share=share_of(part=cents, whole=of.arr_cents if of else cents),
        minutes=minutes,
        heads=heads.heads(minutes),
        exact_heads=heads.exact_heads(minutes),
        without_arr=_count(~held.counts),
        without_csm=_count(held.csm == 0),
        risk=_risk(held, of_cents=cents),
        room=_room(held),
        concentration=concentration(cents=held.cents),
    )


def _count(these: Any) -> int:
    return int(np.count_nonzero(these))


def _risk(held: PyramidColumns, *, of_cents: int) -> Risk:
    found = held.at_risk
    renewing = found & held.renews
    cents = summed(held.cents[found])
    return Risk(
        customers=_count(found),
        cents=cents,
        share=share_of(part=cents, whole=of_cents),
        reasons={
            LOW_HEALTH_REASON: _count(held.low_health),
            LOW_SENTIMENT_REASON: _count(held.low_sentiment),
            GOAL_REASON: _count(held.has_goal),
        },
        renewing=_count(renewing),
        renewing_cents=summed(held.cents[renewing]),
    )


def _room(held: PyramidColumns) -> Room:
    known = held.room[held.room != UNKNOWN]
    return Room(
        known=len(known),
        unknown=len(held) - len(known),
        with_room=_count(known > 0),
        cents=summed(known),
    )
