"""The nearest single change of a fact that would move a customer: probe values on both sides, then narrow down.

Every probe is a changed copy of the customer's row, decided by the same engine against the same crowd, so
scales, percentiles, dead band, first year and paid floor all count. What only waits for time to pass (minimum stay,
renewal freeze) and overrides are left aside: the question is which *change* would move the customer. Of choices and
sets only words that the model names are tried, and one that stands for all others (``words_to_try``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from allocation.engine.explain import bounds_of, without_waiting, yardstick
from allocation.engine.facts.attributes import ATTRIBUTES, Attribute, Kind, Unit
from allocation.engine.facts.rules import Criterion, LinearScale, StepScale, TieringRules
from allocation.engine.facts.tiering import (
    NO_TIER,
    ChoiceColumn,
    Column,
    DateColumn,
    FlagColumn,
    Integers,
    NumberColumn,
    SetColumn,
    TierFacts,
    TierFindings,
)
from allocation.engine.kept import KeptCrowd, crowd_of, sources
from allocation.engine.tiering import decide_tiers, rules_moved
from allocation.engine.words_to_try import other_places, said, with_words_to_try

SWITCH = 1.0  # distance of changing a yes/no, a choice or a goal: as far as doubling a number


@dataclass(frozen=True, slots=True)
class Change:
    """Change ``attribute`` from ``before`` to ``after`` and the customer goes to ``tier``. Dates are in days.

    after: of choices and sets a word the model names, or "another package", "with another product".
    """

    attribute: str
    before: float | str | bool | None
    after: float | str | bool
    tier: int
    distance: float


def nearest_changes(
    *,
    findings: TierFindings,
    rules: TieringRules,
    tiers: Sequence[TierFacts],
    rows: Sequence[int],
    crowd: KeptCrowd | None = None,
) -> list[Change | None]:
    """One change, or None, for each of ``rows`` of an earlier finding. The smallest by distance ÷ yardstick.

    crowd: what was kept of the run, if the findings are only the rows asked about.
    """
    asking = _Asking(findings, rules, tiers, crowd or crowd_of(findings=findings, rules=rules))
    return [asking.nearest(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Probe:
    """One value to try. For choices a code, for yes/no 0 or 1, for sets the member to put in or take out."""

    attribute: str
    value: float


class _Asking:
    """The questions of one explanation: which tier would this row get with that value."""

    def __init__(
        self, findings: TierFindings, rules: TieringRules, tiers: Sequence[TierFacts], crowd: KeptCrowd
    ) -> None:
        self.tiers, self.spreads = tiers, crowd.spreads
        self.rules = without_waiting(rules)
        self.sources = sources(self.rules)
        facts = with_words_to_try(findings.derived, rules, frozenset(self.sources))
        self.findings = replace(findings, derived=facts)
        self.attributes = dict(ATTRIBUTES)
        self.attributes.update({each.attribute.name: each.attribute for each in rules.criteria})
        self.attributes.update({each.attribute.name: each.attribute for each in rules.conditions()})

    def nearest(self, row: int) -> Change | None:
        here = int(self._tiers(row, [None])[0])
        probes = [probe for name in self.sources for probe in self._probes(row, name)]
        if not probes:
            return None
        tiers = self._tiers(row, probes)
        moving = [(probe, int(tier)) for probe, tier in zip(probes, tiers, strict=True) if tier != here]
        ends = self._narrowed(row, here, self._first_on_each_side(row, moving))
        changes = [self._change(row, probe, tier) for probe, tier in ends]
        return min(changes, key=lambda change: change.distance, default=None)

    def _first_on_each_side(self, row: int, moving: list[tuple[_Probe, int]]) -> list[tuple[_Probe, int]]:
        """Per attribute and direction the moving probe nearest to the value there is."""
        best: dict[tuple[str, bool], tuple[_Probe, int]] = {}
        for probe, tier in moving:
            at = self._value(row, probe.attribute)
            key = (probe.attribute, probe.value > at)
            if key not in best or abs(probe.value - at) < abs(best[key][0].value - at):
                best[key] = (probe, tier)
        return list(best.values())

    def _narrowed(self, row: int, here: int, ends: list[tuple[_Probe, int]]) -> list[tuple[_Probe, int]]:
        """Halve between the value there is and one that moves, all attributes at once, down to a single step."""
        steps = [_step(self.attributes[probe.attribute]) for probe, _ in ends]
        stays = [
            round(self._value(row, probe.attribute) / step)
            for (probe, _), step in zip(ends, steps, strict=True)
        ]
        moves = [round(probe.value / step) for (probe, _), step in zip(ends, steps, strict=True)]
        found = [tier for _, tier in ends]
        while wide := [
            at for at in range(len(ends)) if self._is_number(ends[at][0]) and abs(moves[at] - stays[at]) > 1
        ]:
            middles = [(stays[at] + moves[at]) // 2 for at in wide]
            tried = [
                _Probe(ends[at][0].attribute, middle * steps[at])
                for at, middle in zip(wide, middles, strict=True)
            ]
            for at, middle, tier in zip(wide, middles, self._tiers(row, tried), strict=True):
                if tier == here:
                    stays[at] = middle
                else:
                    moves[at], found[at] = middle, int(tier)
        return [
            (replace(probe, value=round(moves[at] * steps[at], 2)), found[at])
            for at, (probe, _) in enumerate(ends)
        ]

    def _change(self, row: int, probe: _Probe, tier: int) -> Change:
        name = probe.attribute
        if self._is_number(probe):
            value = self._value(row, name)
            distance = abs(probe.value - value) / yardstick(self.attributes[name], value)
            return Change(name, value, probe.value, tier, distance)
        column = self.findings.derived.columns[name]
        before, after = _named(self.attributes[name], column, row, int(probe.value))
        return Change(name, before, after, tier, SWITCH)

    def _is_number(self, probe: _Probe) -> bool:
        return self.attributes[probe.attribute].kind in {Kind.NUMBER, Kind.DATE}

    def _value(self, row: int, name: str) -> float:
        """The number there is; choices have no order, so all their probes lie on one side of -inf."""
        column = self.findings.derived.columns[name]
        return float(column.values[row]) if isinstance(column, NumberColumn | DateColumn) else -1.0

    def _probes(self, row: int, name: str) -> list[_Probe]:
        """Numbers: written bounds and scale ends with their neighbours, and values spread over the crowd."""
        column = self.findings.derived.columns.get(name)
        if column is None:
            return []
        if not isinstance(column, NumberColumn | DateColumn):
            return [_Probe(name, value) for value in _other_values(column, row)]
        if np.isnan(column.values[row]):
            return []
        attribute = self.attributes[name]
        spread = self.spreads.get(name, np.zeros(0))
        written = _written(self.rules, name)
        ends = np.array([*written, 0.0, 2 * max([*written, *spread.tolist()], default=0.0)])
        step = _step(attribute)
        steps = np.rint(np.concatenate((spread, ends)) / step)
        values = np.round(np.unique(np.concatenate((steps - 1, steps, steps + 1))) * step, 2)
        low = -np.inf if attribute.low is None else attribute.low
        high = np.inf if attribute.high is None else attribute.high
        return [_Probe(name, value) for value in values[(values >= low) & (values <= high)].tolist()]

    def _tiers(self, row: int, probes: Sequence[_Probe | None]) -> Integers:
        """The tier in force for each probe, as if the tier in force now were the one held."""
        rows = np.full(len(probes), row, dtype=np.int64)
        facts = self.findings.derived.take(rows)
        none = np.full(len(probes), NO_TIER, dtype=np.int64)
        now = self.findings.guards.effective[rows]
        facts = replace(facts, held=replace(facts.held, current=now, override=none))
        changed: dict[str, dict[int, float]] = {}
        for at, probe in enumerate(probes):
            if probe is not None:
                changed.setdefault(probe.attribute, {})[at] = probe.value
        facts = facts.replaced(
            {name: _changed(facts.columns[name], values) for name, values in changed.items()}
        )
        found = decide_tiers(facts=facts, rules=self.rules, tiers=self.tiers, crowd=self.findings, rows=rows)
        return found.guards.effective


def _written(rules: TieringRules, name: str) -> list[float]:
    """The bounds written for an attribute in rules and scales, and where the dead band puts them."""
    versions = [rules]
    if (band := rules.guards.dead_band) is not None:
        versions += [rules_moved(rules, band, loosened=True), rules_moved(rules, band, loosened=False)]
    found = [bound.value for each in versions for bound in bounds_of(each) if bound.attribute.name == name]
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


def _other_values(column: Column, row: int) -> list[int]:
    if isinstance(column, FlagColumn):
        return [value for value in (1, 0) if value != column.values[row]]
    return other_places(column, row) if isinstance(column, ChoiceColumn | SetColumn) else []


def _changed(column: Column, values: Mapping[int, float]) -> Column:
    """A copy of the column with other values at some rows; for a set, one member put in or taken out."""
    at, new = np.array(list(values), dtype=np.int64), np.array(list(values.values()))
    if isinstance(column, SetColumn):
        members = column.members.copy()
        members[at, new.astype(np.int64)] ^= True
        return SetColumn(members, column.vocabulary)
    if isinstance(column, ChoiceColumn):
        codes = column.codes.copy()
        codes[at] = new.astype(np.int64)
        return ChoiceColumn(codes, column.vocabulary)
    if isinstance(column, FlagColumn):
        flags = column.values.copy()
        flags[at] = new.astype(np.int64)
        return FlagColumn(flags)
    numbers = column.values.copy()
    numbers[at] = new
    return NumberColumn(numbers) if isinstance(column, NumberColumn) else DateColumn(numbers)


def _named(
    attribute: Attribute, column: Column, row: int, value: int
) -> tuple[str | bool | None, str | bool]:
    """Before and after in words; for a set, "with" or "without" one member."""
    if isinstance(column, FlagColumn):
        before = None if column.values[row] < 0 else bool(column.values[row])
        return before, bool(value)
    if isinstance(column, ChoiceColumn):
        code = int(column.codes[row])
        before_word = None if code < 0 else column.vocabulary[code]
        return before_word, said(attribute, column.vocabulary[value])
    if isinstance(column, SetColumn):
        word = said(attribute, column.vocabulary[value])
        there = bool(column.members[row, value])
        return (f"with {word}", f"without {word}") if there else (f"without {word}", f"with {word}")
    raise TypeError("numbers are narrowed down, not listed")
