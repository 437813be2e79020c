"""Objecting against applying, answering and objecting twice: who objects in time is never passed over silently.

The race is at midnight: the objector's clock shows the last day, the applier's the day after.
"""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from accounts import roles
from accounts.models import CSM, Customer
from allocation.models import BookPlan, Objection, RunStatus
from allocation.selectors.objections import refusal_to_apply
from allocation.services.planning import (
    UnableToAnswerObjections,
    UnableToObject,
    UnableToPlanBooks,
    answer_objections,
    apply_plan,
    object_to_move,
    open_objections,
    withdraw_objection,
)
from tests import factories
from tests.faults.test_claims import ROUNDS, at_once
from tests.faults.test_plan_races import attempt, fresh_plan
from tests.oracle import faults

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TODAY, NOW = factories.TODAY, factories.NOW
UNTIL = TODAY + timedelta(days=1)


def open_plan() -> SimpleNamespace:
    """A plan open to objections on its last day; one of its moves gives a customer to somebody who signs in."""
    plan = fresh_plan()
    open_objections(plan_id=plan.pk, until=UNTIL, actor=None, on=TODAY, at=NOW)
    move = plan.moves.order_by("pk").first()
    csm = CSM.objects.get(pk=move.to_csm_id)
    if csm.user is None:
        csm.user = factories.UserFactory(role=roles.CSM)
        csm.save()
    return SimpleNamespace(plan=plan, move=move, user=csm.user)


def object_to(world: SimpleNamespace) -> Objection:
    said = {"reason_kind": "workload", "words": "Too much"}
    return object_to_move(move_id=world.move.pk, actor=world.user, on=TODAY, at=NOW, **said)


def apply(world: SimpleNamespace, number: int = 0) -> object:
    given: dict[str, Any] = {"plan_id": world.plan.pk, "actor": None, "on": UNTIL}
    return attempt(lambda: apply_plan(**given, owner=f"runner {number}"), UnableToPlanBooks)


def seat(world: SimpleNamespace) -> int | None:
    found: int | None = Customer.objects.get(pk=world.move.customer_id).csm_id
    return found


def test_a_move_objected_to_in_time_is_never_applied_silently() -> None:
    for _ in range(ROUNDS):
        world = open_plan()

        def act(number: int, world: SimpleNamespace = world) -> object:
            if number % 2:
                return apply(world, number)
            return attempt(lambda: object_to(world), UnableToObject)

        told = at_once(act)[::2]
        world.plan.refresh_from_db()
        taken = [one for one in told if one != "refused"]
        assert len(taken) == Objection.objects.filter(move=world.move).count() <= 1
        if taken:
            assert (world.plan.status, seat(world)) == (RunStatus.PROPOSED, None)
        else:
            assert (world.plan.status, seat(world)) == (RunStatus.APPLIED, world.move.to_csm_id)
        assert faults() == []


def while_an_objection_is_written(world: SimpleNamespace, claim: Any) -> object:
    """What `claim` gets that comes while somebody's objection is written, but not committed yet."""
    written = threading.Event()

    def act(number: int) -> object:
        if number == 0:
            with transaction.atomic():
                object_to(world)
                written.set()
                time.sleep(0.5)
        elif number == 1:
            written.wait(timeout=20)
            return claim()
        return None

    return at_once(act)[1]


def test_a_claim_waits_for_an_objection_that_is_being_written_and_sees_it() -> None:
    world = open_plan()
    assert while_an_objection_is_written(world, lambda: apply(world)) == "refused"
    assert (BookPlan.objects.get(pk=world.plan.pk).status, seat(world)) == (RunStatus.PROPOSED, None)


def test_control_a_claim_of_one_statement_does_not_see_it() -> None:
    """The row it waited for is looked at anew, the objections are not: so the claim locks the row first."""
    world = open_plan()
    free = BookPlan.objects.free_of_objections(UNTIL).filter(pk=world.plan.pk, status="proposed")
    assert while_an_objection_is_written(world, lambda: free.update(status="applying")) == 1
    assert Objection.objects.unanswered().filter(move=world.move).exists()


def test_control_looking_before_claiming_applies_over_an_objection() -> None:
    world = open_plan()
    looked, objected = threading.Event(), threading.Event()
    claim = {"owner": "hasty", "waiting": ["proposed"], "working": "applying"}

    def act(number: int) -> object:
        if number == 0:
            is_free = refusal_to_apply(plan=BookPlan.objects.get(pk=world.plan.pk), on=UNTIL) == ""
            looked.set()
            objected.wait(timeout=20)
            return is_free and BookPlan.objects.claim(world.plan.pk, **claim) is not None
        if number == 1:
            looked.wait(timeout=20)
            object_to(world)
            objected.set()
        return None

    assert at_once(act)[0] is True
    assert Objection.objects.unanswered().filter(move=world.move).exists()


def test_of_eight_clicks_on_object_one_is_taken_and_the_others_are_shown_it() -> None:
    for _ in range(ROUNDS):
        world = open_plan()

        def act(number: int, world: SimpleNamespace = world) -> object:
            try:
                return object_to(world)
            except UnableToObject as refusal:
                return refusal.first

        found = at_once(act)
        assert {one.pk for one in found} == {Objection.objects.get(move=world.move).pk}  # type: ignore[attr-defined]


def test_an_objection_is_answered_or_taken_back_and_never_both() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        world = open_plan()
        made = object_to(world)

        def act(number: int, world: SimpleNamespace = world, made: Objection = made) -> object:
            if number % 2:
                given = {
                    "plan_id": world.plan.pk,
                    "move_ids": [world.move.pk],
                    "actor": ops,
                    "words": "Still",
                }
                return attempt(lambda: answer_objections(**given, at=NOW), UnableToAnswerObjections)
            given = {"objection_id": made.pk, "actor": world.user, "on": TODAY, "at": NOW}
            return attempt(lambda: withdraw_objection(**given), UnableToObject)

        found = at_once(act)
        assert len([one for one in found if one != "refused"]) == 1
        made.refresh_from_db()
        assert (made.withdrawn_at is None) is (made.answer == "kept")
