"""Deciding: who may, that nobody decides the own request, what an approval does, who is told."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Customer, Delegation, Team
from allocation.models import Notice, Override, Source, TierHolding
from allocation.services.overrides import (
    UnableToDecideOverride,
    approve_override,
    decline_override,
    edit_override,
    withdraw_override,
)
from tests.factories import TODAY, TierFactory
from tests.services.overrides.world import DAY, NOW, approved, asked, tier_of

DECISIONS = {"approve": approve_override, "decline": decline_override}


def decided(how, override, actor, **more):
    return DECISIONS[how](
        **({"override_id": override.pk, "actor": actor, "words": "Agreed", "on": TODAY, "at": NOW} | more)
    )


def test_an_approval_gives_the_tier_at_once_and_the_ledger_says_by_which_override(world):
    override = decided("approve", asked(world), world.manager)
    assert tier_of(world) == world.high
    row = TierHolding.objects.current().get(customer=world.customer)
    assert (row.tier, row.source, row.source_id, row.actor, row.starts_on) == (
        world.high,
        Source.OVERRIDE,
        override.pk,
        world.manager,
        TODAY,
    )
    assert "Their sponsor leaves" in row.words
    assert (override.status, override.decided_by, override.decided_words, override.begun_at) == (
        "approved",
        world.manager,
        "Agreed",
        NOW,
    )


def test_one_that_begins_later_changes_nothing_yet(world):
    override = decided("approve", asked(world, starts_on=TODAY + DAY), world.manager)
    assert tier_of(world) == world.low
    assert override.begun_at is None


def test_declining_leaves_the_customer_where_it_is(world):
    override = decided("decline", asked(world), world.manager)
    assert (override.status, override.decided_by, tier_of(world)) == ("declined", world.manager, world.low)


@pytest.mark.parametrize("how", DECISIONS)
def test_managers_of_the_team_and_above_decide_and_nobody_else(world, how):
    override = asked(world)
    for role, sentence in {
        "ops": "decided by a manager",
        "csm_a": "decided by a manager",
        "csm_b": "unknown",
        "nobody": "unknown",
    }.items():
        with pytest.raises(UnableToDecideOverride, match=sentence):
            decided(how, override, getattr(world, role))
    with pytest.raises(UnableToDecideOverride, match="unknown"):
        decided(how, override, None)
    assert decided(how, override, world.director).decided_by == world.director


@pytest.mark.parametrize("how", DECISIONS)
def test_nobody_decides_the_own_request_whatever_the_roles(world, how):
    override = asked(world, world.manager)
    world.manager.is_superuser = True
    world.manager.save()
    with pytest.raises(UnableToDecideOverride, match="asked for it yourself"):
        decided(how, override, world.manager)
    for status in ("approved", "declined"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Override.objects.filter(pk=override.pk).update(
                status=status, decided_by=world.manager, decided_at=NOW, decided_words="Mine"
            )
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE allocation_override SET status = 'approved', decided_by_id = %s, decided_at = %s, decided_words = 'x' "
            "WHERE id = %s",
            [world.manager.pk, NOW, override.pk],
        )
    assert Override.objects.get().status == "asked"


@pytest.mark.parametrize("how", DECISIONS)
def test_who_edited_a_request_does_not_decide_it(world, how):
    override = asked(world)
    edit_override(
        override_id=override.pk,
        actor=world.manager,
        expires_on=TODAY + 9 * DAY,
        words="Shorter",
        on=TODAY,
        at=NOW,
    )
    with pytest.raises(UnableToDecideOverride, match="changed this request yourself"):
        decided(how, override, world.manager)
    assert decided(how, override, world.director).decided_by == world.director


def test_a_manager_made_one_after_the_request_still_does_not_decide_the_own(world):
    """Who asked makes himself manager of the team: the ban looks at the person."""
    override = asked(world)
    world.csm_a.groups.add(*world.manager.groups.all())
    Team.objects.filter(pk=world.team_a.pk).update(manager=world.csm_a)
    with pytest.raises(UnableToDecideOverride, match="asked for it yourself"):
        decided("approve", override, type(world.csm_a).objects.get(pk=world.csm_a.pk))


@pytest.mark.parametrize("how", DECISIONS)
@pytest.mark.parametrize("first", [*DECISIONS, "withdraw"])
def test_who_comes_second_is_told_what_happened(world, how, first):
    override = asked(world)
    if first == "withdraw":
        withdraw_override(override_id=override.pk, actor=world.csm_a, words="No", on=TODAY, at=NOW)
    else:
        decided(first, override, world.director)
    done = {"approve": "approved by Dora", "decline": "declined by Dora", "withdraw": "withdrawn by Ada"}
    with pytest.raises(UnableToDecideOverride, match=done[first]) as refusal:
        decided(how, override, world.manager)
    assert refusal.value.decided.pk == override.pk
    assert TierHolding.objects.filter(source=Source.OVERRIDE).count() == (1 if first == "approve" else 0)


def test_a_request_changed_since_it_was_shown_is_refused(world):
    override = asked(world)
    edit_override(
        override_id=override.pk,
        actor=world.ops,
        expires_on=TODAY + 9 * DAY,
        words="Shorter",
        on=TODAY,
        at=NOW,
    )
    with pytest.raises(UnableToDecideOverride, match="changed since"):
        decided("approve", override, world.manager, seen_version=1)
    assert decided("approve", override, world.manager, seen_version=2).status == "approved"


@pytest.mark.parametrize("words", ["", "  ", "x" * 2001, "a\0b"])
def test_a_decision_has_words(world, words):
    with pytest.raises(UnableToDecideOverride):
        decided("approve", asked(world), world.manager, words=words)


def test_what_cannot_hold_any_more_is_not_approved_but_can_be_declined(world):
    override = asked(world, expires_on=TODAY + DAY)
    with pytest.raises(UnableToDecideOverride, match="would have ended"):
        decided("approve", override, world.manager, on=TODAY + DAY)
    type(world.high).objects.filter(pk=world.high.pk).update(retired=True)
    with pytest.raises(UnableToDecideOverride, match="retired meanwhile"):
        decided("approve", override, world.manager)
    Customer.objects.filter(pk=world.customer.pk).update(status="left")
    with pytest.raises(UnableToDecideOverride, match="has left"):
        decided("approve", override, world.manager)
    assert decided("decline", override, world.manager).status == "declined"


def test_a_new_one_takes_the_place_of_the_one_in_force(world):
    first, middle = approved(world), TierFactory(slug="middle", rank=3)
    second = approved(world, tier_id=middle.pk)
    first.refresh_from_db()
    assert (first.status, first.ended_by) == ("withdrawn", world.manager)
    assert str(second.pk) in first.ended_words
    assert tier_of(world) == middle


def test_the_delegate_of_a_manager_decides_while_it_holds(world):
    override = asked(world)
    other = world.director
    Team.objects.filter(pk=world.team_a.pk).update(parent=None)  # the director leads nothing of it any more
    with pytest.raises(UnableToDecideOverride, match="unknown"):
        decided("approve", override, other)
    delegation = Delegation.objects.create(
        manager=world.manager,
        delegate=other,
        starts_on="2000-01-01",
        ends_before="2999-01-01",
        created_by=world.manager,
        created_at=NOW,
    )
    fresh = type(other).objects.get(pk=other.pk)
    assert decided("decline", override, fresh).decided_by == other
    Delegation.objects.filter(pk=delegation.pk).update(ended_at=NOW)
    again = asked(world)
    with pytest.raises(UnableToDecideOverride, match="unknown"):
        decided("approve", again, type(other).objects.get(pk=other.pk))


def test_asker_and_csm_are_told_and_not_who_decided(world):
    override = asked(world, world.ops)
    Notice.objects.all().delete()
    decided("approve", override, world.manager)
    assert {notice.to for notice in Notice.objects.all()} == {world.ops, world.csm_a}
