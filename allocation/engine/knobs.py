"""Every knob of a tiering model, and how far each can be turned. Source: docs/engine/sensitivity.md."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from allocation.engine.conditions import LOWER, UPPER
from allocation.engine.explain import exact_in_words, in_words, level_in_words
from allocation.engine.facts.attributes import Kind, Unit
from allocation.engine.facts.knobs import Knob, KnobKind, Measure
from allocation.engine.facts.rules import (
    WEIGHT_UNIT,
    Condition,
    Criterion,
    Group,
    LinearScale,
    StepScale,
    TieringRules,
    conditions_in,
)
from allocation.engine.facts.tiering import CustomerColumns, TierFacts
from allocation.engine.knob_sizes import MOST_DAYS, ONE, KnobSize, exact, knob_of
from allocation.engine.rules import MOST_WEIGHT

MOST_BAND_POINTS, MOST_BAND_PERCENT = Decimal("49.9"), Decimal("99.9")
TENTH = Decimal("0.1")


def knobs_of(*, rules: TieringRules, tiers: Sequence[TierFacts], facts: CustomerColumns) -> tuple[Knob, ...]:
    """Every knob of a model, in the order its document is read. facts: to give a size to the changes of a zero."""
    return (
        *_bounds_of("segments", [(rule.name, rule.when) for rule in rules.segments], facts),
        *_weights(rules.criteria),
        *(knob for place, criterion in enumerate(rules.criteria) for knob in _scale(place, criterion, facts)),
        *_bounds_of("touch", [(level_in_words(rule.level), rule.when) for rule in rules.touch], facts),
        *_bounds_of(
            "tiers", [(tiers[rule.tier].name or rule.slug, rule.when) for rule in rules.tiers], facts
        ),
        *_guards(rules),
    )


def is_bound(condition: Condition) -> bool:
    """A number after ≥, >, ≤ or <: what the dead band moves as well."""
    return condition.attribute.kind is Kind.NUMBER and condition.op in LOWER | UPPER


def _weights(criteria: Sequence[Criterion]) -> Iterator[Knob]:
    total, step = sum(each.weight for each in criteria), ONE / WEIGHT_UNIT
    for place, criterion in enumerate(criteria):
        value = Decimal(criterion.weight) * step
        base = value or Decimal(total) * step / len(criteria)
        alone = criterion.weight == total  # without it all weights would be zero
        yield knob_of(
            KnobKind.WEIGHT,
            ("criteria", place, "weight"),
            f"Weight of {criterion.name}",
            owner=criterion.name,
            attribute=criterion.attribute.name,
            value=value,
            step=step,
            low=step if alone else Decimal(0),
            high=min(MOST_WEIGHT, value + base),
            measure=Measure.PER_CENT,
            base=base,
        )


def _scale(place: int, criterion: Criterion, facts: CustomerColumns) -> Iterator[Knob]:
    if isinstance(criterion.scale, LinearScale):
        yield from _ends(place, criterion, criterion.scale, facts)
    if isinstance(criterion.scale, StepScale):
        yield from _steps(place, criterion, criterion.scale, facts)


def _ends(place: int, criterion: Criterion, scale: LinearScale, facts: CustomerColumns) -> Iterator[Knob]:
    """Both ends; they do not meet, and stay above zero where there are logarithms."""
    low, high = exact(scale.low), exact(scale.high)
    for end, value, other, points in (("low", low, high, 0), ("high", high, low, 100)):
        size = KnobSize.of(criterion.attribute, value, facts, else_base=abs(high - low))
        least, most = size.range(value)
        if scale.log:
            least = max(least, size.step)
        if value < other:
            most = min(most, other - size.step)
        else:
            least = max(least, other + size.step)
        name = f"Scale of {criterion.name}, {points} points at {exact_in_words(value)}"
        yield size.knob(KnobKind.SCALE, ("criteria", place, end), name, criterion.name, value, least, most)


def _steps(place: int, criterion: Criterion, scale: StepScale, facts: CustomerColumns) -> Iterator[Knob]:
    """The bound of each step; they rise."""
    bounds = [exact(bound) for bound in scale.bounds]
    for nth, (value, given) in enumerate(zip(bounds, scale.points, strict=True)):
        size = KnobSize.of(criterion.attribute, value, facts, else_base=ONE)
        least, most = size.range(value)
        if nth:
            least = max(least, bounds[nth - 1] + size.step)
        if nth + 1 < len(bounds):
            most = min(most, bounds[nth + 1] - size.step)
        name = (
            f"Scale of {criterion.name}, {exact_in_words(exact(given))} points from {exact_in_words(value)}"
        )
        where = ("criteria", place, "step", nth)
        yield size.knob(KnobKind.SCALE, where, name, criterion.name, value, least, most)


def _bounds_of(part: str, rules: Sequence[tuple[str, Group]], facts: CustomerColumns) -> Iterator[Knob]:
    for place, (owner, when) in enumerate(rules):
        conditions = list(conditions_in(when))
        for nth, condition in enumerate(conditions):
            if not is_bound(condition):
                continue
            value = _value(condition)
            size = KnobSize.of(condition.attribute, value, facts, else_base=ONE)
            least, most = size.range(value)
            least, most = _without_crossing(condition, conditions, size.step, least, most)
            name = f"Bound of {owner}: {in_words(condition)}"
            yield size.knob(KnobKind.BOUND, (part, place, "when", nth), name, owner, value, least, most)


def _without_crossing(
    this: Condition, all_of_them: Sequence[Condition], step: Decimal, least: Decimal, most: Decimal
) -> tuple[Decimal, Decimal]:
    """A lower bound stays below every upper bound of the same attribute that it is below now, and the other way round."""
    value = _value(this)
    for other in all_of_them:
        if other is this or not is_bound(other) or other.attribute != this.attribute:
            continue
        if this.op in LOWER and other.op in UPPER and value < _value(other):
            most = min(most, _value(other) - step)
        if this.op in UPPER and other.op in LOWER and value > _value(other):
            least = max(least, _value(other) + step)
    return least, most


def _guards(rules: TieringRules) -> Iterator[Knob]:
    guards, band = rules.guards, rules.guards.dead_band
    units = {each.attribute.unit for each in rules.conditions() if is_bound(each)}
    if band is not None and Unit.POINTS in units:
        yield _dead_band("points", band.points, MOST_BAND_POINTS)
    if band is not None and units - {Unit.POINTS}:
        yield _dead_band("percent", band.percent, MOST_BAND_PERCENT)
    for name, words, days in (
        ("minimum_stay", "Minimum stay", guards.minimum_stay_days),
        ("renewal_freeze", "Renewal freeze", guards.renewal_freeze_days),
    ):
        if days:
            yield knob_of(
                KnobKind.GUARD,
                ("guards", name),
                words,
                owner=words,
                value=Decimal(days),
                step=ONE,
                low=Decimal(0),
                high=Decimal(MOST_DAYS),
                measure=Measure.DAYS,
                base=ONE,
            )


def _dead_band(of: str, value: Decimal, most: Decimal) -> Knob:
    words = "points" if of == "points" else "per cent of amounts"
    return knob_of(
        KnobKind.GUARD,
        ("guards", f"dead_band_{of}"),
        f"Dead band, {words}",
        owner="Dead band",
        value=value,
        step=TENTH,
        low=Decimal(0),
        high=max(value, most),
        measure=Measure.POINTS,
        base=ONE,
    )


def _value(condition: Condition) -> Decimal:
    if isinstance(condition.value, tuple):
        raise TypeError(f"{condition.attribute.name} needs a number")
    return Decimal(condition.value)
