"""Which way the changes of a run go, by the tiers as they stood when it was computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.models import Tier
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.facts.ways import Way, way_between
from allocation.models import RetierRun
from allocation.snapshots.kept_vocabulary import vocabulary_from_json


@dataclass(frozen=True, slots=True)
class TierWays:
    """then: the tiers of the run's day, by slug. One that is not among them counts as it stands now."""

    then: Mapping[str, TierFacts]

    def between(self, before: Tier | None, after: Tier | None) -> Way:
        return way_between(self._then(before), self._then(after))

    def _then(self, tier: Tier | None) -> TierFacts | Tier | None:
        return None if tier is None else self.then.get(tier.slug, tier)


def run_ways(*, run: RetierRun) -> TierWays:
    """No query. Tiers retired after the run keep the place they had in it, so its page says the same later."""
    vocabulary = vocabulary_from_json(run.vocabulary)
    return TierWays({tier.slug: tier for tier in vocabulary.tiers} if vocabulary is not None else {})
