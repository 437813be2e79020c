"""The counter of guesses: how many places there are, when they come back, and whom a full counter stops."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

from cstiers.signing_in.throttle import (
    ADDRESS,
    PERSON,
    TooManyGuesses,
    give_place_back,
    name_to_count,
    take_place,
)

HOME, OFFICE = "192.0.2.1", "198.51.100.7"
NOW = timezone.now()
pytestmark = pytest.mark.django_db


def take(number, *, person="ada@example.com", address=HOME, at=NOW):
    """How many of `number` places are given."""
    given = 0
    for _ in range(number):
        try:
            take_place(person=person, address=address, at=at)
        except TooManyGuesses:
            continue
        given += 1
    return given


def test_a_person_has_five_places_from_one_address():
    assert take(9) == 5


def test_the_refusal_says_when_there_is_a_place_again():
    take(5)
    with pytest.raises(TooManyGuesses) as refused:
        take_place(person="ada@example.com", address=HOME, at=NOW + timedelta(minutes=5))
    assert (refused.value.whose, refused.value.until) == (PERSON, NOW + timedelta(minutes=15))


def test_nobody_locks_another_out_from_elsewhere():
    assert take(99, address=OFFICE) == 5
    assert take(1) == 1


def test_one_person_at_an_address_does_not_stop_the_next():
    assert take(9) == 5
    assert take(9, person="ben@example.com") == 5


@pytest.mark.parametrize(("minutes", "given"), [(14, 0), (15, 5)])
def test_a_full_counter_is_empty_after_fifteen_minutes_and_not_before(minutes, given):
    take(5)
    assert take(9, at=NOW + timedelta(minutes=minutes)) == given


def test_refused_tries_do_not_make_the_lock_longer():
    take(5)
    for minute in range(1, 15):
        assert take(1, at=NOW + timedelta(minutes=minute)) == 0
    assert take(1, at=NOW + timedelta(minutes=15)) == 1


def test_in_no_fifteen_minutes_are_there_more_than_five():
    """Slow guessing over the end of a window: the counter ends fifteen minutes after its last place."""
    given = [NOW + timedelta(seconds=seconds) for seconds in range(0, 7200, 20)]
    given = [at for at in given if take(1, at=at)]
    assert len(given) > 20
    for at in given:
        within = [other for other in given if at <= other < at + timedelta(minutes=15)]
        assert len(within) <= 5


def test_an_address_has_fifty_places_whoever_is_tried():
    given = sum(take(1, person=f"person{number}@example.com") for number in range(80))
    assert given == 50
    with pytest.raises(TooManyGuesses) as refused:
        take_place(person="late@example.com", address=HOME, at=NOW)
    assert refused.value.whose == ADDRESS
    assert take(1, person="late@example.com", address=OFFICE) == 1


def test_a_full_address_leaves_the_person_his_places():
    for number in range(50):
        take(1, person=f"person{number}@example.com")
    assert take(9) == 0
    assert take(9, at=NOW + timedelta(minutes=15)) == 5


def test_guesses_that_are_not_looked_at_do_not_use_up_the_address():
    assert take(500) == 5
    assert take(5, person="ben@example.com") == 5
    assert AccessAttempt.objects.get(user_agent=ADDRESS).failures_since_start == 10


def test_the_right_password_begins_anew():
    for _ in range(20):
        assert take(4) == 4
        give_place_back(take_place(person="ada@example.com", address=HOME, at=NOW))
        AccessAttempt.objects.filter(user_agent=ADDRESS).update(failures_since_start=0)
    assert take(9) == 5


def test_right_passwords_use_up_no_place_of_the_address():
    for number in range(200):
        give_place_back(take_place(person=f"person{number}@example.com", address=OFFICE, at=NOW))
    assert take(1, address=OFFICE) == 1


@pytest.mark.parametrize(
    "spelling",
    [
        "ADA.SMITHK@EXAMPLE.COM",
        " ada.smithk@example.com ",
        "ada.ſmithk@example.com",  # long s: the database finds "s"
        "ada.smıthk@example.com",  # dotless i
        "ada.smith\u212a@example.com",  # Kelvin sign
        "ａda.smithk@example.com",  # full width
    ],
)
def test_every_spelling_that_finds_the_person_is_one_name(spelling):
    assert name_to_count(spelling) == name_to_count("ada.smithk@example.com")


@pytest.mark.parametrize("typed", ["hunter2 and more", "P@ssw0rd!", "", "x" * 5000, "nul\x00nul"])
def test_what_is_no_e_mail_address_is_counted_and_not_kept(typed):
    """People type their password into the first field."""
    assert take(9, person=typed) == 5
    kept = AccessAttempt.objects.get(user_agent=PERSON).username
    assert kept.startswith("no e-mail address (")
    assert len(kept) < 60


def test_old_counters_are_swept_up():
    take(1, person="old@example.com")
    AccessAttempt.objects.update(attempt_time=NOW - timedelta(days=2))
    take(1, at=NOW)
    assert set(AccessAttempt.objects.values_list("username", flat=True)) <= {"ada@example.com", ""}
