"""Segments and tiers: ordered rules over every kind of attribute, standing among others, what is never decided."""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine.facts.attributes import ATTRIBUTES, Attribute, Kind
from allocation.engine.facts.tiering import DECIDERS, DecidedBy
from allocation.engine.tiering import decide_tiers
from tests.engine.tiering_facts import (
    BY_ARR,
    ENTERPRISE,
    GLOBAL,
    SCALE,
    TIERS,
    decide,
    effective,
    facts,
    rules,
)


def model(*conditions, attributes=ATTRIBUTES):
    """Global for who fulfils the conditions, Scale for everyone else."""
    tiers = [{"tier": "global", "when": list(conditions)}, {"tier": "scale", "when": []}]
    return {"segments": [{"name": "All", "when": []}], "criteria": [], "tiers": tiers}


def condition(attribute, op, value=None):
    return {"attribute": attribute, "op": op, "value": value}


def test_a_bound_is_inclusive_at_its_lower_end():
    rows = [{"arr": 750000}, {"arr": 749999.99}, {"arr": 150000}, {"arr": 149999.99}, {}]
    assert effective(BY_ARR, *rows) == [GLOBAL, ENTERPRISE, ENTERPRISE, SCALE, SCALE]


@pytest.mark.parametrize(
    ("test", "yes", "no"),
    [
        (condition("health", ">", 50), {"health": 50.01}, {"health": 50}),
        (condition("health", "<=", 50), {"health": 50}, {"health": 50.01}),
        (condition("health", "<", 50), {"health": 49.99}, {"health": 50}),
        (condition("health", "<", 50), {"health": 0}, {}),  # a missing value is no small value
        (condition("health", "=", 50), {"health": 50}, {"health": 51}),
        (condition("health", "!=", 50), {"health": 51}, {}),
        (condition("health", "between", [20, 50]), {"health": 20}, {"health": 50}),
        (condition("health", "known"), {"health": 0}, {}),
        (condition("health", "missing"), {}, {"health": 0}),
        (condition("vertical", "is", "Telco"), {"vertical": "Telco"}, {"vertical": "Finance"}),
        (condition("vertical", "is_not", "Telco"), {"vertical": "Finance"}, {}),  # nor is it another vertical
        (condition("vertical", "in", ["Telco", "Retail"]), {"vertical": "Telco"}, {"vertical": "Finance"}),
        (condition("vertical", "not_in", ["Telco"]), {"vertical": "Finance"}, {"vertical": "Telco"}),
        (condition("vertical", "is", "telco"), {"vertical": "Telco"}, {"vertical": "Finance"}),  # in any case
        (condition("champion", "is", True), {"champion": True}, {"champion": False}),
        (condition("champion", "is", False), {"champion": False}, {}),
        (condition("open_goals", "any_of", ["risk", "growth"]), {"open_goals": ["risk"]}, {"open_goals": []}),
        (condition("open_goals", "all_of", ["risk", "growth"]), {"open_goals": ["risk", "growth"]}, {"open_goals": ["risk"]}),
        (condition("open_goals", "none_of", ["risk"]), {"open_goals": ["growth"]}, {"open_goals": ["risk"]}),
        (condition("goal_count", ">=", 2), {"open_goals": ["risk", "growth"]}, {"open_goals": ["risk"]}),
        (condition("product_count", ">=", 1), {"products": ["Core"]}, {"products": []}),
        (condition("expansion_potential", ">=", 10), {"arr": 5, "potential_arr": 15}, {"arr": 5}),
        (condition("days_to_renewal", "<=", 30), {"renewal_date": datetime.date(2026, 12, 22)}, {"renewal_date": datetime.date(2026, 12, 23)}),
        (condition("days_since_start", "<", 365), {"contract_start": datetime.date(2026, 3, 1)}, {"contract_start": datetime.date(2025, 3, 1)}),
        (condition("contract_start", ">=", "2026-01-01"), {"contract_start": datetime.date(2026, 1, 1)}, {"contract_start": datetime.date(2025, 12, 31)}),
    ],
)  # fmt: skip
def test_a_condition_holds_for_one_and_not_for_the_other(test, yes, no):
    assert effective(model(test), yes, no) == [GLOBAL, SCALE]


def test_groups_say_any_of_and_all_of():
    either = {
        "any": [
            condition("champion", "is", True),
            {"all": [condition("health", "<", 30), condition("arr", ">", 5)]},
        ]
    }
    rows = [{"champion": True}, {"health": 20, "arr": 9}, {"health": 20, "arr": 1}]
    assert effective(model(either), *rows) == [GLOBAL, GLOBAL, SCALE]


def test_between_is_one_choice_of_an_any_of_group():
    either = {"any": [condition("health", "between", [20, 50]), condition("champion", "is", True)]}
    rows = [{"health": 20}, {"health": 19.99}, {"health": 50}, {"health": 50, "champion": True}]
    assert effective(model(either), *rows) == [GLOBAL, SCALE, SCALE, GLOBAL]


def test_a_custom_attribute_is_used_like_any_other():
    own = {**ATTRIBUTES, "attr:nps": Attribute("attr:nps", Kind.NUMBER, "NPS")}
    wanted = rules(model(condition("attr:nps", ">=", 9)), own)
    found = decide_tiers(facts=facts([{"attr:nps": 9}, {"attr:nps": 8}], own), rules=wanted, tiers=TIERS)
    assert found.guards.effective.tolist() == [GLOBAL, SCALE]


def test_a_custom_attribute_without_a_single_answer_is_missing_for_everyone():
    own = {**ATTRIBUTES, "attr:nps": Attribute("attr:nps", Kind.NUMBER, "NPS")}
    wanted = rules(model(condition("attr:nps", "missing")), own)
    assert decide_tiers(facts=facts([{}]), rules=wanted, tiers=TIERS).guards.effective.tolist() == [GLOBAL]


def test_tier_rules_read_the_segment_and_the_score():
    definition = {
        "segments": [{"name": "Big", "when": [condition("arr", ">=", 100)]}, {"name": "Small", "when": []}],
        "criteria": [
            {
                "name": "Health",
                "attribute": "health",
                "weight": 1,
                "scale": {"kind": "linear", "low": 0, "high": 100},
            }
        ],
        "tiers": [
            {"tier": "global", "when": [condition("segment", "is", "Big"), condition("score", ">=", 50)]},
            {"tier": "enterprise", "when": [condition("score_percentile", ">=", 80)]},
            {"tier": "scale", "when": []},
        ],
    }
    rows = [{"arr": 100, "health": 50}, {"arr": 100, "health": 49.99}, {"arr": 99, "health": 90}]
    # percentiles of 50, 49.99, 90: 50, 16.67, 83.33
    assert effective(definition, *rows) == [GLOBAL, SCALE, ENTERPRISE]


def test_without_a_score_a_model_that_reads_it_does_not_decide():
    definition = {
        **BY_ARR,
        "criteria": [{"name": "Health", "attribute": "health", "weight": 1, "scale": {"kind": "percentile"}}],
        "guards": {"dead_band": None},
        "tiers": [{"tier": "global", "when": [condition("score", ">=", 50)]}, {"tier": "scale", "when": []}],
    }
    found = decide(definition, [{"health": 5, "current": ENTERPRISE}, {"current": ENTERPRISE}])
    assert found.guards.effective.tolist() == [GLOBAL, ENTERPRISE]
    assert DECIDERS[found.guards.decided_by[1]] is DecidedBy.UNDECIDED


def test_a_plus_to_c_follows_the_arr_share_above():
    # total 100: shares above are 0, 50, 75, 90: A+ while < 50, A < 75, B < 90
    above = [
        {"tier": tier, "when": [condition("arr_share_above", "<", bound)]}
        for tier, bound in (("global", 50), ("enterprise", 75))
    ]
    definition = {**BY_ARR, "tiers": [*above, {"tier": "scale", "when": []}]}
    assert effective(definition, {"arr": 50}, {"arr": 25}, {"arr": 15}, {"arr": 10}) == [
        GLOBAL,
        ENTERPRISE,
        SCALE,
        SCALE,
    ]


def test_equal_arr_has_equal_share_and_equal_percentile():
    definition = model(condition("arr_share_above", "<=", 100), condition("arr_percentile", ">=", 0))
    found = decide(
        definition, [{"arr": 30}, {"arr": 30}, {"arr": 40}, {"arr": 1000, "left": True}]
    ).derived.columns
    assert found["arr_share_above"].values.tolist()[:3] == [40.0, 40.0, 0.0]
    assert np.round(found["arr_percentile"].values, 6).tolist()[:3] == [33.333333, 33.333333, 83.333333]


ROW = st.fixed_dictionaries(
    {
        "arr": st.one_of(st.none(), st.decimals(0, 2_000_000, places=2).map(float)),
        "health": st.one_of(st.none(), st.integers(0, 100)),
        "champion": st.sampled_from([None, True, False]),
        "current": st.sampled_from([-1, 0, 1, 2]),
    }
)
MIXED = {
    "segments": [
        {"name": "Big", "when": [condition("arr_percentile", ">=", 50)]},
        {"name": "Small", "when": []},
    ],
    "criteria": [
        {
            "name": "ARR",
            "attribute": "arr",
            "weight": 3,
            "scale": {"kind": "log", "low": 1000, "high": 2000000},
        },
        {
            "name": "Health",
            "attribute": "health",
            "weight": 2,
            "scale": {"kind": "percentile", "within": "segment"},
        },
    ],
    "tiers": [
        {"tier": "global", "when": [condition("segment", "is", "Big"), condition("score", ">=", 60)]},
        {
            "tier": "enterprise",
            "when": [{"any": [condition("score", ">=", 50), condition("champion", "is", True)]}],
        },
        {"tier": "scale", "when": []},
    ],
}


@settings(deadline=None, derandomize=True)
@given(rows=st.lists(ROW, min_size=1, max_size=25), seed=st.integers(0, 99))
def test_the_order_of_customers_changes_no_decision(rows, seed):
    order = np.random.default_rng(seed).permutation(len(rows))
    straight = decide(MIXED, rows).guards
    shuffled = decide(MIXED, [rows[place] for place in order]).guards
    assert straight.effective[order].tolist() == shuffled.effective.tolist()
    assert straight.decided_by[order].tolist() == shuffled.decided_by.tolist()


@settings(deadline=None, derandomize=True)
@given(
    arr=st.decimals(0, 1_000_000, places=2).map(float), more=st.decimals(0, 1_000_000, places=2).map(float)
)
def test_more_arr_never_means_a_lower_tier(arr, more):
    low, high = effective(BY_ARR, {"arr": arr}, {"arr": arr + more})
    assert high <= low
