"""The doors that look at a password: the sign-in page and the change of the own password."""

import logging
import re
import statistics
import time

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth import authenticate, get_user_model
from django.test import Client

from cstiers.signing_in import throttle
from tests.signing_in.conftest import PASSWORD, knock, signed_in

User = get_user_model()


def test_the_sixth_wrong_password_is_not_looked_at_and_the_page_says_when_to_come_back(people):
    for _ in range(5):
        assert knock("ops@example.com", "wrong").status_code == 200
    client = Client()
    page = knock("ops@example.com", PASSWORD, client=client)
    text = page.content.decode()
    assert page.status_code == 429
    assert 14 * 60 < int(page["Retry-After"]) <= 15 * 60
    assert "Too many wrong passwords" in text
    assert re.search(r"Try again at \d\d:\d\d</strong>, in 15 minutes", text)
    assert "no-store" in page["Cache-Control"]
    assert not signed_in(client)


def test_the_right_password_is_taken_before_the_limit_and_begins_anew(people):
    for _ in range(3):
        for _ in range(4):
            assert knock("ops@example.com", "wrong").status_code == 200
        assert knock("ops@example.com", PASSWORD).status_code == 302


def test_the_lock_holds_for_the_person_and_the_address_together(people):
    for _ in range(6):
        knock("ops@example.com", "wrong", REMOTE_ADDR="192.0.2.66")
    assert knock("ops@example.com", PASSWORD, REMOTE_ADDR="192.0.2.66").status_code == 429
    assert knock("ops@example.com", PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 302
    assert knock("csm-a@example.com", PASSWORD, REMOTE_ADDR="192.0.2.66").status_code == 302


def test_a_stranger_does_not_get_new_places_by_claiming_other_addresses(people):
    tried = [
        knock("ops@example.com", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}").status_code
        for number in range(20)
    ]
    assert tried.count(200) == 5


def test_a_browser_that_calls_itself_something_else_is_counted_with_the_others(people):
    tried = [
        knock("ops@example.com", "wrong", HTTP_USER_AGENT=f"Browser {number}").status_code
        for number in range(9)
    ]
    assert tried.count(200) == 5


@pytest.mark.parametrize("email", ["unknown@example.com", "csm-a@example.com"])
def test_an_unknown_or_switched_off_person_is_answered_like_any_other(people, email):
    """The same words, the same count, the same lock."""
    User.objects.filter(email="csm-a@example.com").update(is_active=False)

    passing = r'csrfmiddlewaretoken" value="[^"]+"|\d\d:\d\d</strong>, in \d+ minutes?'  # a minute may pass between the two

    def answers(who):
        found = [knock(who, PASSWORD + "!") for _ in range(7)]
        bodies = [re.sub(passing, "", page.content.decode()).replace(who, "WHO") for page in found]
        return [page.status_code for page in found], bodies

    assert answers(email) == answers("ops@example.com")


def test_an_unknown_person_costs_as_much_as_a_known_one(people, settings, monkeypatch):
    """With the real hasher: the median of a look differs by less than the hashing itself would."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    settings.SIGN_IN_GUESSES = settings.SIGN_IN_GUESSES_OF_ADDRESS = 100
    people.ops.set_password(PASSWORD)
    people.ops.save()

    def seconds(email):
        began = time.process_time()
        knock(email, "wrong")
        return time.process_time() - began

    pairs = [(seconds("ops@example.com"), seconds("unknown@example.com")) for _ in range(7)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.6 < unknown / known < 1.7


def test_no_password_is_kept_or_logged(people, caplog):
    """Not the right one, not a wrong one, not one typed into the field of the person."""
    secrets = ("wrong-secret-93", "typed-too-early-17", PASSWORD)
    with caplog.at_level(logging.DEBUG):
        for _ in range(7):
            knock("ops@example.com", secrets[0])
        knock(secrets[1], secrets[0])
        knock("csm-a@example.com", PASSWORD)
    kept = [
        str(value)
        for model in (AccessAttempt, AccessLog, AccessFailureLog)
        for row in model.objects.order_by("pk").values()
        for value in row.values()
    ]
    assert AccessAttempt.objects.exists()
    assert [text for text in (*kept, caplog.text) for secret in secrets if secret in text] == []


def test_no_row_is_written_for_a_sign_in_that_is_led_by_nothing(people):
    """The library would write a line for each sign-in and sign-out, with browser and address, and keep it for ever."""
    client = Client()
    knock("ops@example.com", PASSWORD, client=client)
    client.post("/sign-out/")
    assert not AccessLog.objects.exists()


def change(client, old, **meta):
    form = {"old_password": old, "new_password1": "another long one 7", "new_password2": "another long one 7"}
    return client.post("/password/", form, **meta)


def test_an_open_browser_is_no_place_to_guess_the_old_password(people, sign_in):
    client = sign_in(people.ops)
    assert [change(client, "wrong").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    assert change(client, PASSWORD).status_code == 429
    assert User.objects.get(pk=people.ops.pk).check_password(PASSWORD)


def test_door_and_password_page_share_their_places(people, sign_in):
    client = sign_in(people.ops)
    for _ in range(3):
        change(client, "wrong")
        knock("ops@example.com", "wrong")
    assert knock("ops@example.com", PASSWORD).status_code == 429


def test_a_right_old_password_with_a_poor_new_one_uses_no_place(people, sign_in):
    client = sign_in(people.ops)
    form = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    for _ in range(9):
        assert client.post("/password/", form).status_code == 200
    assert change(client, PASSWORD).status_code == 302


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/password_change/"])
def test_the_admin_has_no_door_of_its_own(people, sign_in, path):
    client = sign_in(people.ops)
    form = {"username": "ops@example.com", "password": "wrong", "old_password": "wrong"}
    assert client.post(path, form).status_code == 302
    assert Client().post(path, form).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_a_sign_in_without_a_free_place_never_reaches_the_password(people, monkeypatch):
    looked = []
    monkeypatch.setattr(User, "check_password", lambda self, raw: looked.append(raw))
    for _ in range(20):
        knock("ops@example.com", "wrong")
    assert len(looked) == 5


@pytest.mark.parametrize("named", [{"username": ""}, {"username": None}, {"email": "ops@example.com"}])
def test_whoever_looks_at_a_password_by_djangos_own_way_takes_a_place(people, rf, named):
    """Also a door that somebody adds later, and also without a name."""
    requests = [rf.post("/") for _ in range(7)]
    for request in requests:
        assert authenticate(request, password="wrong", **named) is None
    assert [hasattr(request, "too_many_guesses") for request in requests] == [False] * 5 + [True] * 2


def test_control_without_the_place_every_guess_is_looked_at(people, monkeypatch):
    looked = []
    monkeypatch.setattr(User, "check_password", lambda self, raw: looked.append(raw))
    monkeypatch.setattr(throttle.PlaceBeforeCheck, "is_allowed", lambda *args, **kwargs: True)
    for _ in range(20):
        knock("ops@example.com", "wrong")
    assert len(looked) == 20
