"""Touch level and goal as axes of their own: touch rules after the score, tier rules that read them."""

import datetime

import pytest

from allocation.engine.explain import Axes, axes, nearest_bounds, reason_in_words, touch_in_words
from allocation.engine.facts.tiering import DECIDERS, DecidedBy
from allocation.engine.kept import sources
from allocation.engine.whatif import nearest_changes
from tests.engine.tiering_facts import (
    AS_OF,
    BY_ARR,
    ENTERPRISE,
    GLOBAL,
    SCALE,
    TIERS,
    decide,
    effective,
    rules,
)

KINDS = {"risk": "high", "growth": "mid", "nurture": "", "care": "self_service"}
OFF = {"dead_band": None, "paid_floor": False}


def condition(attribute, op, value=None):
    return {"attribute": attribute, "op": op, "value": value}


def criterion(attribute="health"):
    return {
        "name": attribute,
        "attribute": attribute,
        "weight": 1,
        "scale": {"kind": "linear", "low": 0, "high": 100},
    }


TOUCH = {
    "segments": [{"name": "Big", "when": [condition("arr", ">=", 100)]}, {"name": "Small", "when": []}],
    "criteria": [criterion()],
    "touch": [
        {"touch": "high", "when": [condition("goals_ask_for", "is", "high")]},
        {"touch": "high", "when": [condition("score", ">=", 50)]},
        {"touch": "tech", "when": [condition("segment", "is", "Small")]},
        {"touch": "low", "when": []},
    ],
    "tiers": [
        {"tier": "global", "when": [condition("touch", "is", "high")]},
        {"tier": "enterprise", "when": [condition("touch", "is", "low")]},
        {"tier": "scale", "when": []},
    ],
    "guards": OFF,
}


def levels(definition, *rows, kinds=KINDS):
    """The touch level of each customer, as tier rules read it."""
    column = decide(definition, rows, kinds).derived.columns["touch"]
    return [None if code < 0 else column.vocabulary[code] for code in column.codes.tolist()]


def words(name, *rows, definition=BY_ARR, kinds=KINDS):
    column = decide(definition, rows, kinds).derived.columns[name]
    return [None if code < 0 else column.vocabulary[code] for code in column.codes.tolist()]


def test_touch_rules_read_goals_score_and_segment_and_the_first_that_fits_wins():
    rows = [
        {"arr": 200, "health": 10, "open_goals": ["risk"]},
        {"arr": 200, "health": 50},
        {"arr": 200, "health": 49.99},
        {"arr": 99, "health": 49.99},
    ]
    assert levels(TOUCH, *rows) == ["high", "high", "low", "tech"]
    assert effective(TOUCH, *rows, goal_kinds=KINDS) == [GLOBAL, GLOBAL, ENTERPRISE, SCALE]
    assert decide(TOUCH, rows, KINDS).suggestions.touch.tolist() == [0, 1, 3, 2]


def test_a_model_without_touch_rules_gives_no_touch_level():
    found = decide(BY_ARR, [{"arr": 1}, {}])
    assert found.suggestions.touch.tolist() == [-1, -1]
    assert found.derived.columns["touch"].codes.tolist() == [-1, -1]


def test_the_leading_goal_is_the_first_of_the_order_then_the_first_by_slug():
    ordered = {**BY_ARR, "goals": ["risk", "growth"]}
    rows = [
        {"open_goals": ["growth", "risk"]},
        {"open_goals": ["care", "growth"]},
        {"open_goals": ["nurture", "care"]},
        {"open_goals": []},
    ]
    assert words("goal", *rows, definition=ordered) == ["risk", "growth", "care", None]
    assert words("goal", *rows) == ["growth", "care", "care", None]  # without an order, by slug


def test_goals_ask_for_the_highest_level_that_any_of_them_asks_for():
    rows = [
        {"open_goals": ["growth", "risk", "care"]},
        {"open_goals": ["care", "growth"]},
        {"open_goals": ["care", "nurture"]},
        {"open_goals": ["nurture"]},
        {"open_goals": []},
    ]
    assert words("goals_ask_for", *rows) == ["high", "mid", "self_service", None, None]
    assert words("goals_ask_for", *rows, kinds={}) == [None] * 5  # nobody said what the kinds ask for


def test_without_any_open_goal_in_the_company_goals_are_missing():
    assert words("goal", {}, {}) == words("goals_ask_for", {}, {}) == [None, None]


@pytest.mark.parametrize("attribute", ["goal", "goals_ask_for"])
def test_goals_are_facts_that_segments_and_criteria_may_read(attribute):
    wanted = {"goal": "risk", "goals_ask_for": "high"}[attribute]
    definition = {
        **BY_ARR,
        "segments": [
            {"name": "Wanted", "when": [condition(attribute, "is", wanted)]},
            {"name": "All", "when": []},
        ],
        "criteria": [
            {
                "name": "G",
                "attribute": attribute,
                "weight": 1,
                "scale": {"kind": "choices", "points": {wanted: 80}, "other": 10},
            }
        ],
    }
    found = decide(definition, [{"open_goals": ["risk"]}, {"open_goals": ["growth"]}], KINDS)
    assert found.suggestions.segment.tolist() == [0, 1]
    assert found.scores.cents.tolist() == [8000, 1000]


def test_opening_and_closing_a_goal_changes_the_touch_level_and_the_tier():
    calm, at_risk = {"arr": 900, "health": 0}, {"arr": 900, "health": 0, "open_goals": ["risk"]}
    assert effective(TOUCH, calm, at_risk, goal_kinds=KINDS) == [ENTERPRISE, GLOBAL]


def test_the_dead_band_loosens_and_tightens_touch_rules_too():
    banded = {**TOUCH, "guards": {"dead_band": {"points": 2}}}
    rows = [{"arr": 200, "health": value, "current": GLOBAL} for value in (48, 47.99)]
    found = decide(banded, rows, KINDS)
    assert found.guards.effective.tolist() == [GLOBAL, ENTERPRISE]
    assert DECIDERS[found.guards.decided_by[0]] is DecidedBy.DEAD_BAND
    assert found.suggestions.touch.tolist() == [3, 3]  # what the rules say plainly is recorded beside it


def test_the_nearest_bound_may_be_one_of_a_touch_rule():
    found = decide(TOUCH, [{"arr": 200, "health": 47}], KINDS)
    near = nearest_bounds(findings=found, rules=rules(TOUCH, goal_kinds=KINDS))
    bound = near.bounds[near.bound[0]]
    assert (bound.attribute.name, bound.value, near.distance[0], near.tier[0]) == ("score", 50.0, 3.0, GLOBAL)


def test_the_nearest_change_toggles_a_goal_and_never_what_follows_from_it():
    read = rules(TOUCH, goal_kinds=KINDS)
    assert sources(read) == ("arr", "health", "open_goals")
    rows = [{"arr": 200, "open_goals": []}, {"arr": 200, "open_goals": ["risk"], "health": 1}]
    by_goal = {**TOUCH, "criteria": [], "touch": [TOUCH["touch"][0], TOUCH["touch"][-1]]}
    read = rules(by_goal, goal_kinds=KINDS)
    changes = nearest_changes(findings=decide(by_goal, rows, KINDS), rules=read, tiers=TIERS, rows=[0, 1])
    assert [(each.attribute, each.after, each.tier) for each in changes] == [
        ("open_goals", "with risk", GLOBAL),
        ("open_goals", "without risk", ENTERPRISE),
    ]


def test_a_goal_nobody_has_open_may_be_the_nearest_change_too():
    by_goal = {**TOUCH, "criteria": [], "touch": [TOUCH["touch"][0], TOUCH["touch"][-1]]}
    read = rules(by_goal, goal_kinds=KINDS)
    alone = decide(by_goal, [{"arr": 200}], KINDS)
    change = nearest_changes(findings=alone, rules=read, tiers=TIERS, rows=[0])[0]
    assert (change.attribute, change.after, change.tier) == ("open_goals", "with risk", GLOBAL)
    named = [{"tier": "global", "when": [condition("goal", "is", "nurture")]}, TOUCH["tiers"][-1]]
    by_name = {**BY_ARR, "guards": OFF, "tiers": named}
    read = rules(by_name, goal_kinds=KINDS)
    change = nearest_changes(findings=decide(by_name, [{}], KINDS), rules=read, tiers=TIERS, rows=[0])[0]
    assert (change.attribute, change.after, change.tier) == ("open_goals", "with nurture", GLOBAL)


def test_without_a_score_a_touch_rule_that_reads_it_does_not_decide():
    found = decide(TOUCH, [{"arr": 200, "current": SCALE}], KINDS)
    assert DECIDERS[found.guards.decided_by[0]] is DecidedBy.UNDECIDED
    assert found.guards.effective.tolist() == [SCALE]


def test_the_touch_level_is_said_with_its_rule():
    read = rules(TOUCH, goal_kinds=KINDS)
    assert touch_in_words(rules=read, touch=0) == "high touch: touch level the goals ask for is high"
    assert touch_in_words(rules=read, touch=3) == "low touch: everyone else"
    assert touch_in_words(rules=rules(BY_ARR), touch=-1) == ""


def reason(definition, *, segment=0, touch=0, rule=0, decided_by=DecidedBy.RULE):
    read = rules(definition, goal_kinds=KINDS)
    return reason_in_words(
        rules=read, tiers=TIERS, segment=segment, touch=touch, rule=rule, decided_by=decided_by
    )


def test_the_reason_says_touch_level_and_segment_with_the_rules_that_fired():
    assert reason(TOUCH) == "Global: high touch, since the goals ask for it; segment Big (ARR ≥ 100)"
    assert reason(TOUCH, touch=1) == "Global: high touch, since score ≥ 50; segment Big (ARR ≥ 100)"
    assert reason(TOUCH, touch=3, rule=1) == (
        "Enterprise: low touch (no rule for another one fits); segment Big (ARR ≥ 100)"
    )
    assert reason(TOUCH, segment=1, touch=2, rule=2) == (
        "Scale: tech touch, since segment is Small; segment Small; no tier rule above fits"
    )
    assert reason(TOUCH, decided_by=DecidedBy.DEAD_BAND) == (
        "dead band: too close to the bound to move (the rules say "
        "Global: high touch, since the goals ask for it; segment Big (ARR ≥ 100))"
    )


ASKED = condition("goals_ask_for", "in", ["high", "mid"])


@pytest.mark.parametrize(
    ("touch", "when", "said"),
    [
        ([{"touch": "low", "when": []}], [condition("touch", "is", "low")], "low touch"),
        (
            [{"touch": "mid", "when": [ASKED]}, {"touch": "low", "when": []}],
            [condition("touch", "is", "mid"), condition("arr", ">=", 5)],
            "mid touch, since the goals ask for high touch or mid touch; ARR ≥ 5",
        ),
        (
            [
                {"touch": "high", "when": [{"any": [ASKED, condition("champion", "is", False)]}]},
                {"touch": "low"},
            ],
            [condition("touch", "is", "high")],
            "high touch, since the goals ask for high touch or mid touch or not champion",
        ),
        # a tier rule that reads no touch level says its own conditions first
        ([{"touch": "low", "when": []}], [condition("arr", ">=", 5)], "ARR ≥ 5; low touch"),
        (
            [{"touch": "low", "when": []}],
            [{"any": [condition("touch", "is", "low"), condition("arr", ">=", 5)]}],
            "low touch; touch level is low or ARR ≥ 5",
        ),
    ],
)
def test_the_reason_says_what_else_a_tier_rule_asks_for(touch, when, said):
    definition = {**BY_ARR, "touch": touch, "tiers": [{"tier": "global", "when": when}, TOUCH["tiers"][-1]]}
    assert reason(definition) == f"Global: {said}"


def test_low_touch_after_rules_for_higher_levels_says_that_none_of_them_fits():
    definition = {**TOUCH, "touch": [TOUCH["touch"][0], TOUCH["touch"][-1]]}
    said = reason(definition, touch=1, rule=1)
    assert said == "Enterprise: low touch (no rule for a higher one fits); segment Big (ARR ≥ 100)"


def test_the_axes_of_a_customer_are_told_with_the_touch_rule_that_fired():
    rows = [{"arr": 200, "health": 9, "open_goals": ["nurture", "risk"]}, {"arr": 200, "health": 9}]
    found, read = decide(TOUCH, rows, KINDS), rules(TOUCH, goal_kinds=KINDS)
    assert axes(findings=found, rules=read, row=0) == Axes(
        touch="high",
        why="high touch: touch level the goals ask for is high",
        goal="nurture",
        goals_ask_for="high",
    )
    assert axes(findings=found, rules=read, row=1) == Axes("low", "low touch: everyone else", None, None)
    plain = decide(BY_ARR, [{"arr": 1}])
    assert axes(findings=plain, rules=rules(BY_ARR), row=0) == Axes(None, "", None, None)


def test_self_service_is_said_as_people_say_it():
    definition = {
        **TOUCH,
        "touch": [{"touch": "self_service", "when": []}],
        "tiers": [{"tier": "global", "when": [condition("touch", "is", "self_service")]}, TOUCH["tiers"][-1]],
    }
    assert reason(definition) == "Global: self-service; segment Big (ARR ≥ 100)"


def ago(days):
    return AS_OF - datetime.timedelta(days=days)


@pytest.mark.parametrize(
    ("test", "yes", "no"),
    [
        (condition("health_on", ">=", "2026-01-01"), {"health_on": datetime.date(2026, 1, 1)}, {}),
        (condition("health_age", "<=", 90), {"health_on": ago(90)}, {"health_on": ago(91)}),
        (condition("sentiment_age", ">", 30), {"sentiment_on": ago(31)}, {"sentiment_on": ago(30)}),
        (condition("sentiment_on", "missing"), {}, {"sentiment_on": ago(1)}),
        (condition("currency", "in", ["EUR", "GBP"]), {"currency": "GBP"}, {"currency": "USD"}),
        (condition("has_parent", "is", True), {"has_parent": True}, {"has_parent": False}),
    ],
)
def test_the_dates_the_currency_and_the_parent_are_attributes_too(test, yes, no):
    tiers = [{"tier": "global", "when": [test]}, {"tier": "scale", "when": []}]
    assert effective({**BY_ARR, "guards": OFF, "tiers": tiers}, yes, no) == [GLOBAL, SCALE]
