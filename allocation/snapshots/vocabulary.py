"""What a tiering model may name here and now: tiers in their order, attributes with the custom ones, goal kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.kept_statements import Kept
from accounts.models import CustomAttribute, GoalKind, Tier
from allocation.engine.facts.attributes import ATTRIBUTES, CUSTOM_PREFIX, Attribute, Kind
from allocation.engine.facts.tiering import TierFacts

_KINDS: Mapping[str, Kind] = {
    CustomAttribute.Kind.NUMBER: Kind.NUMBER,
    CustomAttribute.Kind.CHOICE: Kind.CHOICE,
    CustomAttribute.Kind.YES_NO: Kind.FLAG,
    CustomAttribute.Kind.DATE: Kind.DATE,
}


@dataclass(frozen=True, slots=True)
class ModelVocabulary:
    """tiers: the highest first; tier_ids in the same order. goal_kinds: the touch level each asks for, by slug."""

    tiers: tuple[TierFacts, ...]
    tier_ids: tuple[int, ...]
    attributes: Mapping[str, Attribute]
    goal_kinds: Mapping[str, str]

    def place(self, tier_id: int | None) -> int:
        """Position of a tier, -1 for none."""
        return -1 if tier_id is None else self.tier_ids.index(tier_id)

    def tier_id(self, place: int) -> int | None:
        return None if place < 0 else self.tier_ids[place]

    def slug(self, place: int) -> str | None:
        return None if place < 0 else self.tiers[place].slug


def model_vocabulary() -> ModelVocabulary:
    """Three queries, whatever the number of customers."""
    tiers = _TIERS.rows()
    attributes = dict(ATTRIBUTES)
    for slug, kind, label in _CUSTOM.rows():
        name = f"{CUSTOM_PREFIX}{slug}"
        attributes[name] = Attribute(name, _KINDS[kind], label)
    return ModelVocabulary(
        tiers=tuple(TierFacts(*said) for _, *said in tiers),
        tier_ids=tuple(pk for pk, *_ in tiers),
        attributes=attributes,
        goal_kinds=dict(_GOAL_KINDS.rows()),
    )


_TIERS = Kept(
    lambda: Tier.objects.order_by("rank", "slug").values_list(
        "pk", "slug", "rank", "touch_level", "name", "retired"
    )
)
_CUSTOM = Kept(lambda: CustomAttribute.objects.order_by("slug").values_list("slug", "kind", "label"))
_GOAL_KINDS = Kept(lambda: GoalKind.objects.order_by("slug").values_list("slug", "asks_for"))
