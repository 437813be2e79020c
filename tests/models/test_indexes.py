"""Indexes of customers: each import and each change of tier writes all of them."""

import pytest
from django.db import connection

from accounts.models import Customer

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
