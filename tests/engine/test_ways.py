"""Up and down between tiers of one set-up; out of a tier no longer in use, neither."""

import pytest

from allocation.engine.facts.tiering import TierFacts
from allocation.engine.facts.ways import Way, way_between

TOP, BASE = TierFacts("top", 1, "high"), TierFacts("base", 2, "tech")
OLD_TOP, OLD_BASE = TierFacts("gold", 3, "high", retired=True), TierFacts("tin", 4, "tech", retired=True)


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (BASE, TOP, Way.UP),  # rank 1 is the highest
        (TOP, BASE, Way.DOWN),
        (TOP, TOP, Way.NONE),
        (None, TOP, Way.NONE),  # a first tier
        (TOP, None, Way.NONE),
        (OLD_BASE, TOP, Way.NONE),  # by rank alone everybody would rise
        (OLD_TOP, BASE, Way.NONE),
        (OLD_BASE, OLD_TOP, Way.NONE),  # an override may lead to a retired tier
        (TOP, OLD_TOP, Way.DOWN),
    ],
)
def test_which_way_a_change_goes(before, after, way):
    assert way_between(before, after) is way
