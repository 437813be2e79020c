"""Weights and bounds of a scenario put into the document of a model, so that the rules are read as any others are."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from allocation.engine.facts.scenarios import BoundChange, ModelChange
from allocation.engine.scenario_reading import UnusableScenario, listed
from allocation.engine.written import as_number

BOUNDS = (">=", ">", "<=", "<", "=", "!=")
Rule = tuple[str, Mapping[str, Any]]
"""What a rule is called by in a scenario, and its entry in the document."""


def altered_document(*, document: Any, change: ModelChange) -> Any:
    """A copy of the document with the weights and bounds put in; the document itself stays as it was.

    Raises UnusableScenario with a sentence for each criterion, rule or bound that is not there. Whether the whole makes a
    model is said by ``rules.read_rules``.
    """
    altered = copy.deepcopy(document if change.definition is None else change.definition)
    faults: list[str] = []
    criteria = {_criterion(row): row for row in rows_of(altered, "criteria")}
    for said, weight in change.weights.items():
        name = _meant(said, criteria)
        if name is None:
            faults.append(f"The model has no criterion “{said}”; there is: {listed(criteria)}.")
            continue
        criteria[name]["weight"] = _number(weight)
    for bound in change.bounds:
        faults.extend(_put(altered, bound))
    if faults:
        raise UnusableScenario(faults)
    return altered


def bound_now(*, document: Any, bound: BoundChange) -> Any:
    """The value that stands there now; None where there is no such bound, or more than one."""
    found = list(_bounds_of(document, bound))
    return found[0]["value"] if len(found) == 1 else None


def weight_now(*, document: Any, name: str) -> Any:
    """The weight that stands there now; None where there is no such criterion."""
    criteria = {_criterion(row): row.get("weight", 1) for row in rows_of(document, "criteria")}
    return criteria.get(_meant(name, criteria) or "")


def _meant(said: str, names: Iterable[str]) -> str | None:
    """The name that is written so, or else in other letters only."""
    there = list(names)
    alike = [name for name in there if name.casefold() == said.strip().casefold()]
    return said if said in there else next(iter(alike), None)


def _put(document: Any, bound: BoundChange) -> Iterator[str]:
    called = sorted({name for name, _ in _rules(document)})
    if _meant(bound.rule, called) is None:
        yield f"The model has no rule “{bound.rule}”; there is: {listed(called)}."
        return
    found = list(_bounds_of(document, bound))
    if not found:
        there = sorted(
            {
                str(condition["attribute"])
                for name, rule in _rules(document)
                if name == _meant(bound.rule, called)
                for condition in conditions_of(rule.get("when"))
                if _is_bound(condition)
            }
        )
        yield f"The rule “{bound.rule}” has no bound of {bound.attribute}; it has bounds of: {listed(there)}."
    elif len(found) > 1:
        yield (
            f"The rule “{bound.rule}” has {len(found)} bounds of {bound.attribute}: give the whole definition instead, so "
            "that it is plain which one is meant."
        )
    else:
        found[0]["value"] = _number(bound.value)


def _bounds_of(document: Any, bound: BoundChange) -> Iterator[dict[str, Any]]:
    meant = _meant(bound.rule, (name for name, _ in _rules(document)))
    for name, rule in _rules(document):
        if name == meant:
            for condition in conditions_of(rule.get("when")):
                if _is_bound(condition) and condition["attribute"] == bound.attribute:
                    yield condition


def _is_bound(condition: Mapping[str, Any]) -> bool:
    """A number is compared with; "between" has two of them and is none of these."""
    compared = isinstance(condition.get("attribute"), str) and condition.get("op") in BOUNDS
    return compared and as_number(condition.get("value")) is not None


def _rules(document: Any) -> Iterator[Rule]:
    for part, named_by in (("segments", "name"), ("touch", "touch"), ("tiers", "tier")):
        for row in rows_of(document, part):
            yield str(row.get(named_by) or ""), row


def rows_of(document: Any, part: str) -> list[Any]:
    """The rows of a part of a model; a draft may be unfinished, and what is none is passed over."""
    rows = document.get(part) if isinstance(document, Mapping) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _criterion(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or row.get("attribute") or "").strip()


def conditions_of(when: Any) -> Iterator[dict[str, Any]]:
    """Every single condition of a rule, groups looked into."""
    for item in when if isinstance(when, list) else ():
        if not isinstance(item, dict):
            continue
        inner = item.get("any", item.get("all"))
        if inner is None:
            yield item
        else:
            yield from conditions_of(inner)


def _number(value: Any) -> int | float:
    """As a document holds numbers."""
    return int(value) if value == value.to_integral_value() else float(value)
