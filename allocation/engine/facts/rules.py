"""A tiering model as the engine understands it: segment rules, criteria, touch rules, tier rules, guards.

Built by ``rules.read_rules`` from the JSON document of a model version; documented in docs/engine/tiering.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from allocation.engine.facts.attributes import Attribute

# What a condition compares with: a number, a day (since 1970-01-01), words, yes/no.
Value: TypeAlias = Decimal | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """``attribute op value``. A missing value fulfils no condition but ``missing``."""

    attribute: Attribute
    op: str
    value: Value = ()


@dataclass(frozen=True, slots=True)
class Group:
    """All of, or any of, its parts. All of nothing holds for everyone: the catch-all."""

    any_of: bool
    parts: tuple["Condition | Group", ...]


Clause: TypeAlias = Condition | Group


def conditions_in(clause: Clause) -> Iterator[Condition]:
    """Every condition of a clause, in the order it was written."""
    if isinstance(clause, Condition):
        yield clause
        return
    for part in clause.parts:
        yield from conditions_in(part)


@dataclass(frozen=True, slots=True)
class SegmentRule:
    name: str
    when: Group


@dataclass(frozen=True, slots=True)
class TouchRule:
    """level: one of TOUCH_LEVELS."""

    level: str
    when: Group


@dataclass(frozen=True, slots=True)
class TierRule:
    """tier: position in the tiers the rules were read with."""

    tier: int
    slug: str
    when: Group


@dataclass(frozen=True, slots=True)
class LinearScale:
    """0 points at ``low``, 100 at ``high``, clipped; low > high turns it round. ``log`` counts in logarithms."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class StepScale:
    """Points of the last step whose bound is reached; ``below`` under the first. Bounds rise."""

    bounds: tuple[float, ...]
    points: tuple[float, ...]
    below: float = 0.0


@dataclass(frozen=True, slots=True)
class ChoiceScale:
    """Points by choice, written in small letters (of a set: its best member); ``other`` for what is not listed, None = as if missing."""

    points: Mapping[str, float]
    other: float | None = None


@dataclass(frozen=True, slots=True)
class PercentileScale:
    """Percentile among active customers with a value, of everyone or of the same segment."""

    within_segment: bool = False
    reverse: bool = False


Scale: TypeAlias = LinearScale | StepScale | ChoiceScale | PercentileScale


class Missing(StrEnum):
    SHARE_OUT = "share_out"
    POINTS = "points"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Criterion:
    """weight: thousandths, so that scores are exact whole-number arithmetic."""

    name: str
    attribute: Attribute
    weight: int
    scale: Scale
    missing: Missing = Missing.SHARE_OUT
    points: float = 0.0


WEIGHT_UNIT = 1000


@dataclass(frozen=True, slots=True)
class DeadBand:
    """points for scores, percentiles and other 0–100 values; percent of the bound for every other number."""

    points: Decimal = Decimal(2)
    percent: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class ChangeLimit:
    """A run that moves more than both waits for a manager. percent: of the customers that hold a tier."""

    percent: Decimal = Decimal(5)
    customers: int = 20

    def is_exceeded(self, *, moves: int, tiered: int) -> bool:
        return moves > self.customers and 100 * moves > self.percent * tiered


@dataclass(frozen=True, slots=True)
class GuardRules:
    """None or 0 switches a guard off. first_year: touch levels closed before the first renewal.

    change_limit looks at a whole run, not at one customer, and cannot be switched off.
    """

    paid_floor: bool = True
    first_year: frozenset[str] = frozenset()
    dead_band: DeadBand | None = DeadBand()
    minimum_stay_days: int = 0
    renewal_freeze_days: int = 0
    change_limit: ChangeLimit = ChangeLimit()


@dataclass(frozen=True, slots=True)
class TieringRules:
    """A whole model. The last rule of the segments, of the touch levels (if there are any) and of the tiers is a catch-all.

    goal_order: slugs of goal kinds, the most important first. goal_touch: the touch level that goals of a kind ask for,
    "" for none; not part of the model's document but of the goal kinds it was read with.
    """

    segments: tuple[SegmentRule, ...]
    criteria: tuple[Criterion, ...]
    tiers: tuple[TierRule, ...]
    guards: GuardRules = GuardRules()
    touch: tuple[TouchRule, ...] = ()
    goal_order: tuple[str, ...] = ()
    goal_touch: Mapping[str, str] = field(default_factory=dict)

    def conditions(self) -> Iterator[Condition]:
        for segment in self.segments:
            yield from conditions_in(segment.when)
        for touch in self.touch:
            yield from conditions_in(touch.when)
        for tier in self.tiers:
            yield from conditions_in(tier.when)

    def attributes(self) -> frozenset[str]:
        """Names of all attributes the model reads, derived ones included."""
        read = {condition.attribute.name for condition in self.conditions()}
        return frozenset(read | {criterion.attribute.name for criterion in self.criteria})
