"""Why a customer has its tier, in words and numbers: rules in words, the nearest bound, the nearest single change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from allocation.engine.conditions import LOWER, UPPER
from allocation.engine.facts.attributes import TOUCH_LEVELS, Attribute, Kind, Unit
from allocation.engine.facts.rules import (
    Clause,
    Condition,
    Group,
    TieringRules,
    TierRule,
    conditions_in,
)
from allocation.engine.facts.tiering import (
    ChoiceColumn,
    DecidedBy,
    Floats,
    Integers,
    NumberColumn,
    TierFacts,
    TierFindings,
)
from allocation.engine.tiering import suggest_tiers

_SIGNS: Mapping[str, str] = {">=": "≥", "<=": "≤", "!=": "≠", ">": ">", "<": "<", "=": "="}
_SETS: Mapping[str, str] = {"any_of": "has any of", "all_of": "has all of", "none_of": "has none of"}
_TOUCH = frozenset({"touch", "goals_ask_for"})
_WHY: Mapping[DecidedBy, str] = {
    DecidedBy.LEFT: "left: no longer tiered",
    DecidedBy.UNDECIDED: "not decided: a value the model needs is missing",
    DecidedBy.PAID_FLOOR: "paid floor: never below the tier they pay for",
    DecidedBy.FIRST_YEAR: "before first renewal: not into this touch level yet",
    DecidedBy.DEAD_BAND: "dead band: too close to the bound to move",
    DecidedBy.MINIMUM_STAY: "minimum stay: the tier changed not long ago",
    DecidedBy.RENEWAL_FREEZE: "renewal freeze: no step down this close to renewal",
    DecidedBy.OVERRIDE: "override in force",
}


def in_words(clause: Clause) -> str:
    """A condition or group as a phrase: "ARR ≥ 150,000 and vertical is Finance"."""
    if isinstance(clause, Condition):
        return _condition_in_words(clause)
    if not clause.parts:
        return "everyone else"
    parts = [f"({in_words(part)})" if isinstance(part, Group) else in_words(part) for part in clause.parts]
    return (" or " if clause.any_of else " and ").join(parts)


def _condition_in_words(condition: Condition) -> str:
    label, value = condition.attribute.label, condition.value
    if condition.op in {"known", "missing"}:
        return f"{label} is {condition.op}"
    if isinstance(value, tuple):
        words = " or ".join(_word(condition.attribute, word) for word in value)
        return f"{label} {_SETS.get(condition.op, 'is' if condition.op == 'in' else 'is not')} {words}"
    if condition.attribute.kind is Kind.FLAG:
        return label if value else f"not {label}"
    if condition.attribute.kind is Kind.DATE:
        return f"{label} {_SIGNS[condition.op]} {np.datetime64(int(value), 'D')}"
    return f"{label} {_SIGNS[condition.op]} {exact_in_words(Decimal(value))}"


def _word(attribute: Attribute, word: str) -> str:
    return word.replace("_", "-") if attribute.name in _TOUCH else word


def level_in_words(level: str) -> str:
    """ "high" → "high touch"; self-service needs no such word."""
    return "self-service" if level == "self_service" else f"{level} touch"


def touch_in_words(*, rules: TieringRules, touch: int) -> str:
    """The touch level and why: "high touch: touch level the goals ask for is high"; "" where there are no touch rules."""
    if touch < 0:
        return ""
    fired = rules.touch[touch]
    return f"{level_in_words(fired.level)}: {in_words(fired.when)}"


def exact_in_words(value: Decimal) -> str:
    """A number as it is written, with all its decimals: 150000 → "150,000"; 0.0050 → "0.005"."""
    written = f"{value:,f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


@dataclass(frozen=True, slots=True)
class Axes:
    """What one customer gets beside segment and tier; None where there is nothing to say. why: the touch rule in words."""

    touch: str | None
    why: str
    goal: str | None
    goals_ask_for: str | None


def axes(*, findings: TierFindings, rules: TieringRules, row: int) -> Axes:
    """Touch level, leading goal and what the goals ask for, of one row of the findings."""
    touch = int(findings.suggestions.touch[row])
    return Axes(
        touch=rules.touch[touch].level if touch >= 0 else None,
        why=touch_in_words(rules=rules, touch=touch),
        goal=_choice_of(findings, "goal", row),
        goals_ask_for=_choice_of(findings, "goals_ask_for", row),
    )


def _choice_of(findings: TierFindings, name: str, row: int) -> str | None:
    column = findings.derived.columns.get(name)
    if not isinstance(column, ChoiceColumn) or column.codes[row] < 0:
        return None
    return column.vocabulary[int(column.codes[row])]


def number_in_words(value: float) -> str:
    """150000.0 → "150,000"; 12.5 → "12.5"."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def reason_in_words(
    *,
    rules: TieringRules,
    tiers: Sequence[TierFacts],
    segment: int,
    rule: int,
    decided_by: DecidedBy,
    touch: int = -1,
) -> str:
    """One line for lists: the rules that fired and, if something kept it from happening, what.

    segment, touch, rule: positions in the rules; touch is -1 where the model has no touch rules.
    """
    fired = rules.tiers[rule]
    name = tiers[fired.tier].name or fired.slug
    if touch < 0:
        line = f"{name}: {in_words(fired.when)}{_segment_in_words(rules, segment, fired)}"
    else:
        line = f"{name}: {_by_touch_in_words(rules, segment, touch, rule)}"
    return line if decided_by is DecidedBy.RULE else f"{_WHY[decided_by]} (the rules say {line})"


def _segment_in_words(rules: TieringRules, segment: int, fired: TierRule) -> str:
    """The segment's own rule, where there are segments and the tier rule depends on them."""
    rule = rules.segments[segment]
    if len(rules.segments) == 1:
        return ""
    if any(condition.attribute.name == "segment" for condition in conditions_in(fired.when)):
        return f" ({in_words(rule.when)})"
    if fired.when.parts:
        return ""
    return f" (segment {rule.name}: {in_words(rule.when)})" if rule.when.parts else f" (segment {rule.name})"


def _by_touch_in_words(rules: TieringRules, segment: int, touch: int, rule: int) -> str:
    """Of models with touch rules: touch level, segment, and what else the tier rule asks for, each with its why.

    "high touch, since the goals ask for it; segment Enterprise (ARR ≥ 250,000)". A tier rule that reads no touch level
    says its own conditions first.
    """
    when = rules.tiers[rule].when
    level = [_level_and_why(rules, touch)]
    rest = [_rest_in_words(when)] if when.parts else []
    if len(rules.segments) > 1:
        fired = rules.segments[segment]
        level.append(f"segment {fired.name}" + (f" ({in_words(fired.when)})" if fired.when.parts else ""))
    if not when.parts and rule > 0:
        rest = ["no tier rule above fits"]
    reads_touch = any(condition.attribute.name == "touch" for condition in conditions_in(when))
    return "; ".join(filter(None, [*level, *rest] if reads_touch or not when.parts else [*rest, *level]))


def _level_and_why(rules: TieringRules, touch: int) -> str:
    fired = rules.touch[touch]
    level = level_in_words(fired.level)
    if fired.when.parts:
        when = _unwrapped(fired.when)
        joined = " or " if when.any_of else " and "
        return f"{level}, since {joined.join(_why(part, fired.level) for part in when.parts)}"
    above = [TOUCH_LEVELS.index(rule.level) for rule in rules.touch[:touch]]
    if not above:
        return level
    higher = max(above) < TOUCH_LEVELS.index(fired.level)
    return f"{level} (no rule for {'a higher one' if higher else 'another one'} fits)"


def _unwrapped(when: Group) -> Group:
    """A group that stands alone needs no brackets."""
    while len(when.parts) == 1 and isinstance(when.parts[0], Group):
        when = when.parts[0]
    return when


def _why(clause: Clause, level: str) -> str:
    """A part of a touch rule's conditions; what goals ask for is said as people say it."""
    if isinstance(clause, Group):
        joined = (" or " if clause.any_of else " and ").join(_why(part, level) for part in clause.parts)
        return f"({joined})"
    if clause.attribute.name == "goals_ask_for" and clause.op == "in" and isinstance(clause.value, tuple):
        asked = " or ".join(level_in_words(word) for word in clause.value)
        return f"the goals ask for {'it' if clause.value == (level,) else asked}"
    return in_words(clause)


def _rest_in_words(when: Group) -> str:
    """A tier rule's conditions without those on the touch level and the segment, which are named anyway."""
    when = _unwrapped(when)
    if when.any_of:
        return in_words(when)
    named = {"touch", "segment"}
    rest = [part for part in when.parts if isinstance(part, Group) or part.attribute.name not in named]
    return in_words(replace(when, parts=tuple(rest))) if rest else ""


def values_in_words(*, labels: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The customer's own numbers, three at most: "ARR 151,060". labels: by attribute, in the order to say them."""
    said = [
        f"{labels[name]} {number_in_words(values[name])}" for name in labels if values.get(name) is not None
    ]
    return ", ".join(said[:3])


@dataclass(frozen=True, slots=True)
class Bound:
    """One written bound. ``upper`` values include the bound itself when it is written ≥ or <."""

    attribute: Attribute
    op: str
    value: float

    def other_side(self, values: Floats) -> Floats:
        """The nearest number on the other side of the bound, per customer."""
        with_bound = self.op in {">=", "<"}
        is_upper = values >= self.value if with_bound else values > self.value
        below = float(np.nextafter(self.value, -np.inf)) if with_bound else self.value
        above = self.value if with_bound else float(np.nextafter(self.value, np.inf))
        return np.where(is_upper, below, above)


@dataclass(frozen=True, slots=True)
class NearestBounds:
    """bound: position in ``bounds``, -1 for none. distance: in the attribute's own unit. tier: beyond the bound."""

    bounds: tuple[Bound, ...]
    bound: Integers
    distance: Floats
    tier: Integers


def bounds_of(rules: TieringRules) -> tuple[Bound, ...]:
    """Every numeric bound of segment, touch and tier rules, once each, in the order written."""
    found: dict[tuple[str, str, float], Bound] = {}
    for condition in rules.conditions():
        if condition.attribute.kind is Kind.NUMBER and condition.op in LOWER | UPPER:
            value = float(_as_number(condition))
            found.setdefault(
                (condition.attribute.name, condition.op, value),
                Bound(condition.attribute, condition.op, value),
            )
    return tuple(found.values())


def _as_number(condition: Condition) -> Decimal | int:
    if isinstance(condition.value, tuple):
        raise TypeError(f"{condition.attribute.name} needs a number")
    return condition.value


def yardstick(attribute: Attribute, around: float) -> float:
    """What makes distances of different attributes comparable: 100 for points, 365 days, else the number itself."""
    if attribute.unit is Unit.POINTS:
        return 100.0
    if attribute.unit is Unit.DAYS:
        return 365.0
    return max(abs(around), 1.0)


def nearest_bounds(*, findings: TierFindings, rules: TieringRules) -> NearestBounds:
    """The nearest bound whose crossing, all else equal, makes the rules give another tier; guards left aside.

    Nearest by distance ÷ yardstick; ties by the order in which the bounds are written.
    """
    facts, plain = findings.derived, findings.suggestions.tier
    bounds = bounds_of(rules)
    count = len(facts)
    best, chosen = np.full(count, np.inf), np.full(count, -1, dtype=np.int64)
    distance, beyond = np.full(count, np.nan), np.full(count, -1, dtype=np.int64)
    for position, bound in enumerate(bounds):
        column = facts.columns.get(bound.attribute.name)
        if not isinstance(column, NumberColumn):
            continue
        crossed = NumberColumn(np.where(np.isnan(column.values), np.nan, bound.other_side(column.values)))
        tier = suggest_tiers(facts=facts.replaced({bound.attribute.name: crossed}), rules=rules).tier
        away = np.abs(column.values - bound.value)
        near = away / yardstick(bound.attribute, bound.value)
        better = (tier != plain) & (near < best)  # NaN is never better
        best, distance = np.where(better, near, best), np.where(better, away, distance)
        chosen, beyond = np.where(better, position, chosen), np.where(better, tier, beyond)
    return NearestBounds(bounds=bounds, bound=chosen, distance=distance, tier=beyond)


def without_waiting(rules: TieringRules) -> TieringRules:
    """The rules without the guards that only wait for time to pass; what-ifs ask what a *change* would do."""
    return replace(rules, guards=replace(rules.guards, minimum_stay_days=0, renewal_freeze_days=0))
