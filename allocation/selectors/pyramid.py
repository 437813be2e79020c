"""The engagement pyramid: customers, ARR, hours, risk and room to grow by tier, and how concentrated the revenue is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from accounts.models import Tier
from allocation.engine.concentration import Concentration, share_of
from allocation.selectors.book_sums import Nobodys
from allocation.selectors.full_time import FullTime, full_time
from allocation.selectors.pyramid_columns import PyramidColumns, columns_of_lines, pyramid_facts, scope_of
from allocation.selectors.pyramid_lines import Chosen, customer_lines
from allocation.selectors.pyramid_sums import NOBODY, LayerSums, PyramidOf, part_of, sums_of
from allocation.selectors.risks import GOAL_REASON, LOW_HEALTH_REASON, LOW_SENTIMENT_REASON
from allocation.selectors.tiers import tiers_in_use
from allocation.snapshots.figures import customer_figures
from allocation.snapshots.figures_summed import answered
from allocation.snapshots.held import changed_since


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
class Speaking:
    """Who may speak for us: a champion, or of known reputation."""

    customers: int
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
    speaking: Speaking
    concentration: Concentration


@dataclass(frozen=True, slots=True)
class Pyramid:
    """tiers: the highest first. apart: those below the pyramid: retired tiers still held, then "no tier". total: of all of them.

    nobodys: those in nobody's book. columns: of a past day, customer by customer. problem: why amounts in some currency are missing.
    """

    tiers: tuple[Layer, ...]
    apart: tuple[Layer, ...]
    total: Layer
    full_time: FullTime
    nobodys: Nobodys
    columns: PyramidColumns | None = None
    problem: str = ""

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.tiers, *self.apart)


def pyramid(*, user: Any, day: date, today: date, chosen: Chosen | None = None) -> Pyramid:
    """Of every customer that was active on the day, of those the person may see now, narrowed as chosen; the same number of
    statements at any size.

    Of the day are tier, CSM, who had left, and goals; amounts, health, sentiment and renewals are today's. A tier in use without
    customers is a layer too, so that a gap in the pyramid is seen.
    """
    chosen = chosen or Chosen()
    columns = None
    if changed_since(as_of=day):
        lines = customer_lines(user=user, day=day, today=today, chosen=chosen)
        columns, problem = columns_of_lines(lines), lines.problem
        found = sums_of([part_of(columns)])
    else:
        everybody = customer_figures()
        scope = scope_of(user=user, chosen=chosen)
        facts, problem = pyramid_facts(everybody=everybody, scope=scope, day=day, today=today)
        found = answered(everybody, PyramidOf(facts))
    heads = full_time(user=user, on=day, team=chosen.team)
    total = _layer(None, found.total, heads=heads)

    def layer(tier: Tier | None) -> Layer:
        return _layer(tier, found.by_tier.get(tier.pk if tier else 0, NOBODY), heads=heads, of=total)

    every, in_use = list(Tier.objects.order_by("rank")), set(tiers_in_use().values_list("pk", flat=True))
    held = found.by_tier.keys()
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
        nobodys=found.total.nobodys,
        columns=columns,
        problem=problem,
    )


def _layer(tier: Tier | None, sums: LayerSums, *, heads: FullTime, of: Layer | None = None) -> Layer:
    """of: the layer of all of them; None for that one itself."""
    customers, cents, minutes = sums.customers, sums.cents, sums.minutes
    return Layer(
        tier=tier,
        customers=customers,
        customers_share=share_of(part=customers, whole=of.customers if of else customers),
        arr_cents=cents,
        arr_share=share_of(part=cents, whole=of.arr_cents if of else cents),
        minutes=minutes,
        heads=heads.heads(minutes),
        exact_heads=heads.exact_heads(minutes),
        without_arr=sums.without_arr,
        without_csm=sums.nobodys.customers,
        risk=Risk(
            customers=sums.at_risk,
            cents=sums.at_risk_cents,
            share=share_of(part=sums.at_risk_cents, whole=cents),
            reasons={
                LOW_HEALTH_REASON: sums.low_health,
                LOW_SENTIMENT_REASON: sums.low_sentiment,
                GOAL_REASON: sums.with_goal,
            },
            renewing=sums.renewing,
            renewing_cents=sums.renewing_cents,
        ),
        room=Room(
            known=sums.known,
            unknown=customers - sums.known,
            with_room=sums.with_room,
            cents=sums.room_cents,
        ),
        speaking=Speaking(customers=sums.speaking, cents=sums.speaking_cents),
        concentration=sums.concentration,
    )
