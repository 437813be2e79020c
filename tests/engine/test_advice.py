"""Remarks on a model that can be used. What is called unreachable is never reached: proven on random rules."""

import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine import reach
from allocation.engine.advice import Severity, remarks
from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.reach import MOST_ALTERNATIVES, MOST_STEPS, Possible, unreachable
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers, first_match
from tests.engine.random_models import GOAL_KINDS, condition, random_model, random_rows
from tests.engine.tiering_facts import BY_ARR, TIERS, facts, rules

SEGMENTS = [{"name": "All", "when": []}]
FULL = {"kind": "linear", "low": 0, "high": 100}


def model(*whens, last="scale", **parts):
    """Tier rules with these conditions: Global, Enterprise, Global, …; then everyone else."""
    tiers = [{"tier": ("global", "enterprise")[at % 2], "when": when} for at, when in enumerate(whens)]
    return {
        "segments": SEGMENTS,
        "criteria": [],
        "tiers": [*tiers, {"tier": last, "when": []}],
        **parts,
    }


def said(definition, severity=None, tiers=TIERS):
    found = remarks(rules=rules(definition, goal_kinds=GOAL_KINDS), tiers=tiers)
    return [remark.words for remark in found if severity in {None, remark.severity}]


def gone(*whens):
    """Positions of the tier rules nobody can reach, with the earlier rules that take their customers."""
    read = rules(model(*whens), goal_kinds=GOAL_KINDS)
    return unreachable([rule.when for rule in read.tiers], Possible(frozenset({"all"}))).gone


def arr(op, value=None):
    return condition("arr", op, value)


def health(op, value=None):
    return condition("health", op, value)


def vertical(op, *words):
    return condition("vertical", op, list(words))


def goals(op, *words):
    return condition("open_goals", op, list(words))


CHAMPION, NO_CHAMPION = condition("champion", "is", True), condition("champion", "is", False)


@pytest.mark.parametrize(
    ("whens", "found"),
    [
        ([[arr(">=", 100)], [arr(">=", 200)]], {1: (0,)}),
        ([[arr(">=", 200)], [arr(">=", 100)]], {}),
        ([[arr(">", 100)], [arr(">=", 100)]], {}),  # exactly 100 is left
        ([[arr(">=", 100)], [arr(">", 100)]], {1: (0,)}),
        ([[arr("known")], [arr("<", 5)]], {1: (0,)}),
        ([[arr(">=", 0)], [arr("known")]], {1: (0,)}),  # an ARR is never below nought
        ([[arr(">=", 0)], [health("known")]], {}),  # the ARR may be missing
        ([[arr("!=", 7)], [arr("between", [1, 7])]], {1: (0,)}),
        ([[arr("!=", 7)], [arr("between", [1, 8])]], {}),
        ([[arr(">=", 100)], [arr(">=", 200), health("<", 50)]], {1: (0,)}),  # more conditions, fewer customers
        ([[arr(">=", 100), health("<", 50)], [arr(">=", 200)]], {}),
        ([[health("<", 50)], [health(">=", 50)], [health("known")]], {2: (0, 1)}),  # two together
        ([[health("<", 50)], [health(">", 50)], [health("known")]], {}),  # exactly 50 is left
        ([[health("<", 50), CHAMPION], [health(">=", 50)], [CHAMPION, health("known")]], {2: (0, 1)}),
        ([[health("<", 50), CHAMPION], [health(">=", 50)], [health("known")]], {}),
        ([[vertical("in", "Telco", "Retail")], [vertical("is", "telco")]], {1: (0,)}),  # in any case
        ([[vertical("not_in", "Telco")], [vertical("in", "Retail", "Finance")]], {1: (0,)}),
        ([[vertical("not_in", "Telco")], [vertical("in", "Retail", "Telco")]], {}),
        ([[vertical("is", "Telco")], [vertical("is_not", "Telco")], [vertical("known")]], {2: (0, 1)}),
        ([[CHAMPION], [NO_CHAMPION], [condition("champion", "known")]], {2: (0, 1)}),
        ([[CHAMPION], [condition("champion", "known")]], {}),
        ([[goals("any_of", "risk", "growth")], [goals("any_of", "risk")]], {1: (0,)}),
        ([[goals("any_of", "risk")], [goals("any_of", "risk", "growth")]], {}),
        ([[goals("any_of", "risk", "growth")], [goals("all_of", "risk", "care")]], {1: (0,)}),
        ([[goals("none_of", "risk")], [goals("none_of", "risk", "growth")]], {1: (0,)}),
        ([[goals("none_of", "risk")], [goals("any_of", "risk")], [CHAMPION]], {2: (0, 1), 3: (0, 1)}),
        ([[{"any": [arr(">=", 100), CHAMPION]}], [arr(">=", 200)], [CHAMPION]], {1: (0,), 2: (0,)}),
        ([[arr(">=", 100)], [CHAMPION], [{"any": [arr(">=", 200), {"all": [CHAMPION, health("<", 5)]}]}]], {2: (0, 1)}),
        ([[arr(">=", 100)], [{"any": [arr(">=", 200), CHAMPION]}]], {}),  # one of the choices is still open
        ([[CHAMPION], [goals("all_of", "risk"), goals("none_of", "risk")]], {1: ()}),  # it can never hold
        ([[condition("goals_ask_for", "known")], [condition("goals_ask_for", "is", "high")]], {1: (0,)}),
        ([[{"any": [arr("known"), arr("missing")]}], [CHAMPION]], {1: (0,), 2: (0,)}),  # the first takes everyone
    ],
)  # fmt: skip
def test_a_rule_is_unreachable_when_earlier_ones_take_all_it_would_take(whens, found):
    assert gone(*whens) == found


def test_an_unreachable_rule_is_told_with_the_rules_that_take_its_customers():
    assert said(model([arr(">=", 100)], [arr(">=", 200)]), Severity.WRONG) == [
        "The tier rule 2, “Enterprise” (ARR ≥ 200), can never be reached: whoever fulfils it is taken by rule 1, “Global” (ARR ≥ 100) before."
    ]
    assert said(model([health("<", 50)], [health(">=", 50)], [health("known")]), Severity.WRONG) == [
        "The tier rule 3, “Global” (health is known), can never be reached: whoever fulfils it is taken by rule 1, “Global” (health < 50) and rule 2, “Enterprise” (health ≥ 50) before."
    ]


def test_segments_and_touch_rules_are_looked_at_too():
    definition = model(
        [condition("segment", "is", "Huge"), condition("touch", "is", "mid")],
        [condition("touch", "is", "high")],
        segments=[
            {"name": "Big", "when": [arr(">=", 100)]},
            {"name": "Huge", "when": [arr(">=", 500)]},
            {"name": "Small", "when": []},
        ],
        touch=[
            {"touch": "high", "when": [health("<", 50)]},
            {"touch": "mid", "when": [health("<", 20)]},
            {"touch": "low", "when": []},
        ],
    )
    found = said(definition, Severity.WRONG)
    assert [sentence.split(",")[0] for sentence in found] == [
        "The segment rule 2",
        "The touch rule 2",
        "The tier rule 1",  # nobody is Huge and nobody gets mid touch: it can never hold
    ]
    assert found[2].endswith("can never hold.")


def test_a_last_rule_that_takes_nobody_is_only_doubtful_since_it_has_to_be_there():
    definition = model([{"any": [arr("known"), arr("missing")]}])
    assert said(definition, Severity.WRONG) == []
    assert "The last tier rule, “Scale”, takes nobody: those before it take everyone." in said(definition)


def test_of_a_rule_with_too_many_alternatives_nothing_is_claimed():
    pairs = [
        {"any": [health("<", bound), arr("<", bound)]} for bound in range(1, 8)
    ]  # 2^7 = 128 alternatives
    assert 2 ** len(pairs) > MOST_ALTERNATIVES
    assert gone(pairs, [health("<", 1)]) == {}  # it would be taken, but this is not looked at
    assert gone([health("<", 99)], pairs, [health("<", 98)]) == {2: (0,)}
    assert gone(pairs[:6], [health("<", 1), arr("<", 1)]) == {1: (0,)}  # 64 are looked at


def test_some_hundred_plain_rules_are_all_looked_at():
    falling = [[arr(">=", 1000 * (400 - at))] for at in range(400)]
    assert gone(*falling, [arr("between", [5, 7])]) == {}
    # each of the four hundred takes all of it; the first is named
    assert gone(*falling, [arr(">=", 400_000)]) == {400: (0,)}


def test_beyond_so_many_comparisons_nothing_is_claimed_and_a_note_says_so(monkeypatch):
    compared = []
    really = reach.within
    monkeypatch.setattr(reach, "within", lambda *regions: compared.append(1) or really(*regions))
    falling = [[arr(">=", 10 * (3000 - at))] for at in range(3000)]
    found = said(model(falling[0], falling[0], *falling[1:], falling[0]))
    looked_at = int(re.search(r"from rule ([\d]+) on", found[-1])[1]) - 1
    assert 400 < looked_at < 1000
    assert found[-1] == (
        f"There are too many tier rules to compare all: from rule {looked_at + 1} on it was not looked whether anybody "
        "can reach them."
    )
    assert [line for line in found if "can never be reached" in line] == [found[0]]
    assert found[0].startswith("The tier rule 2,")  # the last but one is the same, and not looked at
    assert 100_000 < len(compared) <= MOST_STEPS


VALUES = {
    "health": [None, 0, 19.99, 20, 35, 50, 50.01, 80, 100],
    "vertical": [None, "Telco", "Retail", "Mining"],
    "champion": [None, True, False],
}
GRID = [dict(zip(VALUES, row, strict=True)) for row in product(*VALUES.values())]
EVERYONE = facts(GRID)
CONDITIONS = st.one_of(
    st.builds(
        condition, st.just("health"), st.sampled_from([">=", ">", "<=", "<", "=", "!="]), st.sampled_from([20, 50, 80])
    ),
    st.builds(condition, st.just("health"), st.sampled_from(["known", "missing"])),
    st.builds(
        condition,
        st.just("vertical"),
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(["Telco", "Retail"]), min_size=1, max_size=2, unique=True),
    ),
    st.builds(condition, st.just("champion"), st.just("is"), st.booleans()),
    st.builds(condition, st.sampled_from(["champion", "vertical"]), st.sampled_from(["known", "missing"])),
)  # fmt: skip


def group(inner):
    return st.builds(
        lambda kind, parts: {kind: parts},
        st.sampled_from(["any", "all"]),
        st.lists(inner, min_size=1, max_size=3),
    )


WHENS = st.lists(
    st.lists(st.recursive(CONDITIONS, group, max_leaves=4), min_size=1, max_size=2), min_size=1, max_size=6
)


def readable(whens):
    """The rules, or none where bounds of a rule exclude each other (that is refused, not remarked upon)."""
    try:
        return [rule.when for rule in rules(model(*whens)).tiers]
    except ValueError:
        return None


@settings(deadline=None, max_examples=400, derandomize=True)
@given(whens=WHENS)
def test_nobody_ever_reaches_a_rule_that_is_called_unreachable(whens):
    groups = readable(whens)
    if groups is None:
        return
    hit = set(first_match(groups, EVERYONE).tolist())
    assert not hit & unreachable(groups, Possible(frozenset({"all"}))).gone.keys()


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    whens=st.lists(
        st.lists(
            st.builds(
                condition,
                st.just("health"),
                st.sampled_from([">=", ">", "<=", "<", "=", "!=", "known", "missing"]),
                st.sampled_from([20, 50, 80]),
            ),
            min_size=1,
            max_size=2,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_over_one_attribute_every_unreachable_rule_is_found(whens):
    groups = readable(whens)
    if groups is None:
        return
    hit = set(first_match(groups, EVERYONE).tolist())
    assert unreachable(groups, Possible(frozenset({"all"}))).gone.keys() == set(range(len(groups))) - hit


@pytest.mark.parametrize("seed", range(40))
def test_no_customer_of_a_random_model_reaches_a_rule_or_tier_that_is_called_unreachable(seed):
    read = rules(random_model(seed), goal_kinds=GOAL_KINDS)
    found = decide_tiers(facts=facts(random_rows(seed, 200)), rules=read, tiers=TIERS).suggestions
    words = [remark.words for remark in remarks(rules=read, tiers=TIERS)]
    for what, positions in (("segment", found.segment), ("touch", found.touch), ("tier", found.rule)):
        for place in np.unique(positions).tolist():
            assert not [each for each in words if each.startswith(f"The {what} rule {place + 1}, ")]
    for place in np.unique(found.tier).tolist():
        assert not [each for each in words if f"to the tier “{TIERS[place].name}”" in each]


def criteria(*weights, **more):
    names = ("health", "adoption", "reputation", "complexity")
    found = [
        {"name": name, "attribute": name, "weight": weight, "scale": FULL, **more}
        for name, weight in zip(names, weights, strict=False)
    ]
    return model([condition("score", ">=", 50)], [arr(">=", 1)], criteria=found)


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (criteria(1, 0), ["The criterion “adoption” has weight 0, so it changes no score."]),
        (criteria(1, 0, missing="undecided"), ["The criterion “adoption” has weight 0, so it changes no score; it only withholds decisions."]),
        (criteria(80, 20), []),  # 80 % is not more than 80 %
        (criteria(81, 19), ["The criterion “health” has 81.0 % of the weight: the others hardly count beside it."]),
        (criteria(49, 49, 2), []),  # 2 % is not less than 2 %
        (criteria(49.5, 49, 1.5), ["The criterion “reputation” has 1.5 % of the weight: it hardly changes a score."]),
        (criteria(3), []),  # the only one has all of it
    ],
)  # fmt: skip
def test_weights_that_hardly_can_be_meant_are_doubtful(definition, words):
    assert said(definition) == words
    assert said(definition, Severity.WRONG) == []


def test_criteria_that_no_rule_reads_are_worth_a_note():
    unread = {**criteria(1, 1), "tiers": model([CHAMPION], [arr(">=", 1)])["tiers"]}
    sentence = "Neither touch nor tier rules read the score, so the criteria change no tier."
    assert said(unread) == [sentence]
    read = rules(unread)
    assert [remark.severity for remark in remarks(rules=read, tiers=TIERS)] == [Severity.NOTE]
    by_touch = [
        {"touch": "high", "when": [condition("score_percentile", ">=", 50)]},
        {"touch": "low", "when": []},
    ]
    assert sentence not in said({**unread, "touch": by_touch})


def test_touch_rules_that_nothing_reads_are_doubtful_and_an_order_of_goals_is_not():
    """The order says which goal leads, which people see, whether a rule reads it or not."""
    touch = [{"touch": "high", "when": [CHAMPION]}, {"touch": "low", "when": []}]
    unread = model([CHAMPION], [arr(">=", 1)], touch=touch, goals=["risk"])
    assert said(unread) == [
        "No tier rule reads the touch level, so the touch rules change no tier.",
    ]
    read = [[condition("touch", "is", "high")], [condition("goal", "is", "risk")]]
    assert said(model(*read, touch=touch, goals=["risk"])) == []


def test_a_tier_no_rule_leads_to_is_doubtful_unless_it_is_retired():
    definition = model([CHAMPION])
    sentence = "No rule leads to the tier “Enterprise”; a paid floor, a guard or an override still can."
    assert said(definition) == [sentence]
    retired = tuple(TierFacts(t.slug, t.rank, t.touch_level, t.name, t.slug == "enterprise") for t in TIERS)
    assert said(definition, tiers=retired) == []
    only_unreachable = said(model([CHAMPION], [CHAMPION, arr(">=", 1)]))
    assert only_unreachable[1].startswith("Only rules that nobody can reach lead to the tier “Enterprise”")


THREE = [
    {"name": "Big", "when": [arr(">=", 100)]},
    {"name": "Mid", "when": [arr(">=", 50)]},
    {"name": "Small", "when": []},
]


@pytest.mark.parametrize(
    ("conditions", "criterion", "words"),
    [
        ([arr(">=", 9)], None, ["No criterion and no rule reads the segment, so the segments change nothing."]),
        ([condition("segment", "is", "Big")], None, ["Nothing tells the segments “Mid” and “Small” apart."]),
        ([condition("segment", "in", ["Big", "Mid"])], None, []),  # Small is the one that is left
        ([condition("segment", "not_in", ["Big", "Small"])], None, []),
        ([condition("score", ">=", 9)], {"attribute": "arr", "scale": {"kind": "percentile", "within": "segment"}}, []),
        ([condition("score", ">=", 9)], {"attribute": "segment", "scale": {"kind": "choices", "points": {"Big": 9, "Mid": 5}, "other": 0}}, []),
        ([condition("score", ">=", 9)], {"attribute": "segment", "scale": {"kind": "choices", "points": {"Big": 9}, "other": 0}}, ["Nothing tells the segments “Mid” and “Small” apart."]),
    ],
)  # fmt: skip
def test_segments_that_nothing_tells_apart_are_doubtful(conditions, criterion, words):
    given = [] if criterion is None else [{"name": "C", "weight": 1, **criterion}]
    definition = model(conditions, [CHAMPION], segments=THREE, criteria=given)
    assert said(definition) == words


PLAYBOOKS = sorted((Path(__file__).resolve().parents[2] / "allocation" / "playbooks").glob("*.json"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_no_playbook_has_a_rule_that_nobody_can_reach(path):
    file = json.loads(path.read_text(encoding="utf-8"))
    tiers = tuple(TierFacts(t["slug"], t["rank"], t["touch_level"], t["name"]) for t in file["tiers"])
    kinds = {kind["slug"]: kind.get("asks_for", "") for kind in file["goal_kinds"]}
    read = read_rules(definition=file["model"], attributes=ATTRIBUTES, tiers=tiers, goal_kinds=kinds)
    assert [each.words for each in remarks(rules=read, tiers=tiers) if each.severity is Severity.WRONG] == []


def test_a_good_model_has_no_remarks():
    assert said(BY_ARR) == []


def test_what_is_wrong_comes_before_what_is_doubtful():
    definition = model([CHAMPION], [CHAMPION, arr(">=", 1)], segments=THREE)
    severities = [each.severity for each in remarks(rules=rules(definition), tiers=TIERS)]
    assert severities == [Severity.WRONG, Severity.DOUBTFUL, Severity.DOUBTFUL]
