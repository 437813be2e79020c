"""Many runners, one row: exactly one gets it. The control arm shows what happens without the conditional UPDATE.

Race tests count on PostgreSQL only: SQLite has one writer at a time and cannot show the fault.
`CSTIERS_ROUNDS` repeats them (default 5; `make prove` takes more).
"""

import os
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import AllocationPolicy, BookHolding, RetierRun, RunStatus, Source, TieringModel
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.models import UnableToPublishModel, publish_model
from allocation.services.playbooks import UnableToLoadPlaybook, load_playbook
from allocation.services.policies import activate_policy
from tests import factories

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
RUNNERS = 8

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def at_once(work: Callable[[int], object]) -> list[object]:
    """What RUNNERS threads, let go together, each got from `work(number)`; errors are raised here."""
    barrier = threading.Barrier(RUNNERS)
    found: list[object] = [None] * RUNNERS

    def one(number: int) -> None:
        try:
            barrier.wait(timeout=20)
            found[number] = work(number)
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(RUNNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    errors = [result for result in found if isinstance(result, Exception)]
    if errors:
        raise errors[0]
    return found


def queued_run() -> RetierRun:
    model = TieringModel.objects.get_or_create(number=1, defaults={"name": "One"})[0]
    RetierRun.objects.all().delete()
    return RetierRun.objects.create(as_of=factories.TODAY, tiering_model=model)


def claim(run: RetierRun, number: int) -> int | None:
    return RetierRun.objects.claim(
        run.pk, owner=f"runner {number}", waiting=[RunStatus.QUEUED], working=RunStatus.COMPUTING
    )


def test_one_of_eight_runners_gets_a_queued_run() -> None:
    for _ in range(ROUNDS):
        run = queued_run()
        won = [fence for fence in at_once(lambda number, run=run: claim(run, number)) if fence is not None]
        assert won == [1]


def test_one_of_eight_runners_takes_over_from_a_dead_one() -> None:
    for _ in range(ROUNDS):
        run = queued_run()
        assert claim(run, 99) == 1
        lapsed = timezone.now() - timedelta(seconds=1)
        RetierRun.objects.filter(pk=run.pk).update(lease_until=lapsed)
        won = [fence for fence in at_once(lambda number, run=run: claim(run, number)) if fence is not None]
        assert won == [2]
        # The dead one wakes up: its fence is old and it can write nothing.
        assert not RetierRun.objects.finish(run.pk, fence=1, status=RunStatus.PROPOSED)
        assert RetierRun.objects.finish(run.pk, fence=2, status=RunStatus.PROPOSED)


def test_control_reading_before_writing_lets_several_win() -> None:
    """Without the conditional UPDATE the same race has several winners: the tests above can fail."""

    def check_then_save(number: int, run: RetierRun, gate: threading.Barrier) -> bool:
        seen = RetierRun.objects.get(pk=run.pk)
        gate.wait(timeout=20)  # everybody has read before anybody writes
        if seen.status != RunStatus.QUEUED:
            return False
        seen.status = RunStatus.COMPUTING
        seen.save(update_fields=["status"])
        return True

    run, gate = queued_run(), threading.Barrier(RUNNERS)
    assert sum(bool(won) for won in at_once(lambda number: check_then_save(number, run, gate))) > 1


def test_eight_plans_moving_one_customer_leave_one_csm_and_one_open_ledger_row() -> None:
    for _ in range(ROUNDS):
        customer = factories.CustomerFactory()
        csms = factories.CSMFactory.create_batch(RUNNERS)

        def move(number: int, customer: Customer = customer, csms: list[object] = csms) -> int:
            change = CsmChange(customer.pk, None, csms[number].pk)
            written = set_csms(
                changes=[change],
                on=factories.TODAY,
                decision=DecisionSource(Source.PLAN, source_id=number + 1),
            )
            return len(written.changed)

        assert sum(at_once(move)) == 1
        customer.refresh_from_db()
        holding = BookHolding.objects.get(customer=customer)
        assert (holding.csm_id, holding.ends_before) == (customer.csm_id, None)


def test_of_many_policies_put_in_force_at_once_one_is_and_nobody_fails() -> None:
    for _ in range(ROUNDS):
        AllocationPolicy.objects.all().delete()
        policies = [AllocationPolicy.objects.create(name=f"Policy {number}") for number in range(RUNNERS)]
        at_once(lambda number, rows=policies: activate_policy(policy=rows[number]))  # type: ignore[misc]
        assert AllocationPolicy.objects.filter(is_active=True).count() == 1


def test_a_playbook_loaded_by_many_at_once_is_loaded_once_and_the_others_are_told() -> None:
    def load(number: int) -> bool:
        try:
            load_playbook(slug="three-axis", publish=True, at=timezone.now())
        except UnableToLoadPlaybook:  # any other error, such as the database's own, fails the test
            return False
        return True

    assert any(at_once(load))
    assert TieringModel.objects.filter(status="published").count() == 1
    assert Tier.objects.count() == 3


def test_of_many_drafts_published_at_once_one_is_in_force_and_the_others_are_told() -> None:
    definition = {"segments": [{"name": "Everyone"}], "tiers": [{"tier": "base"}]}
    for _ in range(ROUNDS):
        factories.TierFactory(slug="base")
        drafts = [
            TieringModel.objects.draft(name="Draft", definition=definition, created_by_id=None)
            for _ in range(RUNNERS)
        ]

        def publish(number: int, drafts: list[TieringModel] = drafts) -> bool:
            try:
                publish_model(model_id=drafts[number].pk, at=timezone.now())
            except UnableToPublishModel:
                return False
            return True

        done = at_once(publish)
        keys = [draft.pk for draft in drafts]
        statuses = list(TieringModel.objects.filter(pk__in=keys).values_list("status", flat=True))
        assert statuses.count("published") == 1
        assert statuses.count("retired") == sum(done) - 1
        assert TieringModel.objects.published().count() == 1
