"""The rules of a run's model version: with today's vocabulary, or with that of its day."""

from __future__ import annotations

import json
from functools import lru_cache

from allocation.engine.facts.attributes import Attribute
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.rules import read_rules
from allocation.models import RetierRun
from allocation.snapshots.vocabulary import ModelVocabulary


def rules_of(*, run: RetierRun, vocabulary: ModelVocabulary) -> TieringRules:
    """Raises UnusableRules when the model names what is no longer there (a tier or attribute retired since)."""
    return _read(
        json.dumps(run.tiering_model.definition),
        tuple(vocabulary.attributes.items()),
        vocabulary.tiers,
        tuple(vocabulary.goal_kinds.items()),
    )


@lru_cache(maxsize=8)
def _read(
    definition: str,
    attributes: tuple[tuple[str, Attribute], ...],
    tiers: tuple[TierFacts, ...],
    goal_kinds: tuple[tuple[str, str], ...],
) -> TieringRules:
    """A run asks three times, each time from what the database says then: the same words and names give the same rules."""
    return read_rules(
        definition=json.loads(definition),
        attributes=dict(attributes),
        tiers=tiers,
        goal_kinds=dict(goal_kinds),
    )
