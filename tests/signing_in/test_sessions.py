"""A session: new at sign-in, dead at sign-out, over after half an hour without a click and after eight hours."""

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import roles
from tests.queries.counting import queries_of
from tests.signing_in.conftest import PASSWORD, knock, signed_in

User = get_user_model()
COOKIE = configured.SESSION_COOKIE_NAME


@pytest.fixture
def clock(monkeypatch):
    """Minutes that have gone by."""
    began, gone = timezone.now(), [0.0]
    monkeypatch.setattr("django.utils.timezone.now", lambda: began + timedelta(minutes=gone[0]))

    def after(minutes):
        gone[0] = minutes

    return after


def entered(email="ops@example.com"):
    client = Client()
    assert knock(email, PASSWORD, client=client).status_code == 302
    return client


def key(client):
    return client.cookies[COOKIE].value


def replay(cookie):
    client = Client()
    client.cookies[COOKIE] = cookie
    return client


def test_the_id_is_a_new_one_at_sign_in(people):
    client = Client()
    planted = client.session
    planted["from"] = "an attacker"
    planted.save()
    client.cookies[COOKIE] = planted.session_key
    knock("ops@example.com", PASSWORD, client=client)
    assert key(client) != planted.session_key
    assert not signed_in(replay(planted.session_key))


def test_the_id_is_dead_after_sign_out(people):
    client = entered()
    old = key(client)
    assert client.post("/sign-out/").status_code == 302
    assert not signed_in(replay(old))


def test_a_new_password_ends_the_other_sessions_and_not_the_own(people):
    here, elsewhere = entered(), entered()
    old = key(here)
    form = {
        "old_password": PASSWORD,
        "new_password1": "another long one 7",
        "new_password2": "another long one 7",
    }
    assert here.post("/password/", form).status_code == 302
    assert signed_in(here)
    assert not signed_in(elsewhere)
    assert not signed_in(replay(old))


def test_a_password_set_by_ops_ends_every_session_of_the_person(people, sign_in):
    client = entered("csm-a@example.com")
    form = {"usable_password": "true", "password1": "given by ops 44x", "password2": "given by ops 44x"}
    page = sign_in(people.ops).post(f"/admin/accounts/user/{people.csm_a.pk}/password/", form)
    assert page.status_code == 302
    assert not signed_in(client)


def test_who_is_switched_off_is_out_with_the_next_request(people):
    client = entered("csm-a@example.com")
    assert signed_in(client)
    User.objects.filter(email="csm-a@example.com").update(is_active=False)
    assert client.get("/").status_code == 302


def test_a_role_given_or_taken_holds_from_the_next_request(people):
    client = entered("nobody@example.com")
    assert client.get("/customers/").status_code == 403
    people.nobody.groups.add(Group.objects.get(name=roles.OPS))
    assert client.get("/customers/").status_code == 200
    people.nobody.groups.clear()
    assert client.get("/customers/").status_code == 403


@pytest.mark.parametrize(("minutes", "still"), [(29, True), (31, False)])
def test_half_an_hour_without_a_click_ends_it(people, clock, minutes, still):
    client = entered()
    clock(minutes)
    assert signed_in(client) is still


def test_clicks_keep_it_and_eight_hours_end_it_all_the_same(people, clock):
    client = entered()
    for minute in range(0, 8 * 60, 20):
        clock(minute)
        assert signed_in(client), minute
    clock(8 * 60 - 1)
    assert signed_in(client)
    clock(8 * 60 + 1)
    assert not signed_in(client)


def test_a_session_that_ran_out_is_none_at_the_health_check_too(people, clock):
    """A door that needs no sign-in, and tells CS ops more."""
    client = entered()
    assert client.get("/healthz").headers["Content-Type"] == "application/json"
    clock(31)
    assert client.get("/healthz").headers["Content-Type"] == "text/plain"


def test_the_cookie_ends_with_the_session(people):
    client = entered()
    assert client.cookies[COOKIE]["max-age"] == 30 * 60
    assert client.cookies[COOKIE]["httponly"]
    assert client.cookies[COOKIE]["samesite"] == "Lax"


def test_the_session_is_written_once_a_minute_at_most(people, clock):
    client = entered()

    def writes():
        asked = queries_of(lambda: client.get("/"))
        return [sql for sql in asked if "django_session" in sql and not sql.startswith("SELECT")]

    assert [len(writes()) for _ in range(3)] == [0, 0, 0]
    clock(2)
    assert [len(writes()) for _ in range(3)] == [1, 0, 0]
    clock(2.9)
    assert writes() == []


def test_a_session_from_before_there_were_limits_gets_its_end_with_the_next_click(people, clock):
    client = entered()
    session = Session.objects.get(session_key=key(client))
    old = client.session
    for name in ("signed_in_at", "seen_at", "_session_expiry"):
        del old[name]
    old.set_expiry(None)
    old.save()
    clock(2)
    assert signed_in(client)
    session.refresh_from_db()
    assert session.expire_date <= timezone.now() + timedelta(minutes=30)


def test_sign_out_is_by_button_only(people):
    client = entered()
    page = client.get("/sign-out/", headers={"accept": "text/html"})
    assert page.status_code == 405
    assert "only takes what a button sends" in page.content.decode()
    assert signed_in(client)


def test_pages_behind_the_door_are_kept_by_no_browser(people):
    client = entered()
    assert "no-store" in client.get("/")["Cache-Control"]
    assert "no-store" in Client().get("/sign-in/")["Cache-Control"]
