"""A plan that is cancelled stops between two batches: what was computed is put away, what was done stays and is told."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from allocation.models import BookPlan, Move, RunStatus
from allocation.services.planning import (
    UnableToCancelPlan,
    UnableToPlanBooks,
    applying,
    ask_to_finish_plan,
    ask_to_undo_plan,
    cancel_plan,
    propose_plan,
    proposing,
    pulse,
    queue_plan,
    undoing,
)
from tests.factories import CLOCK, TODAY
from tests.services.plan_cast import applied, books, proposed, seats, state, undone

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    return books(cast)


def cancel(plan: BookPlan, by: Any) -> str:
    said: str = cancel_plan(plan_id=plan.pk, actor=by, at=timezone.now())
    plan.refresh_from_db()
    return said


def asks_in(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, plan: BookPlan, by: Any, *, call: int = 1
) -> None:
    """Somebody cancels while call number `call` of a function is under way."""
    real, calls = getattr(module, name), []

    def asked(*args: Any, **given: Any) -> Any:
        calls.append(args)
        if len(calls) == call:
            cancel_plan(plan_id=plan.pk, actor=by, at=timezone.now())
        return real(*args, **given)

    monkeypatch.setattr(module, name, asked)


def test_a_queued_plan_is_discarded_at_once_and_says_by_whom(world: Any, cast: Any) -> None:
    plan = queue_plan(as_of=TODAY, seed=1, actor=None)
    assert cancel(plan, cast.ops) == f"Book plan {plan.pk}: Cancelled by Olga Ops; nothing of it was kept."
    assert plan.status == RunStatus.DISCARDED
    assert propose_plan(plan_id=plan.pk, owner="late", **CLOCK) is None


def test_a_plan_that_is_computed_is_discarded_at_its_next_heartbeat(
    world: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.0)
    plan = queue_plan(as_of=TODAY, seed=1, actor=None, apply_when_proposed=True)
    asks_in(monkeypatch, proposing, "propose_books", plan, cast.ops)
    assert propose_plan(plan_id=plan.pk, owner="test", **CLOCK) is None
    plan.refresh_from_db()
    assert (plan.status, Move.objects.filter(plan=plan).exists()) == (RunStatus.DISCARDED, False)


def test_a_wish_to_cancel_after_the_last_heartbeat_counts(
    world: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = queue_plan(as_of=TODAY, seed=1, actor=None)
    asks_in(monkeypatch, proposing, "plan_results", plan, cast.ops)
    assert propose_plan(plan_id=plan.pk, owner="test", **CLOCK) is None
    plan.refresh_from_db()
    assert plan.status == RunStatus.DISCARDED


def test_applying_stops_after_the_batch_under_way_and_goes_on_when_asked(
    world: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "BATCH", 1)
    plan = proposed()
    with monkeypatch.context() as patch:
        asks_in(patch, applying, "_still_served", plan, cast.ops, call=2)
        with pytest.raises(UnableToPlanBooks, match="Stopped by Olga Ops: 2 of 4 customers done"):
            applied(plan)
    plan.refresh_from_db()
    assert (plan.status, plan.was_stopped) == (RunStatus.FAILED, True)
    ask_to_finish_plan(plan_id=plan.pk, actor=cast.ops, at=timezone.now())
    BookPlan.objects.update(lease_until=CLOCK["at"])
    assert applied(plan, actor=cast.ops).status == RunStatus.APPLIED
    assert list(seats().values()).count("Ben Book") == 4


def test_a_stopped_plan_can_be_undone(world: Any, cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "BATCH", 1)
    before, plan = state(), proposed()
    with monkeypatch.context() as patch:
        asks_in(patch, applying, "_still_served", plan, cast.ops)
        with pytest.raises(UnableToPlanBooks):
            applied(plan)
    assert undone(plan, actor=cast.ops)
    assert state() == before


def test_a_plan_cancelled_before_its_first_batch_is_a_proposal_again(
    world: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before = proposed(), seats()
    asks_in(monkeypatch, applying, "_is_stale", plan, cast.ops)
    with pytest.raises(UnableToPlanBooks, match="before any customer was moved; the proposal stays"):
        applied(plan)
    plan.refresh_from_db()
    assert (plan.status, plan.apply_when_proposed) == (RunStatus.PROPOSED, False)
    assert seats() == before


def test_undoing_stops_after_the_batch_under_way(
    world: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, plan = state(), proposed()
    applied(plan)
    monkeypatch.setattr(undoing, "BATCH", 1)
    with monkeypatch.context() as patch:
        asks_in(patch, undoing, "_undo", plan, cast.ops)
        assert undone(plan) is False
    plan.refresh_from_db()
    assert plan.message == "Undoing was stopped by Olga Ops: 1 of 4 customers done."
    assert undone(plan)
    assert state() == before


def test_an_undoing_that_no_worker_took_up_is_taken_back(world: Any, cast: Any) -> None:
    plan = proposed()
    applied(plan)
    ask_to_undo_plan(plan_id=plan.pk, actor=cast.ops, at=timezone.now())
    cancel(plan, cast.ops)
    assert (plan.status, plan.undone_by_id) == (RunStatus.APPLIED, None)


@pytest.mark.parametrize("status", ["proposed", "applied", "undone", "discarded", "stale", "failed"])
def test_after_the_end_there_is_nothing_to_cancel(world: Any, cast: Any, status: str) -> None:
    plan = proposed()
    BookPlan.objects.filter(pk=plan.pk).update(status=status)
    with pytest.raises(UnableToCancelPlan, match="only a plan that waits or is worked on"):
        cancel(plan, cast.ops)


def test_only_cs_ops_cancel(world: Any, cast: Any) -> None:
    plan = queue_plan(as_of=TODAY, seed=1, actor=None)
    with pytest.raises(UnableToCancelPlan, match="Only CS ops"):
        cancel(plan, cast.manager)
    with pytest.raises(UnableToPlanBooks, match="Only CS ops"):
        ask_to_finish_plan(plan_id=plan.pk, actor=cast.manager, at=timezone.now())
