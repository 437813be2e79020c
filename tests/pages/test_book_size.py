"""The book asks the database equally often whether it holds five customers or sixty, and shows fifty a page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allocation.models import Touch
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory
from tests.pages.reading import read


def more(company, count):
    """Customers with all that a row can say."""
    kind = GoalKindFactory(slug="adoption")
    for number in range(count):
        customer = CustomerFactory(
            name=f"More {number:03d}", csm=company.cast.csm_a.csm, csm_since=TODAY, tier=company.tier,
            tier_since=TODAY, sentiment=3, sentiment_on=TODAY, sentiment_by=company.cast.csm_a, health=30,
            renewal_date=TODAY + timedelta(days=number),
        )  # fmt: skip
        GoalFactory(customer=customer, kind=kind)
        Touch.objects.create(customer=customer, name="Call", due_on=TODAY - timedelta(days=1), hours=1)
        Touch.objects.create(
            customer=customer, name="Call", due_on=TODAY, hours=1, status="done", done_on=TODAY
        )


def statements(client, address):
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert client.get(address).status_code == 200
    return len(found)


@pytest.mark.parametrize(
    "query", ["", "?sort=-arr", "?sort=touch&due=late", "?sort=goals&columns=csm&columns=base"]
)
def test_statements_are_the_same_at_five_and_at_sixty(company, sign_in, query):
    company.a[0].refresh_from_db()
    company.tier = company.a[0].tier
    client = sign_in(company.cast.csm_a)
    more(company, 1)
    addresses = [reverse(name) + query for name in ("my_book", "my_book_csv")]
    before = [statements(client, address) for address in addresses]
    more(company, 55)
    assert [statements(client, address) for address in addresses] == before


def test_a_large_book_is_shown_fifty_at_a_time(company, sign_in):
    company.a[0].refresh_from_db()
    company.tier = company.a[0].tier
    more(company, 56)
    client = sign_in(company.cast.csm_a)
    first, second = (client.get(reverse("my_book"), {"page": page, "sort": "name"}) for page in (1, 2))
    assert [len(answer.context["rows"]) for answer in (first, second)] == [50, 10]
    assert not {row.pk for row in first.context["rows"]} & {row.pk for row in second.context["rows"]}
    assert "60 customers" in read(second).words
