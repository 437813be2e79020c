"""A model with a fault is refused, with a sentence for each fault; a good one is read as written."""

from dataclasses import replace
from decimal import Decimal

import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.rules import ChangeLimit
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
        (when("arr", ">=", "1e-31"), "ARR needs a number"),  # 30 decimals are enough for anybody
        (when("arr", "between", [1]), "ARR between needs two values"),
        (when("health", ">", 100), "“health > 100” can never hold"),
        (when("sentiment", ">=", 6), "“CSM sentiment ≥ 6” can never hold"),
        (when("arr", "<", 0), "“ARR < 0” can never hold"),
        (when("arr_percentile", ">=", 100), "“ARR percentile ≥ 100” can never hold"),  # half of oneself counts
        (when("arr_percentile", "<=", 0), "“ARR percentile ≤ 0” can never hold"),
        (when("score_percentile", ">=", 100), "“score percentile ≥ 100” can never hold"),
        (when("arr_share_above", ">=", 100), "“ARR share above ≥ 100” can never hold"),  # one's own is not above
        (when("product_count", "=", 1.5), "“number of products = 1.5” can never hold"),
        (when("sentiment", "between", [3.2, 3.8]), "the bounds on CSM sentiment exclude each other"),
        (when("score", "between", [80, 20]), "the bounds on score exclude each other"),
        ({"tier": "global", "when": [{"any": [{"attribute": "score", "op": "between", "value": [80, 20]}]}]}, "the bounds on score exclude each other"),
        (when("contract_start", ">=", "31.12.2026"), "contract start needs a date such as 2026-12-31"),
        (when("champion", "is", "yes"), "champion needs true or false"),
        (when("arr", ">=", ""), "Tier rule 1, “Global”: ARR is empty; it needs a number."),
        (when("arr", ">=", " "), "ARR is empty; it needs a number."),
        (when("contract_start", ">=", ""), "contract start is empty; it needs a date such as 2026-12-31."),
        (when("vertical", "is", ""), "Tier rule 1, “Global”: choose a value for vertical."),
        (when("vertical", "is_not", "  "), "choose a value for vertical."),
        (when("vertical", "is"), "choose a value for vertical."),
        (when("vertical", "in", []), "choose a value for vertical."),
        (when("vertical", "not_in", ["Finance", " "]), "choose a value for vertical."),
        (when("products", "any_of", [""]), "choose a value for products."),
        (when("vertical", "is", 7), "vertical needs a value or a list of values, not 7"),
        ({"tier": "", "when": [{"attribute": "champion", "op": "is", "value": True}]}, "Each tier rule needs a tier."),
        (when("segment", "is", "Huge"), "segment cannot be “Huge”"),
        (when("touch", "is", "high"), "“touch” cannot be used here; the model has no touch rules."),
        (when("goals_ask_for", "is", "lavish"), "touch level the goals ask for cannot be “lavish”"),
        (when("goal", ">=", "risk"), "leading goal cannot be compared by “>=”"),
        ({"tier": "platinum", "when": [{"attribute": "champion", "op": "is", "value": True}]}, "There is no tier “platinum”; the tiers are: global, enterprise, scale."),
        ({"tier": "global", "when": [{"any": []}]}, "“any of” needs a list with at least one condition"),
        ({"tier": "global", "when": ["arr"]}, "a condition must be an object"),
        ({"tier": "global", "when": []}, "The tier rule 1, “Global”, has no condition yet, so it takes everyone and no rule below it can be reached."),
    ],
)  # fmt: skip
def test_a_bad_tier_rule_is_refused_with_a_sentence(rule, part_of_the_sentence):
    found = faults({"segments": ALL, "criteria": [], "tiers": [rule, REST]})
    assert len(found) == 1
    assert part_of_the_sentence in found[0]


@pytest.mark.parametrize(
    ("parts", "part_of_the_sentence"),
    [
        ({"weight": -1}, "the weight must be from 0 to 1000, not -1"),
        ({"weight": 0}, "All weights are zero"),
        ({"weight": 0.0001}, "three decimals at most"),
        ({"weight": "heavy"}, "the weight must be a number, not 'heavy'"),
        ({"weight": ""}, "Criterion “Health”: the weight must be a number, not empty."),
        ({"scale": {"kind": "linear", "low": "", "high": 5}}, "low must be a number, not empty."),
        (
            {"attribute": "vertical", "scale": {"kind": "choices", "points": {" ": 5}}},
            "choose a value for each of the points.",
        ),
        ({"attribute": "score"}, "the score is only known to touch and tier rules"),
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
        ({"paid_floor": "yes"}, "The guard “paid_floor” is true or false, not 'yes'."),
        ({"change_limit": None}, "it cannot be switched off"),
        ({"change_limit": {"percent": -1}}, "a percent from 0 to 100, not -1"),
        ({"change_limit": {"percent": 100.5}}, "a percent from 0 to 100, not 100.5"),
        ({"change_limit": {"percent": "few"}}, "The change limit's percent must be a number, not 'few'"),
        ({"change_limit": {"customers": -1}}, "customers, a whole number from 0 to 1000000, not -1"),
        ({"change_limit": {"customers": 2.5}}, "a whole number from 0 to 1000000, not 2.5"),
        ({"change_limit": {"customers": True}}, "a whole number from 0 to 1000000, not True"),
    ],
)
def test_a_bad_guard_is_refused_with_a_sentence(guards, part_of_the_sentence):
    assert any(part_of_the_sentence in fault for fault in faults({**BY_ARR, "guards": guards}))


BAD_MODELS = [
    ({**BY_ARR, "tiers": [when("arr", ">=", 1)]}, "The last tier rule must have no conditions, so that it takes everyone who is left."),
    (criterion(weight=-1), "Criterion “Health”: the weight must be from 0 to 1000, not -1."),
    ({**BY_ARR, "tiers": [when("health", ">=", 101), REST]}, "Tier rule 1, “Global”: “health ≥ 101” can never hold."),
    ({**BY_ARR, "tiers": [when("shoe_size", ">=", 1), REST]}, "Tier rule 1, “Global”: there is no attribute “shoe_size”."),
    (criterion(scale={"kind": "linear", "low": 7, "high": 7}), "Criterion “Health”: low and high of the scale are the same (7), so it tells nobody apart."),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "sentence"), BAD_MODELS)
def test_each_bad_model_is_refused_with_the_one_sentence_that_says_why(definition, sentence):
    assert faults(definition, goal_kinds={}) == [sentence]


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
        "Segment 1, “Good”: “score” cannot be used here; the score is only known to touch and tier rules."
    ]


def test_a_goal_kind_must_exist():
    rule = when("open_goals", "any_of", ["risk", "world-peace"])
    found = faults({**BY_ARR, "tiers": [rule, REST]}, goal_kinds={"risk": "high"})
    assert found == ["Tier rule 1, “Global”: open goals cannot be “world-peace”; there is no such one."]


TOUCH_CATCH_ALL = {"touch": "low", "when": []}


def touch_when(level, attribute="arr", op=">=", value=1):
    return {"touch": level, "when": [{"attribute": attribute, "op": op, "value": value}]}


@pytest.mark.parametrize(
    ("touch", "sentence"),
    [
        ([], "The last touch rule must have no conditions, so that it takes everyone who is left."),
        ([touch_when("high")], "The last touch rule must have no conditions, so that it takes everyone who is left."),
        ([touch_when("lavish"), TOUCH_CATCH_ALL], "There is no touch level “lavish”; the touch levels are: high, mid, low, tech, self_service."),
        ([{"when": []}], "There is no touch level “”; the touch levels are: high, mid, low, tech, self_service."),
        ([TOUCH_CATCH_ALL, {"touch": "tech", "when": []}], "The touch rule 1, “low touch”, has no condition yet, so it takes everyone and no rule below it can be reached."),
        ([touch_when("high", "touch", "is", "low"), TOUCH_CATCH_ALL], "Touch rule 1, “high touch”: “touch” cannot be used here; the touch level is only known to tier rules."),
        ([touch_when("high", "health", ">", 100), TOUCH_CATCH_ALL], "Touch rule 1, “high touch”: “health > 100” can never hold."),
        ([touch_when("high", "segment", "is", "Huge"), TOUCH_CATCH_ALL], "Touch rule 1, “high touch”: segment cannot be “Huge”; there is no such one."),
        ("high", "The touch rules must be a list."),
        (["high", TOUCH_CATCH_ALL], "Each of the touch rules must be an object."),
    ],
)  # fmt: skip
def test_a_bad_touch_part_is_refused_with_a_sentence(touch, sentence):
    assert sentence in faults({**BY_ARR, "touch": touch})


def test_a_tier_rule_may_only_name_touch_levels_there_are():
    model = {**BY_ARR, "touch": [TOUCH_CATCH_ALL], "tiers": [when("touch", "is", "lavish"), REST]}
    assert faults(model) == ["Tier rule 1, “Global”: touch level cannot be “lavish”; there is no such one."]


def test_neither_segments_nor_criteria_know_the_touch_level():
    segments = [{"name": "High", "when": when("touch", "is", "high")["when"]}, *ALL]
    by_touch = {
        "name": "T",
        "attribute": "touch",
        "weight": 1,
        "scale": {"kind": "choices", "points": {"high": 9}},
    }
    found = faults({**BY_ARR, "touch": [TOUCH_CATCH_ALL], "segments": segments, "criteria": [by_touch]})
    assert [sentence.split(";")[1] for sentence in found] == [
        " the touch level is only known to tier rules."
    ] * 2


@pytest.mark.parametrize(
    ("goals", "sentence"),
    [
        (["risk", "world-peace"], "The goals name “world-peace”, which is no goal kind; the goal kinds are: growth, risk."),
        (["risk", "risk"], "The goals name “risk” twice."),
        ("risk", "The goals must be a list of goal kinds, the most important first, not 'risk'."),
        ([1], "The goals must be a list of goal kinds, the most important first, not [1]."),
        (None, "The goals must be a list of goal kinds, the most important first, not None."),
    ],
)  # fmt: skip
def test_a_bad_order_of_goals_is_refused_with_a_sentence(goals, sentence):
    assert faults({**BY_ARR, "goals": goals}, goal_kinds={"risk": "high", "growth": ""}) == [sentence]


def test_the_leading_goal_must_be_a_goal_kind():
    model = {**BY_ARR, "tiers": [when("goal", "is", "world-peace"), REST]}
    found = faults(model, goal_kinds={"risk": "high"})
    assert found == ["Tier rule 1, “Global”: leading goal cannot be “world-peace”; there is no such one."]


def test_the_new_parts_are_read_as_written_and_have_defaults():
    plain = read_rules(definition=BY_ARR, attributes=ATTRIBUTES, tiers=TIERS)
    assert (plain.touch, plain.goal_order, plain.goal_touch) == ((), (), {})
    assert plain.guards.change_limit == ChangeLimit(percent=Decimal(5), customers=20)
    model = {
        **BY_ARR,
        "goals": ["risk"],
        "touch": [touch_when("high", "score", ">=", 50), TOUCH_CATCH_ALL],
        "guards": {"change_limit": {"percent": 2.5, "customers": 7}},
    }
    kinds = {"risk": "high", "growth": ""}
    found = read_rules(definition=model, attributes=ATTRIBUTES, tiers=TIERS, goal_kinds=kinds)
    assert [rule.level for rule in found.touch] == ["high", "low"]
    assert found.attributes() == {"arr", "score"}
    assert (found.goal_order, found.goal_touch) == (("risk",), kinds)
    assert found.guards.change_limit == ChangeLimit(percent=Decimal("2.5"), customers=7)


@pytest.mark.parametrize(
    ("moves", "tiered", "exceeded"),
    [
        (21, 419, True),  # 21 is 5.01 % of 419
        (21, 420, False),  # 21 is exactly 5 %: not above it
        (20, 100, False),  # 20 % of them, but not more than 20
        (21, 0, True),
        (0, 0, False),
    ],
)
def test_a_run_is_over_the_change_limit_above_both_numbers(moves, tiered, exceeded):
    assert ChangeLimit().is_exceeded(moves=moves, tiered=tiered) is exceeded


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


def test_a_version_of_the_past_is_read_although_its_tiers_are_retired():
    tiers = tuple(replace(tier, retired=tier.slug != "scale") for tier in TIERS)
    model = {**BY_ARR, "guards": {"first_year": {"touch_levels": ["mid", "tech"]}}}
    with pytest.raises(UnusableRules) as refused:
        read_rules(definition=model, attributes=ATTRIBUTES, tiers=tiers)
    assert "The tier “Global” is retired, so no rule may lead to it." in refused.value.faults
    assert len(refused.value.faults) == 4  # two tiers, and two about the first year
    read = read_rules(definition=model, attributes=ATTRIBUTES, tiers=tiers, retired_allowed=True)
    assert read == read_rules(definition=model, attributes=ATTRIBUTES, tiers=TIERS)
