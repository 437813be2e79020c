"""Laws of tiering: what holds for every model or for every model of a kind, tried on generated ones."""

import copy
import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine.explain import nearest_bounds
from allocation.engine.facts.tiering import DECIDERS, GUARDS, DecidedBy
from allocation.engine.scoring import contributions_of
from allocation.engine.tiering import decide_tiers
from tests.engine.random_models import GOAL_KINDS, condition, random_model, random_rows
from tests.engine.reference import opinions, percentile, share_above
from tests.engine.tiering_facts import (
    AS_OF,
    BY_ARR,
    ENTERPRISE,
    GLOBAL,
    SCALE,
    TIERS,
    decide,
    facts,
    rules,
    scores,
)

FULL = {"kind": "linear", "low": 0, "high": 100}
MONEY = st.decimals(0, 2_000_000, places=2).map(float)
POINTS = st.decimals(0, 100, places=2).map(float)
LAW = settings(deadline=None, derandomize=True)


def criterion(attribute, scale=FULL, weight=1, **more):
    return {"name": attribute, "attribute": attribute, "weight": weight, "scale": scale, **more}


def outputs(read, given_facts):
    """Everything a run finds about each customer, one array a finding."""
    found = decide_tiers(facts=given_facts, rules=read, tiers=TIERS)
    near = nearest_bounds(findings=found, rules=read)
    return {
        "score": found.scores.cents,
        "points": found.scores.points,
        "contributions": contributions_of(found.scores),
        "withheld": found.scores.withheld,
        "segment": found.suggestions.segment,
        "touch": found.suggestions.touch,
        "rule": found.suggestions.rule,
        "suggested": found.suggestions.tier,
        "effective": found.guards.effective,
        "decided by": found.guards.decided_by,
        "bites": found.guards.bites,
        "nearest bound": near.bound,
        "distance": near.distance,
        "tier beyond": near.tier,
    }


@pytest.mark.parametrize("seed", range(15))
def test_the_order_of_customers_changes_nothing_that_is_found(seed):
    read, rows = rules(random_model(seed), goal_kinds=GOAL_KINDS), random_rows(seed, 60)
    order = np.random.default_rng(seed).permutation(len(rows))
    straight, shuffled = outputs(read, facts(rows)), outputs(read, facts([rows[at] for at in order]))
    for name, values in straight.items():
        np.testing.assert_array_equal(values[order], shuffled[name], err_msg=name)


@pytest.mark.parametrize("seed", range(40))
def test_contributions_add_up_to_the_score_and_scores_lie_within_0_and_100(seed):
    found = decide(random_model(seed), random_rows(seed, 100), GOAL_KINDS).scores
    known = found.cents >= 0
    assert (contributions_of(found).sum(axis=1) == np.where(known, found.cents, 0)).all()
    assert (contributions_of(found) >= 0).all()
    assert (found.cents[known] <= 100_00).all()


RISING = {
    "segments": [{"name": "Big", "when": [condition("arr_percentile", ">=", 50)]}, {"name": "Small", "when": []}],
    "criteria": [
        criterion("arr", {"kind": "log", "low": 1000, "high": 1_000_000}, 3),
        criterion("health"),
    ],
}  # fmt: skip


def rising_model(first, second):
    """Only bounds from below, the higher tier first; money, score, standing and touch all rise with the ARR."""
    return {
        **RISING,
        "touch": [
            {"touch": "high", "when": [condition("score", ">=", 60)]},
            {"touch": "low", "when": []},
        ],
        "tiers": [
            {
                "tier": "global",
                "when": [{"any": [condition("arr", ">=", first), condition("touch", "is", "high")]}],
            },
            {
                "tier": "enterprise",
                "when": [
                    {
                        "any": [
                            condition("arr", ">=", second),
                            condition("segment", "is", "Big"),
                            condition("score", ">=", 40),
                        ]
                    }
                ],
            },
            {"tier": "scale", "when": []},
        ],
        "guards": {"dead_band": {}, "paid_floor": True, "renewal_freeze": {"days": 30}},
    }


@LAW
@given(
    arr=MONEY,
    more=MONEY,
    bounds=st.tuples(st.integers(1, 1_000_000), st.integers(1, 1_000_000)),
    others=st.lists(MONEY, max_size=5),
    held=st.fixed_dictionaries(
        {
            "current": st.sampled_from([-1, 0, 1, 2]),
            "paid": st.sampled_from([-1, 1]),
            "health": st.sampled_from([0, 30, 90]),
            "renewal_date": st.sampled_from([None, AS_OF]),
        }
    ),
)
def test_more_arr_never_lowers_a_tier_where_all_bounds_are_from_below(arr, more, bounds, others, held):
    definition = rising_model(*bounds)
    crowd = [{"arr": other, "health": 50} for other in others]
    small, large = (
        decide(definition, [{"arr": value, **held}, *crowd]).guards.effective[0]
        for value in (arr, arr + more)
    )
    assert large <= small  # a lower position is a higher tier


@LAW
@given(ends=st.tuples(POINTS, POINTS), values=st.tuples(POINTS, POINTS), log=st.booleans())
def test_a_linear_or_log_scale_rises_with_the_value_and_falls_when_turned_round(ends, values, log):
    low, high = sorted(ends)
    if low == high or (log and low == 0):
        return
    kind = "log" if log else "linear"
    less, more = ({"health": value} for value in sorted(values))
    rising = scores([criterion("health", {"kind": kind, "low": low, "high": high})], less, more)
    falling = scores([criterion("health", {"kind": kind, "low": high, "high": low})], less, more)
    assert rising[0] <= rising[1]
    assert falling[0] >= falling[1]
    # turned round it is the rest to 100; each is rounded once, so the two may miss it by a hundredth
    assert abs(rising[0] + falling[0] - 100) <= 0.011


@LAW
@given(
    values=st.tuples(*[st.one_of(st.none(), POINTS)] * 3),
    weights=st.tuples(*[st.decimals("0.001", 1000, places=3).map(float)] * 3),
    at=st.integers(0, 2),
    more=POINTS,
)
def test_raising_one_known_value_never_lowers_the_score(values, weights, at, more):
    names = ("health", "adoption", "reputation")
    row = dict(zip(names, values, strict=True))
    if row[names[at]] is None:
        return  # to learn a value is no raise: its weight is no longer shared out
    criteria = [criterion(name, weight=weight) for name, weight in zip(names, weights, strict=True)]
    raised = {**row, names[at]: min(100.0, row[names[at]] + more)}
    before, after = scores(criteria, row, raised)
    assert after >= before


CROWD = st.lists(
    st.tuples(st.one_of(st.none(), st.sampled_from([0, 10, 20.5, 99.99]), MONEY), st.booleans()),
    min_size=1,
    max_size=20,
)


@LAW
@given(crowd=CROWD)
def test_percentiles_and_shares_are_what_counting_one_by_one_gives(crowd):
    rows = [{"arr": value, "left": left} for value, left in crowd]
    reading = [condition("arr_percentile", ">=", 0), condition("arr_share_above", ">=", 0)]
    definition = {**BY_ARR, "tiers": [{"tier": "global", "when": reading}, BY_ARR["tiers"][-1]]}
    columns = decide(definition, rows).derived.columns
    for at, (value, _) in enumerate(crowd):
        points, above = columns["arr_percentile"].values[at], columns["arr_share_above"].values[at]
        if value is None:
            assert np.isnan(points) and np.isnan(above)
            continue
        others = [
            arr for place, (arr, left) in enumerate(crowd) if place != at and not left and arr is not None
        ]
        assert round(points * 1_000_000) == percentile(value, others)
        share = share_above(value, others)
        assert np.isnan(above) if share is None else above == float(share)


def ahead(days):
    return AS_OF + datetime.timedelta(days=days)


# One customer a guard: (guard, its setting, the same model without it, the customer, held or lifted to, else)
GUARDED = [
    (DecidedBy.PAID_FLOOR, {"paid_floor": True}, {"paid_floor": False}, {"arr": 1, "current": ENTERPRISE, "paid": ENTERPRISE}, ENTERPRISE, SCALE),
    (DecidedBy.FIRST_YEAR, {"first_year": {"touch_levels": ["tech"]}}, {}, {"arr": 1, "current": ENTERPRISE, "first_renewal_done": False}, ENTERPRISE, SCALE),
    (DecidedBy.DEAD_BAND, {"dead_band": {}}, {"dead_band": None}, {"arr": 149_000, "current": ENTERPRISE}, ENTERPRISE, SCALE),
    (DecidedBy.MINIMUM_STAY, {"minimum_stay": {"days": 90}}, {}, {"arr": 900_000, "current": SCALE, "since": ahead(-89)}, SCALE, GLOBAL),
    (DecidedBy.RENEWAL_FREEZE, {"renewal_freeze": {"days": 90}}, {}, {"arr": 1, "current": GLOBAL, "renewal_date": ahead(90)}, GLOBAL, SCALE),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "on", "off", "row", "held", "moved"), GUARDED)
def test_a_guard_holds_and_says_so_and_without_it_the_same_customer_moves(guard, on, off, row, held, moved):
    others_off = {"paid_floor": False, "dead_band": None}
    with_it = decide({**BY_ARR, "guards": {**others_off, **on}}, [row]).guards
    without = decide({**BY_ARR, "guards": {**others_off, **off}}, [row]).guards
    assert (with_it.effective[0], DECIDERS[with_it.decided_by[0]]) == (held, guard)
    assert [GUARDS[place] for place in np.flatnonzero(with_it.bites[0])] == [guard]
    assert (without.effective[0], DECIDERS[without.decided_by[0]]) == (moved, DecidedBy.RULE)
    assert not without.bites.any()


def test_every_guard_of_a_model_has_such_a_customer():
    assert {guard for guard, *_ in GUARDED} == set(GUARDS) - {DecidedBy.LEFT}  # who left is no setting


@pytest.mark.parametrize("seed", range(25))
def test_the_tier_held_stays_exactly_while_it_lies_between_the_loosened_and_the_tightened_result(seed):
    """Loosened and tightened are worked out one customer at a time, by code of its own."""
    model = {
        **random_model(seed),
        "guards": {"paid_floor": False, "dead_band": {"points": 7.5, "percent": 20}},
    }
    plain = [{**row, "override": -1, "left": False} for row in random_rows(seed, 80) if row["current"] >= 0]
    found = decide(model, plain, GOAL_KINDS).guards
    told = opinions(
        model=model,
        rows=plain,
        tiers=[(tier.slug, tier.touch_level) for tier in TIERS],
        goal_kinds=GOAL_KINDS,
        as_of=AS_OF,
    )
    for at, (row, opinion) in enumerate(zip(plain, told, strict=True)):
        if opinion.by != "undecided":
            stays = "dead_band" in opinion.bites or opinion.suggested == row["current"]
            assert found.effective[at] == (row["current"] if stays else opinion.suggested)


@pytest.mark.parametrize("seed", range(25))
def test_an_override_wins_and_what_the_rules_say_is_kept_beside_it(seed):
    model, rows = random_model(seed), random_rows(seed, 80)
    found = decide(model, rows, GOAL_KINDS)
    without = decide(model, [{**row, "override": -1} for row in rows], GOAL_KINDS)
    wanted = [row["override"] for row in rows]
    wins = np.array([row["override"] >= 0 and not row["left"] for row in rows])
    assert wins.any()
    assert (found.guards.effective[wins] == np.array(wanted)[wins]).all()
    assert (found.guards.decided_by[wins] == DECIDERS.index(DecidedBy.OVERRIDE)).all()
    assert (found.suggestions.tier == without.suggestions.tier).all()
    assert (found.guards.bites == without.guards.bites).all()


@pytest.mark.parametrize("seed", range(25))
def test_only_an_override_goes_below_the_tier_that_is_paid_for(seed):
    model = copy.deepcopy(random_model(seed))
    model["guards"]["paid_floor"] = True
    rows = random_rows(seed, 80)
    found = decide(model, rows, GOAL_KINDS).guards
    undecided = found.decided_by == DECIDERS.index(DecidedBy.UNDECIDED)
    for at, row in enumerate(rows):
        if row["paid"] >= 0 and row["override"] < 0 and not row["left"] and not undecided[at]:
            assert found.effective[at] <= row["paid"]
