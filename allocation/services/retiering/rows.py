"""Findings of the engine as decision rows: what people read, and what is kept to explain it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from allocation.engine.explain import NearestBounds, reason_in_words, values_in_words
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import DECIDERS, GUARDS, DecidedBy, NumberColumn, TierFindings
from allocation.engine.kept import facts_to_json, sources
from allocation.engine.standing import POINT
from allocation.models import RetierRun, TierDecision
from allocation.snapshots.customers import Snapshot
from allocation.snapshots.vocabulary import ModelVocabulary

LONGEST_REASON = 500


def decision_rows(
    *,
    run: RetierRun,
    rows: np.ndarray[Any, np.dtype[np.int64]],
    snapshot: Snapshot,
    findings: TierFindings,
    rules: TieringRules,
    bounds: NearestBounds,
    vocabulary: ModelVocabulary,
) -> list[TierDecision]:
    """Unsaved decision rows of some customers, in their order."""
    held, guards, scores = findings.derived.held, findings.guards, findings.scores
    segments = [rule.name for rule in rules.segments]
    kept = facts_to_json(snapshot.facts.take(rows), sources(rules))
    names = tuple(criterion.attribute.name for criterion in rules.criteria)
    values = facts_to_json(findings.derived.take(rows), names)
    labels = {bound.attribute.name: bound.attribute.label for bound in bounds.bounds}
    bounded = facts_to_json(findings.derived.take(rows), tuple(labels))

    @cache
    def reason(segment: int, rule: int, by: DecidedBy) -> str:
        return reason_in_words(rules=rules, tiers=vocabulary.tiers, segment=segment, rule=rule, decided_by=by)

    found = []
    for place, at in enumerate(rows.tolist()):
        by = DECIDERS[guards.decided_by[at]]
        undecided = by in {DecidedBy.UNDECIDED, DecidedBy.LEFT}
        cents = int(scores.cents[at])
        previous, effective = int(held.current[at]), int(guards.effective[at])
        found.append(
            TierDecision(
                run=run,
                customer_id=snapshot.keys[at],
                segment=segments[findings.suggestions.segment[at]],
                score=None if cents < 0 else Decimal(cents).scaleb(-2),
                previous_id=vocabulary.tier_id(previous),
                suggested_id=None if undecided else vocabulary.tier_id(int(findings.suggestions.tier[at])),
                effective_id=vocabulary.tier_id(effective),
                decided_by=by.value,
                guards=[guard.value for guard, bit in zip(GUARDS, guards.bites[at], strict=True) if bit],
                reason=_line(
                    reason(int(findings.suggestions.segment[at]), int(findings.suggestions.rule[at]), by),
                    values_in_words(labels=labels, values=bounded[place]),
                ),
                explanation={
                    "facts": kept[place],
                    "held": _held(snapshot, at, vocabulary),
                    "criteria": _criteria(findings, names, values[place], at),
                    "rule": int(findings.suggestions.rule[at]),
                    "bound": _bound(findings, bounds, at, vocabulary),
                },
                facts_digest=snapshot.digests[at],
                lifecycle=snapshot.lifecycles[at],
                goals_digest=snapshot.goals[at],
                is_move=previous >= 0 and effective != previous,
            )
        )
    return found


def _line(reason: str, values: str) -> str:
    """The reason with the customer's own numbers, cut to what the column takes."""
    line = f"{reason}; {values}" if values else reason
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def _held(snapshot: Snapshot, at: int, vocabulary: ModelVocabulary) -> dict[str, Any]:
    """What the guards looked at, missing and false left out. since: days since 1970-01-01."""
    held = snapshot.facts.held
    since = held.since[at]
    values = {
        "current": vocabulary.slug(int(held.current[at])),
        "paid": vocabulary.slug(int(held.paid[at])),
        "override": vocabulary.slug(int(held.override[at])),
        "since": None if np.isnan(since) else int(since),
        "goals_changed": bool(held.goals_changed[at]),
        "override_ended": bool(held.override_ended[at]),
        "left": not snapshot.facts.active[at],
    }
    return {name: value for name, value in values.items() if value not in (None, False)}


def _criteria(
    findings: TierFindings, names: Sequence[str], values: Mapping[str, Any], at: int
) -> list[list[Any]]:
    """[value, points, contribution] in the order of the criteria; None where the value is missing."""
    points, contributions = findings.scores.points[at].tolist(), findings.scores.contributions[at].tolist()
    return [
        [values.get(name), None if given < 0 else round(given / POINT, 2), cents / 100]
        for name, given, cents in zip(names, points, contributions, strict=True)
    ]


def _bound(
    findings: TierFindings, bounds: NearestBounds, at: int, vocabulary: ModelVocabulary
) -> dict[str, Any] | None:
    place = int(bounds.bound[at])
    if place < 0:
        return None
    bound = bounds.bounds[place]
    column = findings.derived.columns[bound.attribute.name]
    value = float(column.values[at]) if isinstance(column, NumberColumn) else None
    return {
        "attribute": bound.attribute.name,
        "op": bound.op,
        "bound": bound.value,
        "value": value,
        "distance": round(float(bounds.distance[at]), 2),
        "tier": vocabulary.slug(int(bounds.tier[at])),
    }
