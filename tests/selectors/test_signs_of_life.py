"""Who is silent: judged by the last sign of life and the clock that is handed in."""

from datetime import timedelta

import pytest

from allocation.models import Pulse
from allocation.selectors.signs_of_life import signs_of_life, silent_parts
from tests.factories import CLOCK

NOW = CLOCK["at"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ten_seconds(settings):
    settings.PULSE_SECONDS = 10


def test_where_nothing_was_ever_started_both_were_never_heard_of():
    assert signs_of_life(at=NOW) == {"worker": "never heard of", "beat": "never heard of"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "ok"),
        (60, "ok"),  # six pulses, to the second
        (61, "not heard of for 61 seconds"),
        (119, "not heard of for 119 seconds"),
        (120, "not heard of for 2 minutes"),
        (7199, "not heard of for 119 minutes"),
        (7200, "not heard of for 2 hours"),
        (3 * 86400, "not heard of for 3 days"),
        (-300, "ok"),  # the part's clock is ahead of ours
    ],
)
def test_a_part_is_silent_after_six_pulses(seconds, words):
    Pulse.objects.create(part="worker", at=NOW - timedelta(seconds=seconds))
    Pulse.objects.create(part="beat", at=NOW)
    assert signs_of_life(at=NOW) == {"worker": words, "beat": "ok"}


def test_the_landing_page_is_told_what_waits():
    Pulse.objects.create(part="beat", at=NOW - timedelta(minutes=4))
    worker, beat = silent_parts(at=NOW)
    assert (worker.part, worker.last_at) == ("worker", None)
    assert worker.sentence == (
        "The worker was never heard of: runs, plans, imports and mail wait until one runs again."
    )
    assert beat.sentence.startswith("The timetable (beat) was not heard of for 4 minutes: ")


def test_both_are_read_with_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        silent_parts(at=NOW)


def test_a_clock_that_is_behind_takes_no_sign_of_life_back():
    Pulse.objects.leave(part="worker", at=NOW)
    Pulse.objects.leave(part="worker", at=NOW - timedelta(seconds=30))
    assert Pulse.objects.get().at == NOW
    Pulse.objects.leave(part="worker", at=NOW + timedelta(seconds=30))
    assert Pulse.objects.get().at == NOW + timedelta(seconds=30)
