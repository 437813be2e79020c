"""A storm of guesses: whatever comes at once, no more passwords are looked at than there are places.

On PostgreSQL only. `CSTIERS_ROUNDS` of 100 and more (`make prove`) makes the storm a thousand guesses, fifty at once;
the control arm is django-axes' own counting, which looks first and counts afterwards.
"""

import threading
import time

import pytest
from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client

from cstiers.signing_in.throttle import PlaceBeforeCheck
from tests.faults.test_claims import ROUNDS
from tests.signing_in.conftest import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

User = get_user_model()
GUESSES, AT_ONCE = (1000, 50) if ROUNDS >= 100 else (120, 12)
LOOK_SECONDS = 0.05  # about what the real hasher takes; the tests' own is too fast for two to meet


class CountedHasher(MD5PasswordHasher):
    """For people who do not exist, the look at a password is a hashing for nobody."""

    looks = 0
    counting = threading.Lock()

    def encode(self, password, salt):
        with self.counting:
            type(self).looks += 1
        return super().encode(password, salt)


@pytest.fixture
def looked(monkeypatch):
    """Every password that was really looked at."""
    found, lock = [], threading.Lock()
    honest = User.check_password

    def look(self, raw):
        with lock:
            found.append(raw)
        time.sleep(LOOK_SECONDS)
        return honest(self, raw)

    monkeypatch.setattr(User, "check_password", look)
    return found


def crowd(visits, *, at_once):
    """What `visits` (calls without arguments) return, made by so many threads, each with one connection of its own."""
    connecting, together, waiting = threading.Lock(), threading.Barrier(at_once), iter(list(visits))
    found, errors, taking = [], [], threading.Lock()

    def one():
        try:
            with connecting:  # fifty sign-ons to PostgreSQL at once are no part of the question
                connection.ensure_connection()
            together.wait(timeout=60)
            while True:
                with taking:
                    visit = next(waiting, None)
                if visit is None:
                    return
                found.append(visit())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    if errors:
        raise errors[0]
    return found


def knock(email, password, address):
    form = {"username": email, "password": password}
    return Client().post("/sign-in/", form, REMOTE_ADDR=address).status_code


def guess(number, email="victim@example.com"):
    return lambda: knock(email, f"guess {number}", "192.0.2.66")


@pytest.fixture
def victim():
    return User.objects.create_user("victim@example.com", PASSWORD)


def test_of_a_storm_on_one_person_five_guesses_are_looked_at(victim, looked):
    statuses = crowd(map(guess, range(GUESSES)), at_once=AT_ONCE)
    assert len(looked) == 5
    assert (statuses.count(200), statuses.count(429)) == (5, GUESSES - 5)


def test_of_a_storm_on_many_people_from_one_address_fifty_are_looked_at(settings):
    settings.PASSWORD_HASHERS = [f"{CountedHasher.__module__}.CountedHasher"]
    CountedHasher.looks = 0
    statuses = crowd(
        [guess(number, f"person{number}@example.com") for number in range(GUESSES)], at_once=AT_ONCE
    )
    assert CountedHasher.looks == 50
    assert (statuses.count(200), statuses.count(429)) == (50, GUESSES - 50)


def test_the_right_person_comes_in_from_elsewhere_while_it_storms(victim, looked):
    visits = [guess(number) for number in range(GUESSES // 4)]
    for place in range(5):
        visits.insert(place * 10, lambda: ("owner", knock("victim@example.com", PASSWORD, "198.51.100.7")))
    found = crowd(visits, at_once=AT_ONCE)
    assert [answer for answer in found if isinstance(answer, tuple)] == [("owner", 302)] * 5
    assert found.count(200) == 5


def test_people_who_come_at_once_with_the_right_password_are_never_turned_away(looked):
    """A place is held while a password is looked at: as many as there are threads, never the fifty of the address."""
    for number in range(AT_ONCE):
        User.objects.create_user(f"person{number}@example.com", PASSWORD)
    emails = [f"person{number % AT_ONCE}@example.com" for number in range(AT_ONCE * 6)]
    visits = [lambda email=email: knock(email, PASSWORD, "192.0.2.66") for email in emails]
    assert set(crowd(visits, at_once=AT_ONCE // 2)) == {302}


def test_control_counting_after_the_look_lets_as_many_through_as_come_at_once(victim, looked, settings):
    settings.AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
    settings.AXES_FAILURE_LIMIT = 5
    settings.AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
    settings.AXES_LOCKOUT_CALLABLE = None
    assert not isinstance(AxesProxyHandler.get_implementation(), PlaceBeforeCheck)
    crowd(map(guess, range(AT_ONCE * 2)), at_once=AT_ONCE)
    assert len(looked) > 7
