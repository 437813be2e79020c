"""A whole tiering model in plain words: one line a rule, for the page of a version and for comparing two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from allocation.engine.explain import exact_in_words, in_words, level_in_words
from allocation.engine.facts.attributes import TOUCH_LEVELS
from allocation.engine.facts.rules import (
    WEIGHT_UNIT,
    ChangeLimit,
    ChoiceScale,
    Criterion,
    DeadBand,
    GuardRules,
    LinearScale,
    Missing,
    PercentileScale,
    Scale,
    StepScale,
    TieringRules,
)
from allocation.engine.facts.tiering import TierFacts


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: what it gives, and when or how."""

    name: str
    words: str
    rank: int | None = None
    share: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class ModelInWords:
    """A model by its parts, each in the order of its rules; `faults` says what keeps it from being used.

    goals: in the order of their importance. guards: those that are on. change_limit: of a whole run.
    """

    segments: tuple[Line, ...] = ()
    goals: tuple[Line, ...] = ()
    criteria: tuple[Line, ...] = ()
    touch: tuple[Line, ...] = ()
    tiers: tuple[Line, ...] = ()
    guards: tuple[Line, ...] = ()
    change_limit: str = ""
    faults: tuple[str, ...] = ()


def rules_in_words(*, rules: TieringRules, tiers: Sequence[TierFacts]) -> ModelInWords:
    """The model as people read it; ``tiers`` are those the rules were read with."""
    return ModelInWords(
        segments=tuple(Line(rule.name, in_words(rule.when)) for rule in rules.segments),
        goals=tuple(Line(slug, _asks_for(rules.goal_touch, slug)) for slug in rules.goal_order),
        criteria=_criteria(rules),
        touch=tuple(Line(level_in_words(rule.level), in_words(rule.when)) for rule in rules.touch),
        tiers=tuple(
            Line(tiers[rule.tier].name or rule.slug, in_words(rule.when), rank=tiers[rule.tier].shown_rank)
            for rule in rules.tiers
        ),
        guards=guards_in_words(rules.guards),
        change_limit=change_limit_in_words(rules.guards.change_limit),
    )


def _asks_for(goal_touch: Mapping[str, str], slug: str) -> str:
    level = goal_touch.get(slug, "")
    return f"asks for {level_in_words(level)}" if level else "asks for no touch level"


def _criteria(rules: TieringRules) -> tuple[Line, ...]:
    total = sum(criterion.weight for criterion in rules.criteria) or 1
    return tuple(
        Line(
            criterion.name,
            f"{criterion.attribute.label}: {scale_in_words(criterion.scale)}",
            share=f"{100 * criterion.weight / total:.0f} %",
            missing=missing_in_words(criterion),
        )
        for criterion in rules.criteria
    )


def weight_in_words(criterion: Criterion) -> str:
    """As it is written: 1500 thousandths → "1.5"."""
    return exact_in_words(Decimal(criterion.weight) / WEIGHT_UNIT)


def missing_in_words(criterion: Criterion) -> str:
    if criterion.missing is Missing.POINTS:
        return f"counts as {_number(criterion.points)} points"
    if criterion.missing is Missing.UNDECIDED:
        return "the customer is not decided and is listed"
    return "its weight is shared out"


def scale_in_words(scale: Scale) -> str:
    if isinstance(scale, LinearScale):
        kind = "by powers" if scale.log else "evenly"
        return f"0 points at {_number(scale.low)}, 100 at {_number(scale.high)}, {kind} between"
    if isinstance(scale, StepScale):
        return _steps(scale)
    if isinstance(scale, ChoiceScale):
        listed = ", ".join(f"{choice} {_number(points)}" for choice, points in scale.points.items())
        rest = "as missing" if scale.other is None else _number(scale.other)
        return f"{listed}; any other {rest}"
    return _percentile(scale)


def _steps(scale: StepScale) -> str:
    steps = [
        f"{_number(points)} from {_number(bound)}"
        for bound, points in zip(scale.bounds, scale.points, strict=True)
    ]
    return f"{_number(scale.below)} points, then {', '.join(steps)}"


def _percentile(scale: PercentileScale) -> str:
    among = "customers of the same segment" if scale.within_segment else "all active customers"
    turned = ", the lowest value first" if scale.reverse else ""
    return f"percentile among {among}{turned}"


def _number(value: float) -> str:
    return exact_in_words(Decimal(repr(value)))


def guards_in_words(guards: GuardRules) -> tuple[Line, ...]:
    """The guards that are on, in the order of the design. The change limit is told apart."""
    said = {
        "Paid floor": "never below the tier the customer pays for" if guards.paid_floor else "",
        "First year": _first_year(guards.first_year),
        "Dead band": _dead_band(guards.dead_band),
        "Minimum stay": f"{guards.minimum_stay_days} days in a tier, unless goals changed"
        if guards.minimum_stay_days
        else "",
        "Renewal freeze": f"no step down within {guards.renewal_freeze_days} days of renewal"
        if guards.renewal_freeze_days
        else "",
    }
    return tuple(Line(name, words) for name, words in said.items() if words)


def _first_year(closed: frozenset[str]) -> str:
    levels = [level_in_words(level) for level in TOUCH_LEVELS if level in closed]
    return f"not into {' or '.join(levels)} before the first renewal" if levels else ""


def _dead_band(band: DeadBand | None) -> str:
    if band is None:
        return ""
    points, percent = exact_in_words(band.points), exact_in_words(band.percent)
    return f"no change within {points} points, or {percent} % of an amount, of a bound"


def change_limit_in_words(limit: ChangeLimit) -> str:
    percent = exact_in_words(limit.percent)
    return f"a run that moves more than {percent} % of the customers, and more than {limit.customers}, waits for a manager"
