"""Sensitivity: what a knob moves is what the engine decides with that number changed; smallest changes are smallest."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from allocation.engine.facts.knobs import KnobKind, Measure
from allocation.engine.knobs import knobs_of
from allocation.engine.scoring import undecidable
from allocation.engine.sensitivity import Moves, Sensitivity, Tally, by_weight, is_near
from allocation.engine.tiering import SCORE_ATTRIBUTES, decide_tiers
from allocation.engine.turning import turned
from tests.engine.random_models import GOAL_KINDS, random_model, random_rows
from tests.engine.tiering_facts import BY_ARR, TIERS, facts, rules

FULL = {"kind": "linear", "low": 0, "high": 100}
SEEDS = range(40)


def arr_of(given):
    return np.rint(np.nan_to_num(given.numbers("arr")) * 100).astype(np.int64)


def asking(definition, rows):
    read, given = rules(definition, goal_kinds=GOAL_KINDS), facts(rows)
    this = Sensitivity(facts=given, rules=read, tiers=TIERS, arr_cents=arr_of(given))
    knobs = knobs_of(rules=read, tiers=TIERS, facts=given)
    assert len({knob.place for knob in knobs}) == len(knobs)
    names = [knob.name for knob in knobs]
    return this, {knob.name if names.count(knob.name) == 1 else str(knob.place): knob for knob in knobs}


def decided(read, given):
    """Tiers in force and suggested, by the engine alone."""
    found = decide_tiers(facts=given, rules=read, tiers=TIERS)
    out = undecidable(found.scores, reads_score=bool(read.attributes() & SCORE_ATTRIBUTES)) | ~given.active
    return found.guards.effective, np.where(out, -1, found.suggestions.tier)


def by_arr(*amounts, **more):
    return [{"id": place, "arr": amount, "current": 2, **more} for place, amount in enumerate(amounts)]


def without_guards(definition, **more):
    return {**definition, "guards": {"paid_floor": False, "dead_band": None}, **more}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_knob_of_a_random_model_moves_whom_the_engine_moves(seed):
    this, knobs = asking(random_model(seed), random_rows(seed + 1000, 60))
    before = decided(this.rules, this.facts)
    for knob in knobs.values():
        for steps in {*knob.probes(), knob.least, knob.most}:
            after = decided(turned(rules=this.rules, knob=knob, steps=steps), this.facts)
            found = this.moves(knob, steps)
            moved = before[0] != after[0]
            assert found.effective.customers == moved.sum(), knob
            assert found.suggested.customers == (before[1] != after[1]).sum(), knob
            assert found.suggested.arr_cents == this.arr_cents[before[1] != after[1]].sum(), knob
            assert found.effective.arr_cents == this.arr_cents[moved].sum(), knob
            assert (
                found.effective.up
                == (moved & (before[0] >= 0) & (after[0] >= 0) & (after[0] < before[0])).sum()
            )
            assert found.effective.down == (moved & (before[0] >= 0) & (after[0] > before[0])).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_change_moves_nobody(seed):
    this, knobs = asking(random_model(seed), random_rows(seed + 2000, 40))
    for knob in knobs.values():
        assert turned(rules=this.rules, knob=knob, steps=0) == this.rules
        assert this._counted(0, this._outcome(knob, 0)) == Moves(0)
        assert this.moves(knob, 0) == Moves(0)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_smallest_change_moves_somebody_and_one_step_less_nobody(seed):
    this, knobs = asking(random_model(seed), random_rows(seed + 3000, 60))
    before = decided(this.rules, this.facts)

    def moved(knob, steps, which):
        after = decided(turned(rules=this.rules, knob=knob, steps=steps), this.facts)
        return (before[which] != after[which]).sum()

    for knob in knobs.values():
        asked = this.ask(knob)
        for which, ends, least in (
            (0, asked.first, 1),
            (0, asked.share, this.share),
            (1, asked.first_suggested, 1),
            (1, asked.share_suggested, this.share),
        ):
            for found, sign, end in ((ends.down, -1, knob.least), (ends.up, 1, knob.most)):
                if found is None:
                    assert moved(knob, end, which) < least, knob
                    continue
                assert found.steps * sign > 0
                assert moved(knob, found.steps, which) >= least, knob
                assert moved(knob, found.steps - sign, which) < least, knob


def test_where_more_of_a_change_moves_more_the_smallest_of_all_is_found():
    this, knobs = asking(without_guards(BY_ARR), by_arr(100_000, 149_950, 150_000, 150_040, 800_000))
    asked = this.ask(knobs["Bound of Enterprise: ARR ≥ 150,000"])
    tried = {steps: this.moves(asked.knob, steps).effective.customers for steps in range(-60, 61)}
    assert asked.first.down.steps == max(at for at in tried if at < 0 and tried[at]) == -50
    assert asked.first.up.steps == min(at for at in tried if at > 0 and tried[at]) == 1


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_knobs_and_of_customers_means_nothing(seed):
    rows = random_rows(seed + 4000, 50)
    this, knobs = asking(random_model(seed), rows)
    other, again = asking(random_model(seed), rows[::-1])
    there = {name: this.ask(knob) for name, knob in knobs.items()}
    back = {name: other.ask(knob) for name, knob in reversed(again.items())}
    assert there == back
    assert by_weight(there.values()) == by_weight(list(back.values())[::-1])


def test_a_number_that_nobody_is_near_of_says_so():
    this, knobs = asking(without_guards(BY_ARR), by_arr(1000, 400_000))
    enterprise = this.ask(knobs["Bound of Enterprise: ARR ≥ 150,000"])
    assert not is_near(enterprise)
    assert enterprise.first.down.steps == -149_000  # 150,000 − 149,000 = the 1,000 of the smaller one
    assert enterprise.first.up is None  # looked at up to 300,000


def test_who_moves_is_counted_by_way_and_with_its_arr():
    this, knobs = asking(without_guards(BY_ARR), by_arr(149_000, 150_000, 151_000))
    found = this.ask(knobs["Bound of Enterprise: ARR ≥ 150,000"])
    small_down, small_up = found.moves[2], found.moves[3]
    # 1 % of 150,000 is 1,500: down to 148,500 takes in one, up to 151,500 leaves out two.
    assert small_down.effective == Tally(customers=1, up=1, down=0, arr_cents=14_900_000)
    assert small_up.effective == Tally(customers=2, up=0, down=2, arr_cents=30_100_000)


def test_guards_hold_for_moves_and_not_for_suggestions():
    model = {**BY_ARR, "guards": {"dead_band": None, "minimum_stay": {"days": 3000}, "paid_floor": False}}
    rows = by_arr(149_000, since=datetime.date(2026, 11, 1))
    this, knobs = asking(model, rows)
    found = this.ask(knobs["Bound of Enterprise: ARR ≥ 150,000"])
    assert (found.moves[2].effective.customers, found.moves[2].suggested.customers) == (0, 1)
    assert found.first.down is None


def test_overrides_hold_and_customers_that_left_do_not_move():
    rows = [{"id": 1, "arr": 149_000, "current": 2, "override": 2}, {"id": 2, "arr": 149_000, "left": True}]
    this, knobs = asking(without_guards(BY_ARR), rows)
    found = this.moves(knobs["Bound of Enterprise: ARR ≥ 150,000"], -1500)
    assert (found.effective.customers, found.suggested.customers) == (0, 1)


def scored(*criteria):
    return {
        "segments": [{"name": "All", "when": []}],
        "criteria": list(criteria),
        "tiers": [
            {"tier": "global", "when": [{"attribute": "score", "op": ">=", "value": 50}]},
            {"tier": "scale", "when": []},
        ],
        "guards": {"paid_floor": False, "dead_band": None},
    }


def test_weights_are_turned_by_thousandths_and_never_all_to_zero():
    health = {"name": "Health", "attribute": "health", "weight": 2, "scale": FULL}
    _, knobs = asking(scored(health), [{"id": 1, "health": 50}])
    alone = knobs["Weight of Health"]
    assert (alone.step, alone.at(alone.least), alone.at(alone.most)) == (
        Decimal("0.001"),
        Decimal("0.001"),
        4,
    )
    _, knobs = asking(scored(health, {**health, "name": "Zero", "weight": 0}), [{"id": 1, "health": 50}])
    assert knobs["Weight of Zero"].sizes == (10, 50, 100)  # of the mean weight, 1
    assert knobs["Weight of Zero"].least == 0


def test_values_of_0_to_100_are_turned_in_points_and_stay_within():
    health = {"name": "Health", "attribute": "health", "weight": 2, "scale": FULL}
    _, knobs = asking(scored(health), [{"id": 1, "health": 50}])
    low, high = knobs["Scale of Health, 0 points at 0"], knobs["Scale of Health, 100 points at 100"]
    assert low.measure is Measure.POINTS
    assert [low.at(steps) for steps in low.probes()] == [0, 0, 0, 1, 2, 5]
    assert [high.at(steps) for steps in high.probes()] == [95, 98, 99, 100, 100, 100]
    assert low.at(low.most) == Decimal("99.99")  # the ends do not meet


def test_guards_that_are_off_and_numbers_after_equals_are_no_knobs():
    model = without_guards(BY_ARR)
    model["tiers"] = [
        {"tier": "global", "when": [{"attribute": "sentiment", "op": "=", "value": 5}]},
        {"tier": "scale", "when": []},
    ]
    _, knobs = asking(model, by_arr(1))
    assert not knobs


def test_days_of_guards_are_turned_by_days():
    model = {**BY_ARR, "guards": {"dead_band": None, "minimum_stay": {"days": 20}}}
    _, knobs = asking(model, by_arr(1))
    stay = knobs["Minimum stay"]
    assert stay.kind is KnobKind.GUARD
    assert [stay.at(steps) for steps in stay.probes()] == [0, 0, 13, 27, 50, 110]


def test_bounds_of_one_rule_do_not_cross_and_steps_rise():
    model = without_guards(BY_ARR)
    between = [{"attribute": "health", "op": "between", "value": [40, 41]}]
    model["tiers"] = [{"tier": "global", "when": between}, {"tier": "scale", "when": []}]
    model["criteria"] = [
        {
            "name": "Sentiment",
            "attribute": "sentiment",
            "weight": 1,
            "scale": {"kind": "steps", "steps": [[2, 30], [4, 90]], "below": 5},
        }
    ]
    _, knobs = asking(model, by_arr(1))
    lower, upper = knobs["Bound of Global: health ≥ 40"], knobs["Bound of Global: health < 41"]
    assert lower.at(lower.most) == Decimal("40.99")
    assert upper.at(upper.least) == Decimal("40.01")
    assert (
        knobs["Scale of Sentiment, 30 points from 2"].at(knobs["Scale of Sentiment, 30 points from 2"].most)
        == 3
    )
