"""CSMs and tiers as a scenario has them: some more, some not there, other caps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from allocation.engine.attention import net_minutes
from allocation.engine.facts.books import CsmFacts, TierFacts
from allocation.engine.facts.scenarios import AddedHeads, Question, TierChange

MONTH_DAYS = 30
ADDED = "added:"
"""Keys of CSMs that are not there begin so; the key of a CSM is an e-mail or a name."""


@dataclass(frozen=True, slots=True)
class Averages:
    """What the CSMs that are here have on average: seniority, contract hours a month, shares in per cent."""

    seniority: int = 3
    hours_per_month: Decimal = Decimal(160)
    overhead_pct: Decimal = Decimal(25)
    ramp_pct: Decimal = Decimal(100)


def altered_tiers(*, tiers: Sequence[TierFacts], changes: Mapping[str, TierChange]) -> tuple[TierFacts, ...]:
    """The tiers with the caps of the scenario."""
    return tuple(
        replace(tier, cap=change.cap)
        if (change := changes.get(tier.slug)) is not None and change.has_cap
        else tier
        for tier in tiers
    )


def altered_csms(*, csms: Sequence[CsmFacts], question: Question, usual: Averages) -> tuple[CsmFacts, ...]:
    """Those that are there, without some, and with the added ones at the end."""
    there = [csm for csm in csms if csm.key not in question.without]
    number = 0
    for added in question.added:
        for _ in range(added.heads):
            number += 1
            there.append(_added(added, number, usual))
    return tuple(there)


def _added(added: AddedHeads, number: int, usual: Averages) -> CsmFacts:
    def given(value: Decimal | None, average: Decimal) -> Decimal:
        return average if value is None else value

    hours = given(added.hours_per_month, usual.hours_per_month)
    return CsmFacts(
        key=f"{ADDED}{number:03}",
        name=f"New CSM {number}",
        team=added.team,
        contract_minutes=round(hours * 60),
        capacity_minutes=net_minutes(
            hours_per_month=hours,
            ramp_pct=given(added.ramp_pct, usual.ramp_pct),
            overhead_pct=given(added.overhead_pct, usual.overhead_pct),
            days_away=0,
            days=MONTH_DAYS,
        ),
        seniority=usual.seniority if added.seniority is None else added.seniority,
        verticals=frozenset(added.verticals),
        regions=frozenset(added.regions),
        countries=frozenset(added.countries),
        languages=frozenset(added.languages),
        products=frozenset(added.products),
    )
