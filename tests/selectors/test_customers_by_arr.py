"""The list by ARR is in the order that the database gives it, whatever the currencies, and page by page."""

from decimal import Decimal

import pytest

from accounts.models import Customer
from allocation.selectors import customers_by_arr
from allocation.selectors.customer_totals import narrowed_customers
from allocation.selectors.customers import ordered, visible_customers
from allocation.selectors.customers_by_arr import rows_by_arr
from tests.factories import TODAY, CustomerFactory
from tests.pages import mixed_company


@pytest.fixture
def mixed(cast):
    found = mixed_company.build(cast)
    CustomerFactory(name="Unknown", arr=None)
    CustomerFactory(name="Without a rate", arr=Decimal("70000.10"), currency="ISK")
    for name in ("Twin", "Twin too"):
        CustomerFactory(name=name, arr=Decimal("1234.56"))
    return found


def by_arr(user, chosen, sort):
    rows = visible_customers(user=user).active()
    narrowed = narrowed_customers(user=user, as_of=TODAY, chosen=chosen)
    return rows_by_arr(narrowed=narrowed, descending=sort.startswith("-"), rows=rows)


@pytest.mark.parametrize("sort", ["arr", "-arr"])
def test_the_order_is_that_of_the_database(mixed, sort):
    for user in (mixed.cast.ops, mixed.cast.manager, mixed.cast.csm_a):
        for chosen in ({}, {"tier": mixed.tiers["gold"].pk}, {"csm": mixed.books["a"].pk}):
            names = {"tier": "tier_id", "csm": "csm_id"}
            rows = (
                visible_customers(user=user)
                .active()
                .filter(**{names[name]: pk for name, pk in chosen.items()})
            )
            found = by_arr(user, chosen, sort)
            assert list(found[:]) == list(ordered(rows, sort=sort, as_of=TODAY))
            assert list(found[1:3]) == list(found[:])[1:3]


def test_only_as_many_are_put_in_order_as_pages_show(mixed, monkeypatch):
    monkeypatch.setattr(customers_by_arr, "COUNTED", 3)
    whole = list(ordered(Customer.objects.active(), sort="-arr", as_of=TODAY))
    found = by_arr(mixed.cast.ops, {}, "-arr")
    assert (len(found), found[:]) == (3, whole[:3])
    assert found[2:3] == whole[2:3]


def test_who_left_since_the_order_was_made_is_left_out(mixed):
    found = by_arr(mixed.cast.ops, {}, "-arr")
    first, second = found[:2]
    Customer.objects.filter(pk=first.pk).update(status="left")
    assert found[:2] == [second]
