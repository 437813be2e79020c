"""Staffing in the admin: put in force like policies; and the page of an open seat, where it is filled."""

import pytest

from accounts.models import CSM
from allocation.models import Staffing
from tests.factories import TODAY, CustomerFactory
from tests.pages.reading import read
from tests.services.headcount_cast import open_seat, staffing

LIST = "/admin/allocation/staffing/"
SEATS = "/admin/accounts/csm/"


def test_one_of_the_figures_is_in_force_at_a_time(cast, sign_in):
    before, other = staffing(), Staffing.objects.create(name="Lean", growth_pct=20)
    client = sign_in(cast.ops)
    said = client.post(f"{LIST}{other.pk}/activate/", follow=True).content.decode()
    assert "Lean is in force." in said
    assert Staffing.objects.active().get() == other
    before.refresh_from_db()
    assert not before.is_active
    listed = read(client.get(LIST)).words
    assert "20 %" in listed
    assert "In force" in listed


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"growth_pct": "-1"}, "Growth is 0 to 1 000 % a year."),
        ({"months": "0"}, "Look 1 to 36 months ahead."),
        ({"spent_pct": "101"}, "The share spent on customers is 1 to 100 %."),
    ],
)
def test_what_cannot_be_meant_is_refused_in_the_form(cast, sign_in, given, sentence):
    values = {
        "name": "Ours", "months": 12, "growth_pct": 0, "churn_pct": 0, "attrition_pct": 0, "leave_days": 0,
        "ramp_months": 0, "ramp_start_pct": 50,
    }  # fmt: skip
    client = sign_in(cast.ops)
    assert sentence in client.post(f"{LIST}add/", values | given).content.decode()
    assert not Staffing.objects.exists()
    assert client.post(f"{LIST}add/", values).status_code == 302
    assert not Staffing.objects.get().is_active


def test_a_change_of_the_figures_is_logged(cast, sign_in):
    row = staffing()
    client = sign_in(cast.ops)
    values = {
        "name": row.name, "months": 12, "growth_pct": 7, "churn_pct": 0, "attrition_pct": 0, "leave_days": 0,
        "ramp_months": 0, "ramp_start_pct": 50,
    }  # fmt: skip
    assert client.post(f"{LIST}{row.pk}/change/", values).status_code == 302
    assert "Growth" in read(client.get(f"{LIST}{row.pk}/history/")).words


def test_an_open_seat_says_how_it_is_filled_and_is_filled_there(cast, sign_in):
    seat = open_seat(team=cast.team_a)
    client = sign_in(cast.ops)
    assert "Nobody is hired for this seat yet" in read(client.get(f"{SEATS}{seat.pk}/change/")).words
    assert "Open seat" in read(client.get(f"{SEATS}?standing=seat")).words
    values = {
        "name": "Sam Starter", "email": "sam@example.com", "user": cast.nobody.pk, "team": cast.team_a.pk,
        "seniority": 3, "hours_per_month": 160, "overhead_pct": 25, "ramp_pct": 100, "accepting": "on",
        "countries": "", "products": "", "leaves-TOTAL_FORMS": 0, "leaves-INITIAL_FORMS": 0,
    }  # fmt: skip
    refused = client.post(f"{SEATS}{seat.pk}/change/", values | {"is_seat": "on"})
    assert "An open seat has nobody who signs in" in refused.content.decode()
    assert client.post(f"{SEATS}{seat.pk}/change/", values).status_code == 302
    filled = CSM.objects.get(pk=seat.pk)
    assert (filled.name, filled.is_seat, filled.user) == ("Sam Starter", False, cast.nobody)


def test_a_csm_with_customers_is_not_made_an_open_seat(cast, sign_in):
    person = cast.csm_a.csm
    CustomerFactory(csm=person, csm_since=TODAY)
    values = {
        "name": person.name, "email": person.email, "seniority": 3, "hours_per_month": 160, "overhead_pct": 25,
        "ramp_pct": 100, "accepting": "on", "countries": "", "products": "", "is_seat": "on", "leaves-TOTAL_FORMS": 0,
        "leaves-INITIAL_FORMS": 0,
    }  # fmt: skip
    said = sign_in(cast.ops).post(f"{SEATS}{person.pk}/change/", values).content.decode()
    assert "Customers are in this book, and an open seat has none" in said
    assert not CSM.objects.get(pk=person.pk).is_seat
