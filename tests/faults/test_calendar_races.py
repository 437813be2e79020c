"""A CSM who makes the address of the calendar in many places at once: one address stands. On PostgreSQL only."""

import os

import pytest

from allocation.models import CalendarFeed
from allocation.services import calendars
from tests import factories
from tests.faults.test_goal_races import PEOPLE, at_once

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
CLOCK = {"on": factories.TODAY, "at": factories.NOW}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def test_of_addresses_made_at_once_one_opens_the_calendar() -> None:
    person = factories.cast().csm_a
    for _ in range(ROUNDS):
        tokens = at_once(lambda: calendars.make_calendar(actor=person, **CLOCK))
        assert [type(token) for token in tokens] == [str] * PEOPLE
        assert CalendarFeed.objects.standing().count() == 1
        opened = [calendars.read_calendar(token=str(token), **CLOCK) for token in tokens]
        assert [csm for csm in opened if csm is not None] == [person.csm]


def test_an_address_is_revoked_once() -> None:
    person = factories.cast().csm_a
    for _ in range(ROUNDS):
        calendars.make_calendar(actor=person, **CLOCK)
        pk = CalendarFeed.objects.standing().get().pk
        found = at_once(lambda pk=pk: calendars.revoke_calendar(feed_id=pk, actor=person, at=factories.NOW))
        assert sum(isinstance(one, CalendarFeed) for one in found) == 1
        assert sum(isinstance(one, calendars.UnableToRevokeCalendar) for one in found) == PEOPLE - 1
