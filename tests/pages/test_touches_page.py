"""The lists of touches: who sees which, what stands in them, and what is done from a row."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import CSM, Customer, Leave, TouchActivity
from allocation.models import Touch
from tests.factories import TODAY
from tests.pages.company import CANARY, NOW
from tests.pages.reading import plain, read

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def touches(company):
    """Of both books, by the days from today: late, due today, due on the last day, coming."""
    Touch.objects.all().delete()
    return {
        (book, days): planned(getattr(company, book)[0], days)
        for book in ("a", "b")
        for days in (-3, 0, 6, 7)
    }


def planned(customer, days, **more):
    customer = Customer.objects.get(pk=customer.pk)
    line = TouchActivity.objects.filter(tier=customer.tier).order_by("pk")[0]
    due_on = TODAY + days * DAY
    given = {"name": f"Review {days}", "slot_on": due_on, "due_on": due_on, "hours": Decimal("1.5")}
    return Touch.objects.create(customer=customer, activity=line, **{**given, **more})


def names(client, query=""):
    return [row.name for row in client.get(reverse("touches") + query).context["rows"]]


def test_each_list_has_its_own_and_what_is_pressing_comes_first(company, touches, sign_in):
    client = sign_in(company.cast.csm_a)
    assert names(client) == ["Review -3"]
    assert names(client, "?show=due") == ["Review 0", "Review 6"]
    assert names(client, "?show=coming") == ["Review 7"]
    assert names(client, "?show=done") == []
    answer = client.get(reverse("touches"))
    assert [(tab["key"], tab["count"]) for tab in answer.context["tabs"]] == [
        ("late", 1), ("due", 2), ("coming", 1), ("done", 0),
    ]  # fmt: skip
    words = plain(read(answer).words)
    assert "3 days late" in words
    assert CANARY not in words
    touches["a", -3].delete()
    assert names(client) == ["Review 0", "Review 6"]


def test_managers_see_their_teams_ops_everything_and_a_cover_the_book_covered(company, touches, sign_in):
    cast = company.cast
    assert len(names(sign_in(cast.manager), "?show=due")) == 2
    assert len(names(sign_in(cast.ops), "?show=due")) == 4
    assert len(names(sign_in(cast.ops), f"?show=due&csm={cast.csm_b.csm.pk}")) == 2
    assert len(names(sign_in(cast.ops), f"?show=due&team={cast.team_a.pk}")) == 2
    assert names(sign_in(cast.ops), "?show=due&channel=visit") == []
    assert len(names(sign_in(cast.ops), "?show=due&q=Zebra")) == 2
    Leave.objects.create(
        csm=cast.csm_a.csm, starts_on=TODAY, ends_before=TODAY + DAY, covered_by=cast.csm_b.csm
    )
    assert len(names(sign_in(cast.csm_b), "?show=due")) == 4
    assert sign_in(cast.nobody).get(reverse("touches")).status_code == 403


def test_touches_of_customers_that_left_are_in_no_list(company, touches, sign_in):
    Customer.objects.filter(pk=company.a[0].pk).update(status="left")
    assert names(sign_in(company.cast.csm_a), "?show=due") == []


def test_a_touch_is_done_from_its_row_and_the_page_comes_back_to_the_list(company, touches, sign_in):
    client, touch = sign_in(company.cast.csm_a), touches["a", 0]
    back = reverse("touches") + "?show=due"
    given = {"done_on": TODAY - DAY, "minutes": "20", "words": "They grow", "next": back}
    answer = client.post(reverse("touch_done", args=[touch.pk]), given)
    assert (answer.status_code, answer.url) == (302, back)
    touch.refresh_from_db()
    assert (touch.status, touch.done_on, touch.hours, touch.words) == (
        "done", TODAY - DAY, Decimal("0.33"), "They grow",
    )  # fmt: skip
    words = plain(read(client.get(reverse("touches") + "?show=done")).words)
    assert "“Review 0” with Alpha customer 000 is done." in words
    assert "They grow Ada Book" in words
    assert "Open again" in words


def test_with_nothing_given_it_was_today_and_as_planned(company, touches, sign_in):
    sign_in(company.cast.csm_a).post(reverse("touch_done", args=[touches["a", 6].pk]))
    touch = Touch.objects.get(pk=touches["a", 6].pk)
    assert (touch.done_on, touch.hours) == (TODAY, Decimal("1.5"))


def test_ticked_ones_are_done_at_once_and_others_are_counted(company, touches, sign_in):
    client = sign_in(company.cast.csm_a)
    ids = [touches[key].pk for key in (("a", -3), ("a", 0), ("b", 0))]
    page = read(client.post(reverse("touches_done"), {"row": ids}, follow=True))
    assert "2 touches done today, with the hours planned." in page.words
    assert "1 touch was not open any more" in page.words
    assert list(Touch.objects.done().order_by("pk").values_list("pk", flat=True)) == ids[:2]
    assert (
        "Tick the rows" in read(client.post(reverse("touches_done"), {"row": ["x", "-1"]}, follow=True)).words
    )


def test_skipping_moving_and_opening_again(company, touches, sign_in):
    client, touch = sign_in(company.cast.csm_a), touches["a", 0]
    Touch.objects.filter(pk=touch.pk).update(due_on=TODAY - 4 * DAY)
    said = client.post(reverse("touch_skip", args=[touch.pk]), {"words": "Holiday"}, follow=True)
    assert "is skipped" in read(said).words
    done = client.get(reverse("touches") + "?show=done")
    (row,) = (row for row in done.context["rows"] if row.pk == touch.pk)
    assert (plain(row.day), plain(row.was_due)) == ("22 Nov 2026", "18 Nov 2026")
    assert "was due 18 Nov 2026" in plain(read(done).words)
    said = client.post(reverse("touch_move", args=[touch.pk]), {"due_on": TODAY + DAY})
    assert said.status_code == 422
    assert "was written down as skipped by Ada Book" in read(said).words
    assert "is open again" in read(client.post(reverse("touch_reopen", args=[touch.pk]), follow=True)).words
    said = client.post(reverse("touch_move", args=[touch.pk]), {"due_on": TODAY + DAY}, follow=True)
    assert "is moved to 23 Nov 2026" in plain(read(said).words)
    assert Touch.objects.get(pk=touch.pk).due_on == TODAY + DAY


@pytest.mark.parametrize("name", ["touch_done", "touch_skip", "touch_move", "touch_reopen"])
def test_a_touch_of_another_book_is_not_there(company, touches, sign_in, name):
    client = sign_in(company.cast.csm_a)
    given = {"words": "Mine", "due_on": TODAY}
    assert client.post(reverse(name, args=[touches["b", 0].pk]), given).status_code == 404
    assert client.post(reverse(name, args=[10**9]), given).status_code == 404
    assert Touch.objects.get(pk=touches["b", 0].pk).status == "planned"


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"]
)
def test_an_address_elsewhere_is_not_gone_back_to(company, touches, sign_in, address):
    client, touch = sign_in(company.cast.csm_a), touches["a", 0]
    answer = client.post(reverse("touch_done", args=[touch.pk]), {"next": address})
    assert answer.url == reverse("customer", args=[touch.customer_id])


def test_on_the_customers_page_stand_what_comes_what_was_done_and_the_coming_year(company, touches, sign_in):
    client = sign_in(company.cast.csm_a)
    planned(company.a[0], -9, status="done", done_on=TODAY - 9 * DAY, closed_at=NOW, words="They renew",
            done_by=CSM.objects.get(user=company.cast.csm_a))  # fmt: skip
    answer = client.get(reverse("customer", args=[company.a[0].pk]))
    card = answer.content.decode().split('id="touches-heading"')[1].split('id="goals-heading"')[0]
    words = plain(read(answer).words)
    assert "1 late" in card
    assert "Review -3 3 days late · 19 Nov 2026" in words
    assert "13 Nov 2026 Review -9 · 1:30" in words
    assert "They renew" in card
    assert "The coming 12 months" in card
    lines = {line.name: line for line in answer.context["touch_card"].year}
    plan = TouchActivity.objects.filter(tier=Customer.objects.get(pk=company.a[0].pk).tier, goal_kind=None)
    assert {line.name: int(line.times_a_year) for line in plan} == {
        name: line.times for name, line in lines.items() if not name.startswith("Review")
    }


def test_a_touch_is_logged_on_the_customers_page_and_said_in_its_card(company, sign_in):
    client, customer = sign_in(company.cast.csm_a), company.a[0]
    address = reverse("touch_log", args=[customer.pk])
    back = reverse("customer", args=[customer.pk]) + "#touches-heading"
    given = {"name": "Call", "done_on": TODAY, "minutes": "30", "words": "Settled", "next": back}
    answer = client.post(address, given)
    assert answer.url == back
    page = client.get(reverse("customer", args=[customer.pk])).content.decode()
    card = page.split('id="touches-heading"')[1].split('id="goals-heading"')[0]
    assert "is logged." in card
    assert page.count("messagelist") == 1
    touch = Touch.objects.get(name="Call")
    said = client.post(reverse("touch_reopen", args=[touch.pk]), {"next": back}, follow=True)
    assert "was logged by mistake, and is gone" in read(said).words
    refused = client.post(address, {**given, "name": "", "next": back})
    assert (refused.status_code, "Say what it was" in read(refused).words) == (422, True)
    assert sign_in(company.cast.csm_b).post(address, given).status_code == 404


def test_home_tells_a_csm_what_is_late_and_due_and_leads_there(company, touches, sign_in):
    page = read(sign_in(company.cast.csm_a).get(reverse("home")))
    assert "1 touch late 2 more are due this week." in plain(page.words)
    assert "/touches/?show=late" in page.links()
    touches["a", -3].delete()
    page = read(sign_in(company.cast.csm_a).get(reverse("home")))
    assert "2 touches due this week" in page.words
    assert "/touches/?show=due" in page.links()


def test_the_sum_of_a_list_is_what_its_rows_add_up_to(company, touches, sign_in):
    """Three of twenty minutes are kept as 0.33 hours each, and are one hour."""
    client = sign_in(company.cast.csm_a)
    for days in (-3, 0, 6):
        client.post(reverse("touch_done", args=[touches["a", days].pk]), {"minutes": "20"})
    found = client.get(reverse("touches") + "?show=done").context
    assert ([row.hours for row in found["rows"]], found["tally"].hours) == (["0:20"] * 3, "1:00")


LONG = "A note of many words"


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("touch_done", {"done_on": TODAY + DAY, "minutes": "35", "words": LONG}, "or an earlier day"),
        ("touch_done", {"done_on": TODAY, "minutes": "99999", "words": LONG}, "less than or equal to 1440"),
        ("touch_skip", {"words": LONG + "x" * 2000}, "at most 2000 characters"),
        ("touch_move", {"due_on": TODAY - DAY}, "nothing is planned in the past"),
        ("touch_log", {"done_on": TODAY, "minutes": "35", "words": LONG, "name": ""}, "Say what it was"),
        ("touch_log", {"done_on": TODAY, "minutes": "", "words": LONG, "name": "Call"}, "required"),
    ],
)
@pytest.mark.parametrize("back", ["/touches/?show=due", "/book/?view=0"])
def test_what_was_typed_comes_back_with_its_fault(company, touches, sign_in, name, given, fault, back):
    client, touch = sign_in(company.cast.csm_a), touches["a", 0]
    pk = touch.customer_id if name == "touch_log" else touch.pk
    address = reverse(name, args=[pk])
    answer = client.post(address, {**given, "next": back})
    page = read(answer)
    assert answer.status_code == 422
    assert fault in page.words
    assert back in [link.split("#")[0] for link in page.links()]
    html = answer.content.decode().split('id="touch-fault-heading"')[1].split("</section>")[0]
    assert f'action="{address}"' in html
    for value in given.values():
        assert str(value) in html
    ids = [one["id"] for tag in ("input", "textarea", "select") for one in page.of(tag) if one.get("id")]
    assert len(ids) == len(set(ids))
    assert list(Touch.objects.exclude(status="planned")) == []


def test_a_note_about_what_somebody_did_meanwhile_is_not_lost(company, touches, sign_in):
    client, touch = sign_in(company.cast.csm_a), touches["a", 0]
    Touch.objects.filter(pk=touch.pk).update(status="done", done_on=TODAY, closed_by=company.cast.manager)
    answer = client.post(reverse("touch_done", args=[touch.pk]), {"words": LONG})
    assert (answer.status_code, LONG in answer.content.decode()) == (422, True)
    assert "was written down as done by Mia Manager" in read(answer).words


def test_the_day_is_that_of_the_moment(company, touches, sign_in, monkeypatch):
    """The clock is read once: of two readings one may be before midnight and one after."""
    asked = []
    monkeypatch.setattr("django.utils.timezone.localdate", lambda at=None, **_: asked.append(at) or TODAY)
    sign_in(company.cast.csm_a).post(reverse("touch_done", args=[touches["a", 0].pk]))
    touch = Touch.objects.get(pk=touches["a", 0].pk)
    assert (touch.done_on, touch.closed_at) == (TODAY, NOW)
    assert NOW in asked


def test_a_logged_touch_without_a_name_has_its_fault_at_the_name(company, touches, sign_in):
    """There the focus goes; above the form the sentence stands behind the head of the drawer."""
    given = {"done_on": TODAY, "minutes": "35", "name": "", "next": "/book/?view=0"}
    address = reverse("touch_log", args=[touches["a", 0].customer_id])
    form = sign_in(company.cast.csm_a).post(address, given).context["touch_fault"].form
    assert list(form.errors) == ["name"]
    assert all(mark in str(form["name"]) for mark in ("autofocus", 'aria-invalid="true"'))
