"""Columns of a query hold what its rows would."""

import datetime
from decimal import Decimal

import pytest

from accounts.models import Customer
from allocation.snapshots.columns import read_columns
from allocation.snapshots.digests import digest
from tests import factories

pytestmark = pytest.mark.django_db
FIELDS = (
    "pk",
    "external_id",
    "arr",
    "adoption",
    "champion",
    "renewal_date",
    "products",
    "attributes",
    "vertical__name",
    "parent_id",
)


def read(rows):
    return read_columns(rows=rows.order_by("pk"), fields=FIELDS)


def test_every_kind_of_value_is_the_one_that_a_row_would_have():
    whole = factories.CustomerFactory(
        arr=Decimal("5.00"), adoption=Decimal("5.00"), champion=True, products=["Core"]
    )
    factories.CustomerFactory(
        parent=whole, arr=None, adoption=Decimal("0.10"), champion=None, attributes={"a": 1}
    )
    factories.CustomerFactory(
        arr=Decimal("123456789012.34"), champion=False, renewal_date=datetime.date(2026, 2, 28)
    )
    rows = Customer.objects.order_by("pk").values_list(*FIELDS)
    assert repr(list(zip(*read(Customer.objects).values(), strict=True))) == repr(list(rows))


def test_a_list_of_one_customer_is_no_others():
    factories.CustomerFactory.create_batch(2, products=["Core"])
    one, other = read(Customer.objects)["products"]
    assert one == other
    assert one is not other


def test_nobody_gives_empty_columns():
    assert read(Customer.objects.none()) == dict.fromkeys(FIELDS, ())
    assert read(Customer.objects.filter(arr=-1)) == dict.fromkeys(FIELDS, ())


def test_it_is_one_query(django_assert_num_queries):
    factories.CustomerFactory.create_batch(3)
    with django_assert_num_queries(1):
        read(Customer.objects)


def test_digests_of_runs_kept_by_earlier_versions_stay_comparable():
    values = ([Decimal("5.00"), None, "Telco"], [], "USD", 3, digest(("adoption",), "active", None, None))
    assert digest(*values) == 5020284277037665435
