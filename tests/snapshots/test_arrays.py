"""Arrays of a query hold what its rows would, whatever the database."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import Customer, Goal
from allocation.snapshots.arrays import MISSING, Coded, Whole, array_query, arrays_of, read_arrays
from allocation.snapshots.columns import read_columns
from tests import factories

pytestmark = pytest.mark.django_db
FIELDS = (
    "pk", "external_id", "arr", "adoption", "champion", "renewal_date", "products", "attributes", "vertical__name",
    "vertical_id", "parent_id", "employees", "country",
)  # fmt: skip
KEYS = {"attributes": ["a", "odd key"]}


def told(column):
    """Rows of an array as plain values."""
    if isinstance(column, Coded):
        return [None if code < 0 else column.words[code] for code in column.codes.tolist()]
    return [None if value == MISSING else value for value in column.values.tolist()]


def read(rows, keys=None):
    return {
        name: told(column)
        for name, column in read_arrays(rows=rows.order_by("pk"), fields=FIELDS, keys=keys).items()
    }


@pytest.fixture
def world():
    whole = factories.CustomerFactory(
        arr=Decimal("5.00"),
        adoption=Decimal("99.99"),
        champion=True,
        products=["Core", "Ünïcode 🚀"],
        country="Österreich",
    )
    factories.CustomerFactory(
        parent=whole, arr=None, adoption=Decimal("0.10"), champion=None, attributes={"a": 1, "odd key": True}
    )
    factories.CustomerFactory(
        arr=Decimal("9999999999999.99"),
        champion=False,
        renewal_date=datetime.date(1969, 12, 31),
        employees=2**62,
        attributes={"a": "1", "odd key": None, "more": [1]},
        vertical=factories.VerticalFactory(name="Telco"),
    )
    factories.CustomerFactory(
        vertical=factories.VerticalFactory(name="Telco"), products=["Core"], attributes={"a": 1.0}
    )
    factories.CustomerFactory(products=["Core"], attributes={})


@pytest.mark.parametrize("keys", [None, KEYS])
def test_every_kind_of_value_is_the_one_that_the_orm_gives(world, keys):
    slow = arrays_of(
        model=Customer, columns=read_columns(rows=Customer.objects.order_by("pk"), fields=FIELDS), keys=keys
    )
    assert repr(read(Customer.objects, keys)) == repr({name: told(column) for name, column in slow.items()})


def test_values_are_whole_numbers_or_words(world):
    found = read_arrays(rows=Customer.objects.order_by("pk"), fields=FIELDS, keys=KEYS)
    assert told(found["arr"])[:3] == [500, None, 999999999999999]
    assert told(found["renewal_date"])[2] == -1
    assert told(found["champion"])[:3] == [1, None, 0]
    assert told(found["employees"])[2] == 2**62
    assert told(found["vertical__name"]) == [None, None, "Telco", "Telco", None]
    # 1, "1" and 1.0 are three words, and a JSON null is none.
    assert repr(told(found["attributes:a"])) == "[None, 1, '1', 1.0, None]"
    assert told(found["attributes:odd key"]) == [None, True, None, None, None]


def test_numbers_are_the_nearest_and_missing_ones_are_no_number(world):
    amounts = read_arrays(rows=Customer.objects.order_by("pk"), fields=["arr"])["arr"]
    assert amounts.numbers()[:3].tolist()[::2] == [5.0, 9999999999999.99]
    assert np.isnan(amounts.numbers()[1])
    assert amounts.or_else(-1)[:2].tolist() == [500, -1]


@pytest.mark.parametrize("order", ["pk", "-pk", "arr", "-country", "vertical__name"])
def test_rows_keep_the_order_of_the_query(world, order):
    rows = Customer.objects.order_by(order, "pk")
    told_keys = told(read_arrays(rows=rows, fields=["pk", "name"])["pk"])
    assert told_keys == list(rows.values_list("pk", flat=True))


def test_nobody_gives_empty_arrays():
    for rows in (Customer.objects.none(), Customer.objects.filter(arr=-1)):
        assert read(rows) == {name: [] for name in FIELDS}


def test_it_is_one_query_that_is_counted_and_logged(world, django_assert_num_queries):
    with django_assert_num_queries(1):
        read(Customer.objects, KEYS)


def test_a_query_is_written_once_and_read_for_other_keys(world):
    keys = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    rows = Customer.objects.filter(pk__gte=-5, pk__lte=-9).order_by("pk")
    query = array_query(rows=rows, fields=["pk"])
    found = [told(query.read({-5: first, -9: first + 1})["pk"]) for first in keys[:3]]
    assert found == [keys[at : at + 2] for at in range(3)]
    assert told(query.read()["pk"]) == []


def test_words_are_mapped_once_each():
    column, asked = Coded(np.array([1, 0, -1, 1]), ("a", "b")), []
    assert column.mapped(lambda word: asked.append(word) or len(asked), 9).tolist() == [2, 1, 9, 2]
    assert asked == ["a", "b"]
    assert len(column) == len(Whole(np.zeros(4, dtype=np.int64))) == 4


def test_rows_that_lie_in_another_order_than_asked_for_are_put_in_it(world):
    _, *others = Customer.objects.order_by("pk")
    for customer in reversed(others):
        factories.GoalFactory(customer=customer, words=customer.name)
    rows = Goal.objects.order_by("customer_id")
    found = read_arrays(rows=rows, fields=["words", "customer_id", "pk"])
    assert told(found["customer_id"]) == [customer.pk for customer in others]
    assert told(found["words"]) == [customer.name for customer in others]
    assert told(found["pk"]) == sorted(told(found["pk"]), reverse=True)


def test_rows_are_in_the_order_of_the_query_where_more_than_a_number_orders_them(world):
    for order in (["name"], ["-pk"], ["status", "-pk"], ["vertical__name", "pk"]):
        rows = Customer.objects.order_by(*order)
        found = read_arrays(rows=rows, fields=["pk", "status", "name"])
        assert told(found["pk"]) == list(rows.values_list("pk", flat=True))
    few = Customer.objects.order_by("pk")[1:3]
    assert told(read_arrays(rows=few, fields=["pk"])["pk"]) == list(few.values_list("pk", flat=True))


def test_rows_read_in_parts_are_the_same_in_the_same_order(world, django_assert_num_queries):
    first, second, third, *_, last = Customer.objects.order_by("pk").values_list("pk", flat=True)
    query = array_query(rows=Customer.objects.order_by("pk"), fields=FIELDS, keys=KEYS)
    whole = {name: told(column) for name, column in query.read().items()}
    # Nobody in the first part, or in the last; one for each; nobody in any but the last.
    for keys in ([first], [last + 1], [first, second, third], [second], [first - 3, first - 2, first - 1]):
        with django_assert_num_queries(1):
            found = query.read(apart=keys)
        assert repr({name: told(column) for name, column in found.items()}) == repr(whole)
    Customer.objects.filter(pk__gt=first).delete()
    Customer.objects.all().delete()
    assert {name: told(column) for name, column in query.read(apart=[first, third]).items()} == {
        name: [] for name in whole
    }


def test_rows_that_are_in_no_order_of_keys_are_not_taken_apart(world):
    query = array_query(rows=Customer.objects.order_by("name", "pk"), fields=["name", "pk"])
    assert told(query.read(apart=[2, 3])["pk"]) == told(query.read()["pk"])
