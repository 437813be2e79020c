"""A run that is cancelled stops between two batches: what was computed is put away, what was done stays and is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from allocation.models import RetierRun, RowStatus, RunChunk, RunStatus
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import (
    UnableToApplyRun,
    UnableToCancelRun,
    apply_run,
    applying,
    ask_to_finish_run,
    ask_to_undo_run,
    cancel_run,
    propose_run,
    proposing,
    queue_run,
    undo_run,
    undoing,
)
from tests import factories
from tests.oracle import faults
from tests.services.retiering_cast import applied, customer, half_applied, proposed, tiers

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def cancel(run, by):
    said = cancel_run(run_id=run.pk, actor=by, at=timezone.now())
    run.refresh_from_db()
    return said


def apply(run):
    found = apply_run(run_id=run.pk, owner="test", at=timezone.now())
    run.refresh_from_db()
    return found


def undo(run):
    found = undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=TODAY)
    run.refresh_from_db()
    return found


def asks_before(monkeypatch, module, name, *, call, run, by):
    """Somebody cancels while chunk number `call` is under way."""
    real, calls = getattr(module, name), []

    def asked(*args):
        calls.append(args)
        if len(calls) == call:
            cancel_run(run_id=run.pk, actor=by, at=timezone.now())
        return real(*args)

    monkeypatch.setattr(module, name, asked)
    return calls


@pytest.fixture
def of_three(monkeypatch):
    """An open run of three customers, a chunk each."""
    for _ in range(3):
        customer(800000)
    monkeypatch.setattr(proposing, "BATCH", 1)
    return proposed()


def test_a_queued_run_is_discarded_at_once_and_says_by_whom(cast):
    run = queue_run(as_of=TODAY, at=timezone.now())
    assert cancel(run, cast.ops) == f"Run {run.pk}: Cancelled by Olga Ops; nothing of it was kept."
    assert (run.status, run.was_stopped) == (RunStatus.DISCARDED, True)
    assert propose_run(run_id=run.pk, owner="late") is False


def test_a_run_that_is_computed_is_discarded_at_its_next_heartbeat(cast, monkeypatch):
    customer(800000)
    run = queue_run(as_of=TODAY, at=timezone.now())
    real = proposing.rules_of

    def asked(**given):
        cancel_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
        return real(**given)

    monkeypatch.setattr(proposing, "rules_of", asked)
    assert propose_run(run_id=run.pk, owner="test") is False
    run.refresh_from_db()
    assert (run.status, run.message) == (
        RunStatus.DISCARDED,
        "Cancelled by Olga Ops; nothing of it was kept.",
    )


def test_a_wish_to_cancel_before_the_last_chunks_are_stored_counts(cast, monkeypatch):
    """Or a run that was to be applied by itself would be, although somebody cancelled it."""
    for _ in range(3):
        customer(800000)
    monkeypatch.setattr(proposing, "BATCH", 1)
    run = queue_run(as_of=TODAY, at=timezone.now(), apply_when_proposed=True)
    real, calls = proposing.decision_rows, []

    def asked(**given):
        calls.append(given)
        if len(calls) == 2:  # what comes before is stored, what is asked about now is the last of it
            cancel_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
        return real(**given)

    monkeypatch.setattr(proposing, "decision_rows", asked)
    assert propose_run(run_id=run.pk, owner="test") is False
    run.refresh_from_db()
    assert (run.status, len(calls)) == (RunStatus.DISCARDED, 2)


def test_applying_stops_after_the_batch_under_way_and_what_is_applied_stays(cast, of_three, monkeypatch):
    asks_before(monkeypatch, applying, "_apply", call=2, run=of_three, by=cast.ops)
    assert apply(of_three) is False
    assert (of_three.status, of_three.was_stopped) == (RunStatus.FAILED, True)
    assert of_three.message == "Stopped by Olga Ops: 2 of 3 customers done."
    assert list(tiers().values()).count(None) == 1
    assert faults() == []


def test_a_stopped_run_is_gone_on_with_and_equals_one_that_was_left_alone(cast, of_three, monkeypatch):
    with monkeypatch.context() as patch:
        asks_before(patch, applying, "_apply", call=1, run=of_three, by=cast.ops)
        apply(of_three)
    ask_to_finish_run(run_id=of_three.pk, actor=cast.ops, at=timezone.now() - timedelta(seconds=1))
    of_three.refresh_from_db()
    assert (of_three.status, of_three.cancel_asked_at) == (RunStatus.APPLYING, None)
    assert apply(of_three) is True
    assert of_three.status == RunStatus.APPLIED
    assert None not in tiers().values()
    assert faults() == []


def test_a_stopped_run_can_be_undone(cast, of_three, monkeypatch):
    with monkeypatch.context() as patch:
        asks_before(patch, applying, "_apply", call=1, run=of_three, by=cast.ops)
        apply(of_three)
    assert undo(of_three) is True
    assert (of_three.status, set(tiers().values())) == (RunStatus.UNDONE, {None})


def test_only_what_was_stopped_on_the_way_is_gone_on_with(cast, of_three):
    with pytest.raises(UnableToApplyRun, match="is proposed: only a run that was stopped on the way"):
        ask_to_finish_run(run_id=of_three.pk, actor=cast.ops, at=timezone.now())
    with pytest.raises(UnableToApplyRun, match="Only CS ops"):
        ask_to_finish_run(run_id=of_three.pk, actor=cast.manager, at=timezone.now())


def test_a_run_cancelled_before_its_first_batch_is_a_proposal_again(cast, of_three, monkeypatch):
    RetierRun.objects.filter(pk=of_three.pk).update(apply_when_proposed=True, applied_by=cast.ops)
    real = applying._rules_of_its_day

    def asked(run):
        cancel_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
        return real(run)

    monkeypatch.setattr(applying, "_rules_of_its_day", asked)
    assert apply(of_three) is False
    assert (of_three.status, of_three.apply_when_proposed, of_three.applied_by_id) == (
        RunStatus.PROPOSED,
        False,
        None,
    )
    assert set(tiers().values()) == {None}


def test_a_wish_that_no_worker_took_up_is_taken_back(cast, of_three):
    RetierRun.objects.filter(pk=of_three.pk).update(apply_when_proposed=True, applied_by=cast.ops)
    assert cancel(of_three, cast.ops) == f"Run {of_three.pk} is not applied; its proposal stays."
    assert (of_three.status, of_three.apply_when_proposed) == (RunStatus.PROPOSED, False)


def test_undoing_stops_after_the_batch_under_way_and_can_be_undone_to_the_end(cast, of_three, monkeypatch):
    apply(of_three)
    with monkeypatch.context() as patch:
        asks_before(patch, undoing, "_undo", call=1, run=of_three, by=cast.ops)
        assert undo(of_three) is False
    assert of_three.message == "Undoing was stopped by Olga Ops: 1 of 3 customers done."
    assert undo(of_three) is True
    assert set(tiers().values()) == {None}


def test_an_undoing_that_no_worker_took_up_is_taken_back(cast):
    customer(800000)
    run = applied()
    ask_to_undo_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
    cancel(run, cast.ops)
    assert (run.status, run.undone_by_id) == (RunStatus.APPLIED, None)
    assert undo(run) is True, "an old wish to cancel stops no later undoing"


def test_the_claim_of_a_dead_worker_is_cancelled_at_once(cast, monkeypatch):
    for _ in range(2):
        customer(800000)
    run = half_applied(monkeypatch)
    assert cancel(run, cast.ops) == f"Run {run.pk}: Stopped by Olga Ops: 1 of 2 customers done."
    assert run.status == RunStatus.FAILED


def test_a_wish_to_cancel_outlives_the_worker_that_did_not_see_it(cast, monkeypatch):
    for _ in range(2):
        customer(800000)
    run = half_applied(monkeypatch)
    at = timezone.now()
    RetierRun.objects.filter(pk=run.pk).update(cancel_asked_at=at, cancel_asked_by=cast.ops)
    assert apply(run) is False
    assert (run.status, run.message) == (RunStatus.FAILED, "Stopped by Olga Ops: 1 of 2 customers done.")


def test_cancelling_twice_says_who_was_first(cast, of_three):
    RetierRun.objects.claim(of_three.pk, owner="alive", waiting=["proposed"], working="applying")
    assert "what is done stays done" in cancel(of_three, cast.ops)
    with pytest.raises(UnableToCancelRun, match="Olga Ops asked for that already"):
        cancel(of_three, cast.ops)


@pytest.mark.parametrize("status", ["proposed", "applied", "undone", "discarded", "stale", "failed"])
def test_after_the_end_there_is_nothing_to_cancel(cast, of_three, status):
    RetierRun.objects.filter(pk=of_three.pk).update(status=status)
    with pytest.raises(UnableToCancelRun, match="only a run that waits or is worked on"):
        cancel(of_three, cast.ops)
    assert of_three.cancel_asked_at is None


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_only_cs_ops_cancel(cast, of_three, who):
    with pytest.raises(UnableToCancelRun, match="Only CS ops"):
        cancel(of_three, getattr(cast, who))


def test_an_overtaken_runner_cannot_end_a_run_as_cancelled(cast, of_three):
    first = RetierRun.objects.claim(of_three.pk, owner="first", waiting=["proposed"], working="applying")
    RetierRun.objects.update(
        lease_until=timezone.now() - timedelta(seconds=1), cancel_asked_at=timezone.now()
    )
    RetierRun.objects.claim(of_three.pk, owner="second", waiting=[], working="applying")
    assert not RetierRun.objects.end_cancelled(of_three.pk, fence=first, status="failed", message="")
    assert not RetierRun.objects.heartbeat(of_three.pk, fence=first, done=0, total=0), "lost, not cancelled"


def test_a_chunk_of_a_stopped_run_is_whole(cast, of_three, monkeypatch):
    asks_before(monkeypatch, applying, "_apply", call=1, run=of_three, by=cast.ops)
    apply(of_three)
    assert list(RunChunk.objects.order_by("pk").values_list("status", flat=True)) == [
        RowStatus.APPLIED, RowStatus.PROPOSED, RowStatus.PROPOSED,
    ]  # fmt: skip
