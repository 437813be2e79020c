"""Findings of the engine as decision rows: those that people should look at, with their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from allocation.engine.explain import bounds_of, reason_in_words, values_in_words
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import DECIDERS, GUARDS, DecidedBy, Flags, Integers, TierFindings
from allocation.engine.kept import facts_to_json
from allocation.snapshots.arrays import EPOCH
from allocation.snapshots.customers import Snapshot
from allocation.snapshots.vocabulary import ModelVocabulary

LONGEST_REASON = 500
PLAIN = tuple(DECIDERS.index(by) for by in (DecidedBy.RULE, DecidedBy.LEFT))


def notable(*, findings: TierFindings, goals_only: bool) -> Flags:
    """Whom people should look at: who changes, was held back, overridden or not decided; in a goals run everybody in scope."""
    scope, guards = findings.derived.held.in_scope, findings.guards
    if goals_only:
        return scope
    changes = guards.effective != findings.derived.held.current
    said = ~np.isin(guards.decided_by, PLAIN) | guards.bites[:, _STAYING].any(axis=1)
    return np.asarray(scope & (changes | said))


_STAYING = [place for place, guard in enumerate(GUARDS) if guard is not DecidedBy.LEFT]


def decision_rows(
    *,
    rows: Integers,
    snapshot: Snapshot,
    findings: TierFindings,
    rules: TieringRules,
    vocabulary: ModelVocabulary,
) -> Mapping[str, Sequence[Any]]:
    """Decision rows of some customers of a run, in their order, column by column; nothing is done for the others."""
    held, guards = findings.derived.held.take(rows), findings.guards
    all_cents, bites = findings.scores.cents[rows].tolist(), guards.bites[rows].tolist()
    deciders, effectives = guards.decided_by[rows].tolist(), guards.effective[rows].tolist()
    previous_ones, days, keys = held.current.tolist(), held.since.tolist(), snapshot.keys[rows].tolist()
    segments = [rule.name for rule in rules.segments]
    labels = {bound.attribute.name: bound.attribute.label for bound in bounds_of(rules)}
    bounded = facts_to_json(findings.derived.take(rows), tuple(labels))

    @cache
    def reason(segment: int, touch: int, rule: int, by: DecidedBy) -> str:
        return reason_in_words(
            rules=rules, tiers=vocabulary.tiers, segment=segment, touch=touch, rule=rule, decided_by=by
        )

    said = findings.suggestions
    axes = list(
        zip(said.segment[rows].tolist(), said.touch[rows].tolist(), said.rule[rows].tolist(), strict=True)
    )
    tiers = said.tier[rows].tolist()

    deciding = [DECIDERS[by] for by in deciders]
    undecided = [by in {DecidedBy.UNDECIDED, DecidedBy.LEFT} for by in deciding]
    return {
        "customer_id": keys,
        "segment": [segments[segment] for segment, _, _ in axes],
        "score": [None if cents < 0 else Decimal(cents).scaleb(-2) for cents in all_cents],
        "previous_id": list(map(vocabulary.tier_id, previous_ones)),
        "previous_since": [None if day != day else EPOCH + timedelta(days=int(day)) for day in days],
        "suggested_id": [
            None if left else vocabulary.tier_id(tier) for left, tier in zip(undecided, tiers, strict=True)
        ],
        "effective_id": list(map(vocabulary.tier_id, effectives)),
        "decided_by": [by.value for by in deciding],
        "guards": [[guard.value for guard, bit in zip(GUARDS, bits, strict=True) if bit] for bits in bites],
        "reason": [
            with_values(reason(*axis, by), values_in_words(labels=labels, values=values))
            for axis, by, values in zip(axes, deciding, bounded, strict=True)
        ],
        "is_move": [
            previous >= 0 and effective != previous
            for previous, effective in zip(previous_ones, effectives, strict=True)
        ],
    }


def with_values(reason: str, values: str) -> str:
    """The reason with the customer's own numbers, cut to what the column takes."""
    line = f"{reason}; {values}" if values else reason
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"
