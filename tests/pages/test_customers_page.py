"""The customer list: find, filter, sort, page, with the filters kept in the address."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Customer, ExchangeRate
from tests.factories import TODAY, CustomerFactory, TierFactory
from tests.pages.reading import read


def names(response):
    return [row.name for row in response.context["rows"]]


def listed(client, **query):
    response = client.get(reverse("customers"), query)
    assert response.status_code == 200
    return names(response)


def test_every_active_customer_in_scope_is_listed_by_name(company, sign_in):
    left = CustomerFactory(name="Aaa left", status="left")
    client = sign_in(company.cast.ops)
    assert listed(client) == [customer.name for customer in (*company.a, *company.b)]
    assert left.name in listed(client, status="all")
    assert listed(client, status="left") == ["Aaa left"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "alpha customer 001"}, ["Alpha customer 001"]),
        ({"q": "ALPHA-002"}, ["Alpha customer 002"]),  # the external id, in any case
        (
            {"renewal": "30", "q": "Alpha"},
            ["Alpha customer 000", "Alpha customer 001"],
        ),  # 10 and 30 days away
        ({"health": "low", "q": "Alpha"}, ["Alpha customer 000", "Alpha customer 001"]),  # 20 and 30
        ({"gap": "no_csm"}, []),
        ({"q": "100%"}, []),  # no wildcard
        ({"q": "_lpha"}, []),
    ],
)
def test_a_filter_keeps_what_fits(company, sign_in, query, expected):
    assert listed(sign_in(company.cast.ops), **query) == expected


def test_filters_by_tier_csm_team_vertical_and_goal(company, sign_in):
    client = sign_in(company.cast.ops)
    first = Customer.objects.get(pk=company.a[0].pk)
    assert set(listed(client, tier=first.tier_id)) == {
        customer.name for customer in (*company.a, *company.b) if customer.arr >= 750_000
    }
    alphas = [customer.name for customer in company.a]
    assert listed(client, csm=first.csm_id) == alphas
    assert listed(client, team=company.cast.team_a.pk) == alphas
    assert listed(client, vertical=first.vertical_id) == alphas
    assert listed(client, goal=first.goals.get().kind_id) == [first.name]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"csm__user__password__startswith": "!"}, "a look into other tables"),
        ({"tier": "999999"}, "no such tier"),
        ({"tier": "x"}, "no number"),
        ({"tier": "9" * 30}, "a number no database has room for"),
        ({"csm": "9" * 30}, "the same for another"),
        ({"q": "x" * 5000}, "longer than any name"),
        ({"sort": "csm__user__password"}, "no such order"),
        ({"page": "999999999"}, "no such page"),
        ({"page": "-1"}, "no page"),
        ({"status": "DROP TABLE"}, "no such status"),
    ],
)
def test_a_strange_address_gives_a_page_without_that_filter(company, sign_in, query, why):
    assert len(listed(sign_in(company.cast.ops), **query)) == 8, why


def test_amounts_in_several_currencies_sort_by_their_worth(company, sign_in):
    ExchangeRate.objects.create(currency="JPY", day=TODAY, rate=Decimal(150), base="USD")
    CustomerFactory(name="Yen", arr=Decimal(1_500_000), currency="JPY")  # 10 000 USD
    CustomerFactory(name="Unknown", arr=None)
    found = listed(sign_in(company.cast.ops), sort="-arr")
    assert found.index("Yen") > found.index("Alpha customer 002")  # 30 000.25 USD
    assert found[-1] == "Unknown"
    assert listed(sign_in(company.cast.ops), sort="arr")[0] == "Yen"


def test_a_heading_says_how_the_list_is_sorted(company, sign_in):
    page = read(sign_in(company.cast.ops).get(reverse("customers"), {"sort": "-health"}))
    assert [th.get("aria-sort") for th in page.of("th") if th.get("aria-sort") not in {None, "none"}] == [
        "descending"
    ]


def test_pages_of_fifty_keep_filter_and_order(company, sign_in):
    tier = TierFactory(slug="global")
    Customer.objects.bulk_create(
        [
            Customer(external_id=f"P{number:03d}", name=f"Paged {number:03d}", tier=tier, tier_since=TODAY)
            for number in range(60)
        ]
    )
    client = sign_in(company.cast.ops)
    response = client.get(reverse("customers"), {"q": "Paged", "sort": "-name"})
    assert len(names(response)) == 50
    assert names(response)[0] == "Paged 059"
    page = read(response)
    following = next(link for link in page.links() if "page=2" in link)
    assert "q=Paged" in following
    assert "sort=-name" in following
    assert names(client.get(reverse("customers") + following)) == [
        f"Paged {number:03d}" for number in range(9, -1, -1)
    ]
    assert "60 customers" in page.words


def test_a_csm_is_offered_no_choice_that_names_others(company, sign_in):
    page = read(sign_in(company.cast.csm_a).get(reverse("customers")))
    assert [select.get("name") for select in page.of("select") if select.get("name") in {"csm", "team"}] == []


def test_without_customers_ops_are_led_to_the_import(cast, sign_in):
    words = read(sign_in(cast.ops).get(reverse("customers"))).words
    assert "No customers yet" in words
    assert "No customers in your scope" in read(sign_in(cast.csm_a).get(reverse("customers"))).words


def test_names_are_shown_exactly_and_never_run(company, sign_in):
    nasty = '<script>alert(1)</script>" onmouseover="x" \u202e {{ 7*7 }} ‮'
    CustomerFactory(external_id="<b>id</b>", name=nasty, csm=company.cast.csm_a.csm, csm_since=TODAY)
    client = sign_in(company.cast.csm_a)
    row = Customer.objects.get(name=nasty)
    for address in (reverse("customers"), reverse("my_book"), reverse("customer", args=[row.pk])):
        page = read(client.get(address))
        assert any(nasty in text for text in page.texts), address
        assert page.refused_by_policy() == [], address
