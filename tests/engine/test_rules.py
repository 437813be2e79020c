"""A model with a fault is refused, with a sentence for each fault; a good one is read as written."""

import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.rules import UnusableRules, read_rules
from tests.engine.tiering_facts import BY_ARR, TIERS

ALL = [{"name": "All", "when": []}]
REST = {"tier": "scale", "when": []}


def faults(definition, **more):
    with pytest.raises(UnusableRules) as refused:
        read_rules(definition=definition, attributes=ATTRIBUTES, tiers=TIERS, **more)
    return list(refused.value.faults)


def when(attribute, op, value=None):
    return {"tier": "global", "when": [{"attribute": attribute, "op": op, "value": value}]}


def criterion(**parts):
    good = {
        "name": "Health",
        "attribute": "health",
        "weight": 1,
        "scale": {"kind": "linear", "low": 0, "high": 9},
    }
    return {**BY_ARR, "criteria": [{**good, **parts}]}


@pytest.mark.parametrize(
    ("rule", "part_of_the_sentence"),
    [
        (when("arr_in_euro", ">=", 1), "there is no attribute “arr_in_euro”"),
        (when("arr", "is", 1), "ARR cannot be compared by “is”"),
        (when("arr", ">=", "many"), "ARR needs a number, not 'many'"),
        (when("arr", ">=", float("nan")), "ARR needs a number"),
        (when("arr", ">=", True), "ARR needs a number"),
        (when("arr", ">=", "1e400"), "ARR needs a number"),
        (when("arr", "between", [1]), "ARR between needs two values"),
        (when("health", ">", 100), "“health > 100” can never hold"),
        (when("sentiment", ">=", 6), "“CSM sentiment ≥ 6” can never hold"),
        (when("arr", "<", 0), "“ARR < 0” can never hold"),
        (when("score", "between", [80, 20]), "the bounds on score exclude each other"),
        (when("contract_start", ">=", "31.12.2026"), "contract start needs a date such as 2026-12-31"),
        (when("champion", "is", "yes"), "champion needs true or false"),
        (when("vertical", "is", ""), None),  # an empty word is a word; nobody has it
        (when("vertical", "in", []), "vertical needs a value or a list of values"),
        (when("segment", "is", "Huge"), "segment cannot be “Huge”"),
        ({"tier": "platinum", "when": [{"attribute": "champion", "op": "is", "value": True}]}, "There is no tier “platinum”; the tiers are: global, enterprise, scale."),
        ({"tier": "global", "when": [{"any": []}]}, "“any of” needs a list with at least one condition"),
        ({"tier": "global", "when": ["arr"]}, "a condition must be an object"),
        ({"tier": "global", "when": []}, "takes everyone, so these can never be reached: “scale”"),
    ],
)  # fmt: skip
def test_a_bad_tier_rule_is_refused_with_a_sentence(rule, part_of_the_sentence):
    definition = {"segments": ALL, "criteria": [], "tiers": [rule, REST]}
    if part_of_the_sentence is None:
        assert read_rules(definition=definition, attributes=ATTRIBUTES, tiers=TIERS)
        return
    found = faults(definition)
    assert len(found) == 1
    assert part_of_the_sentence in found[0]


@pytest.mark.parametrize(
    ("parts", "part_of_the_sentence"),
    [
        ({"weight": -1}, "the weight must be from 0 to 1000, not -1"),
        ({"weight": 0}, "All weights are zero"),
        ({"weight": 0.0001}, "three decimals at most"),
        ({"weight": "heavy"}, "the weight must be a number, not 'heavy'"),
        ({"attribute": "score"}, "the score is only known to tier rules"),
        ({"attribute": "vertical"}, "vertical is a choice, which has no linear scale"),
        (
            {"scale": {"kind": "magic"}},
            "the scale must be of a kind: linear, log, steps, choices, percentile",
        ),
        ({"scale": {"kind": "linear", "low": 5, "high": 5}}, "low and high of the scale are the same (5)"),
        ({"scale": {"kind": "log", "low": 0, "high": 5}}, "a log scale needs low and high above zero"),
        ({"scale": {"kind": "steps", "steps": []}}, "steps needs a list of pairs"),
        ({"scale": {"kind": "steps", "steps": [[5, 1], [5, 2]]}}, "the bounds of the steps must rise"),
        ({"scale": {"kind": "steps", "steps": [[5, 101]]}}, "a step's points must be from 0 to 100, not 101"),
        ({"scale": {"kind": "percentile", "within": "team"}}, "a percentile is within everyone or segment"),
        ({"missing": "zero"}, "a missing value can be handled by share_out, points, undecided, not “zero”"),
        ({"missing": "points"}, "the points for a missing value must be a number"),
    ],
)
def test_a_bad_criterion_is_refused_with_a_sentence(parts, part_of_the_sentence):
    assert any(part_of_the_sentence in fault for fault in faults(criterion(**parts)))


@pytest.mark.parametrize(
    ("guards", "part_of_the_sentence"),
    [
        ({"first_year": {"touch_levels": ["high"]}}, "closes the highest tier"),
        ({"first_year": {"touch_levels": ["self_service"]}}, "which no tier has"),
        ({"first_year": True}, "needs touch_levels"),
        ({"dead_band": {"points": -1}}, "points from 0 to 50"),
        ({"minimum_stay": {"days": "long"}}, "The minimum stay needs days"),
        ({"renewal_freeze": -3}, "The renewal freeze needs days"),
        ({"brake": True}, "There is no guard “brake”"),
    ],
)
def test_a_bad_guard_is_refused_with_a_sentence(guards, part_of_the_sentence):
    assert any(part_of_the_sentence in fault for fault in faults({**BY_ARR, "guards": guards}))


def test_a_model_needs_catch_alls():
    found = faults({"segments": [], "criteria": [], "tiers": [when("arr", ">=", 1)]})
    assert "The last segment rule must have no conditions, so that it takes everyone who is left." in found
    assert "The last tier rule must have no conditions, so that it takes everyone who is left." in found


def test_all_faults_are_told_at_once():
    assert len(faults({**criterion(weight=-1), "tiers": [when("nothing", ">=", 1), REST], "extra": 1})) == 3


@pytest.mark.parametrize(
    "definition", [None, [], "model", {}, {"segments": 1, "criteria": 2, "tiers": 3, "guards": 4}]
)
def test_what_is_no_model_at_all_is_refused_without_a_crash(definition):
    assert faults(definition)


def test_segments_cannot_read_what_comes_after_them():
    segments = [{"name": "Good", "when": [{"attribute": "score", "op": ">=", "value": 1}]}, *ALL]
    assert faults({**BY_ARR, "segments": segments}) == [
        "Segment “Good”: “score” cannot be used here; the score is only known to tier rules."
    ]


def test_a_goal_kind_must_exist():
    rule = when("open_goals", "any_of", ["risk", "world-peace"])
    found = faults({**BY_ARR, "tiers": [rule, REST]}, goal_kinds={"risk"})
    assert found == ["Tier rule “global”: open goals cannot be “world-peace”; there is no such one."]


def test_a_good_model_is_read_as_written():
    found = read_rules(definition=BY_ARR, attributes=ATTRIBUTES, tiers=TIERS)
    assert [rule.slug for rule in found.tiers] == ["global", "enterprise", "scale"]
    assert found.attributes() == {"arr"}
    assert found.guards.paid_floor


def test_a_segment_has_a_name_that_a_decision_can_keep():
    for length, refused in ((200, False), (201, True)):
        long = {"name": "S" * length, "when": [{"attribute": "arr", "op": ">=", "value": 1}]}
        model = {**BY_ARR, "segments": [long, *ALL]}
        if refused:
            assert faults(model) == [
                "The segment “SSSSSSSSSSSSSSSSSSSS…” has a name of more than 200 characters."
            ]
        else:
            read_rules(definition=model, attributes=ATTRIBUTES, tiers=TIERS)
