"""The page of the calendar's address, and the file that programs read with it."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from accounts.models import CSM, User
from allocation.models import CalendarFeed
from tests.factories import TODAY
from tests.pages.company import CANARY
from tests.pages.reading import read

ADDRESS = re.compile(r'value="(http[^"]+/calendar/([\w-]{43,})\.ics)"')


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


def made(client):
    """The path of the address that the page shows this once."""
    page = client.post(reverse("calendar_make"))
    _, token = ADDRESS.search(page.content.decode()).groups()
    return reverse("calendar_file", args=[token])


def test_the_address_is_shown_once(company, sign_in):
    client = sign_in(company.cast.csm_a)
    assert "You have no address yet" in read(client.get(reverse("calendar"))).words
    page = client.post(reverse("calendar_make"))
    _, token = ADDRESS.search(page.content.decode()).groups()
    assert "webcal://" in page.content.decode()  # the site of the tests has no https
    assert "no-store" in page["Cache-Control"]
    again = client.get(reverse("calendar"))
    assert token not in again.content.decode()
    assert "An address stands" in read(again).words


def test_the_file_is_read_without_signing_in_and_opens_no_session(company, sign_in):
    path = made(sign_in(company.cast.csm_a))
    sessions = Session.objects.count()
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert (answer["Cache-Control"], dict(answer.cookies), Session.objects.count()) == (
        "private",
        {},
        sessions,
    )
    text = answer.content.decode()
    assert "Alpha customer" in text
    assert CANARY not in text
    assert Calendar.from_ical(answer.content).walk("VEVENT")
    assert "last read" in sign_in(company.cast.csm_a).get(reverse("calendar")).content.decode()
    assert CalendarFeed.objects.get().read_at is not None


def test_what_is_known_already_is_not_sent_again(company, sign_in):
    path = made(sign_in(company.cast.csm_a))
    first = Client().get(path)
    again = Client().get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["Cache-Control"]) == (304, b"", "private")
    assert Client().get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_unknown_revoked_and_switched_off_ones_get_one_and_the_same_answer(company, sign_in):
    """Byte for byte, but for the id of the request."""
    client = sign_in(company.cast.csm_a)
    old = made(client)
    path = made(client)
    answers = [Client().get(old), Client().get(reverse("calendar_file", args=["x" * 43]))]
    User.objects.filter(pk=company.cast.csm_a.pk).update(is_active=False)
    answers.append(Client().get(path))
    said = {
        (one.status_code, one.content, tuple(sorted((k, v) for k, v in one.items() if k != "X-Request-ID")))
        for one in answers
    }
    assert len(said) == 1
    assert answers[0].status_code == 404


def test_a_csm_revokes_the_own_one_and_a_manager_those_of_the_team(company, sign_in):
    cast = company.cast
    path_a, path_b = made(sign_in(cast.csm_a)), made(sign_in(cast.csm_b))
    a, b = (CalendarFeed.objects.get(csm__user=user) for user in (cast.csm_a, cast.csm_b))
    manager = sign_in(cast.manager)
    page = read(manager.get(reverse("calendar")))
    assert "Ada Book" in page.words
    assert "Ben Book" not in page.words
    assert manager.post(reverse("calendar_revoke", args=[b.pk])).status_code == 404
    assert sign_in(cast.csm_a).post(reverse("calendar_revoke", args=[b.pk])).status_code == 404
    said = read(manager.post(reverse("calendar_revoke", args=[a.pk]), follow=True)).words
    assert "The calendar's address of Ada Book is revoked" in said
    assert [Client().get(path).status_code for path in (path_a, path_b)] == [404, 200]
    said = read(sign_in(cast.csm_b).post(reverse("calendar_revoke", args=[b.pk]), follow=True)).words
    assert "Your calendar's address is revoked" in said
    assert Client().get(path_b).status_code == 404


def test_who_is_no_csm_makes_none(company, sign_in):
    for person in (company.cast.ops, company.cast.manager, company.cast.nobody):
        assert sign_in(person).post(reverse("calendar_make")).status_code == 403
    assert not CalendarFeed.objects.exists()


def test_a_site_with_https_names_no_address_that_sends_the_secret_in_clear(company, sign_in, settings):
    settings.SITE_URL = "https://cs.example.com"
    page = sign_in(company.cast.csm_a).post(reverse("calendar_make")).content.decode()
    assert 'value="https://cs.example.com/calendar/' in page
    assert 'href="webcals://cs.example.com/calendar/' in page
    assert "webcal://" not in page
    assert "http://cs" not in page


def test_who_is_the_csm_now_is_not_told_that_the_address_of_another_stands(company, sign_in):
    cast = company.cast
    path = made(sign_in(cast.csm_a))
    mine = cast.csm_a.csm
    CSM.objects.filter(user=cast.csm_b).update(user=None)
    CSM.objects.filter(pk=mine.pk).update(user=cast.csm_b)
    client = sign_in(User.objects.get(pk=cast.csm_b.pk))
    assert "You have no address yet" in read(client.get(reverse("calendar"))).words
    assert Client().get(path).status_code == 404
    assert Client().get(made(client)).status_code == 200


def test_the_book_and_the_menu_lead_to_it(company, sign_in):
    html = sign_in(company.cast.csm_a).get(reverse("my_book"), {"view": "0"}).content.decode()
    assert html.count(f'href="{reverse("calendar")}"') == 2
