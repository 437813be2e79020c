"""The digest of an outcome: another one for any change that counts, the same whatever the order of words or rows."""

from dataclasses import replace

import numpy as np
import pytest

from allocation.engine.facts.tiering import ChoiceColumn, SetColumn
from allocation.engine.kept import Outcomes, taken
from allocation.engine.outcome_digests import outcome_digests

TIERS = ("scale", "global")
KNOWN = [8119083767544276496, 1610654278027709545, -7500190184685604004]


def choice(*codes, words=TIERS):
    return ChoiceColumn(np.array(codes, dtype=np.int64), words)


def outcomes(**other):
    """Three customers; the last one was not decided and has no score."""
    found = Outcomes(
        keys=np.array([3, 5, 8]),
        segment=choice(0, 1, -1),
        touch=choice(0, 0, -1, words=("high",)),
        goal=choice(-1, 0, -1, words=("adoption",)),
        rule=np.array([0, 1, -1]),
        previous=choice(0, 1, -1),
        suggested=choice(0, 1, -1),
        effective=choice(0, 1, -1),
        decided_by=choice(0, 0, 1, words=("rule", "undecided")),
        guards=SetColumn(np.array([[0, 0], [1, 0], [0, 1]], dtype=np.bool_), ("paid_floor", "dead_band")),
        score=np.array([12.34, 99.99, np.nan]),
        digests={name: np.array([1, 2, 3]) for name in ("facts", "goals", "lifecycle")},
    )
    return replace(found, **other)


def digests(**other):
    return outcome_digests(outcomes(**other)).tolist()


CHANGED = {
    "segment": choice(1, 1, -1),
    "touch": choice(-1, 0, -1, words=("high",)),
    "goal": choice(0, 0, -1, words=("adoption",)),
    "suggested": choice(1, 1, -1),
    "effective": choice(-1, 1, -1),
    "decided_by": choice(1, 0, 1, words=("rule", "undecided")),
    "guards": SetColumn(np.array([[0, 1], [1, 0], [0, 1]], dtype=np.bool_), ("paid_floor", "dead_band")),
    "score": np.array([12.35, 99.99, np.nan]),
}


@pytest.mark.parametrize("name", CHANGED)
def test_another_value_of_one_customer_gives_that_one_another_digest(name):
    assert [a == b for a, b in zip(digests(), digests(**{name: CHANGED[name]}), strict=True)] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("name", ["facts", "goals", "lifecycle"])
def test_other_facts_goals_or_lifecycle_give_another_digest(name):
    kept = outcomes().digests
    found = digests(digests={**kept, name: np.array([1, 2, 4])})
    assert [a == b for a, b in zip(digests(), found, strict=True)] == [True, True, False]


def test_what_was_held_before_and_where_the_rule_stands_say_nothing_new():
    assert digests(previous=choice(-1, -1, -1), rule=np.array([7, 8, 9])) == digests()


def test_the_order_of_words_says_nothing():
    turned = SetColumn(outcomes().guards.members[:, ::-1], ("dead_band", "paid_floor"))
    assert digests(guards=turned, segment=choice(1, 0, -1, words=TIERS[::-1])) == digests()


def test_the_order_of_customers_says_nothing_and_neither_do_the_others():
    whole = outcomes()
    assert outcome_digests(taken(whole, np.array([2, 0]))).tolist() == [digests()[2], digests()[0]]


def test_values_that_change_places_give_another_digest():
    """Suggested and effective the other way round are another decision."""
    there, back = choice(0, 0, 0), choice(1, 1, 1)
    assert digests(suggested=there, effective=back) != digests(suggested=back, effective=there)


def test_no_score_is_not_a_score_of_nought():
    assert digests(score=np.array([0.0, 99.99, 0.0]))[2] != digests()[2]


def test_the_digest_is_the_same_on_any_machine():
    """Kept in rows of installations: another number here means that every standing is written once more."""
    assert digests() == KNOWN
