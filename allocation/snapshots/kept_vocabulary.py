"""The vocabulary a run was decided with, as it lies with the run: tiers, the attributes the model reads, goal kinds.

A year later tiers have other names and attributes are retired; the run is explained in the words of its day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allocation.engine.facts.attributes import ATTRIBUTES, Attribute, Kind, Stage, Unit
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.kept import sources
from allocation.snapshots.vocabulary import ModelVocabulary


def vocabulary_to_json(vocabulary: ModelVocabulary, rules: TieringRules) -> dict[str, Any]:
    """What of the vocabulary these rules need; a few hundred bytes a run."""
    named = {condition.attribute.name: condition.attribute for condition in rules.conditions()}
    named |= {criterion.attribute.name: criterion.attribute for criterion in rules.criteria}
    named |= {name: vocabulary.attributes[name] for name in sources(rules)}
    return {
        "tiers": [
            [tier.slug, tier.rank, tier.touch_level, tier.name, tier.retired] for tier in vocabulary.tiers
        ],
        "attributes": [_attribute_to_json(attribute) for _, attribute in sorted(named.items())],
        "goal_kinds": dict(vocabulary.goal_kinds),
    }


def vocabulary_from_json(kept: Mapping[str, Any]) -> ModelVocabulary | None:
    """The vocabulary of a run's day; None for a run of an earlier version of the program, which kept none."""
    if not kept:
        return None
    own = [_attribute_from_json(row) for row in kept["attributes"]]
    return ModelVocabulary(
        tiers=tuple(TierFacts(*row) for row in kept["tiers"]),
        tier_ids=(),
        attributes={**ATTRIBUTES, **{attribute.name: attribute for attribute in own}},
        goal_kinds=kept["goal_kinds"],
    )


def _attribute_to_json(attribute: Attribute) -> list[Any]:
    return [
        attribute.name,
        attribute.kind.value,
        attribute.label,
        attribute.unit.value,
        attribute.low,
        attribute.high,
        int(attribute.stage),
    ]


def _attribute_from_json(row: list[Any]) -> Attribute:
    name, kind, label, unit, low, high, stage = row
    return Attribute(name, Kind(kind), label, Unit(unit), low, high, Stage(stage))
