"""The engine against the scalar second opinion: random models, random customers, every part of the decision."""

import pytest

from allocation.engine.facts.tiering import DECIDERS, GUARDS
from allocation.engine.scoring import contributions_of
from allocation.engine.tiering import decide_tiers
from tests.engine.random_models import GOAL_KINDS, random_model, random_rows
from tests.engine.reference import Opinion, opinions
from tests.engine.tiering_facts import AS_OF, TIERS, facts, rules

MODELS = range(60)
CUSTOMERS = 80


def engine_opinions(model, rows):
    read = rules(model, goal_kinds=GOAL_KINDS)
    found = decide_tiers(facts=facts(rows), rules=read, tiers=TIERS)
    said, contributions = found.suggestions, contributions_of(found.scores).tolist()
    return [
        Opinion(
            segment=read.segments[said.segment[at]].name,
            score=None if found.scores.cents[at] < 0 else int(found.scores.cents[at]),
            contributions=contributions[at],
            touch=read.touch[said.touch[at]].level if said.touch[at] >= 0 else None,
            suggested=int(said.tier[at]),
            effective=int(found.guards.effective[at]),
            by=DECIDERS[found.guards.decided_by[at]].value,
            bites={guard.value for guard, bit in zip(GUARDS, found.guards.bites[at], strict=True) if bit},
        )
        for at in range(len(rows))
    ]


def second_opinions(model, rows):
    return opinions(
        model=model,
        rows=rows,
        tiers=[(tier.slug, tier.touch_level) for tier in TIERS],
        goal_kinds=GOAL_KINDS,
        as_of=AS_OF,
    )


@pytest.mark.parametrize("seed", MODELS)
def test_the_engine_decides_as_the_scalar_reference_does(seed):
    model, rows = random_model(seed), random_rows(1000 + seed, CUSTOMERS)
    assert engine_opinions(model, rows) == second_opinions(model, rows)


def test_the_random_customers_meet_every_decider_and_every_guard():
    """Else the comparison above would say less than it seems to."""
    found = [
        each
        for seed in MODELS
        for each in engine_opinions(random_model(seed), random_rows(1000 + seed, CUSTOMERS))
    ]
    assert {each.by for each in found} == {by.value for by in DECIDERS}
    assert {guard for each in found for guard in each.bites} == {guard.value for guard in GUARDS}
    assert {each.touch for each in found} == {None, "high", "mid", "low", "tech", "self_service"}
    assert {each.suggested for each in found} == {0, 1, 2}
    assert {each.score is None for each in found} == {True, False}
