"""Many people at one override: it is asked for once and decided once, and who came second is told what happened.

On PostgreSQL only. The control arm reads, waits and then writes, as a form that is saved does.
"""

import threading
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from accounts import roles
from accounts.models import Team
from allocation.models import Override, Source, TierHolding
from allocation.services.overrides import (
    UnableToDecideOverride,
    UnableToRequestOverride,
    UnableToWithdrawOverride,
    approve_override,
    decline_override,
    expire_overrides,
    withdraw_override,
)
from allocation.services.retiering import apply_run, propose_run, queue_run
from tests import factories
from tests.factories import TODAY
from tests.faults.test_goal_races import PEOPLE, ROUNDS, each_at_once
from tests.oracle import faults
from tests.pages import company as companies
from tests.services.overrides.world import DAY, NOW, asked, build, customer_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def world(transactional_db: None) -> Any:
    """With `.managers`: one above the other, all above team A, so that each may decide."""
    cast = build(factories.cast())
    cast.managers, above = [cast.manager, cast.director], Team.objects.get(name="Top")
    for number in range(PEOPLE - 2):
        manager = factories.UserFactory(role=roles.MANAGER)
        higher = factories.TeamFactory(name=f"Higher {number}", manager=manager)
        above.parent = higher
        above.save()
        cast.managers.append(manager)
        above = higher
    return cast


def given_by_overrides() -> int:
    return TierHolding.objects.filter(source=Source.OVERRIDE).count()


def approve(override: Override, actor: Any) -> Override:
    return approve_override(override_id=override.pk, actor=actor, words="Yes", on=TODAY, at=NOW)


def decline(override: Override, actor: Any) -> Override:
    return decline_override(override_id=override.pk, actor=actor, words="No", on=TODAY, at=NOW)


def withdrawn(override: Override, actor: Any) -> Override:
    return withdraw_override(override_id=override.pk, actor=actor, words="Again", on=TODAY, at=NOW)


def test_of_many_who_decide_one_does_and_each_other_is_told_what_that_one_did(world: Any) -> None:
    for _ in range(ROUNDS):
        override, before = asked(world), given_by_overrides()
        works = [
            partial(act, override, manager)
            for manager, act in zip(world.managers, [approve, decline] * (PEOPLE // 2), strict=True)
        ]
        found = each_at_once(works)
        done = [one for one in found if isinstance(one, Override)]
        refused = [one for one in found if isinstance(one, UnableToDecideOverride)]
        assert (len(done), len(refused)) == (1, PEOPLE - 1), found
        assert {one.decided.decided_by for one in refused if one.decided} == {done[0].decided_by}
        assert all(one.decided for one in refused)
        assert given_by_overrides() - before == (1 if done[0].status == "approved" else 0)
        assert faults() == []
        world.customer = customer_of(world)


def test_approving_declining_withdrawing_and_running_out_at_once_leave_one_end(world: Any) -> None:
    for _ in range(ROUNDS):
        override, before = asked(world, expires_on=TODAY + DAY), given_by_overrides()
        found = each_at_once(
            [
                partial(approve, override, world.manager),
                partial(decline, override, world.director),
                partial(withdrawn, override, world.csm_a),
                partial(expire_overrides, on=TODAY + DAY, at=NOW),
            ]
        )
        known = (Override, tuple, UnableToDecideOverride, UnableToWithdrawOverride)
        assert all(isinstance(one, known) for one in found), found
        override.refresh_from_db()
        approved = isinstance(found[0], Override)
        # Who was approved may have been withdrawn or have run out just after; nothing else comes twice.
        assert override.status in (
            {"approved", "withdrawn", "expired"} if approved else {"declined", "withdrawn", "expired"}
        )
        assert (override.decided_by is not None) == (approved or isinstance(found[1], Override))
        assert given_by_overrides() - before == (1 if approved else 0)
        if override.status == "approved":
            expire_overrides(on=TODAY + DAY, at=NOW)
        world.customer = customer_of(world)
        assert faults() == []


def test_of_many_who_ask_one_does(world: Any) -> None:
    for _ in range(ROUNDS):
        found = each_at_once([lambda who=who: asked(world, who) for who in world.managers])
        assert sum(isinstance(one, Override) for one in found) == 1
        assert sum(isinstance(one, UnableToRequestOverride) for one in found) == PEOPLE - 1, found
        assert Override.objects.asked().count() == 1
        withdrawn(Override.objects.asked().get(), world.ops)


def test_an_approval_and_a_run_that_is_applied_come_one_after_the_other(transactional_db: None) -> None:
    company = companies.build(factories.cast(), per_book=3)
    cast = company.cast
    for _ in range(ROUNDS):
        world = cast
        world.customer, world.high = company.a[2], factories.TierFactory(slug="global")
        override = asked(world)
        run = queue_run(as_of=TODAY, at=timezone.now(), actor_id=cast.ops.pk)
        propose_run(run_id=run.pk, owner="test")
        found = each_at_once(
            [
                partial(approve, override, cast.manager),
                partial(apply_run, run_id=run.pk, owner="test", at=NOW, actor_id=cast.ops.pk),
            ]
        )
        assert isinstance(found[0], Override), found
        assert not isinstance(found[1], Exception), found
        world.customer.refresh_from_db()
        assert (
            world.customer.tier.slug == "global"
        )  # the run skips whom the override changed, or the override comes last
        assert faults() == []
        withdrawn(override, cast.ops)
        again = queue_run(as_of=TODAY, at=timezone.now(), actor_id=cast.ops.pk)
        propose_run(run_id=again.pk, owner="test")
        apply_run(run_id=again.pk, owner="test", at=NOW, actor_id=cast.ops.pk)
        world.customer.refresh_from_db()
        assert world.customer.tier.slug == "scale"


def test_control_reading_before_writing_lets_several_decide(world: Any) -> None:
    override, read = asked(world), threading.Barrier(PEOPLE)

    def saved(manager: Any) -> bool:
        row = Override.objects.get(pk=override.pk)
        assert row.status == "asked"
        read.wait(timeout=20)
        row.status, row.decided_by, row.decided_at, row.decided_words = "approved", manager, NOW, "Yes"
        row.save()
        return True

    found = each_at_once([lambda manager=manager: saved(manager) for manager in world.managers])
    won = sum(one is True for one in found)
    refused_by_the_database = sum(isinstance(one, DatabaseError) for one in found)
    assert won > 1 or refused_by_the_database == PEOPLE - 1, found
