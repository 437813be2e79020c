"""Tiers are stable by design: a year of small drift moves few customers, and the guards are why."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import CustomerColumns, HeldTiers, NumberColumn, TierFacts
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers

COUNT = 10_000
FILE = json.loads(
    (Path(__file__).parents[1] / "scenarios" / "tiering" / "weighted-tiers.json").read_text(encoding="utf-8")
)
TIERS = tuple(TierFacts(slug, rank, level) for rank, (slug, level) in enumerate(FILE["tiers"], 1))
CRITERIA = [
    {
        **FILE["model"]["criteria"][0],
        "attribute": "arr",
        "scale": {"kind": "log", "low": 5000, "high": 2000000},
    },
    *FILE["model"]["criteria"][1:],
]
MODEL = {**FILE["model"], "criteria": CRITERIA}


def company() -> CustomerColumns:
    """Skewed ARR, as real company lists have it; fixed seed."""
    chance = np.random.default_rng(20261122)
    columns = {
        "arr": NumberColumn(np.round(chance.lognormal(10.8, 1.5, COUNT), 2)),
        "complexity": NumberColumn(np.round(chance.beta(2, 3, COUNT) * 100, 2)),
        "reputation": NumberColumn(np.round(chance.beta(2, 4, COUNT) * 100, 2)),
    }
    active = np.ones(COUNT, dtype=np.bool_)
    return CustomerColumns(tuple(map(str, range(COUNT))), columns, active, HeldTiers.nothing(COUNT), 20_000)


def a_year_later(facts: CustomerColumns, tiers: np.ndarray) -> CustomerColumns:
    """Every number drifts by 3 % (one standard deviation); the tiers of the year before are held."""
    chance = np.random.default_rng(7)
    drifted = {
        name: NumberColumn(
            np.round(
                np.clip(column.values * chance.normal(1, 0.03, COUNT), 0, 100 if name != "arr" else None), 2
            )
        )
        for name, column in facts.columns.items()
    }
    since = np.full(COUNT, float(facts.as_of))
    return replace(
        facts, columns=drifted, as_of=facts.as_of + 365, held=replace(facts.held, current=tiers, since=since)
    )


def moves(guards: dict) -> tuple[int, int]:
    """(customers that move after a year, customers that a guard held)."""
    rules = read_rules(definition={**MODEL, "guards": guards}, attributes=ATTRIBUTES, tiers=TIERS)
    facts = company()
    first = decide_tiers(facts=facts, rules=rules, tiers=TIERS).guards.effective
    found = decide_tiers(facts=a_year_later(facts, first), rules=rules, tiers=TIERS).guards
    return int((found.effective != first).sum()), int(found.bites.any(axis=1).sum())


def test_a_year_of_drift_moves_few_and_without_the_dead_band_far_more():
    unguarded, none_held = moves({"dead_band": None})
    guarded, held = moves({})
    print(
        f"{COUNT} customers, a year of 3 % drift: {unguarded} move without the dead band, {guarded} with it"
    )
    assert none_held == 0
    assert guarded <= 20
    assert unguarded >= 10 * max(guarded, 1)
    assert held + guarded >= unguarded  # nobody is lost between the two


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_thousand_customers_in_any_order_get_the_same_decisions(seed):
    rules = read_rules(definition=MODEL, attributes=ATTRIBUTES, tiers=TIERS)
    facts = company()
    order = np.random.default_rng(seed).permutation(COUNT)
    straight = decide_tiers(facts=facts, rules=rules, tiers=TIERS)
    shuffled = decide_tiers(facts=facts.take(order), rules=rules, tiers=TIERS)
    assert (straight.scores.cents[order] == shuffled.scores.cents).all()
    assert (straight.scores.contributions[order] == shuffled.scores.contributions).all()
    assert (straight.guards.effective[order] == shuffled.guards.effective).all()
