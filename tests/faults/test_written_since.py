"""Applying looks again at those only that were written since the run read them, and misses none of them.

On PostgreSQL only, which knows of each row under which transaction it was written; the slow way looks at everybody.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from time import sleep
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Customer, Goal, Tier, Vertical
from allocation.engine.kept import unpack_outcomes
from allocation.models import Override, RetierRun, RowStatus
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, applying, propose_run, queue_run
from allocation.snapshots import written_since as written_since_module
from allocation.snapshots.written_since import reading_begins, written_since
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TODAY = factories.TODAY


def proposed() -> RetierRun:
    run = queue_run(as_of=TODAY, at=timezone.now())
    propose_run(run_id=run.pk, owner="test")
    RetierRun.objects.filter(pk=run.pk).update(status="proposed")
    run.refresh_from_db()
    return run


def applied(run: RetierRun) -> None:
    assert apply_run(run_id=run.pk, owner="test", at=timezone.now())


@pytest.fixture
def people() -> list[Customer]:
    """Four who have their tier; the third has a goal."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    found = [factories.CustomerFactory(arr=800_000, vertical=factories.VerticalFactory()) for _ in range(4)]
    factories.GoalFactory(customer=found[2], starts_on=TODAY - timedelta(days=9))
    applied(proposed())
    return found


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody else were in the cluster: a transaction open in another test's database would make more be looked at."""
    whole = written_since_module._HERE
    monkeypatch.setattr(written_since_module, "_HERE", whole.replace("pg_snapshot_xmin", "pg_snapshot_xmax"))
    assert whole != written_since_module._HERE


def looked_at(run: RetierRun) -> set[int] | None:
    outcomes = unpack_outcomes(run.chunks.get().outcomes)
    found = written_since(
        noted=run.read_since, keys=outcomes.keys, goals=outcomes.digests["goals"], as_of=run.as_of
    )
    return None if found is None else set(found.tolist())


def fast_and_slow(run: RetierRun) -> list[tuple[list[bool], ...]]:
    outcomes, rules = unpack_outcomes(run.chunks.get().outcomes), applying._rules_of_its_day(run)
    seen = [compared(outcomes, rules, run) for compared in (applying._compared, applying._compared_each)]
    return [(one.there.tolist(), one.same_facts.tolist(), one.same_tier.tolist()) for one in seen]


@pytest.mark.usefixtures("alone")
def test_nobody_is_looked_at_again_where_nothing_was_written(people: list[Customer]) -> None:
    run = proposed()
    assert looked_at(run) == set()
    fast, slow = fast_and_slow(run)
    assert fast == slow == ([True] * 4, [True] * 4, [True] * 4)


def override(customer: Customer) -> None:
    cast = factories.cast()
    Override.objects.create(
        customer=customer,
        tier=Tier.objects.get(slug="scale"),
        reason_kind="risk",
        words="They may go.",
        starts_on=TODAY,
        expires_on=TODAY + timedelta(days=90),
        asked_by=cast.csm_a,
        status="approved",
        decided_by=cast.manager,
        decided_at=timezone.now(),
        decided_words="Yes.",
    )


EDITS: dict[str, Any] = {
    "an amount": lambda one: Customer.objects.filter(pk=one.pk).update(arr=5),
    "a status": lambda one: Customer.objects.filter(pk=one.pk).update(status="left"),
    "a tier paid for": lambda one: Customer.objects.filter(pk=one.pk).update(
        paid_tier=Tier.objects.get(slug="scale")
    ),
    "a tier held": lambda one: Customer.objects.filter(pk=one.pk).update(tier=Tier.objects.get(slug="scale")),
    "a name that no rule reads": lambda one: Customer.objects.filter(pk=one.pk).update(name="Renamed"),
    "an override": override,
    "a goal opened": lambda one: factories.GoalFactory(customer=one),
    "a goal ended": lambda one: Goal.objects.filter(customer=one).update(ends_before=TODAY),
    "a goal deleted": lambda one: Goal.objects.filter(customer=one).delete(),
}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("edit", EDITS)
def test_who_was_written_since_is_looked_at_again_and_nobody_else(people: list[Customer], edit: str) -> None:
    run, one = proposed(), people[2]
    EDITS[edit](one)
    assert looked_at(run) == {one.pk}
    fast, slow = fast_and_slow(run)
    assert fast == slow


@pytest.mark.usefixtures("alone")
def test_where_a_name_was_written_or_a_customer_is_gone_everybody_is_looked_at(
    people: list[Customer],
) -> None:
    run = proposed()
    Vertical.objects.filter(pk=people[0].vertical_id).update(name="Renamed")
    assert looked_at(run) is None
    run = proposed()
    stray = factories.CustomerFactory(arr=10, status=Customer.Status.LEFT)
    assert looked_at(run) == set()  # added since, so none of the run's
    run = proposed()
    stray.delete()
    assert looked_at(run) is None


def test_who_was_being_edited_while_the_run_read_is_looked_at_again(people: list[Customer]) -> None:
    """The edit has an older number than the run's first look, and was committed after it."""
    begun, read = Event(), Event()

    def edits() -> None:
        with transaction.atomic():
            Customer.objects.filter(pk=people[1].pk).update(arr=5)
            begun.set()
            read.wait(timeout=20)
        connection.close()

    with ThreadPoolExecutor(1) as others:
        edit = others.submit(edits)
        begun.wait(timeout=20)
        run = proposed()
        read.set()
        edit.result()
    applied(run)
    assert list(run.decisions.filter(status=RowStatus.SKIPPED).values_list("customer_id", flat=True)) == [
        people[1].pk
    ]


def test_an_edit_that_applying_had_to_wait_for_is_listed(people: list[Customer]) -> None:
    run, begun = proposed(), Event()

    def edits() -> None:
        with transaction.atomic():
            Customer.objects.filter(pk=people[1].pk).update(arr=5)
            begun.set()
            sleep(0.5)
        connection.close()

    with ThreadPoolExecutor(1) as others:
        edit = others.submit(edits)
        begun.wait(timeout=20)
        applied(run)
        edit.result()
    assert list(run.decisions.filter(status=RowStatus.SKIPPED).values_list("customer_id", flat=True)) == [
        people[1].pk
    ]


def test_numbers_of_another_database_tell_nothing(people: list[Customer]) -> None:
    run = proposed()
    cluster, database, number = run.read_since.split()
    for noted in (
        "",
        f"1 {database} {number}",
        f"{cluster} 1 {number}",
        f"{cluster} {database} {int(number) + 2**40}",
    ):
        run.read_since = noted
        assert looked_at(run) is None
    assert reading_begins().split()[:2] == [cluster, database]
