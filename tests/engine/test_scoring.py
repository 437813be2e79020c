"""Scores: every scale, every rule for missing values, and contributions that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine.scoring import contributions_of
from tests.engine.tiering_facts import BY_ARR, decide, scores

LINEAR = {"kind": "linear", "low": 0, "high": 100}


def criterion(attribute="health", weight=1, scale=LINEAR, **more):
    return {
        "name": more.pop("name", attribute),
        "attribute": attribute,
        "weight": weight,
        "scale": scale,
        **more,
    }


@pytest.mark.parametrize(
    ("scale", "value", "points"),
    [
        (LINEAR, 40, 40.0),
        ({"kind": "linear", "low": 20, "high": 60}, 20, 0.0),  # the lower end itself
        ({"kind": "linear", "low": 20, "high": 60}, 30, 25.0),  # (30 − 20) ÷ 40
        ({"kind": "linear", "low": 20, "high": 60}, 61, 100.0),  # clipped
        ({"kind": "linear", "low": 60, "high": 20}, 30, 75.0),  # turned round: (30 − 60) ÷ −40
        ({"kind": "linear", "low": 60, "high": 20}, 100, 0.0),
        ({"kind": "log", "low": 1, "high": 100}, 10, 50.0),  # ln 10 ÷ ln 100
        ({"kind": "log", "low": 1, "high": 100}, 0, 0.0),  # no logarithm of 0: the floor
        ({"kind": "log", "low": 100, "high": 1}, 10, 50.0),
        ({"kind": "log", "low": 100, "high": 1}, 0, 100.0),
        ({"kind": "steps", "steps": [[10, 20], [50, 80]], "below": 5}, 9.99, 5.0),
        ({"kind": "steps", "steps": [[10, 20], [50, 80]]}, 10, 20.0),  # a bound belongs to its step
        ({"kind": "steps", "steps": [[10, 20], [50, 80]]}, 99, 80.0),
    ],
)
def test_a_number_becomes_points_by_its_scale(scale, value, points):
    assert scores([criterion(scale=scale)], {"health": value}) == [points]


def test_a_percentile_counts_those_below_and_half_of_those_equal_itself_included():
    # 10, 20, 20, 40: below + half of equal = 0.5, 2, 2, 3.5 of 4
    rows = [{"health": value} for value in (10, 20, 20, 40)]
    assert scores([criterion(scale={"kind": "percentile"})], *rows) == [12.5, 50.0, 50.0, 87.5]


def test_a_percentile_leaves_out_customers_that_left_and_unknown_values():
    rows = [{"health": 10}, {"health": 20}, {"health": 90, "left": True}, {}]
    assert scores([criterion(scale={"kind": "percentile"})], *rows)[:2] == [25.0, 75.0]


def test_a_percentile_can_be_within_the_segment():
    model = {
        **BY_ARR,
        "segments": [
            {"name": "Big", "when": [{"attribute": "arr", "op": ">=", "value": 100}]},
            {"name": "Small", "when": []},
        ],
        "criteria": [criterion(scale={"kind": "percentile", "within": "segment"})],
    }
    rows = [{"arr": 200, "health": 1}, {"arr": 200, "health": 2}, {"arr": 1, "health": 3}]
    # Big: 0.5 and 1.5 of 2; Small: 0.5 of 1
    assert decide(model, rows).scores.cents.tolist() == [2500, 7500, 5000]


def test_choices_give_their_points_and_yes_and_no_are_choices_too():
    by_vertical = criterion("vertical", scale={"kind": "choices", "points": {"Finance": 80}, "other": 30})
    by_champion = criterion("champion", scale={"kind": "choices", "points": {"yes": 100, "no": 0}})
    rows = [
        {"vertical": "Finance", "champion": True},
        {"vertical": "Telco", "champion": False},
        {"vertical": "Telco"},
    ]
    assert scores([by_vertical, by_champion], *rows) == [90.0, 15.0, 30.0]


def test_a_choice_nobody_gave_points_to_counts_as_missing_unless_other_says_otherwise():
    by_vertical = criterion("vertical", scale={"kind": "choices", "points": {"Finance": 80}})
    assert scores([by_vertical, criterion()], {"vertical": "Telco", "health": 40}) == [40.0]


def test_of_a_set_the_best_member_counts():
    goals = criterion(
        "open_goals", scale={"kind": "choices", "points": {"risk": 90, "nurture": 10}, "other": 0}
    )
    rows = [{"open_goals": ["risk", "nurture"]}, {"open_goals": ["nurture"]}, {"open_goals": []}]
    assert scores([goals], *rows) == [90.0, 10.0, 0.0]


def test_a_missing_value_shares_its_weight_out_among_the_others():
    # health 3 × 40, adoption unknown → 40, not 3 × 40 ÷ 4
    assert scores([criterion(weight=3), criterion("adoption")], {"health": 40}) == [40.0]


def test_a_missing_value_can_count_as_points():
    half = criterion("adoption", missing="points", points=50)
    assert scores([criterion(), half], {"health": 40}) == [45.0]


def test_a_missing_value_can_withhold_the_decision():
    strict = criterion("adoption", missing="undecided")
    found = decide(
        {**BY_ARR, "criteria": [criterion(), strict]}, [{"health": 40}, {"health": 40, "adoption": 0}]
    )
    assert found.scores.withheld.tolist() == [True, False]


def test_nothing_known_is_no_score_and_not_zero():
    assert scores([criterion()], {}, {"health": 0}) == [None, 0.0]


def test_a_score_is_rounded_once_half_even():
    # (0 + 0.01) ÷ 2 = 0.005 → 0.00; (0.01 + 0.02) ÷ 2 = 0.015 → 0.02
    pair = [criterion(), criterion("adoption")]
    rows = [{"health": 0, "adoption": 0.01}, {"health": 0.01, "adoption": 0.02}]
    assert scores(pair, *rows) == [0.0, 0.02]


def test_the_largest_remainder_takes_the_cent_that_rounding_leaves():
    # 100 ÷ 3 each way: 33.33 + 33.33 + 33.33 = 99.99; all remainders equal, so the first criterion takes it
    three = [criterion(), criterion("adoption"), criterion("reputation")]
    found = decide(
        {**BY_ARR, "criteria": three}, [{"health": 100, "adoption": 100, "reputation": 100}]
    ).scores
    assert found.cents.tolist() == [10000]
    assert contributions_of(found).tolist() == [[3334, 3333, 3333]]


POINTS = st.one_of(st.none(), st.decimals(0, 100, places=2).map(float))


@settings(deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(POINTS, POINTS, POINTS), min_size=1, max_size=20),
    weights=st.tuples(*[st.decimals("0.001", 1000, places=3).map(float)] * 3),
)
def test_contributions_always_add_up_to_the_score(rows, weights):
    names = ("health", "adoption", "reputation")
    criteria = [criterion(name, weight) for name, weight in zip(names, weights, strict=True)]
    found = decide(
        {**BY_ARR, "criteria": criteria}, [dict(zip(names, row, strict=True)) for row in rows]
    ).scores
    known = found.cents >= 0
    assert (contributions_of(found).sum(axis=1)[known] == found.cents[known]).all()
    assert (contributions_of(found) >= 0).all()
    assert (found.cents <= 10000).all()


@settings(deadline=None, derandomize=True)
@given(
    values=st.lists(st.decimals(0, 100, places=2).map(float), min_size=2, max_size=30),
    seed=st.integers(0, 99),
)
def test_the_order_of_customers_changes_nothing(values, seed):
    criteria = [criterion(scale={"kind": "percentile"}), criterion("adoption")]
    rows = [{"id": place, "health": value, "adoption": 100 - value} for place, value in enumerate(values)]
    order = np.random.default_rng(seed).permutation(len(rows))
    straight = decide({**BY_ARR, "criteria": criteria}, rows).scores
    shuffled = decide({**BY_ARR, "criteria": criteria}, [rows[place] for place in order]).scores
    assert straight.cents[order].tolist() == shuffled.cents.tolist()
    assert contributions_of(straight)[order].tolist() == contributions_of(shuffled).tolist()
