"""Indexes of customers: each import and each change of tier writes all of them."""

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Customer

BOOKS = "customer_by_book"
pytestmark = pytest.mark.django_db


def indexes() -> dict[str, list[str]]:
    """Columns by the index's name; those of expressions left out."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Customer._meta.db_table)
    whole = {name: one["columns"] for name, one in found.items() if one["index"] or one["unique"]}
    return {name: columns for name, columns in whole.items() if columns and None not in columns}


def test_no_index_of_customers_is_the_beginning_of_another():
    found = indexes()
    doubled = [
        (name, other)
        for name, columns in found.items()
        for other, more in found.items()
        if name != other and more[: len(columns)] == columns
    ]
    assert doubled == []


def test_customers_are_found_by_book_name_and_key():
    found = indexes()
    assert found["customer_by_book"] == ["csm_id", "status"]
    assert found["customer_by_name"] == ["name"]
    assert ["external_id"] in found.values()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("customer_by_parent", "parent_id"),
        ("customer_by_paid_tier", "paid_tier_id"),
        ("customer_by_sentiment_by", "sentiment_by_id"),
    ],
)
def test_who_refers_to_nobody_is_in_no_index_and_those_who_do_are_found_by_it(name, column):
    assert indexes()[name] == [column]
    assert "IS NOT NULL" in definition(name)
    assert name in plan(Customer.objects.filter(**{column: 1}))
    assert name in plan(Customer.objects.filter(**{f"{column}__in": [1, 2]}))


def test_books_and_the_served_without_a_csm_are_found_by_the_index_that_leaves_out_new_customers():
    assert BOOKS in plan(Customer.objects.filter(csm=1, status="active"))
    assert BOOKS in plan(Customer.objects.filter(csm__isnull=True, tier__isnull=False))
    assert "tier_id" in definition(BOOKS)


def definition(name: str) -> str:
    of = {
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = %s",
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = %s",
    }
    with connection.cursor() as cursor:
        cursor.execute(of[connection.vendor], [name])
        return cursor.fetchone()[0]


def plan(customers: QuerySet[Customer]) -> str:
    """How the database would look for them, where reading them all is not to be had."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        return customers.order_by().explain()
