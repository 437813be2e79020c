"""Findings of the engine as decision rows: those that people should look at, with their reasons."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import cache

import numpy as np

from allocation.engine.explain import bounds_of, reason_in_words, values_in_words
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import DECIDERS, GUARDS, DecidedBy, Flags, Integers, TierFindings
from allocation.engine.kept import facts_to_json
from allocation.models import RetierRun, TierDecision
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
    run: RetierRun,
    rows: Integers,
    snapshot: Snapshot,
    findings: TierFindings,
    rules: TieringRules,
    vocabulary: ModelVocabulary,
) -> list[TierDecision]:
    """Unsaved decision rows of some customers, in their order; nothing is done for the others."""
    if not len(rows):
        return []
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

    found = []
    for place, key in enumerate(keys):
        by = DECIDERS[deciders[place]]
        undecided = by in {DecidedBy.UNDECIDED, DecidedBy.LEFT}
        cents, since = all_cents[place], days[place]
        previous, effective = previous_ones[place], effectives[place]
        found.append(
            TierDecision(
                run=run,
                customer_id=key,
                segment=segments[axes[place][0]],
                score=None if cents < 0 else Decimal(cents).scaleb(-2),
                previous_id=vocabulary.tier_id(previous),
                previous_since=None if since != since else EPOCH + timedelta(days=int(since)),
                suggested_id=None if undecided else vocabulary.tier_id(tiers[place]),
                effective_id=vocabulary.tier_id(effective),
                decided_by=by.value,
                guards=[guard.value for guard, bit in zip(GUARDS, bites[place], strict=True) if bit],
                reason=with_values(
                    reason(*axes[place], by),
                    values_in_words(labels=labels, values=bounded[place]),
                ),
                is_move=previous >= 0 and effective != previous,
            )
        )
    return found


def with_values(reason: str, values: str) -> str:
    """The reason with the customer's own numbers, cut to what the column takes."""
    line = f"{reason}; {values}" if values else reason
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"
