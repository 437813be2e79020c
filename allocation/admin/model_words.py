"""A tiering model in plain words, for the page of a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allocation.engine.explain import in_words, number_in_words
from allocation.engine.facts.rules import (
    ChoiceScale,
    Criterion,
    GuardRules,
    LinearScale,
    Missing,
    PercentileScale,
    Scale,
    StepScale,
    TieringRules,
)
from allocation.engine.rules import UnusableRules, read_rules
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary


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
    """A model by its four parts; `faults` says what keeps it from being used."""

    segments: tuple[Line, ...] = ()
    criteria: tuple[Line, ...] = ()
    tiers: tuple[Line, ...] = ()
    guards: tuple[Line, ...] = ()
    faults: tuple[str, ...] = ()


def model_in_words(*, definition: Any) -> ModelInWords:
    """The definition as people read it; with faults instead if it cannot be used. Three queries."""
    vocabulary = model_vocabulary()
    try:
        rules = read_rules(
            definition=definition,
            attributes=vocabulary.attributes,
            tiers=vocabulary.tiers,
            goal_kinds=vocabulary.goal_kinds,
        )
    except UnusableRules as refusal:
        return ModelInWords(faults=refusal.faults)
    return ModelInWords(
        segments=tuple(Line(rule.name, in_words(rule.when)) for rule in rules.segments),
        criteria=_criteria(rules),
        tiers=_tiers(rules, vocabulary),
        guards=_guards(rules.guards),
    )


def _tiers(rules: TieringRules, vocabulary: ModelVocabulary) -> tuple[Line, ...]:
    return tuple(
        Line(
            vocabulary.tiers[rule.tier].name or rule.slug,
            in_words(rule.when),
            rank=vocabulary.tiers[rule.tier].rank,
        )
        for rule in rules.tiers
    )


def _criteria(rules: TieringRules) -> tuple[Line, ...]:
    total = sum(criterion.weight for criterion in rules.criteria) or 1
    return tuple(
        Line(
            criterion.name,
            f"{criterion.attribute.label}: {_scale(criterion.scale)}",
            share=f"{100 * criterion.weight / total:.0f} %",
            missing=_missing(criterion),
        )
        for criterion in rules.criteria
    )


def _missing(criterion: Criterion) -> str:
    if criterion.missing is Missing.POINTS:
        return f"counts as {number_in_words(criterion.points)} points"
    if criterion.missing is Missing.UNDECIDED:
        return "the customer is not decided and is listed"
    return "its weight is shared out"


def _scale(scale: Scale) -> str:
    if isinstance(scale, LinearScale):
        kind = "by powers" if scale.log else "evenly"
        return (
            f"0 points at {number_in_words(scale.low)}, 100 at {number_in_words(scale.high)}, {kind} between"
        )
    if isinstance(scale, StepScale):
        return _steps(scale)
    if isinstance(scale, ChoiceScale):
        listed = ", ".join(f"{choice} {number_in_words(points)}" for choice, points in scale.points.items())
        rest = "as missing" if scale.other is None else number_in_words(scale.other)
        return f"{listed}; any other {rest}"
    return _percentile(scale)


def _steps(scale: StepScale) -> str:
    steps = [
        f"{number_in_words(points)} from {number_in_words(bound)}"
        for bound, points in zip(scale.bounds, scale.points, strict=True)
    ]
    return f"{number_in_words(scale.below)} points, then {', '.join(steps)}"


def _percentile(scale: PercentileScale) -> str:
    among = "customers of the same segment" if scale.within_segment else "all active customers"
    turned = ", the lowest value first" if scale.reverse else ""
    return f"percentile among {among}{turned}"


def _guards(guards: GuardRules) -> tuple[Line, ...]:
    lines = []
    if guards.paid_floor:
        lines.append(Line("Paid floor", "never below the tier the customer pays for"))
    if guards.first_year:
        levels = ", ".join(sorted(level.replace("_", " ") for level in guards.first_year))
        lines.append(Line("First year", f"not into {levels} touch before the first renewal"))
    if guards.dead_band is not None:
        band = guards.dead_band
        lines.append(
            Line(
                "Dead band",
                f"no change within {band.points} points, or {band.percent} % of an amount, of a bound",
            )
        )
    if guards.minimum_stay_days:
        lines.append(Line("Minimum stay", f"{guards.minimum_stay_days} days in a tier, unless goals changed"))
    if guards.renewal_freeze_days:
        lines.append(
            Line("Renewal freeze", f"no step down within {guards.renewal_freeze_days} days of renewal")
        )
    return tuple(lines)
