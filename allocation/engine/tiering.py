"""The tiering run: facts and rules in, one finding a customer out. Source: docs/engine/tiering.md.

``decide_tiers`` does the parts in the order of design section 4: segment → score → touch → tier → guards → override.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocation.engine.conditions import holds, moved_group
from allocation.engine.derived import (
    with_plain_facts,
    with_scores,
    with_segments,
    with_standing,
    with_touch,
)
from allocation.engine.facts.rules import DeadBand, Group, TieringRules
from allocation.engine.facts.tiering import (
    MISSING_CODE,
    Band,
    CustomerColumns,
    Integers,
    Populations,
    Suggestions,
    TierFacts,
    TierFindings,
)
from allocation.engine.guards import guard_tiers
from allocation.engine.scoring import Crowd, score_customers, undecidable

SCORE_ATTRIBUTES = frozenset({"score", "score_percentile"})


def decide_tiers(
    *,
    facts: CustomerColumns,
    rules: TieringRules,
    tiers: Sequence[TierFacts],
    crowd: TierFindings | None = None,
    rows: Integers | None = None,
    people: Populations | None = None,
) -> TierFindings:
    """Decide every customer of ``facts``; ``tiers`` in the order of their rank, the highest first.

    With ``crowd`` and ``rows`` the facts are changed copies of those rows of an earlier finding ("what if"),
    measured against its customers. With ``people`` the facts are some customers of a run whose crowd was kept.
    Without, the facts are their own crowd. Same facts and rules → same findings,
    whatever the order of the customers.
    """
    at = np.arange(len(facts), dtype=np.int64) if rows is None else rows
    reads = rules.attributes()
    kept: Populations = crowd.people if crowd is not None else {} if people is None else people
    known = with_plain_facts(facts, rules)
    known = with_standing(
        known, base=known if crowd is None else crowd.derived, rows=at, reads=reads, people=kept
    )
    segment = first_match([rule.when for rule in rules.segments], known)
    known = with_segments(known, segment, rules.segments)
    group = (
        Crowd(facts=known, segments=segment, rows=at, people=kept)
        if crowd is None
        else Crowd(facts=crowd.derived, segments=crowd.suggestions.segment, rows=at, people=kept)
    )
    scores = score_customers(facts=known, segments=segment, criteria=rules.criteria, crowd=group)
    known = with_scores(
        known, scores, crowd=scores if crowd is None else crowd.scores, counted=group, reads=reads
    )
    suggestions = suggest_tiers(facts=known, rules=rules)
    known = with_touch(known, suggestions.touch, rules.touch)
    guards = guard_tiers(
        facts=known,
        suggested=suggestions.tier,
        undecidable=undecidable(scores, reads_score=bool(reads & SCORE_ATTRIBUTES)),
        band=band_of(known, rules),
        rules=rules.guards,
        tiers=tiers,
    )
    return TierFindings(scores=scores, suggestions=suggestions, guards=guards, derived=known, people=kept)


def first_match(rules: Sequence[Group], facts: CustomerColumns) -> Integers:
    """Position of the first rule each customer fulfils. The last rule is a catch-all, so there always is one."""
    result = np.full(len(facts), len(rules) - 1, dtype=np.int64)
    waiting = np.ones(len(facts), dtype=np.bool_)
    for position, when in enumerate(rules[:-1]):
        hit = waiting & holds(when, facts)
        result[hit] = position
        waiting &= ~hit
    return result


def suggest_tiers(*, facts: CustomerColumns, rules: TieringRules) -> Suggestions:
    """The plain result: segment, touch level and tier by the rules as they are written."""
    segment = first_match([rule.when for rule in rules.segments], facts)
    known = with_segments(facts, segment, rules.segments)
    touch = np.full(len(facts), MISSING_CODE, dtype=np.int64)
    if rules.touch:
        touch = first_match([rule.when for rule in rules.touch], known)
        known = with_touch(known, touch, rules.touch)
    rule = first_match([rule.when for rule in rules.tiers], known)
    tier = np.array([each.tier for each in rules.tiers], dtype=np.int64)[rule]
    return Suggestions(segment=segment, touch=touch, rule=rule, tier=tier)


def band_of(facts: CustomerColumns, rules: TieringRules) -> Band | None:
    """The tiers that the rules give with every numeric bound loosened, and tightened, by the dead band."""
    band = rules.guards.dead_band
    if band is None:
        return None
    return Band(
        loosened=suggest_tiers(facts=facts, rules=rules_moved(rules, band, loosened=True)).tier,
        tightened=suggest_tiers(facts=facts, rules=rules_moved(rules, band, loosened=False)).tier,
    )


def rules_moved(rules: TieringRules, band: DeadBand, *, loosened: bool) -> TieringRules:
    """The same rules with every numeric bound of segment, touch and tier rules easier, or harder, to meet."""

    def moved(when: Group) -> Group:
        return moved_group(when, band, loosened=loosened)

    return replace(
        rules,
        segments=tuple(replace(rule, when=moved(rule.when)) for rule in rules.segments),
        touch=tuple(replace(rule, when=moved(rule.when)) for rule in rules.touch),
        tiers=tuple(replace(rule, when=moved(rule.when)) for rule in rules.tiers),
    )
