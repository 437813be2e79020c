"""A tiering model in plain words, for the page of a version: read with what may be named here and now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allocation.engine.rules import UnusableRules
from allocation.engine.words import ModelInWords, rules_in_words
from allocation.selectors.model_checks import faults_of, rules_of_definition
from allocation.snapshots.vocabulary import ModelVocabulary


def model_in_words(*, definition: Any, vocabulary: ModelVocabulary) -> ModelInWords:
    """The definition as people read it, and the faults it has today. No query.

    A version stays readable when its tiers are retired; only what cannot be read at all has no words but its faults.
    """
    faults = faults_of(definition=definition, vocabulary=vocabulary)
    try:
        rules = rules_of_definition(definition=definition, vocabulary=vocabulary, retired_allowed=True)
    except UnusableRules:
        return ModelInWords(faults=faults)
    return replace(rules_in_words(rules=rules, tiers=vocabulary.tiers), faults=faults)
