"""What the tiering engine is given of each customer, read from real rows."""

import datetime

import numpy as np
import pytest

from allocation.engine.facts.tiering import ChoiceColumn, DateColumn, FlagColumn
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers
from allocation.snapshots.customers import customer_snapshot, days
from allocation.snapshots.vocabulary import model_vocabulary
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = factories.TODAY


def condition(attribute, op, value=None):
    return {"attribute": attribute, "op": op, "value": value}


def read(*conditions):
    """(rules, vocabulary) of a model that reads these conditions."""
    vocabulary = model_vocabulary()
    model = {
        "segments": [{"name": "All", "when": []}],
        "tiers": [{"tier": "top", "when": list(conditions)}, {"tier": "rest", "when": []}],
    }
    rules = read_rules(
        definition=model,
        attributes=vocabulary.attributes,
        tiers=vocabulary.tiers,
        goal_kinds=vocabulary.goal_kinds,
    )
    return rules, vocabulary


@pytest.fixture(autouse=True)
def _tiers(db):
    factories.TierFactory(slug="top", rank=1)
    factories.TierFactory(slug="rest", rank=2)


def snapshot(rules, vocabulary):
    return customer_snapshot(rules=rules, vocabulary=vocabulary, as_of=TODAY, rates={}, base="USD")


def test_dates_of_health_and_sentiment_the_currency_and_the_parent_are_read():
    whole = factories.CustomerFactory()
    factories.CustomerFactory(
        parent=whole,
        health_on=TODAY - datetime.timedelta(days=10),
        sentiment_on=TODAY - datetime.timedelta(days=20),
    )
    rules, vocabulary = read(
        condition("health_age", "<=", 10),
        condition("sentiment_age", "<=", 20),
        condition("currency", "is", "USD"),
        condition("has_parent", "is", True),
    )
    facts = snapshot(rules, vocabulary).facts
    health, sentiment = facts.columns["health_on"], facts.columns["sentiment_on"]
    currency, parent = facts.columns["currency"], facts.columns["has_parent"]
    assert isinstance(health, DateColumn) and isinstance(sentiment, DateColumn)
    assert isinstance(currency, ChoiceColumn) and isinstance(parent, FlagColumn)
    assert np.isnan(health.values[0]) and np.isnan(sentiment.values[0])
    assert (health.values[1], sentiment.values[1]) == (days(TODAY) - 10, days(TODAY) - 20)
    assert [currency.vocabulary[code] for code in currency.codes] == ["USD", "USD"]
    assert parent.values.tolist() == [0, 1]
    found = decide_tiers(facts=facts, rules=rules, tiers=vocabulary.tiers)
    assert found.guards.effective.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("attribute", "op", "value", "change"),
    [
        ("health_age", "<=", 10, {"health_on": TODAY}),
        ("sentiment_on", "known", None, {"sentiment_on": TODAY}),
        ("currency", "is", "USD", {"currency": "EUR"}),
        ("has_parent", "is", True, {"parent": "another"}),
    ],
)
def test_a_change_of_a_fact_the_model_reads_changes_the_digest(attribute, op, value, change):
    other, customer = factories.CustomerFactory(), factories.CustomerFactory()
    rules, vocabulary = read(condition(attribute, op, value))
    plain, _ = read(condition("health", ">=", 50))
    before, unread = snapshot(rules, vocabulary).digests, snapshot(plain, vocabulary).digests
    for field, new in change.items():
        setattr(customer, field, other if new == "another" else new)
    customer.save()
    after = snapshot(rules, vocabulary).digests
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)
    assert (
        snapshot(plain, vocabulary).digests == unread
    ).all()  # a model that does not read it is not troubled


def test_goal_kinds_say_which_touch_level_they_ask_for():
    factories.GoalKindFactory(slug="risk", asks_for="high")
    factories.GoalKindFactory(slug="nurture")
    customer, calm = factories.CustomerFactory(), factories.CustomerFactory()
    for slug in ("risk", "nurture"):
        factories.GoalFactory(customer=customer, kind=factories.GoalKindFactory(slug=slug))
    factories.GoalFactory(customer=calm, kind=factories.GoalKindFactory(slug="nurture"))
    rules, vocabulary = read(condition("goals_ask_for", "is", "high"))
    assert vocabulary.goal_kinds == {"risk": "high", "nurture": ""}
    found = decide_tiers(facts=snapshot(rules, vocabulary).facts, rules=rules, tiers=vocabulary.tiers)
    assert found.guards.effective.tolist() == [0, 1]
