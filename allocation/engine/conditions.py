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
        return column.codes >= 0
    if isinstance(column, FlagColumn):
        return column.values >= 0
    return np.ones(len(column.members), dtype=np.bool_)


def _condition(condition: Condition, column: Column | None, count: int) -> Flags:
    if column is None:  # nobody has a value: a custom attribute without a single answer
        return np.full(count, condition.op == "missing")
    if condition.op in {"known", "missing"}:
        return known(column) == (condition.op == "known")
    if isinstance(column, NumberColumn | DateColumn):
        return _COMPARE[condition.op](column.values, _number(condition))
    if isinstance(column, FlagColumn):
        return column.values == int(bool(condition.value))
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
    wanted = set(_words(condition))
    codes = [code for code, word in enumerate(column.vocabulary) if word in wanted]
    inside = np.isin(column.codes, codes)
    return inside if condition.op == "in" else ~inside & (column.codes >= 0)


def _set(condition: Condition, column: SetColumn) -> Flags:
    wanted = _words(condition)
    found = [column.vocabulary.index(word) for word in wanted if word in column.vocabulary]
    members = column.members[:, found]
    if condition.op == "any_of":
        return np.asarray(members.any(axis=1))
    if condition.op == "none_of":
        return np.asarray(~members.any(axis=1))
    return np.asarray(members.all(axis=1)) & (len(found) == len(wanted))


def moved(clause: Clause, band: DeadBand, *, loosened: bool) -> Clause:
    """The same clause with every numeric bound easier to meet (loosened) or harder (tightened)."""
    if isinstance(clause, Group):
        return replace(clause, parts=tuple(moved(part, band, loosened=loosened) for part in clause.parts))
    step = _step(clause, band)
    if clause.attribute.kind is not Kind.NUMBER or clause.op not in LOWER | UPPER:
        return clause
    downwards = (clause.op in LOWER) == loosened
    bound = Decimal(str(clause.value))
    return replace(clause, value=bound - step if downwards else bound + step)


def _step(condition: Condition, band: DeadBand) -> Decimal:
    if condition.attribute.unit is Unit.POINTS:
        return band.points
    if isinstance(condition.value, tuple):
        return Decimal(0)
    return abs(Decimal(condition.value)) * band.percent / 100
