"""What a version of the tiering model would do today to our customers. Computed by the engine itself, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings

from accounts.models import Customer
from allocation.engine.conditions import holds, known
from allocation.engine.explain import bounds_of, reason_in_words, values_in_words
from allocation.engine.facts.rules import Group, TieringRules
from allocation.engine.facts.tiering import (
    DECIDERS,
    GUARDS,
    DecidedBy,
    Flags,
    Integers,
    TierFacts,
    TierFindings,
)
from allocation.engine.facts.ways import Way, way_between
from allocation.engine.kept import facts_to_json
from allocation.engine.tiering import decide_tiers
from allocation.selectors import wording
from allocation.selectors.model_checks import rules_of_definition, tiers_led_to
from allocation.selectors.runs import GUARD_WORDS
from allocation.snapshots.customers import Snapshot, customer_snapshot, tiering_rates
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary

EXACT_UP_TO = 50_000
MOVES_SHOWN = 50
HELD_SHOWN = 20


@dataclass(frozen=True, slots=True)
class PlaybookInForce:
    """What publishing a playbook's draft changes around its rules. tiers: the highest first. goal_touch: by slug."""

    tiers: tuple[TierFacts, ...]
    goal_touch: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """matches: fulfil the rule's conditions; gets: nobody above took them first."""

    matches: int
    gets: int


@dataclass(frozen=True, slots=True)
class TierLine:
    """Customers of one tier now and then; `tier` None is "no tier"."""

    tier: TierFacts | None
    before: int
    after: int

    @property
    def change_words(self) -> str:
        return f"{self.after - self.before:+,}" if self.after != self.before else "–"


@dataclass(frozen=True, slots=True)
class PreviewedMove:
    customer_id: int
    name: str
    external_id: str
    before: TierFacts
    after: TierFacts
    score: str
    reason: str

    @property
    def way(self) -> Way:
        return way_between(self.before, self.after)


@dataclass(frozen=True, slots=True)
class HeldCustomer:
    """Whom a guard holds back: guard by its name; gets: the tier it leaves them in."""

    customer_id: int
    name: str
    external_id: str
    guard: str
    gets: TierFacts | None
    suggested: TierFacts
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts of active customers. ``about``: from a sample, scaled to all of them.

    flows: customers by tier before and after, as slugs; "" is no tier. from_retired: moves out of tiers no longer in
    use, which go neither up nor down.
    """

    customers: int
    about: bool
    segments: tuple[RuleCount, ...]
    touch: tuple[RuleCount, ...]
    rules: tuple[RuleCount, ...]
    criteria_known: tuple[int, ...]
    flows: Mapping[tuple[str, str], int]
    tiers: tuple[TierLine, ...]
    moves: int
    ups: int
    from_retired: int
    first_tiers: int
    undecided: int
    held: tuple[tuple[str, int], ...]
    over_limit: bool
    shown: tuple[PreviewedMove, ...]
    held_shown: tuple[HeldCustomer, ...]

    @property
    def downs(self) -> int:
        return self.moves - self.ups - self.from_retired

    @property
    def directions(self) -> str:
        return wording.directions(ups=self.ups, downs=self.downs, from_retired=self.from_retired)

    @property
    def undecided_words(self) -> str:
        return f"{self.undecided:,} not decided" if self.undecided else "all decided"

    @property
    def held_back(self) -> int:
        return sum(customers for _, customers in self.held)


@dataclass(frozen=True, slots=True)
class _Computed:
    """One computation, and how many customers each of its rows stands for."""

    vocabulary: ModelVocabulary
    rules: TieringRules
    snapshot: Snapshot
    findings: TierFindings
    weight: float

    @property
    def active(self) -> Flags:
        return self.snapshot.facts.active

    def number(self, where: Flags) -> int:
        """Active customers among these, scaled to all."""
        return round(int((where & self.active).sum()) * self.weight)


def preview_model(
    *, definition: Any, as_of: date, moves_shown: int = MOVES_SHOWN, playbook: PlaybookInForce | None = None
) -> Preview:
    """What the definition would decide as of a day, with the rates of that day.

    playbook: whose draft this is; publishing puts its tiers in force, so they are looked at as if they were. Raises
    UnusableRules and UnknownRate. Exact up to 50 000 active customers; above, an evenly spaced sample.
    """
    this = _compute(definition, as_of, playbook)
    findings, held = this.findings, this.snapshot.facts.held
    before, after = held.current, findings.guards.effective
    moves = (before >= 0) & (before != after)
    flows = _flows(this)
    return Preview(
        customers=this.number(this.active),
        about=this.weight > 1,
        segments=_rule_counts(
            this, [rule.when for rule in this.rules.segments], findings.suggestions.segment
        ),
        touch=_rule_counts(this, [rule.when for rule in this.rules.touch], findings.suggestions.touch),
        rules=_rule_counts(this, [rule.when for rule in this.rules.tiers], findings.suggestions.rule),
        criteria_known=_criteria_known(this),
        flows=flows,
        tiers=_tier_lines(this, flows),
        moves=this.number(moves),
        ups=this.number(_going(this, moves, Way.UP)),
        from_retired=this.number(_going(this, moves, Way.NONE)),
        first_tiers=this.number((before < 0) & (after >= 0)),
        undecided=this.number(findings.guards.decided_by == DECIDERS.index(DecidedBy.UNDECIDED)),
        held=_held(this),
        over_limit=_over_limit(this, moves),
        shown=_moves(this, np.flatnonzero(moves & this.active), at_most=moves_shown),
        held_shown=_held_customers(this, at_most=min(moves_shown, HELD_SHOWN)),
    )


def as_published(
    *, vocabulary: ModelVocabulary, playbook: PlaybookInForce | None, definition: Any
) -> ModelVocabulary:
    """Tiers and goal kinds as publishing a playbook leaves them: its own tiers on top and in order, the others below
    and, unless rules lead to them, retired; goal kinds that ask for nothing ask for what it says."""
    if playbook is None:
        return vocabulary
    led_to = tiers_led_to(definition=definition)
    own = {tier.slug: tier for tier in playbook.tiers}
    order = [*own, *(tier.slug for tier in vocabulary.tiers if tier.slug not in own)]
    ids = dict(zip((tier.slug for tier in vocabulary.tiers), vocabulary.tier_ids, strict=True))
    there = {tier.slug: tier for tier in vocabulary.tiers}
    tiers = tuple(
        replace(
            own.get(slug) or replace(there[slug], retired=there[slug].retired or slug not in led_to),
            rank=rank,
        )
        for rank, slug in enumerate((slug for slug in order if slug in ids), start=1)
    )
    asked = {
        slug: level or playbook.goal_touch.get(slug, "") for slug, level in vocabulary.goal_kinds.items()
    }
    return replace(
        vocabulary, tiers=tiers, tier_ids=tuple(ids[tier.slug] for tier in tiers), goal_kinds=asked
    )


def _compute(definition: Any, as_of: date, playbook: PlaybookInForce | None) -> _Computed:
    vocabulary = as_published(vocabulary=model_vocabulary(), playbook=playbook, definition=definition)
    rules = rules_of_definition(definition=definition, vocabulary=vocabulary)
    base = settings.BASE_CURRENCY
    active = Customer.objects.active().count()
    every = max(1, -(-active // EXACT_UP_TO))
    # Whether a rate is lacking is no matter of who is in the sample.
    rates = tiering_rates(rules=rules, as_of=as_of, base=base) if every > 1 else None
    snapshot = customer_snapshot(
        rules=rules, vocabulary=vocabulary, as_of=as_of, rates=rates, base=base, every=every
    )
    findings = decide_tiers(facts=snapshot.facts, rules=rules, tiers=vocabulary.tiers)
    looked_at = int(snapshot.facts.active.sum())
    weight = active / looked_at if every > 1 and looked_at else 1.0
    return _Computed(vocabulary, rules, snapshot, findings, weight)


def _rule_counts(this: _Computed, groups: Sequence[Group], fired: Integers) -> tuple[RuleCount, ...]:
    return tuple(
        RuleCount(
            matches=this.number(holds(when, this.findings.derived)), gets=this.number(fired == position)
        )
        for position, when in enumerate(groups)
    )


def _criteria_known(this: _Computed) -> tuple[int, ...]:
    columns = [
        this.findings.derived.columns.get(criterion.attribute.name) for criterion in this.rules.criteria
    ]
    return tuple(0 if column is None else this.number(known(column)) for column in columns)


def _flows(this: _Computed) -> dict[tuple[str, str], int]:
    before, after = this.snapshot.facts.held.current, this.findings.guards.effective
    pairs, counts = np.unique(
        np.stack([before[this.active], after[this.active]], axis=1), axis=0, return_counts=True
    )
    slug = this.vocabulary.slug
    return {
        (slug(int(source)) or "", slug(int(target)) or ""): round(int(count) * this.weight)
        for (source, target), count in zip(pairs, counts, strict=True)
    }


def _going(this: _Computed, moves: Flags, way: Way) -> Flags:
    """Which of the moves to another tier go this way."""
    before, after = this.snapshot.facts.held.current, this.findings.guards.effective
    tiers, found = this.vocabulary.tiers, np.zeros_like(moves)
    for source, target in set(zip(before[moves].tolist(), after[moves].tolist(), strict=True)):
        if target >= 0 and way_between(tiers[source], tiers[target]) is way:
            found |= moves & (before == source) & (after == target)
    return found


def _tier_lines(this: _Computed, flows: Mapping[tuple[str, str], int]) -> tuple[TierLine, ...]:
    """Tiers that the rules lead to or that are held, from the top; last, if there are any, customers without one."""
    led_to = {this.vocabulary.tiers[rule.tier].slug for rule in this.rules.tiers}
    counted = [
        TierLine(
            tier,
            sum(n for (source, _), n in flows.items() if source == slug),
            sum(n for (_, target), n in flows.items() if target == slug),
        )
        for slug, tier in (*((tier.slug, tier) for tier in this.vocabulary.tiers), ("", None))
    ]
    return tuple(
        line
        for line in counted
        if line.before or line.after or (line.tier is not None and line.tier.slug in led_to)
    )


def _held(this: _Computed) -> tuple[tuple[str, int], ...]:
    """Customers by the guard that had the last word, in words, as the page of a run counts them."""
    decided_by = this.findings.guards.decided_by
    counted = [
        (GUARD_WORDS[guard.value], this.number(decided_by == DECIDERS.index(guard)))
        for guard in GUARDS
        if guard is not DecidedBy.LEFT
    ]
    return tuple((words, customers) for words, customers in counted if customers)


def _over_limit(this: _Computed, moves: Flags) -> bool:
    tiered = this.number(this.snapshot.facts.held.current >= 0)
    return this.rules.guards.change_limit.is_exceeded(moves=this.number(moves), tiered=tiered)


def _moves(this: _Computed, rows: Integers, *, at_most: int) -> tuple[PreviewedMove, ...]:
    """The first moves, from the highest tier they lead to."""
    after, before = this.findings.guards.effective, this.snapshot.facts.held.current
    ids = this.snapshot.facts.ids
    first = sorted(rows.tolist(), key=lambda row: (int(after[row]), ids[row]))[:at_most]
    keys, names = _keys_and_names(this, first)
    by_place = this.vocabulary.tiers
    labels = {bound.attribute.name: bound.attribute.label for bound in bounds_of(this.rules)}
    values = facts_to_json(this.findings.derived.take(np.array(first, dtype=np.int64)), tuple(labels))
    return tuple(
        PreviewedMove(
            customer_id=key,
            name=names[key],
            external_id=ids[row],
            before=by_place[int(before[row])],
            after=by_place[int(after[row])],
            score=_score(int(this.findings.scores.cents[row])),
            reason="; ".join(filter(None, (_reason(this, row), values_in_words(labels=labels, values=own)))),
        )
        for row, key, own in zip(first, keys, values, strict=True)
    )


def _held_customers(this: _Computed, *, at_most: int) -> tuple[HeldCustomer, ...]:
    """The first whom a guard holds back, guard by guard in the order of their counts."""
    decided_by, suggested = this.findings.guards.decided_by, this.findings.suggestions.tier
    effective, ids = this.findings.guards.effective, this.snapshot.facts.ids
    holding = [DECIDERS.index(guard) for guard in GUARDS if guard is not DecidedBy.LEFT]
    rows = np.flatnonzero(np.isin(decided_by, holding) & this.active).tolist()
    first = sorted(rows, key=lambda row: (holding.index(int(decided_by[row])), ids[row]))[:at_most]
    keys, names = _keys_and_names(this, first)
    tiers = this.vocabulary.tiers
    return tuple(
        HeldCustomer(
            customer_id=key,
            name=names[key],
            external_id=ids[row],
            guard=GUARD_WORDS[DECIDERS[int(decided_by[row])].value],
            gets=tiers[int(effective[row])] if effective[row] >= 0 else None,
            suggested=tiers[int(suggested[row])],
            reason=_reason(this, row),
        )
        for row, key in zip(first, keys, strict=True)
    )


def _keys_and_names(this: _Computed, rows: Sequence[int]) -> tuple[list[int], dict[int, str]]:
    keys = [int(this.snapshot.keys[row]) for row in rows]
    return keys, dict(Customer.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}


def _score(cents: int) -> str:
    return "–" if cents < 0 else f"{cents / 100:.2f}"


def _reason(this: _Computed, row: int) -> str:
    return reason_in_words(
        rules=this.rules,
        tiers=this.vocabulary.tiers,
        segment=int(this.findings.suggestions.segment[row]),
        rule=int(this.findings.suggestions.rule[row]),
        decided_by=DECIDERS[int(this.findings.guards.decided_by[row])],
        touch=int(this.findings.suggestions.touch[row]),
    )
