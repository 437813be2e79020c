"""Which customers fulfil a condition, column by column; and a rule's bounds moved by the dead band."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from allocation.engine.facts.attributes import Kind, Unit
from allocation.engine.facts.rules import Clause, Condition, DeadBand, Group
from allocation.engine.facts.tiering import (
    ChoiceColumn,
    Column,
    CustomerColumns,
    DateColumn,
    FlagColumn,
    Flags,
    Floats,
    NumberColumn,
    SetColumn,
)

LOWER = frozenset({">=", ">"})
UPPER = frozenset({"<=", "<"})

# NaN compares false with everything, which is the rule: a missing value fulfils no bound. "≠" has to say so.
_COMPARE: Mapping[str, Callable[[Floats, float], Flags]] = {
    ">=": lambda values, bound: values >= bound,
    ">": lambda values, bound: values > bound,
    "<=": lambda values, bound: values <= bound,
    "<": lambda values, bound: values < bound,
    "=": lambda values, bound: values == bound,
    "!=": lambda values, bound: (values != bound) & ~np.isnan(values),
}


def holds(clause: Clause, facts: CustomerColumns) -> Flags:
    """One yes or no a customer. All of nothing holds for everyone, any of nothing for nobody."""
    if isinstance(clause, Condition):
        return _condition(clause, facts.columns.get(clause.attribute.name), len(facts))
    result = np.full(len(facts), not clause.any_of)
    for part in clause.parts:
        result = result | holds(part, facts) if clause.any_of else result & holds(part, facts)
    return result


def known(column: Column) -> Flags:
    """Where a column has a value; a set always has one."""
    if isinstance(column, NumberColumn | DateColumn):
        return ~np.isnan(column.values)
    if isinstance(column, ChoiceColumn):
        return np.asarray(column.codes >= 0)
    if isinstance(column, FlagColumn):
        return np.asarray(column.values >= 0)
    return np.ones(len(column.members), dtype=np.bool_)


def _condition(condition: Condition, column: Column | None, count: int) -> Flags:
    if column is None:  # nobody has a value: a custom attribute without a single answer
        return np.full(count, condition.op == "missing")
    if condition.op in {"known", "missing"}:
        return np.asarray(known(column) == (condition.op == "known"))
    if isinstance(column, NumberColumn | DateColumn):
        return _COMPARE[condition.op](column.values, _number(condition))
    if isinstance(column, FlagColumn):
        return np.asarray(column.values == int(bool(condition.value)))
    if isinstance(column, ChoiceColumn):
        return _choice(condition, column)
    return _set(condition, column)


def _number(condition: Condition) -> float:
    value = condition.value
    if isinstance(value, tuple):
        raise TypeError(f"{condition.attribute.name} needs a number")
    return float(value)


def _words(condition: Condition) -> tuple[str, ...]:
    if not isinstance(condition.value, tuple):
        raise TypeError(f"{condition.attribute.name} needs words")
    return condition.value


def _choice(condition: Condition, column: ChoiceColumn) -> Flags:
    wanted = {word.casefold() for word in _words(condition)}  # Telco and TELCO are one vertical
    named = np.array([*(word.casefold() in wanted for word in column.vocabulary), False], dtype=np.bool_)
    inside = named[column.codes]  # -1 reaches the last entry
    return inside if condition.op == "in" else ~inside & (column.codes >= 0)


def _set(condition: Condition, column: SetColumn) -> Flags:
    has = [_has(column, word.casefold()) for word in _words(condition)]
    if condition.op == "all_of":
        return np.asarray(np.logical_and.reduce(has))
    any_of = np.asarray(np.logical_or.reduce(has))
    return any_of if condition.op == "any_of" else ~any_of


def _has(column: SetColumn, wanted: str) -> Flags:
    places = [place for place, word in enumerate(column.vocabulary) if word.casefold() == wanted]
    return np.asarray(column.members[:, places].any(axis=1))


def moved_group(group: Group, band: DeadBand, *, loosened: bool) -> Group:
    """The same group with every numeric bound easier to meet (loosened) or harder (tightened)."""
    parts = (
        moved_group(part, band, loosened=loosened)
        if isinstance(part, Group)
        else _moved_condition(part, band, loosened=loosened)
        for part in group.parts
    )
    return replace(group, parts=tuple(parts))


def _moved_condition(condition: Condition, band: DeadBand, *, loosened: bool) -> Condition:
    value = condition.value
    is_bound = condition.attribute.kind is Kind.NUMBER and condition.op in LOWER | UPPER
    if not is_bound or isinstance(value, tuple):
        return condition
    bound = Decimal(value)
    step = band.points if condition.attribute.unit is Unit.POINTS else abs(bound) * band.percent / 100
    downwards = (condition.op in LOWER) == loosened
    return replace(condition, value=bound - step if downwards else bound + step)
