"""A whole model in words, line by line."""

from decimal import Decimal

import pytest

from allocation.engine.explain import exact_in_words
from allocation.engine.words import Line, rules_in_words
from tests.engine.tiering_facts import BY_ARR, TIERS, rules

KINDS = {"risk": "high", "nurture": ""}
MODEL = {
    "segments": [
        {"name": "Big", "when": [{"attribute": "arr", "op": ">=", "value": 250000}]},
        {"name": "Small", "when": []},
    ],
    "goals": ["risk", "nurture"],
    "criteria": [
        {
            "name": "Health",
            "attribute": "health",
            "weight": 3,
            "scale": {"kind": "linear", "low": 100, "high": 0.125},
        },
        {
            "name": "Size",
            "attribute": "arr",
            "weight": 0.5,
            "scale": {"kind": "log", "low": 1000, "high": 50000},
            "missing": "undecided",
        },
        {
            "name": "Mood",
            "attribute": "sentiment",
            "weight": 0.5,
            "scale": {"kind": "steps", "steps": [[2, 30], [4, 90]], "below": 5},
            "missing": "points",
            "points": 12.5,
        },
        {
            "name": "Field",
            "attribute": "vertical",
            "weight": 0.5,
            "scale": {"kind": "choices", "points": {"Telco": 80}, "other": 10},
        },
        {
            "name": "Rank",
            "attribute": "arr",
            "weight": 0.5,
            "scale": {"kind": "percentile", "within": "segment", "reverse": True},
        },
    ],
    "touch": [
        {"touch": "high", "when": [{"attribute": "goals_ask_for", "op": "is", "value": "high"}]},
        {"touch": "self_service", "when": []},
    ],
    "tiers": [
        {"tier": "global", "when": [{"attribute": "touch", "op": "is", "value": "high"}]},
        {"tier": "scale", "when": []},
    ],
    "guards": {
        "first_year": {"touch_levels": ["tech", "mid"]},
        "minimum_stay": {"days": 180},
        "renewal_freeze": {"days": 90},
        "dead_band": {"points": 1.5, "percent": 5},
        "change_limit": {"percent": 2.5, "customers": 7},
    },
}


def words(definition=MODEL):
    return rules_in_words(rules=rules(definition, goal_kinds=KINDS), tiers=TIERS)


def test_segments_touch_and_tiers_say_what_they_give_and_when():
    found = words()
    assert found.segments == (Line("Big", "ARR ≥ 250,000"), Line("Small", "everyone else"))
    assert found.touch == (
        Line("high touch", "touch level the goals ask for is high"),
        Line("self-service", "everyone else"),
    )
    assert found.tiers == (
        Line("Global", "touch level is high", rank=1),
        Line("Scale", "everyone else", rank=3),
    )


def test_goals_are_told_in_their_order_with_what_they_ask_for():
    assert words().goals == (
        Line("risk", "asks for high touch"),
        Line("nurture", "asks for no touch level"),
    )


def test_criteria_say_their_scale_their_share_and_what_a_missing_value_does():
    found = words().criteria
    assert [line.words for line in found] == [
        "health: 0 points at 100, 100 at 0.125, evenly between",
        "ARR: 0 points at 1,000, 100 at 50,000, by powers between",
        "CSM sentiment: 5 points, then 30 from 2, 90 from 4",
        "vertical: telco 80; any other 10",
        "ARR: percentile among customers of the same segment, the lowest value first",
    ]
    assert [line.share for line in found] == ["60 %", "10 %", "10 %", "10 %", "10 %"]
    assert [line.missing for line in found[:3]] == [
        "its weight is shared out",
        "the customer is not decided and is listed",
        "counts as 12.5 points",
    ]


def test_guards_that_are_on_are_told_and_the_change_limit_beside_them():
    found = words()
    assert found.guards == (
        Line("Paid floor", "never below the tier the customer pays for"),
        Line("First year", "not into mid touch or tech touch before the first renewal"),
        Line("Dead band", "no change within 1.5 points, or 5 % of an amount, of a bound"),
        Line("Minimum stay", "180 days in a tier, unless goals changed"),
        Line("Renewal freeze", "no step down within 90 days of renewal"),
    )
    assert found.change_limit == (
        "a run that moves more than 2.5 % of the customers, and more than 7, waits for a manager"
    )


def test_guards_that_are_off_are_not_told():
    off = words({**BY_ARR, "guards": {"paid_floor": False, "dead_band": None}})
    assert (off.guards, off.goals, off.touch, off.criteria) == ((), (), (), ())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("150000", "150,000"),
        ("150000.00", "150,000"),
        ("0.005", "0.005"),  # a bound is told as it is written, not rounded to hundredths
        ("0.0050", "0.005"),
        ("1E+6", "1,000,000"),
        ("-12.5", "-12.5"),
        ("0", "0"),
        ("100", "100"),
    ],
)
def test_a_written_number_keeps_its_decimals(number, words):
    assert exact_in_words(Decimal(number)) == words
