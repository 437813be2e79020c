"""Exchange rates, saved mappings and CSMs: what is refused at the form, and in which words."""

import json

import pytest

from accounts.models import CSM, ColumnMapping, ExchangeRate
from tests import factories


def test_a_new_rate_begins_with_the_base_currency(cast, sign_in):
    page = sign_in(cast.ops).get("/admin/accounts/exchangerate/add/")
    assert page.context["adminform"].form.initial["base"] == "USD"


@pytest.mark.parametrize(
    ("currency", "rate"),
    [("EUR", "0"), ("EUR", "-1"), ("EUR", "NaN"), ("USD", "1"), ("EURO", "1")],
)
def test_an_impossible_rate_is_refused(currency, rate, cast, sign_in):
    form = {"currency": currency, "day": "2026-11-20", "rate": rate, "base": "USD"}
    response = sign_in(cast.ops).post("/admin/accounts/exchangerate/add/", form)
    assert response.status_code == 200
    assert response.context["errors"]
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"Account": "nonsense"}, "not accepted"),
        ({"Account": "name", "Company": "name"}, "keep one"),
        (["name"], "object"),
        ({"Account": 1}, "object"),
    ],
)
def test_a_mapping_that_no_file_could_use_is_refused(mapping, words, cast, sign_in):
    form = {
        "name": "CRM",
        "kind": "customers",
        "mapping": json.dumps(mapping),
        "number_style": "",
        "date_order": "",
    }
    response = sign_in(cast.ops).post("/admin/accounts/columnmapping/add/", form)
    assert words in response.content.decode()
    assert not ColumnMapping.objects.exists()


def test_a_mapping_remembers_who_saved_it(cast, sign_in):
    mapping = {"Account": "name", "Seats": "attr:seats", "Junk": ""}
    form = {
        "name": "CRM",
        "kind": "customers",
        "mapping": json.dumps(mapping),
        "number_style": "",
        "date_order": "",
    }
    response = sign_in(cast.ops).post("/admin/accounts/columnmapping/add/", form)
    assert response.status_code == 302, response.context["errors"]
    saved = ColumnMapping.objects.get()
    assert (saved.mapping, saved.saved_by) == (mapping, cast.ops)


def test_lists_of_a_csm_are_typed_with_semicolons(cast, sign_in):
    form = {
        "name": "New", "email": "", "seniority": 3, "hours_per_month": 160, "overhead_pct": 25, "ramp_pct": 100,
        "countries": " Germany;Austria ; ;Germany", "products": "", "accepting": "on",
        "leaves-TOTAL_FORMS": 0, "leaves-INITIAL_FORMS": 0,
    }  # fmt: skip
    response = sign_in(cast.ops).post("/admin/accounts/csm/add/", form)
    assert response.status_code == 302, response.context["errors"]
    csm = CSM.objects.get(name="New")
    assert (csm.countries, csm.products, csm.email) == (["Germany", "Austria"], [], None)


def test_a_vertical_that_a_csm_specialises_in_is_not_deleted(cast, sign_in):
    held, free = factories.VerticalFactory(), factories.VerticalFactory()
    cast.csm_a.csm.verticals.add(held)
    client = sign_in(cast.ops)
    for vertical, expected in ((held, 403), (free, 302)):
        response = client.post(f"/admin/accounts/vertical/{vertical.pk}/delete/", {"post": "yes"})
        assert response.status_code == expected
    assert list(cast.csm_a.csm.verticals.all()) == [held]
