"""Short lists read in one statement are what the database would have given one by one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CSM, Leave, Tier, TouchActivity, User
from accounts.querysets.scope import covered_csm_ids, keep_covered
from allocation.models import AttentionPolicy
from allocation.selectors.book_ground import book_ground
from allocation.selectors.tiers import tiers_with_settings
from allocation.snapshots.together import ShortList, made, read_together
from tests.factories import TODAY, CSMFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db


def columns(model):
    return tuple(field.attname for field in model._meta.concrete_fields)


def as_read(row):
    return {name: getattr(row, name) for name in columns(type(row))}


@pytest.mark.parametrize(
    ("hours_each", "times"), [("0.10", "0.50"), ("0.25", "12"), ("1.33", "365"), ("100", "0.01")]
)
def test_amounts_and_truths_come_back_as_they_were(hours_each, times):
    TouchActivityFactory(tier=TierFactory(), hours_each=hours_each, times_a_year=times)
    activity, tier = TouchActivity.objects.get(), Tier.objects.get()
    found = read_together(
        {
            "activities": ShortList(TouchActivity.objects.all(), columns(TouchActivity)),
            "tiers": ShortList(Tier.objects.all(), columns(Tier), place="rank"),
        }
    )
    (first,), (second,) = found["activities"], found["tiers"]
    assert as_read(made(TouchActivity, first)) == as_read(activity)
    assert str(made(TouchActivity, first).hours_each) == str(activity.hours_each)
    assert as_read(made(Tier, second)) == as_read(tier)


def test_lists_keep_apart_and_stand_in_the_order_of_their_words():
    for place, name in enumerate(("b", "a", "Ä", "C")):
        TierFactory(name=name, slug=f"tier-{place}", rank=9 - place)
    found = read_together(
        {
            "by name": ShortList(Tier.objects.all(), ("name",), word="name"),
            "nobody": ShortList(CSM.objects.none(), ("name",)),
            "by rank": ShortList(Tier.objects.all(), ("name",), place="rank"),
        }
    )
    names = [row["name"] for row in found["by name"]]
    assert names == list(Tier.objects.order_by("name", "pk").values_list("name", flat=True))
    assert [row["name"] for row in found["by rank"]] == ["C", "Ä", "a", "b"]
    assert found["nobody"] == []


def test_the_ground_of_a_book_is_one_statement_and_what_the_models_say(cast):
    AttentionPolicy.objects.create(name="Ours", is_active=True, floor_pct="12.50", cap_pct="37.5")
    TierFactory(slug="top")
    Leave.objects.create(
        csm=CSMFactory(),
        starts_on=TODAY,
        ends_before=TODAY + timedelta(days=3),
        covered_by=cast.csm_a.csm,
    )
    user = User.objects.who_asks(cast.csm_a.pk)
    with CaptureQueriesContext(connection) as asked:
        ground = book_ground(csm=user.csm, on=TODAY, user=user)
    assert len(asked) == 1
    assert as_read(ground.policy) == as_read(AttentionPolicy.objects.get())
    (leave,), read = ground.leaves, Leave.objects.with_cover(TODAY).get()
    assert (as_read(leave), leave.is_covered) == (as_read(read), read.is_covered)
    assert (leave.csm.key, leave.covered_by.user_id) == (read.csm.key, cast.csm_a.pk)
    for one, other in zip(ground.tiers, tiers_with_settings(), strict=True):
        assert as_read(one) == as_read(other)
        for name in ("published", "full_time_hours"):
            assert getattr(one, name) == getattr(other, name)
        assert (bool(one.held), bool(one.paid)) == (other.held, other.paid)


@pytest.mark.parametrize(("first", "days"), [(0, 1), (-3, 3), (-3, 4), (1, 5)])
def test_whom_one_covers_is_the_same_from_leave_that_is_read_already(cast, monkeypatch, first, days):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    away, cover = cast.csm_b.csm, cast.csm_a
    starts_on = TODAY + timedelta(days=first)
    Leave.objects.create(
        csm=away, starts_on=starts_on, ends_before=starts_on + timedelta(days=days), covered_by=cover.csm
    )
    known, asking = User.objects.get(pk=cover.pk), User.objects.get(pk=cover.pk)
    keep_covered(known, Leave.objects.with_cover(TODAY).select_related("covered_by"), on=TODAY)
    with CaptureQueriesContext(connection) as asked:
        found = covered_csm_ids(known)
    assert (found, len(asked)) == (covered_csm_ids(asking), 0)


def test_a_request_asks_once_who_asks(cast):
    cast.csm_a.groups.add(*cast.manager.groups.all())
    with CaptureQueriesContext(connection) as asked:
        user = User.objects.who_asks(cast.csm_a.pk)
        found = user.role_names, user.csm.team.name, user.is_ops
    assert (found, len(asked)) == ((frozenset({"CSM", "Manager"}), "Team A", False), 1)


def test_who_has_no_role_and_no_csm_is_found_and_who_is_nobody_is_not(cast):
    user = User.objects.who_asks(cast.nobody.pk)
    with CaptureQueriesContext(connection) as asked:
        assert (user.role_names, getattr(user, "csm", None)) == (frozenset(), None)
    assert len(asked) == 0
    assert User.objects.who_asks(0) is None


def test_what_was_read_for_another_day_says_nothing_of_whom_one_covers_today(cast, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    yesterday, away, cover = TODAY - timedelta(days=1), cast.csm_b.csm, cast.csm_a
    Leave.objects.create(csm=away, starts_on=yesterday, ends_before=TODAY, covered_by=cover.csm)
    user = User.objects.get(pk=cover.pk)
    keep_covered(user, Leave.objects.with_cover(yesterday).select_related("covered_by"), on=yesterday)
    assert covered_csm_ids(user) == frozenset()
