"""What becomes of a row when a fault ends its work: it rests, or fails with a sentence; never both, never for ever."""

import logging
from datetime import timedelta

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.apps import apps
from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from accounts.models import ImportBatch, Job
from accounts.querysets.jobs import ATTEMPTS
from allocation.models import (
    AllocationPolicy,
    BookPlan,
    PlanPiece,
    RetierRun,
    Scenario,
    Sensitivity,
    Slot,
    TieringModel,
)
from allocation.tasks import runner
from allocation.tasks.runner import rest_seconds, working
from tests import factories

pytestmark = pytest.mark.django_db

PASSING = [
    OperationalError("deadlock detected"),
    InterfaceError("connection already closed"),
    InternalError("terminating connection due to idle-in-transaction timeout"),
    BrokerError("connection refused"),
    ConnectionResetError("gone"),
    TimeoutError("slow"),
    SoftTimeLimitExceeded(),
]
LASTING = [
    DataError("out of range"),
    ZeroDivisionError("a bug"),
    KeyError("name"),
    ValueError("no such thing"),
]


def run_in(status="queued", **more):
    model, _ = TieringModel.objects.get_or_create(number=1, defaults={"name": "One"})
    return RetierRun.objects.create(as_of=factories.TODAY, tiering_model=model, status=status, **more)


def claim(run, owner, waiting="queued", work="computing"):
    return RetierRun.objects.claim(run.pk, owner=owner, waiting=[waiting], working=work)


def work(run, fault, *, waiting="queued", into="computing", done=0, **options):
    """One turn that claims the run, comes as far as `done` and meets a fault."""
    with working(RetierRun, run.pk, **options) as owner:
        fence = claim(run, owner, waiting, into)
        assert fence is not None
        RetierRun.objects.heartbeat(run.pk, fence=fence, done=done, total=10, message="Applying")
        if fault:
            raise fault
    run.refresh_from_db()


def wake(run):
    RetierRun.objects.filter(pk=run.pk).update(rest_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: type(fault).__name__)
def test_after_a_fault_that_can_pass_the_row_rests_and_is_free_after_that(fault):
    run = run_in()
    before = timezone.now()
    work(run, fault)
    assert (run.status, run.claimed_by, run.attempts) == ("computing", "", 1)
    assert timedelta(seconds=20) <= run.rest_until - before <= timedelta(seconds=26)
    assert run.message.startswith("The last try failed because ")
    assert claim(run, "eager") is None, "it rests"
    assert not RetierRun.objects.waiting_too_long(seconds=0).exists()
    wake(run)
    assert RetierRun.objects.waiting_too_long(seconds=0).exists(), "no lease has to lapse"
    assert claim(run, "next") is not None
    run.refresh_from_db()
    assert (run.rest_until, run.attempts) == (None, 2)


@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: type(fault).__name__)
def test_after_any_other_fault_the_row_fails_at_once_and_the_log_has_the_reference(fault, caplog):
    run = run_in()
    with caplog.at_level(logging.ERROR):
        work(run, fault)
    assert (run.status, run.rest_until) == ("failed", None)
    reference = run.message.rpartition("reference ")[2].rstrip(".")
    assert run.message.startswith(
        "The program met an error it did not expect; nothing of this step was kept."
    )
    told = [record for record in caplog.records if record.exc_info]
    assert len(told) == 1
    assert reference in told[0].getMessage()


def test_each_rest_is_twice_as_long_as_the_one_before_and_each_row_has_its_own():
    seconds = [rest_seconds(label="run-1", attempts=n) for n in range(1, ATTEMPTS + 1)]
    for n, (one, plain) in enumerate(zip(seconds, (20, 40, 80, 160, 320), strict=True), start=1):
        assert plain <= one < plain * 1.2
        assert one == rest_seconds(label="run-1", attempts=n), "no chance in it"
    assert len({rest_seconds(label=f"run-{pk}", attempts=1) for pk in range(50)}) > 40


def test_the_last_attempt_ends_with_a_sentence_that_names_the_fault():
    run = run_in()
    for attempt in range(1, ATTEMPTS + 1):
        work(run, OperationalError("away"))
        assert run.attempts == attempt
        wake(run)
    assert (run.status, run.message) == (
        "failed",
        f"Given up after {ATTEMPTS} attempts; the last one failed because the database was busy or could not be reached. "
        "Start it again when that is over.",
    )


def test_a_refusal_is_kept_as_it_is(caplog):
    run = run_in()
    work(run, ValueError("No rate for EUR; add one."), refusals=(ValueError,))
    assert (run.status, run.message) == ("failed", "No rate for EUR; add one.")
    assert not [record for record in caplog.records if record.exc_info]


def test_a_refusal_before_the_claim_changes_nothing():
    run = run_in("proposed")
    with working(RetierRun, run.pk, refusals=(ValueError,)):
        raise ValueError("Another run is being applied.")
    run.refresh_from_db()
    assert (run.status, run.message) == ("proposed", "")


def test_an_overtaken_runner_neither_rests_nor_fails_the_row():
    for fault in (OperationalError("away"), ZeroDivisionError("a bug")):
        run = run_in()
        with working(RetierRun, run.pk) as owner:
            claim(run, owner)
            RetierRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
            assert claim(run, "next") is not None
            raise fault
        run.refresh_from_db()
        assert (run.status, run.claimed_by, run.rest_until) == ("computing", "next", None)
        RetierRun.objects.update(status="discarded")


def test_the_time_limit_of_a_turn_is_no_failed_try_where_batches_were_kept():
    rung = []
    run = run_in("proposed")
    for done in range(1, 2 * ATTEMPTS):
        work(
            run, SoftTimeLimitExceeded(), waiting="proposed", into="applying", done=done,
            again=lambda: rung.append(1),
        )  # fmt: skip
        assert (run.status, run.attempts) == ("applying", 0)
        assert run.rest_until <= timezone.now(), "it goes on at once"
    assert len(rung) == 2 * ATTEMPTS - 1


def test_where_nothing_was_kept_it_counts_like_any_other():
    run = run_in("proposed")
    for _ in range(ATTEMPTS):
        work(run, SoftTimeLimitExceeded(), waiting="proposed", into="applying", done=0)
        wake(run)
    assert (run.status, run.message[:11]) == ("failed", "Given up af")


def test_computing_keeps_nothing_so_its_progress_forgives_nothing():
    run = run_in()
    work(run, SoftTimeLimitExceeded(), done=9)
    assert run.attempts == 1


def test_when_the_database_is_away_as_well_the_lease_sees_to_it(monkeypatch, caplog):
    run = run_in()

    def away(*args, **given):
        raise OperationalError("still away")

    with monkeypatch.context() as patch:
        patch.setattr(runner, "_rest", away)
        work(run, OperationalError("away"))
    assert (run.status, run.rest_until) == ("computing", None)
    assert run.lease_until > timezone.now()
    assert "the sweep takes it up" in caplog.text


def test_a_command_hears_of_the_fault_when_the_row_is_settled():
    run = run_in()
    with pytest.raises(ZeroDivisionError):
        work(run, ZeroDivisionError("a bug"), loud=True)
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_row_that_ends_well_carries_no_rest_and_no_wish_to_cancel():
    run = run_in()
    with working(RetierRun, run.pk) as owner:
        fence = claim(run, owner)
        RetierRun.objects.update(rest_until=timezone.now(), cancel_asked_at=timezone.now())
        assert RetierRun.objects.finish(run.pk, fence=fence, status="proposed")
    run.refresh_from_db()
    assert (run.rest_until, run.cancel_asked_at) == (None, None)


ROWS = {
    RetierRun: run_in,
    BookPlan: lambda: BookPlan.objects.create(
        as_of=factories.TODAY, policy=AllocationPolicy.objects.active_or_default()
    ),
    ImportBatch: lambda: ImportBatch.objects.create(kind="customers", file_name="a.csv", sha256="0" * 64),
    Slot: lambda: Slot.objects.create(work="rates", slot="2026-11-22 02:30", due_at=timezone.now()),
    PlanPiece: lambda: PlanPiece.objects.create(
        plan=ROWS[BookPlan](), number=0, group=b"a group", asked=b"a step", digest="0" * 64
    ),
    Scenario: lambda: Scenario.objects.create(name="What if"),
    Sensitivity: lambda: Sensitivity.objects.create(
        as_of=factories.TODAY, tiering_model=TieringModel.objects.create(number=99, name="M", definition={})
    ),
}
WORK = {
    RetierRun: "computing",
    BookPlan: "computing",
    PlanPiece: "computing",
    ImportBatch: "staging",
    Slot: "working",
    Scenario: "computing",
    Sensitivity: "computing",
}


@pytest.mark.parametrize("model", [model for model in apps.get_models() if issubclass(model, Job)])
def test_every_kind_of_work_rests_and_fails(model):
    for fault, status in ((OperationalError("away"), WORK[model]), (ZeroDivisionError("a bug"), "failed")):
        row = model._default_manager.first() or ROWS[model]()
        with working(model, row.pk) as owner:
            assert model._default_manager.claim(row.pk, owner=owner, waiting=["queued"], working=WORK[model])
            raise fault
        row.refresh_from_db()
        assert (row.status, row.claimed_by) == (status, "")
        model._default_manager.update(rest_until=None, lease_until=timezone.now() - timedelta(seconds=1))


def test_a_row_that_failed_by_itself_is_not_called_stopped():
    run = run_in()
    with working(RetierRun, run.pk) as owner:
        claim(run, owner)
        RetierRun.objects.update(cancel_asked_at=timezone.now())
        raise ZeroDivisionError("a bug")
    run.refresh_from_db()
    assert (run.status, run.was_stopped) == ("failed", False)
