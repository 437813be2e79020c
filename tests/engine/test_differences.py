"""Two models compared in words: one sentence a difference, none when they are equal."""

import copy
from dataclasses import replace

import pytest

from allocation.engine.differences import differences
from tests.engine.random_models import GOAL_KINDS, random_model
from tests.engine.test_words import KINDS, MODEL
from tests.engine.tiering_facts import BY_ARR, TIERS, rules


def between(before, after, kinds=KINDS):
    return list(
        differences(before=rules(before, goal_kinds=kinds), after=rules(after, goal_kinds=kinds), tiers=TIERS)
    )


def changed(**parts):
    """MODEL with some parts put over."""
    return {**copy.deepcopy(MODEL), **parts}


def guarded(**guards):
    return changed(guards={**MODEL["guards"], **guards})


def criterion(at=0, **parts):
    criteria = copy.deepcopy(MODEL["criteria"])
    criteria[at].update(parts)
    return changed(criteria=criteria)


BIG, SMALL = MODEL["segments"]
FINE = {"name": "Fine", "when": [{"attribute": "health", "op": ">=", "value": 80}]}
HIGHER = {"name": "Big", "when": [{"attribute": "arr", "op": ">=", "value": 300000}]}
BY_GOAL = MODEL["touch"][0]


@pytest.mark.parametrize(
    ("after", "sentences"),
    [
        (changed(segments=[FINE, BIG, SMALL]), ["Segment “Fine” is new at place 1: health ≥ 80."]),
        (changed(segments=[SMALL]), ["Segment “Big” is gone: ARR ≥ 250,000."]),
        (changed(segments=[HIGHER, SMALL]), ["Segment “Big” changed: ARR ≥ 250,000 → ARR ≥ 300,000."]),
        (changed(goals=["nurture"]), ["The order of goals changed: risk, nurture → nurture."]),
        (changed(goals=[]), ["The order of goals changed: risk, nurture → none."]),
        (criterion(weight=2), ["The criterion “Health” has another weight: 3 → 2."]),
        (criterion(attribute="adoption"), ["The criterion “Health” reads another attribute: health → adoption."]),
        (criterion(scale={"kind": "linear", "low": 100, "high": 0.5}), ["The criterion “Health” has another scale: 0 points at 100, 100 at 0.125, evenly between → 0 points at 100, 100 at 0.5, evenly between."]),
        (criterion(missing="undecided"), ["The criterion “Health” treats a missing value differently: its weight is shared out → the customer is not decided and is listed."]),
        (criterion(2, points=13), ["The criterion “Mood” treats a missing value differently: counts as 12.5 points → counts as 13 points."]),
        (criterion(4, name="Place"), ["The criterion “Place” is new with weight 0.5: ARR: percentile among customers of the same segment, the lowest value first; missing: its weight is shared out.", "The criterion “Rank” is gone; its weight was 0.5."]),
        (changed(touch=[MODEL["touch"][1]], tiers=MODEL["tiers"]), ["The rule for high touch is gone: touch level the goals ask for is high."]),
        (changed(touch=[BY_GOAL, {"touch": "mid", "when": [{"attribute": "champion", "op": "is", "value": True}]}, MODEL["touch"][1]]), ["The rule for mid touch is new at place 2: champion."]),
        (changed(tiers=[{"tier": "enterprise", "when": MODEL["tiers"][0]["when"]}, MODEL["tiers"][1]]), ["The rule for Enterprise is new at place 1: touch level is high.", "The rule for Global is gone: touch level is high."]),
        (guarded(paid_floor=False), ["Paid floor is switched off; it was: never below the tier the customer pays for."]),
        (guarded(first_year=None), ["First year is switched off; it was: not into mid touch or tech touch before the first renewal."]),
        (guarded(dead_band={"points": 2}), ["Dead band changed: no change within 1.5 points, or 5 % of an amount, of a bound → no change within 2 points, or 5 % of an amount, of a bound."]),
        (guarded(minimum_stay={"days": 90}), ["Minimum stay changed: 180 days in a tier, unless goals changed → 90 days in a tier, unless goals changed."]),
        (guarded(renewal_freeze=None), ["Renewal freeze is switched off; it was: no step down within 90 days of renewal."]),
        (guarded(change_limit={}), ["The change limit changed: a run that moves more than 2.5 % of the customers, and more than 7, waits for a manager → a run that moves more than 5 % of the customers, and more than 20, waits for a manager."]),
    ],
)  # fmt: skip
def test_each_difference_is_one_sentence(after, sentences):
    assert between(MODEL, after) == sentences


def test_a_guard_that_comes_is_switched_on():
    assert between(guarded(minimum_stay=None), MODEL) == [
        "Minimum stay is switched on: 180 days in a tier, unless goals changed."
    ]


def with_tiers(*names):
    bounds = {"a": ("global", 1), "b": ("global", 2), "c": ("enterprise", 3), "d": ("scale", 4)}
    tiers = [
        {"tier": bounds[name][0], "when": [{"attribute": "arr", "op": "<=", "value": bounds[name][1]}]}
        for name in names
    ]
    return {**BY_ARR, "tiers": [*tiers, {"tier": "scale", "when": []}]}


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        # as few rules as possible are said to have moved: the others keep their order
        ("abcd", "dabc", ["The rule for Scale moved from place 4 to place 1."]),
        ("abcd", "acbd", ["The rule for Enterprise moved from place 3 to place 2."]),
        ("abcd", "bcda", ["The rule for Global moved from place 1 to place 4."]),
        # one that comes or goes moves nobody
        ("abc", "abdc", ["The rule for Scale is new at place 3: ARR ≤ 4."]),
        ("abc", "bc", ["The rule for Global is gone: ARR ≤ 1."]),
        # of two rules for one tier the unchanged one is recognised
        ("ab", "b", ["The rule for Global is gone: ARR ≤ 1."]),
    ],
)
def test_rules_that_moved_are_told_apart_from_those_that_changed(before, after, sentences):
    assert between(with_tiers(*before), with_tiers(*after)) == sentences


def test_a_rule_may_have_changed_and_moved():
    after = with_tiers("a", "b", "c")
    after["tiers"][2]["when"][0]["value"] = 33
    found = between(with_tiers("c", "a", "b"), after)
    assert found == [
        "The rule for Enterprise changed: ARR ≤ 3 → ARR ≤ 33.",
        "The rule for Enterprise moved from place 1 to place 3.",
    ]


def test_the_order_is_that_of_the_parts():
    after = {**criterion(weight=2), "segments": [SMALL], "goals": [], "touch": [MODEL["touch"][1]]}
    after["guards"] = {**MODEL["guards"], "paid_floor": False, "change_limit": {}}
    starts = [sentence.split(" ")[:2] for sentence in between(MODEL, after)]
    assert starts == [
        ["Segment", "“Big”"],
        ["The", "order"],
        ["The", "criterion"],
        ["The", "rule"],
        ["Paid", "floor"],
        ["The", "change"],
    ]


def test_what_the_goal_kinds_ask_for_is_no_difference_of_models():
    before, after = rules(MODEL, goal_kinds=KINDS), rules(MODEL, goal_kinds={**KINDS, "risk": "mid"})
    assert differences(before=before, after=after, tiers=TIERS) == ()


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_two_models_differ_in_words_exactly_when_they_differ(seed):
    first, second = random_model(seed), random_model(seed + 1)
    assert between(first, copy.deepcopy(first), GOAL_KINDS) == []
    assert between(first, second, GOAL_KINDS)
    assert between(second, first, GOAL_KINDS)


@pytest.mark.parametrize("seed", range(20))
def test_a_change_of_any_one_part_is_told(seed):
    model, other = (
        rules(random_model(seed), goal_kinds=GOAL_KINDS),
        rules(random_model(seed + 100), goal_kinds=GOAL_KINDS),
    )
    for part in ("segments", "criteria", "touch", "tiers", "guards", "goal_order"):
        mixed = replace(model, **{part: getattr(other, part)})
        same = getattr(model, part) == getattr(other, part)
        assert (differences(before=model, after=mixed) == ()) == same, part
