"""A runner that dies at any statement of a run leaves nothing wrong: the next one ends with the same result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import RetierRun, RunChunk, Source, TierDecision, TierHolding, TierStanding
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, propose_run, queue_run, undo_run
from tests import factories
from tests.oracle import faults

pytestmark = pytest.mark.django_db

STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


class Killed(BaseException):
    """As if the process were gone: nothing catches it."""


@contextmanager
def killed_at(number: int) -> Iterator[list[int]]:
    """Die before statement `number` (0: never); yields the count of statements so far."""
    count = [0]

    def counting(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.lstrip().upper().startswith(STATEMENTS):
            count[0] += 1
            if count[0] == number:
                raise Killed
        return execute(sql, *rest)

    with connection.execute_wrapper(counting):
        yield count


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr("allocation.services.retiering.proposing.BATCH", 2)


@pytest.fixture
def run(db):
    """A second run: one customer moves, one gets a first tier, one is skipped, one stays, one has an unknown ARR."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for name, arr in (("mover", 800000), ("stays", 800000), ("unknown", None)):
        factories.CustomerFactory(external_id=name, arr=arr)
    first = queue_run(as_of=factories.TODAY - timedelta(days=9), at=timezone.now())
    propose_run(run_id=first.pk, owner="first")
    apply_run(run_id=first.pk, owner="first", at=timezone.now())
    Customer.objects.filter(external_id="mover").update(arr=10)
    factories.CustomerFactory(external_id="new", arr=200000)
    factories.CustomerFactory(external_id="edited", arr=200000)
    return queue_run(as_of=factories.TODAY, at=timezone.now())


def outcome() -> list[Any]:
    return [
        list(Customer.objects.order_by("external_id").values_list("external_id", "tier__slug", "tier_since")),
        list(
            TierHolding.objects.order_by("customer__external_id", "starts_on", "pk").values_list(
                "customer__external_id", "tier__slug", "starts_on", "ends_before"
            )
        ),
        list(
            TierDecision.objects.order_by("run", "customer__external_id", "pk").values_list(
                "customer__external_id", "status", "effective__slug"
            )
        ),
        list(RetierRun.objects.order_by("pk").values_list("status", flat=True)),
        list(
            TierStanding.objects.order_by("customer__external_id").values_list(
                "run", "lifecycle", "decided_by"
            )
        ),
    ]


def propose(run: RetierRun) -> None:
    propose_run(run_id=run.pk, owner="runner")


def apply(run: RetierRun) -> None:
    apply_run(run_id=run.pk, owner="runner", at=timezone.now())


def edit(run: RetierRun) -> None:
    Customer.objects.filter(external_id="edited").update(arr=5)


def is_done_but_for_saying_so(run: RetierRun) -> bool:
    """Everybody is stored, or has the tier, and the run is still at it: its end is in the transaction of its last chunks."""
    now = RetierRun.objects.get(pk=run.pk)
    chunks = list(RunChunk.objects.filter(run=run).values_list("status", "customers"))
    if now.status == "computing":
        return sum(customers for _, customers in chunks) == Customer.objects.count()
    waiting = {"applying": "proposed", "undoing": "applied"}.get(now.status)
    return waiting is not None and waiting not in {status for status, _ in chunks}


def killed_everywhere(run: RetierRun, work: Callable[[RetierRun], None], then: Callable[[], None]) -> int:
    """Kill `work` before each of its statements, let the claim lapse, do it again; each must end as if never killed."""

    def ended(number: int) -> tuple[list[Any], int]:
        mark = transaction.savepoint()
        with killed_at(number) as count, suppress(Killed):
            work(run)
        if number:
            assert not is_done_but_for_saying_so(run)
            RetierRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            work(run)
        then()
        found = outcome()
        transaction.savepoint_rollback(mark)
        return found, count[0]

    clean, total = ended(0)
    wrong = [number for number in range(1, total + 1) if ended(number)[0] != clean]
    assert wrong == []
    return total


def test_killed_while_computing_the_next_runner_proposes_the_same(run):
    assert killed_everywhere(run, propose, lambda: apply(run)) > 10


def test_killed_while_applying_the_next_runner_ends_with_the_same_tiers(run):
    propose(run)
    edit(run)
    assert killed_everywhere(run, apply, lambda: None) > 20


def test_killed_while_undoing_the_next_runner_gives_back_the_same(run):
    propose(run)
    edit(run)
    apply(run)
    one = Customer.objects.get(external_id="new")  # somebody changes a tier in between: it stays
    set_tiers(
        changes=[TierChange(one.pk, one.tier_id, Tier.objects.get(slug="scale").pk)],
        on=factories.TODAY,
        decision=DecisionSource(Source.MANUAL),
    )
    assert killed_everywhere(run, undo, lambda: None) > 20
    undo(run)
    assert faults() == []


def undo(run: RetierRun) -> None:
    undo_run(run_id=run.pk, owner="runner", at=timezone.now(), on=factories.TODAY)
