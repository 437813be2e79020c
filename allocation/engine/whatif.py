"""The nearest single change of a fact that would move a customer: probe values on both sides, then narrow down.

Every probe is a changed copy of the customer's row, decided by the same engine against the same crowd, so
scales, percentiles, dead band, first year and paid floor all count. What only waits for time to pass (minimum stay,
renewal freeze) and overrides are left aside: the question is which *change* would move the customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allocation.engine.explain import bounds_of, without_waiting, yardstick
from allocation.engine.facts.attributes import ATTRIBUTES, DERIVED, Attribute, Kind, Unit
from allocation.engine.facts.rules import Criterion, LinearScale, StepScale, TieringRules
from allocation.engine.facts.tiering import (
    NO_TIER,
    ChoiceColumn,
    Column,
    DateColumn,
    FlagColumn,
    Floats,
    Integers,
    NumberColumn,
    SetColumn,
    TierFacts,
    TierFindings,
)
from allocation.engine.tiering import decide_tiers

QUANTILES = 33  # probes spread over the values the crowd has
SWITCH = 1.0  # distance of changing a yes/no, a choice or a goal: as far as doubling a number


@dataclass(frozen=True, slots=True)
class Change:
    """Change ``attribute`` from ``before`` to ``after`` and the customer goes to ``tier``. Dates are in days."""

    attribute: str
    before: float | str | bool | None
    after: float | str | bool
    tier: int
    distance: float


def nearest_changes(
    *, findings: TierFindings, rules: TieringRules, tiers: Sequence[TierFacts], rows: Sequence[int]
) -> list[Change | None]:
    """One change, or None, for each of ``rows`` of an earlier finding. The smallest by distance ÷ yardstick."""
    asking = _Asking(findings, rules, tiers)
    return [asking.nearest(row) for row in rows]


class _Asking:
    """The questions of one explanation: which tier would this row get with that value."""

    def __init__(self, findings: TierFindings, rules: TieringRules, tiers: Sequence[TierFacts]) -> None:
        self.findings, self.tiers = findings, tiers
        self.rules = without_waiting(rules)
        reads = rules.attributes() | {"first_renewal_done"} if rules.guards.first_year else rules.attributes()
        self.facts_read = tuple(sorted({source for name in reads for source in DERIVED.get(name, (name,))}))
        self.attributes = {
            each.attribute.name: each.attribute for each in (*rules.conditions(), *rules.criteria)
        }

    def nearest(self, row: int) -> Change | None:
        here = int(self._tiers(row, "", [None])[0])
        found = [
            change for name in self.facts_read if (change := self._nearest_of(row, name, here)) is not None
        ]
        return min(found, key=lambda change: change.distance, default=None)

    def _nearest_of(self, row: int, name: str, here: int) -> Change | None:
        column = self.findings.derived.columns.get(name)
        if isinstance(column, NumberColumn | DateColumn):
            return self._nearest_number(row, name, column, here)
        if column is None:
            return None
        values = _other_values(column, row)
        tiers = self._tiers(row, name, values)
        for value, tier in zip(values, tiers, strict=True):
            if tier != here:
                before, after = _named(column, row, value)
                return Change(name, before, after, int(tier), SWITCH)
        return None

    def _nearest_number(
        self, row: int, name: str, column: NumberColumn | DateColumn, here: int
    ) -> Change | None:
        value = float(column.values[row])
        if np.isnan(value):
            return None
        attribute = self.attributes.get(name) or ATTRIBUTES[name]
        step = _step(attribute)
        probes = self._probes(attribute, column, value, step)
        tiers = self._tiers(row, name, list(probes))
        best: Change | None = None
        for side in (probes > value, probes < value):
            moving = np.flatnonzero(side & (tiers != here))
            if len(moving):
                first = moving[np.argmin(np.abs(probes[moving] - value))]
                after, tier = self._narrow(
                    row, name, value, float(probes[first]), int(tiers[first]), here, step
                )
                distance = abs(after - value) / yardstick(attribute, value)
                if best is None or distance < best.distance:
                    best = Change(name, value, after, tier, distance)
        return best

    def _narrow(
        self, row: int, name: str, start: float, end: float, tier: int, here: int, step: float
    ) -> tuple[float, int]:
        """Halve between a value that stays and one that moves until they are one step apart."""
        stays, moves = round(start / step), round(end / step)
        while abs(moves - stays) > 1:
            middle = (stays + moves) // 2
            result = int(self._tiers(row, name, [middle * step])[0])
            if result == here:
                stays = middle
            else:
                moves, tier = middle, result
        return round(moves * step, 2), tier

    def _probes(
        self, attribute: Attribute, column: NumberColumn | DateColumn, value: float, step: float
    ) -> Floats:
        """Written bounds and scale ends with their neighbours, and values spread over the crowd."""
        known = column.values[self.findings.derived.active & ~np.isnan(column.values)]
        spread = np.quantile(known, np.linspace(0, 1, QUANTILES)) if len(known) else np.array([value])
        written = np.array([b for b in _written(self.rules, attribute.name)], dtype=np.float64)
        steps = np.rint(np.concatenate((spread, written, [float(known.max(initial=value)) * 2])) / step)
        around = np.unique(np.concatenate((steps - 1, steps, steps + 1))) * step
        low = -np.inf if attribute.low is None else attribute.low
        high = np.inf if attribute.high is None else attribute.high
        return np.round(around[(around >= low) & (around <= high)], 2)

    def _tiers(self, row: int, name: str, values: Sequence[object]) -> Integers:
        rows = np.full(len(values), row, dtype=np.int64)
        facts = self.findings.derived.take(rows)
        now = self.findings.guards.effective[rows]
        none = np.full(len(values), NO_TIER, dtype=np.int64)
        facts = replace(facts, held=replace(facts.held, current=now, override=none))
        if name:
            facts = facts.replaced({name: _changed(facts.columns[name], values)})
        found = decide_tiers(facts=facts, rules=self.rules, tiers=self.tiers, crowd=self.findings, rows=rows)
        return found.guards.effective


def _written(rules: TieringRules, name: str) -> list[float]:
    """The bounds written for an attribute, in rules and scales."""
    found = [bound.value for bound in bounds_of(rules) if bound.attribute.name == name]
    for criterion in rules.criteria:
        if criterion.attribute.name == name:
            found.extend(_scale_bounds(criterion))
    return found


def _scale_bounds(criterion: Criterion) -> tuple[float, ...]:
    scale = criterion.scale
    if isinstance(scale, LinearScale):
        return (scale.low, scale.high)
    return scale.bounds if isinstance(scale, StepScale) else ()


def _step(attribute: Attribute) -> float:
    """The smallest change worth telling: a cent, a hundredth of a point, a day, one of a count."""
    if attribute.unit is Unit.MONEY or attribute.unit is Unit.POINTS or attribute.unit is Unit.NONE:
        return 1.0 if attribute.kind is Kind.DATE else 0.01
    return 1.0


def _other_values(column: Column, row: int) -> list[object]:
    if isinstance(column, FlagColumn):
        return [value for value in (1, 0) if value != column.values[row]]
    if isinstance(column, ChoiceColumn):
        return [code for code in range(len(column.vocabulary)) if code != column.codes[row]]
    return list(range(len(column.vocabulary))) if isinstance(column, SetColumn) else []


def _changed(column: Column, values: Sequence[object]) -> Column:
    if isinstance(column, NumberColumn | DateColumn):
        return type(column)(np.array(values, dtype=np.float64))
    if isinstance(column, FlagColumn):
        return FlagColumn(np.array(values, dtype=np.int64))
    if isinstance(column, ChoiceColumn):
        return ChoiceColumn(np.array(values, dtype=np.int64), column.vocabulary)
    members = column.members.copy()
    at = np.array(values, dtype=np.int64)
    members[np.arange(len(at)), at] ^= True
    return SetColumn(members, column.vocabulary)


def _named(column: Column, row: int, value: object) -> tuple[str | bool | None, str | bool]:
    """Before and after in words; for a set, "with" or "without" one member."""
    if isinstance(column, FlagColumn):
        before = None if column.values[row] < 0 else bool(column.values[row])
        return before, bool(value)
    at = int(str(value))
    if isinstance(column, ChoiceColumn):
        code = int(column.codes[row])
        return (None if code < 0 else column.vocabulary[code]), column.vocabulary[at]
    if isinstance(column, SetColumn):
        there = bool(column.members[row, at])
        return ("with " if there else "without ") + column.vocabulary[at], (
            "without " if there else "with "
        ) + column.vocabulary[at]
    raise TypeError("numbers are narrowed down, not listed")
