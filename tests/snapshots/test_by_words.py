"""Pairs of a number and a word come by the word, as the database orders words."""

import pytest

from accounts.models import Goal
from allocation.snapshots.by_words import by_words
from tests import factories

pytestmark = pytest.mark.django_db


def pairs(rows):
    found = by_words(rows=rows, number="customer_id", word="kind__slug").read()
    words = found["kind__slug"]
    said = [words.words[code] for code in words.codes.tolist()]
    return list(zip(said, found["customer_id"].values.tolist(), strict=True))


def test_words_come_in_the_order_of_the_database_with_every_number(django_assert_num_queries):
    customers = [factories.CustomerFactory() for _ in range(3)]
    for slug in ("zeal", "a-b", "ab", "a_c", "b", "a-c"):
        kind = factories.GoalKindFactory(slug=slug)
        for customer in customers[: len(slug)]:
            factories.GoalFactory(customer=customer, kind=kind)
    with django_assert_num_queries(1):
        found = pairs(Goal.objects.all())
    rows = Goal.objects.order_by("kind__slug", "pk").values_list("kind__slug", "customer_id")
    assert [word for word, _ in found] == [word for word, _ in rows]
    assert sorted(found) == sorted(rows)


def test_no_rows_give_nothing():
    assert pairs(Goal.objects.all()) == []
    assert pairs(Goal.objects.none()) == []
