"""Repeat a run from what it kept: the same facts, rules, rates and crowd must give the same decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accounts.models import Customer
from allocation.engine.facts.tiering import ChoiceColumn, Flags, SetColumn
from allocation.engine.kept import (
    CHOICES,
    Outcomes,
    crowd_from_json,
    outcomes_of,
    said_of,
    unpack_facts,
    unpack_outcomes,
    words_of,
)
from allocation.engine.rules import UnusableRules
from allocation.engine.tiering import decide_tiers
from allocation.models import RetierRun, RunChunk
from allocation.services.retiering.rules import rules_of
from allocation.snapshots.customers import days
from allocation.snapshots.kept_vocabulary import vocabulary_from_json


class UnableToRepeatRun(ValueError):
    """The run kept nothing to repeat it from; the message says why."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """customers: how many were decided again. different: external ids of those decided otherwise. kept_bytes: of all."""

    customers: int
    different: tuple[str, ...]
    kept_bytes: int


def repeat_run(*, run_id: int) -> Repeated:
    """Decide every customer of a run again, from what the run kept and nothing else. Raises UnableToRepeatRun."""
    run = RetierRun.objects.select_related("tiering_model").get(pk=run_id)
    vocabulary = vocabulary_from_json(run.vocabulary)
    if vocabulary is None:
        raise UnableToRepeatRun(
            f"Run {run_id} kept nothing to repeat it from: it was never proposed, or is too old."
        )
    try:
        rules = rules_of(run=run, vocabulary=vocabulary)
    except UnusableRules as faults:
        raise UnableToRepeatRun(f"The model of run {run_id} cannot be read any more: {faults}") from faults
    crowd = crowd_from_json(run.population)
    customers, size, other = 0, 0, list[int]()
    for chunk in RunChunk.objects.filter(run=run).order_by("first_customer_id").iterator(chunk_size=1):
        keys, facts = unpack_facts(data=chunk.facts, tiers=vocabulary.tiers, as_of=days(run.as_of))
        found = decide_tiers(facts=facts, rules=rules, tiers=vocabulary.tiers, people=crowd.people)
        again = outcomes_of(findings=found, rules=rules, tiers=vocabulary.tiers, keys=keys, digests={})
        customers += len(keys)
        size += len(chunk.facts) + len(chunk.outcomes)
        other += keys[differing(unpack_outcomes(chunk.outcomes), again)].tolist()
    names = Customer.objects.filter(pk__in=other).order_by("external_id")
    return Repeated(customers, tuple(names.values_list("external_id", flat=True)), size)


def differing(kept: Outcomes, again: Outcomes) -> Flags:
    """Who was decided otherwise, in any part of the decision. The same customers in the same order."""
    different = (kept.rule != again.rule) | ~np.isclose(
        kept.score, again.score, rtol=0, atol=0, equal_nan=True
    )
    for name in CHOICES:
        different |= ~_same_words(getattr(kept, name), getattr(again, name))
    return np.asarray(different | ~_same_sets(kept.guards, again.guards))


def _same_words(one: ChoiceColumn, other: ChoiceColumn) -> Flags:
    pairs = ((said_of(one, at), said_of(other, at)) for at in range(len(one.codes)))
    return np.fromiter((first == second for first, second in pairs), dtype=np.bool_, count=len(one.codes))


def _same_sets(one: SetColumn, other: SetColumn) -> Flags:
    count = len(one.members)
    pairs = ((words_of(one, at), words_of(other, at)) for at in range(count))
    return np.fromiter((first == second for first, second in pairs), dtype=np.bool_, count=count)
