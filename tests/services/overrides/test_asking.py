"""Asking for an override: who may, what is refused with a sentence, what is kept."""

from datetime import date

import pytest

from accounts.models import Customer
from allocation.models import Notice, Override, OverrideEdit
from allocation.selectors.overrides import months_later
from allocation.services.overrides import (
    UnableToEditOverride,
    UnableToRequestOverride,
    edit_override,
    withdraw_override,
)
from tests.factories import TODAY, TierFactory
from tests.services.overrides.world import DAY, IN_HALF_A_YEAR, NOW, approved, asked, tier_of


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a"])
def test_who_sees_the_customer_may_ask(world, role):
    override = asked(world, getattr(world, role))
    assert (override.status, override.asked_by, override.due_on) == (
        "asked",
        getattr(world, role),
        TODAY + 7 * DAY,
    )
    assert override.tier_when_asked == world.low
    assert tier_of(world) == world.low  # asking changes nothing


@pytest.mark.parametrize("role", ["csm_b", "nobody"])
def test_a_customer_out_of_scope_is_like_one_that_does_not_exist(world, role):
    with pytest.raises(UnableToRequestOverride) as hidden:
        asked(world, getattr(world, role))
    with pytest.raises(UnableToRequestOverride) as missing:
        asked(world, getattr(world, role), customer_id=10**9)
    assert str(hidden.value) == str(missing.value)
    assert not Override.objects.exists()


YEAR = date(TODAY.year + 1, TODAY.month, TODAY.day)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"words": " "}, "Say why"),
        ({"words": "x" * 2001}, "at most 2,000 characters"),
        ({"words": "a\0b"}, "NUL"),
        ({"evidence": "x" * 2001}, "at most 2,000 characters"),
        ({"evidence": "a\0b"}, "NUL"),
        ({"reason_kind": "gut"}, "kind of reason"),
        ({"tier_id": 10**9}, "no such tier"),
        ({"starts_on": TODAY - DAY}, "in the past"),
        ({"expires_on": TODAY}, "expire after it starts"),
        ({"starts_on": TODAY + DAY, "expires_on": TODAY + DAY}, "expire after it starts"),
        ({"expires_on": YEAR + DAY}, "12 months at most"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(world, given, sentence):
    with pytest.raises(UnableToRequestOverride, match=sentence):
        asked(world, **given)
    assert not Override.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"words": "x" * 2000, "evidence": "y" * 2000},
        {"starts_on": TODAY + DAY, "expires_on": TODAY + 2 * DAY},
        {"expires_on": TODAY + DAY},
        {"expires_on": YEAR},
    ],
)
def test_the_other_side_of_each_bound_is_taken(world, given):
    assert asked(world, **given).pk


def test_a_retired_tier_and_a_customer_that_left_are_refused(world):
    with pytest.raises(UnableToRequestOverride, match="retired"):
        asked(world, tier_id=TierFactory(slug="old", rank=9, retired=True).pk)
    Customer.objects.filter(pk=world.customer.pk).update(status="left")
    with pytest.raises(UnableToRequestOverride, match="has left"):
        asked(world)


def test_a_second_request_names_the_first(world):
    asked(world)
    with pytest.raises(UnableToRequestOverride, match="Ada Book asked for High"):
        asked(world, world.ops)


def test_one_that_begins_later_waits_for_the_end_of_the_one_in_force(world):
    approved(world)
    with pytest.raises(UnableToRequestOverride, match="has an approved override until"):
        asked(world, starts_on=TODAY + DAY)
    assert asked(world, starts_on=TODAY).pk  # that one would take its place


def test_the_nearest_manager_gets_a_notice_and_never_the_asker(world):
    first = asked(world)
    assert [notice.to for notice in Notice.objects.all()] == [world.manager]
    withdraw_override(override_id=first.pk, actor=world.csm_a, words="Not needed", on=TODAY, at=NOW)
    Notice.objects.all().delete()
    asked(world, world.manager)
    assert [notice.to for notice in Notice.objects.all()] == [world.director]


def edited(world, override, actor, **more):
    given = {"override_id": override.pk, "actor": actor, "words": "Shorter is enough", "on": TODAY, "at": NOW}
    return edit_override(**(given | more))


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a", "director"])
def test_a_request_is_changed_by_asker_managers_and_ops_and_each_change_is_kept(world, role):
    override = edited(world, asked(world), getattr(world, role), expires_on=TODAY + 30 * DAY)
    assert (override.expires_on, override.version) == (TODAY + 30 * DAY, 2)
    edit = OverrideEdit.objects.get()
    assert (edit.editor, edit.before["expires_on"], edit.after["expires_on"]) == (
        getattr(world, role),
        IN_HALF_A_YEAR.isoformat(),
        (TODAY + 30 * DAY).isoformat(),
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"words": ""}, "Say why"),
        ({"words": "x" * 501}, "at most 500"),
        ({}, "Nothing is changed"),
        ({"expires_on": TODAY}, "expire after"),
        ({"starts_on": TODAY - DAY}, "in the past"),
        ({"tier_id": 10**9}, "no such tier"),
        ({"expires_on": TODAY + DAY, "seen_version": 2}, "was changed since"),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(world, given, sentence):
    override = asked(world)
    with pytest.raises(UnableToEditOverride, match=sentence):
        edited(world, override, world.ops, **given)
    assert Override.objects.get().version == 1


def test_only_a_request_that_waits_is_changed_and_only_by_who_may_see_it(world):
    override = asked(world)
    with pytest.raises(UnableToEditOverride, match="unknown"):
        edited(world, override, world.csm_b, expires_on=TODAY + DAY)
    withdraw_override(override_id=override.pk, actor=world.csm_a, words="No more", on=TODAY, at=NOW)
    with pytest.raises(UnableToEditOverride, match="withdrawn"):
        edited(world, override, world.csm_a, expires_on=TODAY + DAY)


def test_the_start_of_a_request_may_have_passed_while_it_waited(world):
    override = asked(world)
    later = TODAY + 5 * DAY
    assert edited(world, override, world.ops, expires_on=later + DAY, on=later).starts_on == TODAY


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2025, 12, 31), 1, date(2026, 1, 31)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2026, 1, 15), 0, date(2026, 1, 15)),
        (date(2026, 11, 22), 12, date(2027, 11, 22)),
        (date(2026, 11, 22), 1, date(2026, 12, 22)),
    ],
)
def test_months_later_keeps_the_day_or_takes_the_last(day, months, later):
    assert months_later(day, months) == later
