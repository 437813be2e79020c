"""A book of five hundred customers: fifty a page, as many statements as a small one, and everything works over all pages."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Customer, Goal, GoalKind
from allocation.models import SavedView, Touch
from tests.factories import TODAY
from tests.pages.reading import plain, read

LARGE = 500
AT_MOST = 6
"""Statements of the own book, session and user included; the same at any size. A filter asks one more, for who fits."""


def grow(company, count, first=0):
    """Customers with all that a row can say, every tenth with a late touch, every second with a goal."""
    company.a[0].refresh_from_db()
    kind = GoalKind.objects.get(slug="adoption")
    csm = company.cast.csm_a.csm
    customers = Customer.objects.bulk_create(
        Customer(
            external_id=f"L-{number:04d}", name=f"Large {number:04d}", csm=csm, csm_since=TODAY, tier=company.a[0].tier,
            tier_since=TODAY, arr=1000 + number, currency="USD", sentiment=1 + number % 5, sentiment_on=TODAY,
            health=number % 101, renewal_date=TODAY + timedelta(days=number), status="active",
        )
        for number in range(first, count)
    )  # fmt: skip
    Goal.objects.bulk_create(
        Goal(customer=customer, kind=kind, starts_on=TODAY - timedelta(days=1)) for customer in customers[::2]
    )
    Touch.objects.bulk_create(
        Touch(
            customer=customer,
            name="Call",
            due_on=TODAY + timedelta(days=-1 if number % 10 == 0 else 5),
            hours=1,
        )
        for number, customer in enumerate(customers)
    )
    Touch.objects.bulk_create(
        Touch(customer=customer, name="Call", due_on=TODAY, hours="0.25", status="done", done_on=TODAY)
        for customer in customers
    )
    return customers


def statements(client, address):
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


@pytest.fixture
def client(company, sign_in):
    return sign_in(company.cast.csm_a)


def every_page(client, **query):
    """The rows of all pages, page after page."""
    first = client.get(reverse("my_book"), {"view": "0", **query}).context["page"].paginator.num_pages
    return [
        row
        for number in range(1, first + 1)
        for row in client.get(reverse("my_book"), {"view": "0", "page": number, **query}).context["rows"]
    ]


def lines(client, **query):
    answer = client.get(reverse("my_book_csv"), query)
    return list(csv.reader(io.StringIO(answer.content.decode())))[1:]


@pytest.mark.parametrize(
    ("query", "more"),
    [
        ("?view=0", 0),
        ("?view=0&sort=goals", 0),
        ("?view=0&page=2", 0),
        ("?view=0&q=a", 1),
    ],
)
def test_a_large_book_asks_as_often_as_a_small_one_and_seldom(company, client, query, more):
    grow(company, 52)
    address = reverse("my_book") + query
    small = statements(client, address)
    grow(company, LARGE, first=52)
    assert statements(client, address) == small
    assert small <= AT_MOST + more


def test_a_large_book_has_fifty_a_page_and_every_customer_once(company, client):
    grow(company, LARGE)
    answer = client.get(reverse("my_book"), {"view": "0"})
    assert [len(answer.context["rows"]), answer.context["page"].paginator.num_pages] == [50, 11]
    found = [row.pk for row in every_page(client, sort="name")]
    assert len(found) == len(set(found)) == LARGE + 4


def test_the_figures_are_of_the_whole_book_and_not_of_the_page(company, client):
    grow(company, LARGE)
    first, last = (client.get(reverse("my_book"), {"view": "0", "page": page}) for page in (1, 11))
    of_pages = [{kpi.label: kpi.value for kpi in answer.context["kpis"]} for answer in (first, last)]
    assert of_pages[0] == of_pages[1]
    # Fifty late ones (every tenth of 500); a quarter of an hour with each of the 500.
    assert (of_pages[0]["Customers"], of_pages[0]["Touches late"]) == ("504", "50")
    assert of_pages[0]["Hours this month"] == "125:00"
    assert first.context["shares"].total.customers == "504"
    assert first.context["attention"].parts == last.context["attention"].parts
    assert "504 active customers" in plain(read(last).words)


@pytest.mark.parametrize("sort", ["-touch", "goals", "-arr"])
def test_an_order_runs_over_all_pages_and_the_file_has_the_same(company, client, sort):
    grow(company, 120)
    rows = [row.external_id for row in every_page(client, sort=sort)]
    assert len(rows) == len(set(rows)) == 124
    assert [line[1] for line in lines(client, sort=sort)] == rows


def test_a_search_and_a_filter_look_at_every_page(company, client):
    grow(company, LARGE)
    found = client.get(reverse("my_book"), {"view": "0", "q": "large 0499"}).context
    assert [row.name for row in found["rows"]] == ["Large 0499"]
    late = client.get(reverse("my_book"), {"view": "0", "due": "late", "sort": "name"}).context
    assert [row.name[-1] for row in late["rows"]] == ["0"] * 50
    assert late["count_words"] == "50 of 504 active customers"
    assert len(lines(client, due="late")) == 50


def test_a_saved_view_and_a_sort_keep_to_the_first_page(company, client):
    grow(company, 120)
    query = "due=open&sort=-arr&page=3"
    client.post(reverse("view_save"), {"name": "Rich", "query": query, "next": reverse("my_book")})
    view = SavedView.objects.get()
    assert view.query == "due=open&sort=-arr"
    shown = client.get(f"{reverse('my_book')}?{view.query}&view={view.pk}")
    assert (shown.context["page"].number, shown.context["rows"][0].name) == (1, "Large 0119")
    third = read(client.get(reverse("my_book") + "?view=0&page=3"))
    to_sort = [link for link in third.links() if link.startswith("?") and "sort=" in link]
    assert to_sort
    assert not [link for link in to_sort if "page=" in link]
