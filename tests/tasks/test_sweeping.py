"""The sweep rings again for what waits too long, and gives up on what keeps failing."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.querysets.jobs import ATTEMPTS
from allocation.models import RetierRun, RunStatus, TieringModel
from allocation.tasks import sweeping
from allocation.tasks.sweeping import Errand, sweep_rows
from tests import factories

pytestmark = pytest.mark.django_db

WAITED_SECONDS = 30  # the default of SWEEP_SECONDS


@pytest.fixture
def rung(monkeypatch):
    """What was rung: [(task name, ids)]."""
    heard = []
    monkeypatch.setattr(sweeping.bell, "ring", lambda task, **ids: heard.append((task.name, ids)))
    return heard


ERRANDS = [
    Errand(RetierRun, ("queued", "computing"), SimpleNamespace(name="propose"), "run_id"),
    Errand(RetierRun, ("applying",), SimpleNamespace(name="apply"), "run_id"),
    Errand(RetierRun, ("proposed",), SimpleNamespace(name="apply"), "run_id", accepted=True),
]


def run_in(status, *, waited=0, lapsed=None, attempts=0):
    """A run in `status`, queued `waited` seconds ago, whose lease lapsed `lapsed` seconds ago (None: no lease)."""
    now = timezone.now()
    model, _ = TieringModel.objects.get_or_create(number=1, defaults={"name": "One"})
    return RetierRun.objects.create(
        as_of=factories.TODAY,
        tiering_model=model,
        status=status,
        queued_at=now - timedelta(seconds=waited),
        lease_until=None if lapsed is None else now - timedelta(seconds=lapsed),
        claimed_by="" if lapsed is None else "a worker",
        attempts=attempts,
        fence=attempts,
    )


def sweep(**options):
    return sweep_rows(ERRANDS, **{"limit": 10, "dry_run": False, **options})


def test_a_row_that_waits_too_long_is_rung_again(rung):
    run = run_in(RunStatus.QUEUED, waited=WAITED_SECONDS + 1)
    assert len(sweep()["rung"]) == 1
    assert rung == [("propose", {"run_id": run.pk})]


def test_a_row_that_was_just_queued_is_left_to_its_own_bell(rung):
    run_in(RunStatus.QUEUED, waited=WAITED_SECONDS - 5)
    sweep()
    assert rung == []


@pytest.mark.parametrize(
    ("status", "task"), [(RunStatus.COMPUTING, "propose"), (RunStatus.APPLYING, "apply")]
)
def test_a_row_whose_worker_died_is_rung_for_the_step_it_was_in(rung, status, task):
    run = run_in(status, lapsed=1, attempts=1)
    sweep()
    assert rung == [(task, {"run_id": run.pk})]


def test_a_row_whose_worker_is_alive_is_left_alone(rung):
    run_in(RunStatus.COMPUTING, waited=600, lapsed=-30, attempts=1)
    sweep()
    assert rung == []


@pytest.mark.parametrize(
    "status", [RunStatus.PROPOSED, RunStatus.APPLIED, RunStatus.FAILED, RunStatus.DISCARDED]
)
def test_a_row_that_waits_for_people_is_left_alone(rung, status):
    run_in(status, waited=9999)
    sweep()
    assert rung == []


def test_a_proposal_that_somebody_accepted_is_rung_again_and_no_other(rung):
    """Between the click and the worker only the row remembers the wish."""
    run = run_in(RunStatus.PROPOSED)
    RetierRun.objects.update(finished_at=timezone.now() - timedelta(seconds=WAITED_SECONDS + 1))
    sweep()
    assert rung == []
    RetierRun.objects.update(apply_when_proposed=True)
    sweep()
    assert rung == [("apply", {"run_id": run.pk})]


def test_a_row_that_killed_its_worker_each_time_is_given_up_with_a_sentence(rung):
    run = run_in(RunStatus.COMPUTING, lapsed=1, attempts=ATTEMPTS)
    assert len(sweep()["given_up"]) == 1
    run.refresh_from_db()
    assert (run.status, run.claimed_by, run.lease_until) == (RunStatus.FAILED, "", None)
    assert f"after {ATTEMPTS} attempts" in run.message
    assert rung == []


@pytest.mark.parametrize(
    ("status", "done", "attempts"),
    [("applying", 500, 1), ("undoing", 500, 1), ("applying", 0, ATTEMPTS), ("computing", 500, ATTEMPTS)],
)
def test_a_row_that_comes_further_is_not_given_up(status, done, attempts):
    """Workers may be stopped as often as they like: a batch that was kept is what counts."""
    run = run_in(status, attempts=ATTEMPTS)
    assert RetierRun.objects.heartbeat(run.pk, fence=run.fence, done=done, total=1000)
    run.refresh_from_db()
    assert run.attempts == attempts


def test_one_attempt_fewer_is_tried_again(rung):
    run_in(RunStatus.COMPUTING, lapsed=1, attempts=ATTEMPTS - 1)
    assert sweep()["given_up"] == []
    assert len(rung) == 1


def test_giving_up_leaves_a_row_alone_that_somebody_took_meanwhile(rung):
    run = run_in(RunStatus.COMPUTING, lapsed=1, attempts=ATTEMPTS)
    (due,) = sweeping.due_rows(ERRANDS, limit=10)
    RetierRun.objects.filter(pk=run.pk).update(fence=run.fence + 1)
    assert sweeping.give_up(due) is False
    run.refresh_from_db()
    assert run.status == RunStatus.COMPUTING


def test_giving_up_leaves_a_row_alone_whose_worker_came_back(rung):
    """A worker that stood still names the same claim as before; only the lease says that it lives."""
    run = run_in(RunStatus.COMPUTING, lapsed=1, attempts=ATTEMPTS)
    (due,) = sweeping.due_rows(ERRANDS, limit=10)
    assert RetierRun.objects.keep(run.pk, fence=run.fence)
    assert sweeping.give_up(due) is False
    run.refresh_from_db()
    assert (run.status, run.claimed_by) == (RunStatus.COMPUTING, "a worker")


def test_a_dry_run_tells_and_does_nothing(rung):
    run_in(RunStatus.QUEUED, waited=WAITED_SECONDS + 1)
    hopeless = run_in(RunStatus.APPLYING, lapsed=1, attempts=ATTEMPTS)
    found = sweep(dry_run=True)
    assert (len(found["rung"]), len(found["given_up"])) == (1, 1)
    hopeless.refresh_from_db()
    assert (hopeless.status, rung) == (RunStatus.APPLYING, [])


def test_a_sweep_takes_no_more_than_its_limit_and_the_longest_waiting_first(rung):
    RetierRun.objects.all().delete()
    late = run_in(RunStatus.QUEUED, waited=100)
    # One run of a scope is computed at a time, so the second has the other scope.
    early = RetierRun.objects.create(
        as_of=factories.TODAY,
        tiering_model=late.tiering_model,
        scope=RetierRun.Scope.GOALS,
        queued_at=timezone.now() - timedelta(seconds=200),
    )
    sweep(limit=1)
    assert rung == [("propose", {"run_id": early.pk})]


def test_a_senseless_limit_is_refused_with_a_sentence():
    with pytest.raises(CommandError, match="from 1"):
        call_command("sweep", "--limit", "-1")
