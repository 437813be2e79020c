"""Long lists: counted to a bound, said in words, and nothing is chosen that was not counted."""

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Customer
from accounts.selectors import paging
from accounts.selectors.paging import CappedPaginator
from allocation.services.figures import write_sheets
from tests.factories import CustomerFactory, TierFactory
from tests.pages.reading import plain, read
from tests.queries.counting import queries_of

LIST = "/admin/accounts/customer/"


@pytest.fixture
def few_are_counted(monkeypatch):
    monkeypatch.setattr(paging, "COUNTED", 10)
    monkeypatch.setattr(paging, "MORE", 11)
    monkeypatch.setattr("allocation.selectors.customer_totals.COUNTED", 10)
    monkeypatch.setattr("allocation.views.customers.MORE", 11)


def customers(number, **given):
    return [CustomerFactory(**given) for _ in range(number)]


@pytest.mark.parametrize(("number", "is_more", "words"), [(9, False, "9"), (10, False, "10"), (11, True, "more than 10")])  # fmt: skip
def test_a_list_is_counted_to_its_bound_and_says_so(db, few_are_counted, number, is_more, words):
    customers(number)
    pages = CappedPaginator(Customer.objects.filter(status="active").order_by("pk"), 5)
    assert (pages.count, pages.is_more, pages.total_words) == (min(number, 10), is_more, words)
    assert pages.num_pages == 2
    assert bool(pages.shown_words) is is_more


def test_a_number_that_is_known_is_not_counted(db, few_are_counted):
    pages = CappedPaginator(Customer.objects.order_by("pk"), 5)
    pages.known = 1_234_567
    assert queries_of(lambda: pages.count) == []
    assert (pages.total_words, pages.num_pages) == ("1,234,567", 2)


@pytest.mark.postgres
def test_a_whole_table_is_estimated_by_the_database_and_called_about(db, few_are_counted):
    customers(12)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_customer")
    assert CappedPaginator(Customer.objects.order_by("pk"), 5).total_words == "about 12"
    narrowed = Customer.objects.filter(status="active").order_by("pk")
    assert CappedPaginator(narrowed, 5).total_words == "more than 10"


def test_the_admin_says_that_there_are_more(cast, sign_in, few_are_counted):
    customers(15)
    words = plain(read(sign_in(cast.ops).get(LIST + "?status__exact=active")).words)
    assert "more than 10 customers. The pages show the first 10: narrow the list" in words


def test_the_list_of_customers_says_the_exact_number_where_it_is_known(cast, sign_in, few_are_counted):
    tier = TierFactory()
    customers(15, tier=tier, tier_since="2026-01-01", arr=2)
    client = sign_in(cast.ops)
    for query in ({}, {"tier": tier.pk}):
        response = client.get(reverse("customers"), query)
        words = plain(read(response).words)
        assert "15 customers" in words and "The pages show the first 10" in words
        assert response.context["totals"]
    # A search leaves more than are counted: nothing is added up, and the page says so.
    searched = client.get(reverse("customers"), {"q": "C"})
    words = plain(read(searched).words)
    assert "customers fit. So many are not added up for a search" in words
    assert "more than 10 customers. The pages show the first 10" in words


def test_a_search_of_the_admin_finds_each_word_in_name_id_or_csm(cast, sign_in):
    one = CustomerFactory(name="Blue Whale", csm=cast.csm_a.csm, csm_since="2026-01-01")
    CustomerFactory(name="Blue Bird")
    client = sign_in(cast.ops)

    def found(query):
        return set(client.get(LIST, {"q": query}).context["cl"].result_list.values_list("name", flat=True))

    assert found("blue") == {"Blue Whale", "Blue Bird"}
    assert found(f"blue {cast.csm_a.csm.name.split()[0].lower()}") == {"Blue Whale"}
    assert found(one.external_id) >= {"Blue Whale"}
    assert found("nobody-at-all") == set()


@pytest.mark.postgres
def test_the_search_has_an_index(db):
    write_sheets()
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'customer_by_part'")
        assert "gin_trgm_ops" in cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + str(Customer.objects.filter(name__icontains="whale").only("pk").order_by().query).replace("%whale%", "'%whale%'"))  # fmt: skip
        assert "customer_by_part" in "\n".join(row for (row,) in cursor.fetchall())
