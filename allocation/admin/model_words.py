"""A tiering model in plain words, for the page of a version: read with what may be named here and now."""

from __future__ import annotations

from typing import Any

from allocation.engine.rules import UnusableRules
from allocation.engine.words import ModelInWords, rules_in_words
from allocation.selectors.model_checks import rules_of_definition
from allocation.snapshots.vocabulary import ModelVocabulary


def model_in_words(*, definition: Any, vocabulary: ModelVocabulary) -> ModelInWords:
    """The definition as people read it; with faults instead if it cannot be used. No query."""
    try:
        rules = rules_of_definition(definition=definition, vocabulary=vocabulary)
    except UnusableRules as refusal:
        return ModelInWords(faults=refusal.faults)
    return rules_in_words(rules=rules, tiers=vocabulary.tiers)
