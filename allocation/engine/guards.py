"""Guards: what keeps a suggested change from happening yet, and overrides, which win (design sections 4 and 8).

Each guard that bites is recorded. The staying guards (dead band, minimum stay, renewal freeze) keep the tier held;
the first year gives the nearest higher tier that is permitted; the paid floor comes last and outranks them all.
"""

from collections.abc import Sequence

import numpy as np

from allocation.engine.facts.rules import GuardRules
from allocation.engine.facts.tiering import (
    DECIDERS,
    GUARDS,
    NO_TIER,
    Band,
    CustomerColumns,
    DecidedBy,
    FlagColumn,
    Flags,
    Floats,
    GuardFindings,
    Integers,
    NumberColumn,
    TierFacts,
)

DAY_UNKNOWN = np.nan


class _Decision:
    """The result so far, and who had the last word on it. Private, short-lived, one per run."""

    def __init__(self, suggested: Integers) -> None:
        self.tier = suggested.copy()
        self.by = np.full(len(suggested), DECIDERS.index(DecidedBy.RULE), dtype=np.int64)
        # Written and read guard by guard.
        self.bites = np.zeros((len(suggested), len(GUARDS)), dtype=np.bool_, order="F")

    def put(self, by: DecidedBy, where: Flags, tier: Integers) -> None:
        """``by`` changes the result ``where`` it would be another; only a change is a bite."""
        bitten = where & (self.tier != tier)
        self.settle(by, bitten, tier)
        self.bites[:, GUARDS.index(by)] = bitten

    def settle(self, by: DecidedBy, where: Flags, tier: Integers) -> None:
        self.tier = np.where(where, tier, self.tier)
        self.by = np.where(where, DECIDERS.index(by), self.by)


def guard_tiers(
    *,
    facts: CustomerColumns,
    suggested: Integers,
    undecidable: Flags,
    band: Band | None,
    rules: GuardRules,
    tiers: Sequence[TierFacts],
) -> GuardFindings:
    """The tiers that come into force: suggested → first year → staying guards → paid floor → override.

    Customers that left, or that cannot be decided, keep what they hold; an override in force outranks even that,
    except for customers that left. No guard keeps or puts anybody in a tier that was retired.
    """
    held = facts.held
    decision = _Decision(suggested)
    holds_tier = (held.current != NO_TIER) & ~_retired(held.current, tiers)
    decision.put(
        DecidedBy.FIRST_YEAR,
        _first_year(facts, decision.tier, rules, tiers),
        _permitted(decision.tier, rules, tiers),
    )
    if band is not None:
        decision.put(DecidedBy.DEAD_BAND, holds_tier & _within(held.current, band), held.current)
    decision.put(DecidedBy.MINIMUM_STAY, holds_tier & _staying(facts, rules.minimum_stay_days), held.current)
    frozen = holds_tier & _frozen(facts, rules.renewal_freeze_days) & (decision.tier > held.current)
    decision.put(DecidedBy.RENEWAL_FREEZE, frozen, held.current)
    if rules.paid_floor:
        floor = nearest_in_use(held.paid, tiers)
        decision.put(DecidedBy.PAID_FLOOR, (held.paid != NO_TIER) & (decision.tier > floor), floor)
    decision.bites &= ~undecidable[:, None]
    decision.settle(DecidedBy.UNDECIDED, undecidable, held.current)
    decision.settle(DecidedBy.OVERRIDE, held.override != NO_TIER, held.override)
    decision.settle(DecidedBy.LEFT, ~facts.active, held.current)
    decision.bites &= facts.active[:, None]
    decision.bites[:, GUARDS.index(DecidedBy.LEFT)] = ~facts.active
    return GuardFindings(effective=decision.tier, decided_by=decision.by, bites=decision.bites)


def _first_year(
    facts: CustomerColumns, result: Integers, rules: GuardRules, tiers: Sequence[TierFacts]
) -> Flags:
    """Not *into* a closed touch level before the first renewal; who is there already may stay there.

    A first renewal nobody has recorded counts as not completed: the guard protects, so doubt protects too.
    """
    closed = np.array([tier.touch_level in rules.first_year for tier in tiers], dtype=np.bool_)
    done = facts.columns.get("first_renewal_done")
    new = done.values != 1 if isinstance(done, FlagColumn) else np.ones(len(facts), dtype=np.bool_)
    return np.asarray(new & closed[result] & (result != facts.held.current))


def _permitted(result: Integers, rules: GuardRules, tiers: Sequence[TierFacts]) -> Integers:
    """The nearest higher tier whose touch level is open; the same tier if there is none (the model is refused then)."""
    nearest = list(range(len(tiers)))
    for position, tier in enumerate(tiers):
        if position > 0 and (tier.retired or tier.touch_level in rules.first_year):
            nearest[position] = nearest[position - 1]
    return np.array(nearest, dtype=np.int64)[result]


def _retired(held: Integers, tiers: Sequence[TierFacts]) -> Flags:
    """Who holds a tier that was retired; no tier (-1) is none."""
    retired = np.array([*(tier.retired for tier in tiers), False], dtype=np.bool_)
    return np.asarray(retired[held])


def nearest_in_use(paid: Integers, tiers: Sequence[TierFacts]) -> Integers:
    """The tier paid for or, where that was retired, the nearest higher one still in use (else the highest)."""
    in_use = [position for position, tier in enumerate(tiers) if not tier.retired]
    nearest = [
        max((place for place in in_use if place <= position), default=min(in_use, default=position))
        for position in range(len(tiers))
    ]
    return np.array([*nearest, NO_TIER], dtype=np.int64)[paid]


def _within(current: Integers, band: Band) -> Flags:
    """The tier held lies between the loosened and the tightened result, both included."""
    low = np.minimum(band.loosened, band.tightened)
    high = np.maximum(band.loosened, band.tightened)
    return np.asarray((low <= current) & (current <= high))


def _staying(facts: CustomerColumns, days: int) -> Flags:
    """Changed less than ``days`` ago, goals as they were, and not by an override that ended."""
    held = facts.held
    recent = facts.as_of - held.since < days
    return np.asarray(recent & ~held.goals_changed & ~held.override_ended)


def _frozen(facts: CustomerColumns, days: int) -> Flags:
    """Renewal within ``days``, today included; a renewal date that has passed freezes nothing."""
    left: Floats = _days_to_renewal(facts)
    return np.asarray((left >= 0) & (left <= days) & (days > 0))


def _days_to_renewal(facts: CustomerColumns) -> Floats:
    column = facts.columns.get("days_to_renewal")
    return column.values if isinstance(column, NumberColumn) else np.full(len(facts), DAY_UNKNOWN)
