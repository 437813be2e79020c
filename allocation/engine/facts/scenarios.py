"""A what-if question as the engine understands it. Prose: ``docs/scenarios.md``. Hours are whole minutes a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Where:
    """Which customers are meant: all that is named must hold. ``tier``: slugs held today."""

    vertical: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()

    @property
    def is_everybody(self) -> bool:
        return not (self.vertical or self.region or self.country or self.tier)


@dataclass(frozen=True, slots=True)
class BoundChange:
    """The numeric bound of an attribute in the rule of a segment, touch level or tier."""

    rule: str
    attribute: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class ModelChange:
    """version: number of the one to start from, None = the published one. definition: a whole document instead."""

    version: int | None = None
    weights: Mapping[str, Decimal] = field(default_factory=dict)
    bounds: tuple[BoundChange, ...] = ()
    definition: Any = None

    @property
    def is_another(self) -> bool:
        """Whether the rules are other ones than those of the published version."""
        return bool(self.version is not None or self.weights or self.bounds or self.definition is not None)


@dataclass(frozen=True, slots=True)
class TierChange:
    """cap: customers a full-time CSM may hold, None = no cap; only where ``has_cap``. minutes: of a month, None = touch plan."""

    has_cap: bool = False
    cap: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class AddedHeads:
    """CSMs that are not there. What is None is as those that are here have it on average; no words = any."""

    heads: int
    verticals: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    team: str = ""
    seniority: int | None = None
    hours_per_month: Decimal | None = None
    overhead_pct: Decimal | None = None
    ramp_pct: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OpenedGoal:
    kind: str
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class AmountChange:
    attribute: str
    change_pct: Decimal
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class Question:
    """A whole scenario. ``policy``: name of the stored one to start from ("" = the active one) and the changed fields.

    as_wished: every customer gets the touch level it wishes; silent_take_highest: who has said nothing is taken to wish
    the highest. run_out: nobody is held back by minimum stay, dead band and renewal freeze.
    """

    model: ModelChange = ModelChange()
    run_out: bool = False
    tiers: Mapping[str, TierChange] = field(default_factory=dict)
    policy_name: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[AddedHeads, ...] = ()
    without: frozenset[str] = frozenset()
    closed_goals: frozenset[str] = frozenset()
    opened_goals: tuple[OpenedGoal, ...] = ()
    as_wished: bool = False
    silent_take_highest: bool = False
    amounts: tuple[AmountChange, ...] = ()
    planned_anew: bool = False
