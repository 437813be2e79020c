"""The headcount page: the arithmetic in words, figures tried and kept, seats placed with a plan and taken away."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import CSM, Customer
from allocation.models import BookPlan, Move, Staffing
from allocation.services.planning import apply_plan, propose_plan
from allocation.tasks.planning import propose_book_plan
from tests.factories import CLOCK, TODAY, CSMFactory, CustomerFactory, TierFactory, VerticalFactory
from tests.pages.reading import plain, read
from tests.services.headcount_cast import company, open_seat, staffing
from tests.services.plan_cast import tiered

SENTENCE = "1,800 h × 65 % = 1,170 h a year ÷ 75 h = 15.6 customers a head; cap 20; so 15.6; 47 customers ÷ 15.6 = 3.01 → 4 heads."


@pytest.fixture(autouse=True)
def day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.views.headcount.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def page(sign_in, person, query=""):
    return sign_in(person).get(reverse("headcount") + query)


def words(response):
    return plain(read(response).words)


def test_the_page_says_15_6_customers_a_head_line_by_line(cast, sign_in):
    company(cast)
    staffing()
    said = words(page(sign_in, cast.ops))
    assert f"Enterprise, everyone else {SENTENCE}" in said
    assert "47 customers ask 293.75 h a month: × 12 ÷ 47 = 75 h a customer and year." in said
    assert "1,170 h ÷ 12 = 97.5 net hours a month." in said
    said = words(page(sign_in, cast.manager))
    assert "15.6 customers a head; cap 20; so 15.6; 10 customers ÷ 15.6 = 0.64 → 1 head." in said


@pytest.mark.parametrize(("person", "status"), [("csm_a", 403), ("nobody", 403)])
def test_it_is_for_ops_and_managers(cast, sign_in, person, status):
    assert page(sign_in, getattr(cast, person)).status_code == status


def test_it_starts_from_the_figures_in_force(cast, sign_in):
    company(cast)
    staffing(growth_pct="12.50", ramp_months=4)
    found = read(page(sign_in, cast.ops))
    values = {field["name"]: field.get("value") for field in found.of("input") if "name" in field}
    assert (values["growth_pct"], values["ramp_months"], values["spent_pct"]) == ("12.5", "4", "65")
    assert "cost_a_head" in values
    assert "“Of the issue”, in force" in found.words
    assert "Keep these" not in found.words


def test_what_is_tried_is_counted_with_and_nothing_is_kept(cast, sign_in):
    company(cast)
    staffing()
    said = words(page(sign_in, cast.ops, "?head_hours_a_year=900&cost_a_head=50000"))
    assert "900 h × 65 % = 585 h a year ÷ 75 h = 7.8 customers a head" in said
    # 47 ÷ 7.8 = 6.03: seven heads.
    assert "7 heads needed × 50,000 USD = 350,000 USD a year." in said
    assert "figures you try on; nothing is kept yet" in said
    assert Staffing.objects.get().head_hours_a_year == 1800


def test_what_cannot_be_meant_is_said_beside_its_field_and_the_rest_is_shown(cast, sign_in):
    company(cast)
    staffing()
    response = page(sign_in, cast.ops, "?growth_pct=5000&churn_pct=none")
    said = words(response)
    assert response.status_code == 200
    assert "Growth is 0 to 1 000 % a year." in said
    assert "Churn is 0 to 100 % a year." in said
    assert SENTENCE in said


def test_ops_keep_what_they_tried(cast, sign_in):
    company(cast)
    staffing()
    client = sign_in(cast.ops)
    response = client.post(reverse("headcount_keep"), {"growth_pct": "10", "months": "6"}, follow=True)
    assert "Headcount counts with “Kept on" in read(response).words
    kept = Staffing.objects.active().get()
    assert (kept.growth_pct, kept.months, kept.head_hours_a_year) == (10, 6, 1800)
    refused = client.post(reverse("headcount_keep"), {"growth_pct": "-1"}, follow=True)
    assert "Growth is 0 to 1 000 % a year." in read(refused).words
    assert Staffing.objects.count() == 2


def test_managers_see_the_figures_and_change_nothing(cast, sign_in):
    company(cast)
    open_seat()
    client = sign_in(cast.manager)
    found = read(client.get(reverse("headcount") + "?growth_pct=10"))
    assert "Place" not in found.words
    assert "Keep these" not in found.words
    assert not [field for field in found.of("input") if field.get("name") == "seat"]
    for name in ("headcount_keep", "seats_place", "seats_remove"):
        assert client.post(reverse(name)).status_code == 403


def test_a_manager_counts_the_own_teams_only(cast, sign_in):
    """Ada of team A has ten of the 47 customers; Zara of team B others."""
    made = company(cast)
    mining = VerticalFactory(name="Zebra mining")
    zara = CSMFactory(name="Zara", team=cast.team_b)
    zara.verticals.add(mining)
    beyond = [
        CustomerFactory(external_id=f"Zebra {number}", vertical=mining, csm=zara, csm_since=TODAY)
        for number in range(30)
    ]
    tiered(beyond, made.tier)
    open_seat("Open seat 1 · Zebra mining", team=cast.team_b)
    whole, part = (words(page(sign_in, person)) for person in (cast.ops, cast.manager))
    assert "Zebra mining" in whole
    assert "All lines 77" in whole
    assert "Zebra" not in part
    assert "Your teams only" in part
    assert "All lines 10" in part


def test_ops_place_the_seats_that_the_page_shows_and_a_plan_is_computed(cast, sign_in, rung):
    company(cast)
    client = sign_in(cast.ops)
    found = read(client.get(reverse("headcount")))
    assert "Place 1 seat and plan" in found.words
    response = client.post(reverse("seats_place"), {"seats": "1"})
    plan = BookPlan.objects.get()
    assert response.url == reverse("plan", args=[plan.pk])
    assert rung == [(propose_book_plan, {"plan_id": plan.pk})]
    assert CSM.objects.get(is_seat=True).name == "Open seat 1 · everyone else"
    said = words(client.get(reverse("headcount")))
    assert "With the open seats everybody has a place." in said
    assert "Open seat 1 · everyone else" in said


def test_the_page_of_a_plan_says_how_many_moves_wait_for_seats(cast, sign_in, rung):
    company(cast)
    client = sign_in(cast.ops)
    client.post(reverse("seats_place"), {"seats": "1"})
    plan = BookPlan.objects.get()
    propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    address = reverse("plan", args=[plan.pk])
    waits = Move.objects.filter(plan=plan).waiting_for_a_seat().count()
    assert f"{waits} moves go to open seats. They are skipped when the plan is applied" in words(
        client.get(address)
    )
    apply_plan(plan_id=plan.pk, actor=cast.ops, owner="test", on=TODAY)
    skipped = Move.objects.filter(plan=plan, status="skipped").count()
    said = words(client.get(address))
    assert f"{skipped} moves wait for open seats to be filled" in said
    assert "because the customer had changed meanwhile" not in said
    assert "is not filled yet: the customer stays where it is" in words(client.get(address + "?row=skipped"))


def test_seats_of_a_page_that_is_out_of_date_are_not_placed(cast, sign_in, rung):
    company(cast)
    response = sign_in(cast.ops).post(reverse("seats_place"), {"seats": "3"}, follow=True)
    assert "The books have changed since this page was made: look at it again." in read(response).words
    assert not CSM.objects.filter(is_seat=True).exists()
    assert rung == []


def test_seats_are_taken_away(cast, sign_in):
    company(cast)
    seat = open_seat()
    client = sign_in(cast.ops)
    none = client.post(reverse("seats_remove"), follow=True)
    assert "Choose the seats that nobody wants any more first." in read(none).words
    response = client.post(reverse("seats_remove"), {"seat": [seat.pk]}, follow=True)
    assert "1 open seat is taken away." in read(response).words
    assert not CSM.objects.filter(pk=seat.pk).exists()
    refused = client.post(reverse("seats_remove"), {"seat": [cast.csm_a.csm.pk]}, follow=True)
    assert "this is no open seat any more" in read(refused).words


def test_a_customer_that_no_seat_helps_is_named(cast, sign_in):
    company(cast)
    shut = TierFactory(slug="shut", name="Shut", cap=0)
    tiered([CustomerFactory(external_id="SHUT")], shut)
    said = words(page(sign_in, cast.ops))
    assert "No seat helps 1 customer:" in said
    assert "SHUT The cap of tier Shut is 0: nobody may hold it, however many are hired." in said


def test_an_empty_company_is_told_what_to_do(cast, sign_in):
    said = words(page(sign_in, cast.ops))
    assert "No customer asks for a CSM yet" in said
    assert "Counted with" in said


def test_a_missing_exchange_rate_is_said(cast, sign_in):
    company(cast)
    Customer.objects.update(currency="EUR")
    response = page(sign_in, cast.ops)
    assert response.status_code == 200
    assert "EUR" in read(response).words


def test_the_page_keeps_to_the_content_policy_and_each_number_says_how_it_came(cast, sign_in):
    company(cast)
    staffing(growth_pct=20, ramp_months=3, cost_a_head=70_000)
    open_seat()
    found = read(page(sign_in, cast.ops))
    assert found.refused_by_policy() == []
    numbers = [cell for cell in found.of("button") if cell.get("class") == "traced"]
    assert len(numbers) > 100
    assert all(cell["title"] for cell in numbers)
    ids = [one["id"] for _, one in found.elements if "id" in one]
    assert len(ids) == len(set(ids))


def test_the_page_asks_equally_often_at_any_size(cast, sign_in, django_assert_num_queries):
    made = company(cast, customers=4, held=2)
    client = sign_in(cast.ops)
    address = reverse("headcount") + "?growth_pct=10"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    tiered([CustomerFactory() for _ in range(40)], made.tier)
    for number in range(5):
        open_seat(f"Open seat {number} · Telco")
    with django_assert_num_queries(len(few)):
        client.get(address)


def test_figures_that_ask_more_heads_than_there_are_customers_are_refused_in_words(cast, sign_in):
    company(cast)
    client = sign_in(cast.ops)
    response = client.get(reverse("headcount") + "?head_hours_a_year=1&spent_pct=1")
    assert response.status_code == 200
    assert "Give it more paid hours" in read(response).words
    assert len(response.content) < 1_000_000
    placed = client.post(reverse("seats_place"), {"head_hours_a_year": 1, "spent_pct": 1, "seats": 9})
    assert placed.status_code == 302
    assert not CSM.objects.filter(is_seat=True).exists()
