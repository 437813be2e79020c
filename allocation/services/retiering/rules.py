"""The rules of a run's model version: with today's vocabulary, or with that of its day."""

from __future__ import annotations

from allocation.engine.facts.rules import TieringRules
from allocation.engine.rules import read_rules
from allocation.models import RetierRun
from allocation.snapshots.vocabulary import ModelVocabulary


def rules_of(*, run: RetierRun, vocabulary: ModelVocabulary) -> TieringRules:
    """Raises UnusableRules when the model names what is no longer there (a tier or attribute retired since)."""
    return read_rules(
        definition=run.tiering_model.definition,
        attributes=vocabulary.attributes,
        tiers=vocabulary.tiers,
        goal_kinds=vocabulary.goal_kinds,
    )
