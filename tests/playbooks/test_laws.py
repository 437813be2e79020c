"""What holds for every customer of a playbook, whatever the numbers: more of this never means a lower tier."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import NumberColumn, TierFacts
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers
from tests.engine.tiering_facts import facts

PLAYBOOKS = Path(__file__).resolve().parents[2] / "allocation" / "playbooks"
COUNT = 400
MOST = {"arr": 3_000_000, "potential_arr": 6_000_000, "sentiment": 5, "relationship_breadth": 9}

UP, DOWN = 1, -1
# Where a higher value pulls up, and where it pulls down; everything else plays no part or depends on the rest.
LAWS = [
    ("three-axis", "arr", UP),
    ("enterprise-strategic-many-self", "arr", UP),
    ("enterprise-strategic-many-self", "potential_arr", UP),
    ("segment-by-fit", "arr", UP),
    ("tech-touch-after-first-renewal", "arr", UP),
    ("tech-touch-after-first-renewal", "sentiment", DOWN),
    ("a-plus-to-c", "arr", UP),
    ("weighted-tiers", "arr", UP),
    ("weighted-tiers", "complexity", UP),
    ("weighted-tiers", "reputation", UP),
    ("touch-by-goal", "potential_arr", UP),
    ("touch-by-goal", "adoption", DOWN),
    ("touch-by-goal", "health", DOWN),
    ("touch-by-goal", "relationship_breadth", DOWN),
]


def known(chance):
    """One customer; every number is known, so that a higher one is a change of that number alone."""
    arr = round(chance.lognormvariate(11, 1.7), 2)
    return {
        "arr": arr,
        "potential_arr": round(arr * chance.uniform(1, 5), 2),
        "adoption": chance.randrange(101),
        "health": chance.randrange(101),
        "reputation": chance.randrange(101),
        "complexity": chance.randrange(101),
        "sentiment": chance.randrange(1, 6),
        "relationship_breadth": chance.randrange(7),
        "champion": chance.choice([True, False, None]),
        "loss_felt": chance.random() < 0.05,
        "first_renewal_done": chance.choice([True, False, None]),
        "vertical": chance.choice(["Finance", "Retail", None]),
        "products": chance.sample(["Core", "Mobile", "Compliance"], chance.randrange(4)),
        "open_goals": chance.choice([[], [], ["nurture"], ["migration"], ["risk-mitigation"]]),
    }


@pytest.mark.parametrize(("slug", "attribute", "direction"), LAWS)
def test_more_of_it_never_pulls_the_other_way(slug, attribute, direction):
    """Each customer alone is given more, measured against all the others as they were."""
    file = json.loads((PLAYBOOKS / f"{slug}.json").read_text(encoding="utf-8"))
    tiers = tuple(TierFacts(tier["slug"], tier["rank"], tier["touch_level"]) for tier in file["tiers"])
    kinds = {kind["slug"]: kind.get("asks_for", "") for kind in file["goal_kinds"]}
    rules = read_rules(definition=file["model"], attributes=ATTRIBUTES, tiers=tiers, goal_kinds=kinds)
    chance = random.Random(slug + attribute)
    everyone = facts([known(chance) for _ in range(COUNT)])
    before = decide_tiers(facts=everyone, rules=rules, tiers=tiers)
    values, most = everyone.numbers(attribute), MOST.get(attribute, 100)
    moved = 0
    for share in (0.01, 0.1, 0.5, 1):
        more = NumberColumn(np.round(values + share * np.maximum(0, most - values), 2))
        after = decide_tiers(
            facts=everyone.replaced({attribute: more}),
            rules=rules,
            tiers=tiers,
            crowd=before,
            rows=np.arange(COUNT, dtype=np.int64),
        )
        steps = direction * (
            before.guards.effective - after.guards.effective
        )  # position 0 is the highest tier
        assert (steps >= 0).all()
        moved += int((steps > 0).sum())
    assert moved > COUNT // 20
