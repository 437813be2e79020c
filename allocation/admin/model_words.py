"""A tiering model in plain words, for the page of a version: read with what may be named here and now."""

from __future__ import annotations

from typing import Any

from allocation.engine.rules import UnusableRules, read_rules
from allocation.engine.words import ModelInWords, rules_in_words
from allocation.snapshots.vocabulary import model_vocabulary


def model_in_words(*, definition: Any) -> ModelInWords:
    """The definition as people read it; with faults instead if it cannot be used. Three queries."""
    vocabulary = model_vocabulary()
    try:
        rules = read_rules(
            definition=definition,
            attributes=vocabulary.attributes,
            tiers=vocabulary.tiers,
            goal_kinds=vocabulary.goal_kinds,
        )
    except UnusableRules as refusal:
        return ModelInWords(faults=refusal.faults)
    return rules_in_words(rules=rules, tiers=vocabulary.tiers)
