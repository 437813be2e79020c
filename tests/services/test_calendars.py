"""The address of a calendar: made, renewed, revoked and read; whom it opens nothing for."""

import datetime
import hashlib

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from accounts import roles
from accounts.models import CSM, Leave, User
from allocation.models import CalendarFeed
from allocation.services.calendars import (
    UnableToMakeCalendar,
    UnableToRevokeCalendar,
    make_calendar,
    read_calendar,
    revoke_calendar,
)
from tests.factories import NOW, TODAY

CLOCK = {"on": TODAY, "at": NOW}
MINUTE = datetime.timedelta(minutes=1)


def made(person):
    return make_calendar(actor=person, **CLOCK)


def opened(token, **more):
    return read_calendar(**{"token": token, **CLOCK, **more})


def test_the_address_opens_the_calendar_of_its_csm_and_only_a_digest_is_kept(cast):
    token = made(cast.csm_a)
    feed = CalendarFeed.objects.get()
    assert len(token) >= 43  # 32 random bytes
    assert (feed.csm, feed.created_by, feed.created_at) == (cast.csm_a.csm, cast.csm_a, NOW)
    assert feed.digest == hashlib.sha256(token.encode()).hexdigest()
    assert token not in repr(CalendarFeed.objects.values_list())
    assert opened(token) == cast.csm_a.csm


def test_a_new_address_ends_the_one_before(cast):
    first, second = made(cast.csm_a), made(cast.csm_a)
    assert (opened(first), opened(second)) == (None, cast.csm_a.csm)
    assert CalendarFeed.objects.standing().count() == 1


@pytest.mark.parametrize("role", ["ops", "manager", "nobody"])
def test_who_is_no_csm_has_no_calendar(cast, role):
    with pytest.raises(UnableToMakeCalendar, match="Only a CSM"):
        made(getattr(cast, role))


def test_who_has_left_makes_none(cast):
    CSM.objects.filter(user=cast.csm_a).update(leaves_on=TODAY)
    with pytest.raises(UnableToMakeCalendar, match="is over"):
        made(cast.csm_a)


def leaves(cast):
    CSM.objects.filter(user=cast.csm_a).update(leaves_on=TODAY)


def is_switched_off(cast):
    User.objects.filter(pk=cast.csm_a.pk).update(is_active=False)


def loses_the_role(cast):
    cast.csm_a.groups.remove(Group.objects.get(name=roles.CSM))


def loses_the_sign_in(cast):
    CSM.objects.filter(user=cast.csm_a).update(user=None)


def is_linked_to_another_sign_in(cast):
    """The new person has the role too: only who made the address tells the two apart."""
    CSM.objects.filter(user=cast.csm_b).update(user=None)
    CSM.objects.filter(user=cast.csm_a).update(user=cast.csm_b)


def revokes(cast):
    revoke_calendar(feed_id=CalendarFeed.objects.get().pk, actor=cast.csm_a, at=NOW)


@pytest.mark.parametrize(
    "happens",
    [leaves, is_switched_off, loses_the_role, loses_the_sign_in, is_linked_to_another_sign_in, revokes],
    ids=lambda one: one.__name__,
)
def test_it_opens_nothing_any_more_when_the_csm(cast, happens):
    token = made(cast.csm_a)
    happens(cast)
    assert opened(token) is None
    assert CalendarFeed.objects.get().read_at is None


def test_on_the_last_day_it_still_opens(cast):
    token = made(cast.csm_a)
    CSM.objects.filter(user=cast.csm_a).update(leaves_on=TODAY + datetime.timedelta(days=1))
    assert opened(token) == cast.csm_a.csm


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "\x00", "\udc80", "é" * 43])
def test_another_token_opens_nothing(cast, token):
    made(cast.csm_a)
    assert opened(token) is None


def test_when_it_was_read_is_written_down_once_an_hour(cast, django_assert_num_queries):
    token = made(cast.csm_a)
    read = [
        opened(token, at=NOW + minutes * MINUTE) and CalendarFeed.objects.get().read_at
        for minutes in (0, 59, 60)
    ]
    assert read == [NOW, NOW, NOW + 60 * MINUTE]


@pytest.mark.parametrize("role", ["csm_a", "manager", "ops"])
def test_it_is_revoked_by_its_csm_the_manager_and_ops(cast, role):
    made(cast.csm_a)
    feed, actor = CalendarFeed.objects.get(), getattr(cast, role)
    revoke_calendar(feed_id=feed.pk, actor=actor, at=NOW)
    feed.refresh_from_db()
    assert feed.revoked_at == NOW
    with pytest.raises(UnableToRevokeCalendar, match="revoked already"):
        revoke_calendar(feed_id=feed.pk, actor=actor, at=NOW)


@pytest.mark.parametrize("role", ["csm_b", "nobody"])
def test_others_cannot_even_while_they_cover_the_book(cast, role, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    Leave.objects.create(
        csm=cast.csm_a.csm,
        starts_on=TODAY,
        ends_before=TODAY + datetime.timedelta(days=9),
        covered_by=cast.csm_b.csm,
    )
    made(cast.csm_a)
    with pytest.raises(UnableToRevokeCalendar, match="unknown, or outside"):
        revoke_calendar(feed_id=CalendarFeed.objects.get().pk, actor=getattr(cast, role), at=NOW)


def test_the_database_keeps_one_address_a_csm(cast):
    made(cast.csm_a)
    with pytest.raises(IntegrityError), transaction.atomic():
        CalendarFeed.objects.create(csm=cast.csm_a.csm, digest="d", created_at=NOW, created_by=cast.csm_a)
