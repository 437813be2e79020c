"""The big list of naughty strings as names of customers and CSMs: shown exactly, on every page that names them."""

import json

import pytest
from django.urls import reverse

from accounts.models import CSM, Customer
from tests.factories import TODAY, CSMFactory, CustomerFactory
from tests.pages.reading import read


@pytest.fixture
def naughty(inputs):
    strings = json.loads((inputs / "naughty" / "blns.json").read_text(encoding="utf-8"))
    # What no import lets through: nothing, only blanks, a NUL, longer than a name may be.
    return [
        text for text in dict.fromkeys(strings) if text.strip() and "\x00" not in text and len(text) <= 200
    ]


def test_every_naughty_name_is_shown_exactly_in_the_list(cast, sign_in, naughty):
    Customer.objects.bulk_create(
        [
            Customer(external_id=f"N{number:04d}", name=name, csm=cast.csm_a.csm, csm_since=TODAY)
            for number, name in enumerate(naughty)
        ]
    )
    client = sign_in(cast.csm_a)
    shown = []
    for number in range(1, len(naughty) // 50 + 2):
        response = client.get(reverse("customers"), {"page": number, "sort": "id"})
        page = read(response)
        assert page.refused_by_policy() == []
        shown += page.texts
    assert [name for name in naughty if name not in shown] == []


def test_a_search_for_every_naughty_string_finds_its_customer(cast, sign_in, naughty):
    Customer.objects.bulk_create(
        [Customer(external_id=f"N{number:04d}", name=name) for number, name in enumerate(naughty)]
    )
    client = sign_in(cast.ops)
    lost = []
    for number, name in enumerate(naughty[::7]):
        response = client.get(reverse("customers"), {"q": name.strip(), "sort": "id"})
        assert response.status_code == 200, name
        found = {row.external_id for row in response.context["rows"]}
        if f"N{7 * number:04d}" not in found and response.context["page"].paginator.num_pages == 1:
            lost.append(name)
    assert lost == []


def test_naughty_csm_names_break_no_chart_and_no_book(cast, sign_in, naughty):
    CSM.objects.all().delete()
    csms = [CSMFactory(name=name) for name in naughty[::9]]
    for csm in csms:
        CustomerFactory(csm=csm, csm_since=TODAY)
    client = sign_in(cast.ops)
    page = read(client.get(reverse("balance"), {"by": "csms"}))
    assert page.refused_by_policy() == []
    assert [csm.name for csm in csms if csm.name not in page.texts] == []
    for csm in csms[:10]:
        book = read(client.get(reverse("book", args=[csm.pk])))
        assert book.refused_by_policy() == []
        assert any(csm.name in text for text in book.texts)
