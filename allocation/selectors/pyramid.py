"""The engagement pyramid: customers, ARR, hours, risk and room to grow by tier, and how concentrated the revenue is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from accounts.models import Tier
from allocation.engine.concentration import Concentration, concentration, share_of
from allocation.selectors.full_time import FullTime, full_time
from allocation.selectors.pyramid_lines import Chosen, CustomerLine, Lines, by_tier, customer_lines
from allocation.selectors.risks import REASONS
from allocation.selectors.tiers import tiers_in_use


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
    lines: Lines

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.tiers, *self.apart)

    @property
    def problem(self) -> str:
        return self.lines.problem


def pyramid(*, user: Any, day: date, today: date, chosen: Chosen | None = None) -> Pyramid:
    """Of what the person may see, narrowed as chosen; the same number of statements at any size.

    A tier in use without customers is a layer too, so that a gap in the pyramid is seen.
    """
    chosen = chosen or Chosen()
    lines = customer_lines(user=user, day=day, today=today, chosen=chosen)
    heads = full_time(user=user, on=day, team=chosen.team)
    held = by_tier(lines)
    customers, cents = len(lines.rows), sum(line.arr_cents for line in lines.rows)

    def layer(tier: Tier | None, rows: Sequence[CustomerLine]) -> Layer:
        return _layer(tier, rows, of_customers=customers, of_cents=cents, heads=heads)

    every, in_use = list(Tier.objects.order_by("rank")), set(tiers_in_use().values_list("pk", flat=True))
    apart = [layer(tier, held[tier.pk]) for tier in every if tier.retired and tier.pk in held]
    if None in held:
        apart.append(layer(None, held[None]))
    return Pyramid(
        tiers=tuple(
            layer(tier, held.get(tier.pk, ()))
            for tier in every
            if not tier.retired and (tier.pk in held or tier.pk in in_use)
        ),
        apart=tuple(apart),
        total=layer(None, lines.rows),
        full_time=heads,
        lines=lines,
    )


def _layer(
    tier: Tier | None, rows: Sequence[CustomerLine], *, of_customers: int, of_cents: int, heads: FullTime
) -> Layer:
    cents, minutes = sum(row.arr_cents for row in rows), sum(row.minutes for row in rows)
    return Layer(
        tier=tier,
        customers=len(rows),
        customers_share=share_of(part=len(rows), whole=of_customers),
        arr_cents=cents,
        arr_share=share_of(part=cents, whole=of_cents),
        minutes=minutes,
        heads=heads.heads(minutes),
        exact_heads=heads.exact_heads(minutes),
        without_arr=sum(not row.counts for row in rows),
        without_csm=sum(row.csm_id is None for row in rows),
        risk=_risk(rows, of_cents=cents),
        room=_room(rows),
        concentration=concentration(cents=[row.arr_cents for row in rows]),
    )


def _risk(rows: Sequence[CustomerLine], *, of_cents: int) -> Risk:
    found = [row for row in rows if row.is_at_risk]
    cents = sum(row.arr_cents for row in found)
    return Risk(
        customers=len(found),
        cents=cents,
        share=share_of(part=cents, whole=of_cents),
        reasons={reason: sum(reason in row.reasons for row in found) for reason in REASONS},
        renewing=sum(row.renews_soon for row in found),
        renewing_cents=sum(row.arr_cents for row in found if row.renews_soon),
    )


def _room(rows: Sequence[CustomerLine]) -> Room:
    known = [row.room_cents for row in rows if row.room_cents is not None]
    return Room(
        known=len(known),
        unknown=len(rows) - len(known),
        with_room=sum(cents > 0 for cents in known),
        cents=sum(known),
    )
