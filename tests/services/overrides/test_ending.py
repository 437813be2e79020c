"""How overrides begin and end by the calendar, and how people end them."""

import pytest

from allocation.models import Notice, Source, TierHolding
from allocation.services.overrides import (
    UnableToWithdrawOverride,
    approve_override,
    begin_overrides,
    expire_overrides,
    warn_of_ending,
    withdraw_override,
)
from tests.factories import TODAY
from tests.oracle import faults
from tests.services.overrides.world import DAY, IN_HALF_A_YEAR, NOW, approved, asked, tier_of


def withdrawn(override, actor, words="No longer needed"):
    return withdraw_override(override_id=override.pk, actor=actor, words=words, on=TODAY, at=NOW)


@pytest.mark.parametrize("make", [asked, approved])
@pytest.mark.parametrize("role", ["csm_a", "manager", "director", "ops"])
def test_asker_managers_and_ops_end_an_override_and_the_tier_stays_until_a_run(world, make, role):
    override = make(world)
    before = tier_of(world)
    ended = withdrawn(override, getattr(world, role))
    assert (ended.status, ended.ended_by) == ("withdrawn", getattr(world, role))
    assert tier_of(world) == before


def test_a_csm_who_did_not_ask_and_a_stranger_do_not_end_it(world):
    override = asked(world, world.ops)
    with pytest.raises(UnableToWithdrawOverride, match="by who asked"):
        withdrawn(override, world.csm_a)
    with pytest.raises(UnableToWithdrawOverride, match="unknown"):
        withdrawn(override, world.csm_b)
    with pytest.raises(UnableToWithdrawOverride, match="Say why"):
        withdrawn(override, world.ops, words=" ")
    assert withdrawn(override, world.ops).status == "withdrawn"
    with pytest.raises(UnableToWithdrawOverride, match="withdrawn already"):
        withdrawn(override, world.ops)


def test_one_that_begins_later_begins_on_its_day_once(world):
    override = approve_override(
        override_id=asked(world, starts_on=TODAY + DAY).pk, actor=world.manager, words="Yes", on=TODAY, at=NOW
    )
    assert begin_overrides(on=TODAY, at=NOW) == ()
    assert begin_overrides(on=TODAY + DAY, at=NOW) == (world.customer.pk,)
    assert begin_overrides(on=TODAY + DAY, at=NOW) == ()
    assert tier_of(world) == world.high
    assert TierHolding.objects.filter(source=Source.OVERRIDE, source_id=override.pk).count() == 1
    assert faults() == []


@pytest.mark.parametrize("why", ["left", "retired"])
def test_one_that_begins_later_does_not_begin_for_who_left_or_in_a_retired_tier(world, why):
    override = approve_override(
        override_id=asked(world, starts_on=TODAY + DAY).pk, actor=world.manager, words="Yes", on=TODAY, at=NOW
    )
    if why == "left":
        type(world.customer).objects.filter(pk=world.customer.pk).update(status="left")
    else:
        type(world.high).objects.filter(pk=world.high.pk).update(retired=True)
    assert begin_overrides(on=TODAY + DAY, at=NOW) == ()
    override.refresh_from_db()
    assert (override.status, tier_of(world)) == ("expired", world.low)


def test_one_that_ran_out_and_is_replaced_before_the_calendar_looked_has_expired(world):
    first = approved(world, expires_on=TODAY + DAY)
    later = TODAY + DAY
    asked_later = asked(world, on=later, starts_on=later + DAY, expires_on=later + 9 * DAY)
    approve_override(override_id=asked_later.pk, actor=world.manager, words="Yes", on=later, at=NOW)
    first.refresh_from_db()
    assert (first.status, first.ended_by) == ("expired", None)


def test_an_override_holds_until_the_day_before_it_expires(world):
    override = approved(world)
    assert expire_overrides(on=IN_HALF_A_YEAR - DAY, at=NOW) == ()
    assert expire_overrides(on=IN_HALF_A_YEAR, at=NOW) == (world.customer.pk,)
    assert expire_overrides(on=IN_HALF_A_YEAR, at=NOW) == ()
    override.refresh_from_db()
    assert (override.status, override.ended_by, override.ended_at) == ("expired", None, NOW)
    assert tier_of(world) == world.high  # never silently: a run proposes what follows


def test_a_request_that_nobody_decided_runs_out_and_no_run_follows(world):
    override = asked(world)
    assert expire_overrides(on=IN_HALF_A_YEAR, at=NOW) == ()
    override.refresh_from_db()
    assert (override.status, override.decided_by) == ("expired", None)
    assert "Nobody decided" in override.ended_words


def test_the_asker_is_told_a_fortnight_before_the_end_once(world):
    approved(world)
    Notice.objects.all().delete()
    assert warn_of_ending(on=IN_HALF_A_YEAR - 15 * DAY, at=NOW) == 0
    assert warn_of_ending(on=IN_HALF_A_YEAR - 14 * DAY, at=NOW) == 1
    assert warn_of_ending(on=IN_HALF_A_YEAR - 13 * DAY, at=NOW) == 0
    assert [notice.to for notice in Notice.objects.all()] == [world.csm_a]


def test_of_a_short_one_the_asker_is_told_after_half_its_time(world):
    approved(world, expires_on=TODAY + 4 * DAY)
    assert warn_of_ending(on=TODAY + DAY, at=NOW) == 0
    assert warn_of_ending(on=TODAY + 2 * DAY, at=NOW) == 1


def test_mail_about_overrides_says_nothing_of_what_it_is_about(world):
    approved(world, expires_on=TODAY + 4 * DAY)
    warn_of_ending(on=TODAY + 3 * DAY, at=NOW)
    expire_overrides(on=TODAY + 4 * DAY, at=NOW)
    texts = " ".join(notice.subject + notice.body for notice in Notice.objects.all()).lower()
    assert Notice.objects.values("kind").distinct().count() == 4
    assert [word for word in ("tier", "high", "low", "override", "score", "risk") if word in texts] == []
