"""Tiers are stable by design: a year of small drift moves few customers of weighted-tiers, and the guards are why."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import (
    GUARDS,
    CustomerColumns,
    DateColumn,
    DecidedBy,
    HeldTiers,
    NumberColumn,
    SetColumn,
    TierFacts,
)
from allocation.engine.rules import read_rules
from allocation.engine.scoring import contributions_of
from allocation.engine.tiering import decide_tiers

COUNT = 10_000
FIRST_DAY = 20_000
PLAYBOOKS = Path(__file__).resolve().parents[2] / "allocation" / "playbooks"
FILE = json.loads((PLAYBOOKS / "weighted-tiers.json").read_text(encoding="utf-8"))
TIERS = tuple(TierFacts(tier["slug"], tier["rank"], tier["touch_level"]) for tier in FILE["tiers"])
OFF = {"dead_band": None}
FEW_PER_CENT = 0.05  # the playbook's dead band is fitted to it; with less drift fewer move
POINTS = frozenset({"complexity", "reputation"})


def numbers(chance, kind):
    """ARR and marks: skewed ARR and bell-shaped marks as real lists have them, or marks of every size alike."""
    if kind == "usual":
        marks = [np.clip(chance.normal(mean, spread, COUNT), 0, 100) for mean, spread in ((45, 20), (40, 22))]
        return chance.lognormal(10.83, 1.54, COUNT), *marks
    if kind == "low marks":
        return (
            chance.lognormal(10.8, 1.5, COUNT),
            chance.beta(2, 3, COUNT) * 100,
            chance.beta(2, 4, COUNT) * 100,
        )
    if kind == "bunched marks":
        marks = [np.clip(chance.normal(mean, spread, COUNT), 0, 100) for mean, spread in ((55, 12), (50, 15))]
        return chance.lognormal(11, 1.0, COUNT), *np.rint(marks)
    if kind == "heavy tail":
        return (
            5000 * (1 + chance.pareto(1.3, COUNT)),
            chance.uniform(10, 90, COUNT),
            chance.exponential(20, COUNT).clip(0, 100),
        )
    return chance.lognormal(10.8, 1.2, COUNT), chance.uniform(0, 100, COUNT), chance.uniform(0, 100, COUNT)


def company(kind="usual", seed=20261122) -> CustomerColumns:
    """10 000 customers in their first year; one mark in ten is missing."""
    chance = np.random.default_rng(seed)
    arr, complexity, reputation = (np.round(column, 2) for column in numbers(chance, kind))
    for marks in (complexity, reputation):
        marks[chance.random(COUNT) < 0.1] = np.nan
    order = chance.random((COUNT, 6)).argsort(
        axis=1
    )  # how many of six products, each as likely as the others
    products = order < chance.choice([1, 2, 3, 4, 5], (COUNT, 1), p=[0.35, 0.3, 0.2, 0.1, 0.05])
    names = ("Core", "Analytics", "Automation", "Integrations", "Mobile", "Compliance")
    columns = {
        "arr": NumberColumn(arr),
        "complexity": NumberColumn(complexity),
        "reputation": NumberColumn(reputation),
        "products": SetColumn(products, names),
        "open_goals": SetColumn(np.zeros((COUNT, 0), dtype=np.bool_), ()),
        # as of the second run they lie within the year ahead
        "renewal_date": DateColumn(FIRST_DAY + 365.0 + chance.integers(1, 366, COUNT)),
    }
    active = np.ones(COUNT, dtype=np.bool_)
    return CustomerColumns(
        tuple(map(str, range(COUNT))), columns, active, HeldTiers.nothing(COUNT), FIRST_DAY
    )


def a_year_later(facts: CustomerColumns, tiers: np.ndarray, drift: float, seed: int) -> CustomerColumns:
    """Every number drifts by ``drift`` (one standard deviation); the tiers of the year before are held."""
    chance = np.random.default_rng(seed)
    drifted = {
        name: NumberColumn(
            np.round(
                np.clip(column.values * chance.normal(1, drift, COUNT), 0, 100 if name in POINTS else None), 2
            )
        )
        for name, column in facts.columns.items()
        if isinstance(column, NumberColumn)
    }
    held = replace(facts.held, current=tiers, since=np.full(COUNT, float(facts.as_of)))
    return replace(facts.replaced(drifted), as_of=facts.as_of + 365, held=held)


def a_year(guards, *, kind="usual", drift=FEW_PER_CENT, seed=7):
    """(who moves, what each guard held) after a year of drift."""
    rules = read_rules(definition={**FILE["model"], "guards": guards}, attributes=ATTRIBUTES, tiers=TIERS)
    facts = company(kind)
    first = decide_tiers(facts=facts, rules=rules, tiers=TIERS).guards.effective
    found = decide_tiers(facts=a_year_later(facts, first, drift, seed), rules=rules, tiers=TIERS).guards
    bites = {guard: int(found.bites[:, place].sum()) for place, guard in enumerate(GUARDS)}
    return int((found.effective != first).sum()), bites


GUARDED = FILE["model"]["guards"]


SEEDS = range(1, 13)


def test_a_year_of_drift_moves_ten_to_twenty_and_without_the_guards_far_more():
    guarded = [a_year(GUARDED, seed=seed)[0] for seed in SEEDS]
    unguarded = [a_year(OFF, seed=seed)[0] for seed in SEEDS]
    print(
        f"{COUNT} customers, a year of 5 % drift, twelve times: {guarded} move; without the guards {unguarded}"
    )
    assert 10 <= np.mean(guarded) <= 20
    assert max(guarded) <= 20
    assert all(few * 8 < many for few, many in zip(guarded, unguarded, strict=True))


@pytest.mark.parametrize("drift", [0.02, 0.03, 0.04])
def test_with_less_drift_fewer_move_and_never_more_than_twenty(drift):
    guarded = [a_year(GUARDED, drift=drift, seed=seed)[0] for seed in SEEDS]
    unguarded = [a_year(OFF, drift=drift, seed=seed)[0] for seed in SEEDS]
    print(f"{COUNT} customers, a year of {drift:.0%} drift: {guarded} move; without the guards {unguarded}")
    assert max(guarded) <= 20
    assert min(unguarded) >= 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_does_not_move_was_held_by_a_guard_that_is_named(seed):
    moves, bites = a_year(GUARDED, seed=seed)
    unguarded, nothing = a_year(OFF, seed=seed)
    assert moves + sum(bites.values()) == unguarded
    assert {guard for guard, count in bites.items() if count} == {
        DecidedBy.DEAD_BAND,
        DecidedBy.RENEWAL_FREEZE,
    }
    assert not any(nothing.values())


@pytest.mark.parametrize("kind", ["low marks", "heavy tail", "marks of every size", "bunched marks"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_companies_of_other_shapes_are_as_stable(kind, seed):
    moves, _ = a_year(GUARDED, kind=kind, drift=0.04, seed=seed)
    unguarded, _ = a_year(OFF, kind=kind, drift=0.04, seed=seed)
    assert moves <= 20
    assert unguarded >= 100


def test_moves_grow_with_the_drift_and_less_than_without_guards():
    drifts = (0.01, 0.02, 0.03, 0.04)
    guarded = [sum(a_year(GUARDED, drift=drift, seed=seed)[0] for seed in range(1, 5)) for drift in drifts]
    unguarded = [sum(a_year(OFF, drift=drift, seed=seed)[0] for seed in range(1, 5)) for drift in drifts]
    print(f"drift of 1, 2, 3, 4 %, four years each: {guarded} move; without the guards {unguarded}")
    assert guarded == sorted(guarded)
    assert all(few * 4 < many for few, many in zip(guarded, unguarded, strict=True))


@pytest.mark.parametrize("removed", ["dead_band", "renewal_freeze"])
def test_each_guard_that_is_taken_out_lets_more_customers_move(removed):
    moves, _ = a_year(GUARDED, seed=1)
    more, bites = a_year({**GUARDED, removed: None}, seed=1)
    assert more > moves
    assert bites[DecidedBy(removed)] == 0


def test_the_minimum_stay_lets_a_yearly_run_through_and_no_run_before():
    assert 330 <= GUARDED["minimum_stay"]["days"] < 365
    longer, bites = a_year({**GUARDED, "minimum_stay": {"days": 366}})
    assert longer == 0
    assert bites[DecidedBy.MINIMUM_STAY] > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_thousand_customers_in_any_order_get_the_same_decisions(seed):
    rules = read_rules(definition=FILE["model"], attributes=ATTRIBUTES, tiers=TIERS)
    facts = company()
    order = np.random.default_rng(seed).permutation(COUNT)
    straight = decide_tiers(facts=facts, rules=rules, tiers=TIERS)
    shuffled = decide_tiers(facts=facts.take(order), rules=rules, tiers=TIERS)
    assert (straight.scores.cents[order] == shuffled.scores.cents).all()
    assert (contributions_of(straight.scores)[order] == contributions_of(shuffled.scores)).all()
    assert (straight.guards.effective[order] == shuffled.guards.effective).all()
