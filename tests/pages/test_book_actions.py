"""What is done for a customer without leaving the book: in a drawer, or without scripts on a page of its own."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Customer, Goal, GoalKind
from allocation.models import Override, Touch
from tests.factories import TODAY
from tests.pages.reading import read

BOOK = "/book/?sort=name&view=0"


@pytest.fixture
def client(company, sign_in):
    return sign_in(company.cast.csm_a)


def actions(customer):
    return reverse("book_actions", args=[customer.pk])


def test_a_row_leads_to_the_forms_and_they_lead_back_to_the_row(company, client):
    customer = company.a[0]
    page = client.get(BOOK)
    assert f'id="row-{customer.pk}"' in page.content.decode()
    way = next(link for link in read(page).links() if link.startswith(actions(customer)))
    found = read(client.get(way))
    nexts = {field["value"] for field in found.of("input") if field.get("name") in {"next", "back"}}
    assert nexts == {f"{BOOK}#row-{customer.pk}"}


def test_a_script_gets_the_forms_without_the_page_around_them(company, client):
    alone = client.get(actions(company.a[0]), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in alone
    assert 'id="actions"' in alone


def test_the_actions_of_another_ones_customer_are_not_there(company, client, sign_in):
    for address in (actions(company.b[0]), reverse("sentiment_set", args=[company.b[0].pk])):
        assert client.get(address).status_code in {404, 405}
        assert client.post(address, {"sentiment": 5}).status_code in {404, 405}
    assert sign_in(company.cast.nobody).get(actions(company.a[0])).status_code == 403
    assert Customer.objects.get(pk=company.b[0].pk).sentiment is None


def test_sentiment_is_set_and_the_book_says_so(company, client):
    customer = company.a[0]
    answer = client.post(
        reverse("sentiment_set", args=[customer.pk]), {"sentiment": "2", "next": f"{BOOK}#row-{customer.pk}"}
    )
    assert answer.url == f"{BOOK}#row-{customer.pk}"
    assert f"The sentiment of {customer.name} is 2 of 5, poor." in read(client.get(answer.url)).words
    row = Customer.objects.get(pk=customer.pk)
    assert (row.sentiment, row.sentiment_on, row.sentiment_by) == (2, TODAY, company.cast.csm_a)


@pytest.mark.parametrize("value", ["", "0", "6", "good"])
def test_a_sentiment_that_is_none_comes_back_with_its_fault(company, client, value):
    answer = client.post(reverse("sentiment_set", args=[company.a[0].pk]), {"sentiment": value, "next": BOOK})
    assert answer.status_code == 422
    assert "Actions for" in read(answer).words


def test_goals_are_opened_and_closed_from_the_book(company, client):
    customer, kind = company.a[1], GoalKind.objects.get(slug="adoption")
    given = {"kind": kind.pk, "owner": "", "words": "", "next": BOOK}
    answer = client.post(reverse("goal_open", args=[customer.pk]), given)
    assert answer.url == BOOK
    goal = Goal.objects.get(customer=customer)
    assert client.post(reverse("goal_close", args=[goal.pk]), {"next": BOOK}).url == BOOK
    assert Goal.objects.get(pk=goal.pk).ends_before == TODAY


def test_what_was_typed_about_a_goal_is_not_lost(company, client):
    given = {"kind": "", "owner": "", "words": "Typed before", "next": BOOK}
    answer = client.post(reverse("goal_open", args=[company.a[1].pk]), given)
    assert answer.status_code == 422
    assert "Typed before" in answer.content.decode()


def test_an_override_is_asked_for_from_the_book(company, client):
    customer = company.a[2]
    given = {
        "tier": Customer.objects.get(pk=company.a[0].pk).tier_id, "reason_kind": "risk",
        "words": "They leave otherwise", "evidence": "", "starts_on": TODAY.isoformat(), "back": BOOK,
    }  # fmt: skip
    address = reverse("override_request", args=[customer.pk])
    wrong = client.post(address, given | {"expires_on": TODAY.isoformat()})
    assert wrong.status_code == 422
    assert "Actions for" in read(wrong).words
    assert "They leave otherwise" in wrong.content.decode()
    until = (TODAY + timedelta(days=60)).isoformat()
    assert client.post(address, given | {"expires_on": until}).url == BOOK
    assert Override.objects.get().customer == customer


def test_a_touch_is_done_and_another_logged_from_the_book(company, client):
    customer = company.a[0]
    touch = Touch.objects.create(customer=customer, name="Check-in", due_on=TODAY, hours=1)
    assert "Check-in" in read(client.get(actions(customer))).words
    back = f"{BOOK}#row-{customer.pk}"
    assert client.post(reverse("touch_done", args=[touch.pk]), {"next": back, "minutes": "45"}).url == back
    given = {"name": "Lunch", "activity": "", "done_on": TODAY.isoformat(), "minutes": "30", "words": ""}
    assert client.post(reverse("touch_log", args=[customer.pk]), given | {"next": back}).url == back
    row = next(row for row in client.get(BOOK).context["rows"] if row.pk == customer.pk)
    assert row.done == "1:15"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "book/"]
)
def test_a_form_never_leads_to_another_site(company, client, elsewhere):
    customer = company.a[0]
    answer = client.post(reverse("sentiment_set", args=[customer.pk]), {"sentiment": "3", "next": elsewhere})
    assert answer.url == reverse("customer", args=[customer.pk])


def test_a_customer_that_left_has_no_forms(company, client):
    Customer.objects.filter(pk=company.a[0].pk).update(status="left")
    page = read(client.get(actions(company.a[0])))
    assert "has left" in page.words
    assert not [form for form in page.of("form") if "sentiment" in form.get("action", "")]


def test_the_page_loads_only_scripts_of_this_site_and_htmx_may_not_evaluate(client):
    page = client.get(BOOK)
    html = page.content.decode()
    assert '"allowEval":false' in html
    assert '"includeIndicatorStyles":false' in html
    assert '"selfRequestsOnly":true' in html
    assert "hx-on" not in html
    policy = page["Content-Security-Policy"]
    assert "unsafe" not in policy
