"""A tiering model with one of its numbers changed, everything else as it is."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from allocation.engine.facts.knobs import Knob
from allocation.engine.facts.rules import (
    WEIGHT_UNIT,
    Condition,
    Criterion,
    Group,
    GuardRules,
    LinearScale,
    StepScale,
    TieringRules,
    conditions_in,
)

Rule = TypeVar("Rule")


def turned(*, rules: TieringRules, knob: Knob, steps: int) -> TieringRules:
    """The model with one knob turned by so many steps, everything else as it is."""
    value, part, at = knob.at(steps), knob.place[0], knob.place[1]
    if part == "guards":
        return replace(rules, guards=_turned_guards(rules.guards, str(at), value))
    place = int(at)
    if part == "criteria":
        criterion = _turned_criterion(rules.criteria[place], knob.place[2:], value)
        return replace(rules, criteria=_put(rules.criteria, place, criterion))
    nth = int(knob.place[3])
    if part == "segments":
        segment = rules.segments[place]
        segment = replace(segment, when=_turned_group(segment.when, nth, value))
        return replace(rules, segments=_put(rules.segments, place, segment))
    if part == "touch":
        touch = rules.touch[place]
        return replace(
            rules,
            touch=_put(rules.touch, place, replace(touch, when=_turned_group(touch.when, nth, value))),
        )
    tier = rules.tiers[place]
    return replace(
        rules, tiers=_put(rules.tiers, place, replace(tier, when=_turned_group(tier.when, nth, value)))
    )


def condition_at(*, rules: TieringRules, knob: Knob) -> Condition:
    """The condition whose bound the knob is."""
    part, place, nth = str(knob.place[0]), int(knob.place[1]), int(knob.place[3])
    groups = {
        "segments": [rule.when for rule in rules.segments],
        "touch": [rule.when for rule in rules.touch],
        "tiers": [rule.when for rule in rules.tiers],
    }
    return list(conditions_in(groups[part][place]))[nth]


def _put(rules: tuple[Rule, ...], place: int, rule: Rule) -> tuple[Rule, ...]:
    return (*rules[:place], rule, *rules[place + 1 :])


def _turned_group(group: Group, nth: int, value: Decimal) -> Group:
    """The group with another number in its nth condition, counted as ``conditions_in`` counts."""
    parts, left = list(group.parts), nth
    for at, part in enumerate(parts):
        inside = 1 if isinstance(part, Condition) else sum(1 for _ in conditions_in(part))
        if left < inside:
            parts[at] = (
                replace(part, value=value)
                if isinstance(part, Condition)
                else _turned_group(part, left, value)
            )
            return replace(group, parts=tuple(parts))
        left -= inside
    raise IndexError(nth)


def _turned_criterion(criterion: Criterion, where: Sequence[str | int], value: Decimal) -> Criterion:
    scale = criterion.scale
    if where[0] == "weight":
        return replace(criterion, weight=int(value * WEIGHT_UNIT))
    if isinstance(scale, StepScale):
        return replace(
            criterion, scale=replace(scale, bounds=_put(scale.bounds, int(where[1]), float(value)))
        )
    if not isinstance(scale, LinearScale):
        raise TypeError("only linear, log and step scales have numbers to turn")
    low, high = (float(value), scale.high) if where[0] == "low" else (scale.low, float(value))
    return replace(criterion, scale=replace(scale, low=low, high=high))


def _turned_guards(guards: GuardRules, name: str, value: Decimal) -> GuardRules:
    if name == "minimum_stay":
        return replace(guards, minimum_stay_days=int(value))
    if name == "renewal_freeze":
        return replace(guards, renewal_freeze_days=int(value))
    if guards.dead_band is None:
        raise ValueError("a dead band that is off has no number to turn")
    points, percent = guards.dead_band.points, guards.dead_band.percent
    band = (value, percent) if name == "dead_band_points" else (points, value)
    return replace(guards, dead_band=replace(guards.dead_band, points=band[0], percent=band[1]))
