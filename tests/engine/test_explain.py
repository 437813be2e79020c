"""Explanations: rules in words, the nearest bound, the nearest single change, and all of it from what was kept."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine.explain import in_words, nearest_bounds, reason_in_words
from allocation.engine.facts.tiering import DecidedBy
from allocation.engine.kept import (
    crowd_from_json,
    crowd_of,
    crowd_to_json,
    pack_facts,
    sources,
    unpack_facts,
)
from allocation.engine.tiering import decide_tiers
from allocation.engine.whatif import nearest_changes
from tests.engine.test_tiering import MIXED, ROW, condition, model
from tests.engine.tiering_facts import BY_ARR, ENTERPRISE, GLOBAL, SCALE, TIERS, decide, rules


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ([condition("arr", ">=", 150000)], "ARR ≥ 150,000"),
        ([condition("health", "<", 12.5), condition("champion", "is", True)], "health < 12.5 and champion"),
        ([condition("champion", "is", False)], "not champion"),
        ([condition("vertical", "in", ["Telco", "Retail"])], "vertical is Telco or Retail"),
        ([condition("vertical", "is_not", "Telco")], "vertical is not Telco"),
        ([condition("open_goals", "any_of", ["risk"])], "open goals has any of risk"),
        ([condition("arr", "missing")], "ARR is missing"),
        ([condition("renewal_date", "<", "2026-12-31")], "renewal date < 2026-12-31"),
        ([{"any": [condition("health", "<", 9), {"all": [condition("arr", ">", 5), condition("arr", "<", 7)]}]}], "(health < 9 or (ARR > 5 and ARR < 7))"),
        ([], "everyone else"),
    ],
)  # fmt: skip
def test_a_rule_is_said_in_words(when, words):
    definition = {
        **BY_ARR,
        "tiers": [{"tier": "global", "when": when}, *([BY_ARR["tiers"][-1]] if when else [])],
    }
    assert in_words(rules(definition).tiers[0].when) == words


def test_the_reason_says_the_rule_and_what_kept_it_from_happening():
    read = rules(BY_ARR)
    said = {
        by: reason_in_words(rules=read, tiers=TIERS, segment=0, rule=1, decided_by=by) for by in DecidedBy
    }
    assert said[DecidedBy.RULE] == "Enterprise: ARR ≥ 150,000"
    assert said[DecidedBy.DEAD_BAND].startswith(
        "dead band: too close to the bound to move (the rules say Enterprise"
    )
    assert "before first renewal" in said[DecidedBy.FIRST_YEAR]


def bound_of(definition, *rows):
    found = decide(definition, rows)
    near = nearest_bounds(findings=found, rules=rules(definition))
    return [
        None if place < 0 else (near.bounds[place].attribute.name, near.bounds[place].value, away, tier)
        for place, away, tier in zip(
            near.bound.tolist(), near.distance.tolist(), near.tier.tolist(), strict=True
        )
    ]


def test_the_nearest_bound_is_the_one_whose_crossing_changes_the_tier():
    assert bound_of(BY_ARR, {"arr": 160000}, {"arr": 700000}, {"arr": 100}, {}) == [
        ("arr", 150000.0, 10000.0, SCALE),
        ("arr", 750000.0, 50000.0, GLOBAL),
        ("arr", 150000.0, 149900.0, ENTERPRISE),
        None,  # an unknown ARR is near nothing
    ]


def test_a_bound_that_changes_nothing_is_not_near():
    both = model(condition("arr", ">=", 100), condition("health", ">=", 50))
    # without the ARR, crossing the health bound gives no other tier; with it, it does
    assert bound_of(both, {"arr": 10, "health": 49}, {"arr": 200, "health": 49}) == [
        None,
        ("health", 50.0, 1.0, GLOBAL),
    ]


def change_of(definition, row, *others):
    found = decide(definition, [row, *others])
    return nearest_changes(findings=found, rules=rules(definition), tiers=TIERS, rows=[0])[0]


OFF = {"guards": {"dead_band": None}}


def test_the_nearest_change_is_exact_to_the_cent():
    change = change_of({**BY_ARR, **OFF}, {"arr": 149000})
    assert (change.attribute, change.before, change.after, change.tier) == (
        "arr",
        149000.0,
        150000.0,
        ENTERPRISE,
    )
    change = change_of({**BY_ARR, **OFF}, {"arr": 151000})
    assert (change.after, change.tier) == (149999.99, SCALE)


def test_the_nearest_change_goes_through_the_dead_band():
    # a customer that would now hold Enterprise leaves it only below 150 000 − 5 %
    assert change_of(BY_ARR, {"arr": 151000}).after == 142499.99


def test_the_nearest_change_goes_through_the_score():
    definition = {
        **model(condition("score", ">=", 50)),
        "criteria": [
            {
                "name": "Health",
                "attribute": "health",
                "weight": 3,
                "scale": {"kind": "linear", "low": 0, "high": 100},
            },
            {
                "name": "Adoption",
                "attribute": "adoption",
                "weight": 1,
                "scale": {"kind": "linear", "low": 0, "high": 100},
            },
        ],
        **OFF,
    }
    # 3 × 45 + 40 = 175 of 400: health needs 160 ÷ 3 = 53.33, rounded to the score's hundredth; adoption would need 65
    change = change_of(definition, {"health": 45, "adoption": 40})
    assert (change.attribute, change.tier) == ("health", GLOBAL)
    assert 53.32 <= change.after <= 53.34


def test_the_nearest_change_goes_through_the_percentile():
    definition = {**model(condition("arr_percentile", ">=", 80)), **OFF}
    others = [{"arr": value} for value in (10, 20, 30, 40)]
    # alone above 40 of five: (4 + ½) ÷ 5 = 90; at 40 itself (3 + 1) ÷ 5 = 80
    change = change_of(definition, {"arr": 5}, *others)
    assert (change.attribute, change.after, change.tier) == ("arr", 40.0, GLOBAL)


def test_a_flag_a_choice_or_a_goal_can_be_the_nearest_change():
    flag = change_of({**model(condition("champion", "is", True)), **OFF}, {"champion": False})
    assert (flag.attribute, flag.before, flag.after) == ("champion", False, True)
    word = change_of({**model(condition("vertical", "is", "A")), **OFF}, {"vertical": "B"}, {"vertical": "A"})
    assert (word.before, word.after) == ("B", "A")
    goal = change_of({**model(condition("open_goals", "any_of", ["x"])), **OFF}, {}, {"open_goals": ["x"]})
    assert (goal.attribute, goal.after) == ("open_goals", "with x")


@pytest.mark.parametrize(
    ("when", "row", "found"),
    [
        (condition("vertical", "is", "Telco"), {"vertical": "Retail"}, ("Retail", "Telco")),  # though nobody is there
        (condition("vertical", "is_not", "telco"), {"vertical": "Telco"}, ("Telco", "another vertical")),
        (condition("vertical", "known"), {}, (None, "another vertical")),
        (condition("products", "any_of", ["CRM"]), {"products": ["Pay"]}, ("without CRM", "with CRM")),
        (condition("products", "none_of", ["CRM"]), {"products": ["crm"]}, ("with crm", "without crm")),
        (condition("product_count", ">=", 2), {"products": ["Pay"]}, ("without another product", "with another product")),
        (condition("product_count", "<", 2), {"products": ["Pay", "Tax"]}, ("with Pay", "without Pay")),
        (condition("goal_count", ">=", 1), {}, ("without another goal", "with another goal")),
    ],
)  # fmt: skip
def test_the_nearest_change_names_words_of_the_rules_and_of_the_customer_and_no_others(when, row, found):
    others = [
        {"vertical": word, "products": [word], "open_goals": [word]} for word in ("Alpaca", "telcos", "Zebra")
    ]
    changes = [change_of({**model(when), **OFF}, row, *crowd) for crowd in ([], others)]
    assert [(change.before, change.after) for change in changes] == [found, found]


def test_goals_of_the_order_and_of_scales_are_tried_by_name():
    definition = {**model(condition("goal_count", ">=", 1)), **OFF, "goals": ["risk"]}
    assert change_of(definition, {}, {"open_goals": ["adoption"]}).after == "with risk"
    scale = {"kind": "choices", "points": {"Retail": 80}}
    by_score = {
        **model(condition("score", ">=", 50)),
        **OFF,
        "criteria": [{"name": "V", "attribute": "vertical", "scale": scale}],
    }
    assert change_of(by_score, {}, {"vertical": "Alpaca"}).after == "retail"


def test_where_no_single_change_moves_the_customer_none_is_named():
    definition = {**model(condition("arr", "known"), condition("health", ">=", 50)), **OFF}
    assert change_of(definition, {}) is None


def test_a_derived_attribute_is_changed_through_its_source():
    change = change_of(
        {**model(condition("expansion_potential", ">=", 100)), **OFF}, {"arr": 500, "potential_arr": 590}
    )
    assert (change.attribute, change.after) in {("arr", 490.0), ("potential_arr", 600.0)}


@settings(deadline=None, derandomize=True, max_examples=25)  # dozens of what-ifs an example
@given(rows=st.lists(ROW, min_size=3, max_size=12))
def test_what_was_kept_of_one_customer_gives_the_same_decision_and_the_same_change(rows):
    read = rules(MIXED)
    found = decide(MIXED, rows)
    crowd = crowd_from_json(json.loads(json.dumps(crowd_to_json(crowd_of(findings=found, rules=read)))))
    keys = np.arange(len(rows), dtype=np.int64)
    data = pack_facts(facts=found.derived, keys=keys, names=sources(read), tiers=TIERS)
    everyone = nearest_changes(findings=found, rules=read, tiers=TIERS, rows=[0])[0]
    _, everybody = unpack_facts(data=data, tiers=TIERS, as_of=found.derived.as_of)
    facts = everybody.take(np.array([0]))
    alone = decide_tiers(facts=facts, rules=read, tiers=TIERS, people=crowd.people)
    assert alone.scores.cents[0] == found.scores.cents[0]
    assert alone.guards.effective[0] == found.guards.effective[0]
    again = nearest_changes(findings=alone, rules=read, tiers=TIERS, rows=[0], crowd=crowd)[0]
    assert (again is None) == (everyone is None)
    if again is not None and everyone is not None:
        assert (again.attribute, again.after, again.tier) == (
            everyone.attribute,
            everyone.after,
            everyone.tier,
        )


@settings(deadline=None, derandomize=True, max_examples=25)
@given(rows=st.lists(ROW, min_size=2, max_size=8))
def test_the_nearest_change_does_move_the_customer(rows):
    definition = {**MIXED, "guards": {"dead_band": None, "paid_floor": False}}
    found = decide(definition, rows)
    change = nearest_changes(findings=found, rules=rules(definition), tiers=TIERS, rows=[0])[0]
    if change is None:
        return
    changed = [{**rows[0], change.attribute: change.after}, *rows[1:]]
    assert decide(definition, changed).guards.effective[0] == change.tier != found.guards.effective[0]


@pytest.mark.parametrize("count", [1, 2, 3, 33, 34, 1_000])
def test_a_spread_is_that_of_numpys_quantiles_to_the_last_bit(count):
    numbers = np.round(np.random.default_rng(count).lognormal(10, 3, count), 2)
    definition = model(condition("arr", ">=", 100))
    found = decide(definition, [{"arr": value} for value in numbers.tolist()])
    read = rules(definition)
    spread = crowd_of(findings=found, rules=read).spreads["arr"]
    assert spread.tolist() == np.quantile(numbers, np.linspace(0, 1, 33)).tolist()
