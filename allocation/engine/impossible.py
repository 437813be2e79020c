"""Finds rules that can never hold: bounds outside what a value can be, or that contradict each other."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from allocation.engine.conditions import LOWER, UPPER
from allocation.engine.explain import in_words
from allocation.engine.facts.attributes import Attribute, Kind
from allocation.engine.facts.rules import Condition, Group


def impossibilities(group: Group, *, where: str) -> list[str]:
    """A sentence for each bound that can never hold, and for bounds that exclude each other."""
    found = [f"{where}: “{in_words(each)}” can never hold." for each in _alone(group)]
    if not found:
        found = [f"{where}: the bounds on {label} exclude each other." for label in _together(group)]
    for part in group.parts:
        if isinstance(part, Group):
            found.extend(impossibilities(part, where=where))
    return found


def _alone(group: Group) -> Iterator[Condition]:
    for part in group.parts:
        if isinstance(part, Condition) and _is_bound(part) and not _possible([part]):
            yield part


def _together(group: Group) -> list[str]:
    """Labels of attributes whose bounds, all of them required, leave no value."""
    if group.any_of:
        return []
    conditions = [part for part in group.parts if isinstance(part, Condition) and _is_bound(part)]
    names = dict.fromkeys(condition.attribute.name for condition in conditions)
    each = [[c for c in conditions if c.attribute.name == name] for name in names]
    return [same[0].attribute.label for same in each if not _possible(same)]


def _is_bound(condition: Condition) -> bool:
    return condition.attribute.kind in {Kind.NUMBER, Kind.DATE} and condition.op not in {
        "known",
        "missing",
        "!=",
    }


def _possible(conditions: list[Condition]) -> bool:
    """Whether some value of the attribute fulfils all these bounds."""
    low, low_open, high, high_open = _limits(conditions[0].attribute)
    for condition in conditions:
        value = Decimal(str(condition.value))
        if condition.op in LOWER | {"="} and (value, condition.op == ">") > (low, low_open):
            low, low_open = value, condition.op == ">"
        if condition.op in UPPER | {"="} and (-value, condition.op == "<") > (-high, high_open):
            high, high_open = value, condition.op == "<"
    if conditions[0].attribute.whole and low.is_finite() and high.is_finite():
        least = low.to_integral_value(ROUND_FLOOR) + 1 if low_open else low.to_integral_value(ROUND_CEILING)
        most = high.to_integral_value(ROUND_CEILING) - 1 if high_open else high.to_integral_value(ROUND_FLOOR)
        return least <= most
    return low < high or (low == high and not low_open and not high_open)


def _limits(attribute: Attribute) -> tuple[Decimal, bool, Decimal, bool]:
    low = Decimal("-Infinity") if attribute.low is None else Decimal(str(attribute.low))
    high = Decimal("Infinity") if attribute.high is None else Decimal(str(attribute.high))
    return low, attribute.open_low, high, attribute.open_high
