"""Digests notice every change, and are the same wherever they are made."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import CustomAttribute, Tier
from allocation.engine.rules import read_rules
from allocation.snapshots.arrays import MISSING, Coded, Whole
from allocation.snapshots.customer_rows import STORED
from allocation.snapshots.customers import customer_snapshot, customers_now, customers_now_columns
from allocation.snapshots.digests import BITS, column_digests, digest
from allocation.snapshots.vocabulary import model_vocabulary
from tests import factories

TODAY = factories.TODAY


def whole(*values):
    return Whole(np.array([MISSING if value is None else value for value in values], dtype=np.int64))


def coded(*values):
    words = tuple(dict.fromkeys(value for value in values if value is not None))
    return Coded(
        np.array([-1 if value is None else words.index(value) for value in values], dtype=np.int64), words
    )


def of(**columns):
    return column_digests(columns=columns, count=len(next(iter(columns.values())))).tolist()


def test_every_value_has_a_digest_of_its_own_and_none_is_no_nought_and_no_blank():
    values = [None, 0, 1, -1, 2, 100, 2**32, 2**53 + 1, 2**53 + 2, -(2**63) + 1, 2**63 - 1]
    assert len(set(of(n=whole(*values)))) == len(values)
    words = [None, "", "0", "None", "a", "A", "ä"]
    assert len(set(of(t=coded(*words)))) == len(words)
    assert all(0 <= one < 2**BITS for one in of(n=whole(*values)))


def test_the_order_of_columns_is_nothing_and_whose_value_it_is_counts():
    a, b = whole(1, 2), whole(2, 1)
    assert of(a=a, b=b) == of(b=b, a=a)
    assert of(a=a, b=b) != of(a=b, b=a)
    assert of(a=a) != of(b=a)
    assert len(set(of(a=a, b=b))) == 2  # 1 and 2 is not 2 and 1


def test_a_row_has_the_digest_it_has_among_others():
    amounts, words = (5, None, 7, 5), ("x", "y", None, "x")
    found = of(n=whole(*amounts), t=coded(*words))
    alone = [of(n=whole(amount), t=coded(word))[0] for amount, word in zip(amounts, words, strict=True)]
    assert found == alone
    assert found[0] == found[3]


def test_neighbouring_values_give_digests_without_likeness():
    found = np.array(of(a=whole(*range(20_000)), b=whole(*range(20_000, 0, -1))))
    assert len(np.unique(found)) == 20_000
    bits = (found[:, None] >> np.arange(BITS)) & 1
    assert abs(bits.mean(axis=0) - 0.5).max() < 0.02
    changed = np.bitwise_count(found[1:] ^ found[:-1])
    assert abs(changed.mean() - BITS / 2) < 0.2


def test_digests_are_those_of_every_machine_and_database():
    """These figures are kept by runs: they may never become others."""
    found = of(arr=whole(1738200, None), vertical__name=coded("Télco", None), lifecycle=whole(-5, 6))
    assert found == [629462646420, 198481603959]
    assert digest(("adoption",), "active", None, None) == 1063912438893949006


def rules_that_read(*names):
    """Rules that read each attribute."""
    vocabulary = model_vocabulary()
    when = [
        {"attribute": name, "op": "any_of", "value": ["Core"]}
        if name == "products"
        else {"attribute": name, "op": "known", "value": None}
        for name in names
    ]
    model = {
        "segments": [{"name": "All", "when": []}],
        "tiers": [{"tier": "top", "when": when}, {"tier": "rest", "when": []}],
    }
    return read_rules(
        definition=model,
        attributes=vocabulary.attributes,
        tiers=vocabulary.tiers,
        goal_kinds=vocabulary.goal_kinds,
    )


@pytest.fixture
def _tiers(db):
    factories.TierFactory(slug="top", rank=1)
    factories.TierFactory(slug="rest", rank=2)


def seen(rules):
    vocabulary, rates = model_vocabulary(), {"EUR": Decimal("0.5")}
    return customer_snapshot(rules=rules, vocabulary=vocabulary, as_of=TODAY, rates=rates, base="USD")


CHANGES = {
    "arr": Decimal("1.01"), "potential_arr": Decimal("1.01"), "employees": 7, "relationship_breadth": 7, "adoption": Decimal("0.01"),
    "health": Decimal("0.01"), "reputation": Decimal("0.01"), "complexity": Decimal("0.01"), "sentiment": 1, "country": "Österreich",
    "package": "Plus", "champion": False, "loss_felt": False, "first_renewal_done": False, "contract_start": datetime.date(1970, 1, 1),
    "renewal_date": datetime.date(1970, 1, 1), "products": ["Core"], "health_on": datetime.date(1970, 1, 1),
    "sentiment_on": datetime.date(1970, 1, 1), "currency": "EUR",
}  # fmt: skip
LINKS = {
    "vertical": factories.VerticalFactory, "region": factories.RegionFactory, "language": factories.LanguageFactory,
    "paid_tier": lambda: Tier.objects.get(slug="top"), "has_parent": factories.CustomerFactory,
}  # fmt: skip


def test_the_changes_below_are_of_every_stored_attribute():
    assert {*CHANGES, *LINKS} == STORED


@pytest.mark.usefixtures("_tiers")
@pytest.mark.parametrize("name", sorted(STORED))
def test_a_change_of_any_fact_that_is_read_changes_that_customers_digest_only(name):
    more = LINKS[name]() if name in LINKS else CHANGES[name]
    one, other = factories.CustomerFactory(), factories.CustomerFactory()
    rules = rules_that_read(name)
    before = dict(zip(*(column.tolist() for column in (seen(rules).keys, seen(rules).digests)), strict=True))
    setattr(one, {"has_parent": "parent"}.get(name, name), more)
    one.save()
    found = seen(rules)
    after = dict(zip(found.keys.tolist(), found.digests.tolist(), strict=True))
    assert {key for key in before if before[key] != after[key]} == {one.pk}
    assert other.pk in before


@pytest.mark.usefixtures("_tiers")
def test_a_word_by_another_name_is_another_fact():
    vertical = factories.VerticalFactory(name="Telco")
    factories.CustomerFactory(vertical=vertical)
    rules = rules_that_read("vertical")
    before = seen(rules).digests
    vertical.name = "Telecoms"
    vertical.save()
    assert (seen(rules).digests != before).all()


@pytest.mark.usefixtures("_tiers")
def test_custom_attributes_that_are_read_count_and_others_do_not():
    for slug in ("read", "unread"):
        CustomAttribute.objects.create(slug=slug, label=slug, kind=CustomAttribute.Kind.NUMBER)
    customer = factories.CustomerFactory()
    rules = rules_that_read("attr:read")
    found = []
    for attributes in ({}, {"unread": 1}, {"read": 1}, {"read": "1"}, {"read": None}, {"read": 2}):
        customer.attributes = attributes
        customer.save()
        found.append(int(seen(rules).digests[0]))
    nothing, unread, one, text, none, two = found
    assert nothing == unread == none
    assert len({nothing, one, text, two}) == 4


@pytest.mark.usefixtures("_tiers")
def test_goals_and_the_paid_tier_count_whatever_is_read():
    customer = factories.CustomerFactory()
    rules = rules_that_read("health")
    found = [int(seen(rules).digests[0])]
    goal = factories.GoalFactory(customer=customer, kind=factories.GoalKindFactory(slug="risk"))
    found.append(int(seen(rules).digests[0]))
    factories.GoalFactory(customer=customer, kind=factories.GoalKindFactory(slug="adoption"))
    found.append(int(seen(rules).digests[0]))
    customer.paid_tier = Tier.objects.get(slug="rest")
    customer.save()
    found.append(int(seen(rules).digests[0]))
    assert len(set(found)) == 4
    assert goal.customer == customer


@pytest.mark.usefixtures("_tiers")
@pytest.mark.parametrize("step", [1, 7])
def test_customers_now_have_the_digests_of_a_snapshot_of_the_same_moment(step):
    """Close together, which is read as one span, and far apart, which is read by keys."""
    rows = [factories.CustomerFactory(arr=1000 + at, currency="EUR" if at % 2 else "USD") for at in range(22)]
    factories.GoalFactory(customer=rows[8], kind=factories.GoalKindFactory(slug="risk"))
    rules = rules_that_read("arr", "products")
    whole_snapshot = seen(rules)
    keys = whole_snapshot.keys[1::step]
    now = customers_now_columns(rules=rules, as_of=TODAY, customer_ids=keys)
    by_key = dict(zip(whole_snapshot.keys.tolist(), whole_snapshot.digests.tolist(), strict=True))
    there = np.isin(now.keys, keys)
    assert (now.keys[there] == keys).all()
    assert [by_key[key] for key in now.keys.tolist()] == now.digests.tolist()
    assert set(now.tier_ids.tolist()) == {-1}
    one = customers_now(rules=rules, as_of=TODAY, customer_ids=keys)[int(keys[0])]
    assert (one.digest, one.tier_id) == (by_key[int(keys[0])], None)


@pytest.mark.usefixtures("_tiers")
def test_what_an_earlier_version_kept_is_compared_as_it_was_made():
    """The digest of rows as Python values, by the function of that time."""
    customer = factories.CustomerFactory(
        arr=Decimal("5.00"), health=None, vertical=factories.VerticalFactory(name="Telco")
    )
    rules = rules_that_read("arr", "health", "vertical")
    lifecycle = digest((), "active", None, None)
    then = digest([Decimal("5.00"), None, "Telco"], [], "USD", None, lifecycle)
    now = customers_now_columns(
        rules=rules, as_of=TODAY, customer_ids=np.array([customer.pk], dtype=np.int64), version=1
    )
    assert now.digests.tolist() == [then]
    assert (
        customers_now_columns(
            rules=rules, as_of=TODAY, customer_ids=np.zeros(0, dtype=np.int64)
        ).keys.tolist()
        == []
    )
