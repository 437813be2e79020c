"""Eight people at one run: it is applied, undone and reviewed once, and what each was told is true.

On PostgreSQL only; the control arm shows that reading before writing lets several win.
"""

import threading

import pytest
from django.utils import timezone

from accounts.models import Customer
from allocation.models import RetierRun, RowStatus, RunStatus, TierDecision, TierHolding, TierStanding
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import (
    UnableToApplyRun,
    UnableToReviewRun,
    UnableToUndoRun,
    apply_run,
    ask_to_undo_run,
    propose_run,
    queue_run,
    refuse_rows,
    request_goals_run,
    undo_run,
)
from tests import factories
from tests.faults.test_claims import ROUNDS, RUNNERS, at_once
from tests.oracle import faults
from tests.rewriting import before_the_triggers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TODAY = factories.TODAY


def fresh_run() -> RetierRun:
    """A proposed first run over three customers, whatever earlier rounds left behind."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    RetierRun.objects.exclude(status__in=[RunStatus.APPLIED, RunStatus.UNDONE]).update(
        status=RunStatus.DISCARDED, claimed_by="", lease_until=None
    )
    for _ in range(3):
        factories.CustomerFactory(arr=800000)
    run = queue_run(as_of=TODAY, at=timezone.now())
    propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    return run


def attempt(work, *refusals: type[Exception]) -> object:
    try:
        return work()
    except refusals:
        return "refused"


def test_of_eight_who_apply_one_does_and_no_ledger_row_is_there_twice() -> None:
    for _ in range(ROUNDS):
        run = fresh_run()
        before = TierHolding.objects.count()

        def apply(number: int, run: RetierRun = run) -> object:
            return attempt(
                lambda: apply_run(run_id=run.pk, owner=f"runner {number}", at=timezone.now()),
                UnableToApplyRun,
            )

        assert at_once(apply).count(True) == 1
        assert TierHolding.objects.count() == before + run.summary["first_tiers"]
        assert faults() == []


def test_of_eight_who_undo_one_does_and_everything_is_given_back_once() -> None:
    for _ in range(ROUNDS):
        run = fresh_run()
        apply_run(run_id=run.pk, owner="test", at=timezone.now())

        def undo(number: int, run: RetierRun = run) -> object:
            return attempt(
                lambda: undo_run(run_id=run.pk, owner=f"runner {number}", at=timezone.now(), on=TODAY),
                UnableToUndoRun,
            )

        assert at_once(undo).count(True) == 1
        run.refresh_from_db()
        assert (run.status, run.summary["restored"]) == (RunStatus.UNDONE, run.summary["first_tiers"])
        assert not TierStanding.objects.filter(run=run).exists()
        assert faults() == []


def test_of_eight_who_ask_for_the_undo_one_is_heard() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        run = fresh_run()
        apply_run(run_id=run.pk, owner="test", at=timezone.now())

        def ask(number: int, run: RetierRun = run) -> object:
            return attempt(
                lambda: ask_to_undo_run(run_id=run.pk, actor=ops, at=timezone.now()), UnableToUndoRun
            )

        assert at_once(ask).count(None) == 1
        undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=TODAY)


def test_a_row_refused_while_the_run_is_applied_is_either_kept_back_or_the_person_is_told() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        run = fresh_run()
        row = run.decisions.order_by("pk").first()

        def act(number: int, run: RetierRun = run, row: TierDecision = row) -> object:
            if number % 2:
                return attempt(
                    lambda: apply_run(run_id=run.pk, owner=f"runner {number}", at=timezone.now()),
                    UnableToApplyRun,
                )
            return attempt(
                lambda: refuse_rows(
                    run_id=run.pk, decision_ids=[row.pk], actor=ops, words="Not this one", at=timezone.now()
                ),
                UnableToReviewRun,
            )

        said = at_once(act)[::2]
        row.refresh_from_db()
        tier = Customer.objects.get(pk=row.customer_id).tier_id
        if row.status == RowStatus.REFUSED:
            assert (said.count(1), tier) == (1, None)
        else:
            assert (row.status, tier) == (RowStatus.APPLIED, row.effective_id)
            assert 1 not in said  # nobody was told that it is refused
        assert faults() == []


def test_eight_changes_of_goals_at_once_ask_for_one_run() -> None:
    for _ in range(ROUNDS):
        fresh_run()
        RetierRun.objects.filter(scope="goals").update(status=RunStatus.DISCARDED)
        runs = at_once(lambda number: request_goals_run(as_of=TODAY, at=timezone.now()).pk)
        assert len(set(runs)) == 1
        assert RetierRun.objects.filter(scope="goals", status=RunStatus.QUEUED).count() == 1


def test_control_refusing_without_looking_at_the_run_first_refuses_rows_that_were_applied() -> None:
    """Without the locked look at the run the person is told "refused" for a customer that has its tier by now."""
    run = fresh_run()
    row = run.decisions.order_by("pk").first()
    gate = threading.Barrier(RUNNERS)

    def check_then_save(number: int) -> bool:
        open_then = RetierRun.objects.get(pk=run.pk).status == RunStatus.PROPOSED
        gate.wait(timeout=20)
        if number == 0:
            apply_run(run_id=run.pk, owner="applier", at=timezone.now())
        gate.wait(timeout=20)
        if number == 0 or not open_then:
            return False
        ops = factories.UserFactory()
        refused = TierDecision.objects.filter(pk=row.pk)
        return refused.update(status=RowStatus.REFUSED, refused_by=ops, refused_at=timezone.now()) == 1

    with before_the_triggers("allocation_tierdecision"):  # the last line of defence
        assert sum(bool(won) for won in at_once(check_then_save)) > 1
    assert Customer.objects.get(pk=row.customer_id).tier_id is not None
