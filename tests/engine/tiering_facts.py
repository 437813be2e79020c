"""Facts for engine tests, written as one dict a customer; and the models they are tried on."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from allocation.engine.facts.attributes import ATTRIBUTES, DERIVED, Attribute, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import (
    ChoiceColumn,
    Column,
    CustomerColumns,
    DateColumn,
    FlagColumn,
    HeldTiers,
    NumberColumn,
    SetColumn,
    TierFacts,
    TierFindings,
)
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers

AS_OF = date(2026, 11, 22)
EPOCH = date(1970, 1, 1)

GLOBAL, ENTERPRISE, SCALE = 0, 1, 2
TIERS = (
    TierFacts("global", 1, "high", "Global"),
    TierFacts("enterprise", 2, "mid", "Enterprise"),
    TierFacts("scale", 3, "tech", "Scale"),
)
BY_ARR: dict[str, Any] = {
    "segments": [{"name": "All", "when": []}],
    "criteria": [],
    "tiers": [
        {"tier": "global", "when": [{"attribute": "arr", "op": ">=", "value": 750000}]},
        {"tier": "enterprise", "when": [{"attribute": "arr", "op": ">=", "value": 150000}]},
        {"tier": "scale", "when": []},
    ],
}


def days(on: date) -> int:
    return (on - EPOCH).days


def rules(
    definition: Mapping[str, Any],
    attributes: Mapping[str, Attribute] = ATTRIBUTES,
    goal_kinds: Mapping[str, str] | None = None,
) -> TieringRules:
    return read_rules(definition=definition, attributes=attributes, tiers=TIERS, goal_kinds=goal_kinds)


def facts(
    rows: Sequence[Mapping[str, Any]], attributes: Mapping[str, Attribute] = ATTRIBUTES, as_of: date = AS_OF
) -> CustomerColumns:
    """Columns of the rows; keys beside the attributes: id, left, current, paid, override, since, …"""
    names = [name for name in attributes if name not in DERIVED]
    held = HeldTiers(
        current=np.array([row.get("current", -1) for row in rows], dtype=np.int64),
        paid=np.array([row.get("paid", -1) for row in rows], dtype=np.int64),
        override=np.array([row.get("override", -1) for row in rows], dtype=np.int64),
        since=np.array([days(row["since"]) if "since" in row else np.nan for row in rows]),
        goals_changed=np.array([row.get("goals_changed", False) for row in rows], dtype=np.bool_),
        override_ended=np.array([row.get("override_ended", False) for row in rows], dtype=np.bool_),
        in_scope=np.ones(len(rows), dtype=np.bool_),
    )
    return CustomerColumns(
        ids=tuple(str(row.get("id", place)) for place, row in enumerate(rows)),
        columns={name: _column(attributes[name], [row.get(name) for row in rows]) for name in names},
        active=np.array([not row.get("left", False) for row in rows], dtype=np.bool_),
        held=held,
        as_of=days(as_of),
    )


def _column(attribute: Attribute, values: Sequence[Any]) -> Column:
    if attribute.kind is Kind.NUMBER:
        return NumberColumn(
            np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        )
    if attribute.kind is Kind.DATE:
        return DateColumn(
            np.array([np.nan if value is None else days(value) for value in values], dtype=np.float64)
        )
    if attribute.kind is Kind.FLAG:
        return FlagColumn(np.array([-1 if value is None else int(value) for value in values], dtype=np.int64))
    if attribute.kind is Kind.CHOICE:
        words = tuple(sorted({value for value in values if value is not None}))
        codes = [-1 if value is None else words.index(value) for value in values]
        return ChoiceColumn(np.array(codes, dtype=np.int64), words)
    words = tuple(sorted({word for value in values for word in value or ()}))
    members = [[word in (value or ()) for word in words] for value in values]
    return SetColumn(np.array(members, dtype=np.bool_).reshape(len(values), len(words)), words)


def decide(
    definition: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    goal_kinds: Mapping[str, str] | None = None,
) -> TierFindings:
    read = rules(definition, goal_kinds=goal_kinds)
    return decide_tiers(facts=facts(rows), rules=read, tiers=TIERS)


def effective(
    definition: Mapping[str, Any], *rows: Mapping[str, Any], goal_kinds: Mapping[str, str] | None = None
) -> list[int]:
    """Positions of the tiers in force."""
    return decide(definition, rows, goal_kinds).guards.effective.tolist()


def scores(criteria: Sequence[Mapping[str, Any]], *rows: Mapping[str, Any]) -> list[float | None]:
    """Scores in points; None where nothing is known."""
    found = decide({**BY_ARR, "criteria": list(criteria)}, rows).scores.cents.tolist()
    return [None if cents < 0 else cents / 100 for cents in found]
