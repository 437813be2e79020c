"""Which tier rule and which segment each customer stands on, from the decisions of the runs applied to it last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from allocation.engine.explain import in_words
from allocation.engine.kept import unpack_outcomes
from allocation.engine.rules import UnusableRules, read_rules
from allocation.models import RetierRun, RunChunk, TierStanding
from allocation.snapshots.kept_vocabulary import vocabulary_from_json
from allocation.snapshots.standings import last_words

# Nothing is suggested for them.
NOT_DECIDED = ("undecided", "left")


class RuleName(NamedTuple):
    """A tier rule as people know it, across versions of the model: its conditions in words, and the tier's slug."""

    words: str
    tier: str


@dataclass(frozen=True, slots=True)
class RulesAtWork:
    """Ids of the customers in scope, by the rule that suggested their tier and by their segment."""

    by_rule: Mapping[RuleName, frozenset[int]]
    by_segment: Mapping[str, frozenset[int]]


def rules_at_work(*, user: Any) -> RulesAtWork:
    """Of customers the person may see. Four statements, however many customers, runs and versions there are."""
    standings = TierStanding.objects.visible_to(user).exclude(decided_by__in=NOT_DECIDED)
    stands_on: dict[int, int] = {}
    by_segment: dict[str, set[int]] = defaultdict(set)
    for customer_id, run_id, segment in standings.values_list("customer_id", "run_id", "segment"):
        stands_on[customer_id] = run_id
        if segment:
            by_segment[segment].add(customer_id)
    explained = last_words(stands_on=stands_on)
    chunks = RunChunk.objects.filter(pk__in=list(explained)).order_by("pk")
    names = _names_of(RetierRun.objects.filter(pk__in=chunks.values("run_id")))
    by_rule: dict[RuleName, set[int]] = defaultdict(set)
    for pk, run_id, packed in chunks.values_list("pk", "run_id", "outcomes").iterator(chunk_size=20):
        outcomes = unpack_outcomes(packed)
        rules = names.get(run_id, ())
        for customer_id, place in zip(outcomes.keys.tolist(), outcomes.rule.tolist(), strict=True):
            if customer_id in explained[pk] and 0 <= place < len(rules):
                by_rule[rules[place]].add(customer_id)
    return RulesAtWork(_frozen(by_rule), _frozen(by_segment))


def _frozen(found: Mapping[Any, set[int]]) -> dict[Any, frozenset[int]]:
    return {name: frozenset(customers) for name, customers in found.items()}


def _names_of(runs: Any) -> dict[int, Sequence[RuleName]]:
    """The rules of each run's model in words. A version is read once, with the vocabulary of its newest run."""
    read: dict[int, Sequence[RuleName]] = {}
    names: dict[int, Sequence[RuleName]] = {}
    columns = ("pk", "tiering_model_id", "tiering_model__definition", "vocabulary")
    for run_id, model_id, definition, kept in runs.order_by("-pk").values_list(*columns):
        if model_id not in read:
            read[model_id] = _names(definition, kept)
        names[run_id] = read[model_id]
    return names


def _names(definition: Any, kept: Mapping[str, Any]) -> Sequence[RuleName]:
    """None of a run that kept no vocabulary, or whose rules this version of the program cannot read."""
    vocabulary = vocabulary_from_json(kept)
    if vocabulary is None:
        return ()
    try:
        rules = read_rules(
            definition=definition,
            attributes=vocabulary.attributes,
            tiers=vocabulary.tiers,
            goal_kinds=vocabulary.goal_kinds,
        )
    except UnusableRules:
        return ()
    return tuple(RuleName(in_words(rule.when), rule.slug) for rule in rules.tiers)
