"""While a chunk of a run is applied, none of its customers is edited, who stays no more than who changes.

On PostgreSQL only (SQLite has one writer): a second connection tries to edit them between the look at their facts and the
commit. Many are held by their table, where nobody is writing to it, few by their rows; the control arm holds only who changes,
and the edit comes through.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Customer, Goal, GoalKind
from allocation.models import RetierRun, RowStatus
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, applying, holding, propose_run, queue_run
from tests import factories
from tests.faults.meanwhile import writing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def impatient() -> None:
    """Whatever is waited for in this transaction is given up soon."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '100ms'")


def edited(customer_id: int) -> bool:
    """Whether somebody else can save the customer now; as a page does, but without waiting for long."""
    try:
        with transaction.atomic():
            impatient()
            Customer.objects.select_for_update().get(pk=customer_id)
            Customer.objects.filter(pk=customer_id).update(arr=1)
    except OperationalError:
        return False
    finally:
        connection.close()
    return True


def goal_opened(customer_id: int, kind_id: int) -> bool:
    """Whether a goal can be written past every service: its foreign key alone has to wait."""
    try:
        with transaction.atomic():
            impatient()
            Goal.objects.create(customer_id=customer_id, kind_id=kind_id, starts_on=factories.TODAY)
    except OperationalError:
        return False
    finally:
        connection.close()
    return True


def read(customer_id: int) -> bool:
    """Whether somebody else can look at the customer now."""
    try:
        with transaction.atomic():
            impatient()
            return Customer.objects.filter(pk=customer_id).exists()
    except OperationalError:
        return False
    finally:
        connection.close()


@pytest.fixture(
    params=["by their rows", "by their table", "by their rows, as one of the others is being written"]
)
def held(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How the customers of a chunk are held."""
    found: list[bool] = []
    real = holding.hold_table

    def told() -> bool:
        found.append(real())
        return found[-1]

    monkeypatch.setattr(holding, "hold_table", told)
    monkeypatch.setattr(holding, "MANY", 10 if request.param == "by their rows" else 0)
    if not request.param.endswith("written"):
        yield
        assert found == ([] if request.param == "by their rows" else [True, True])
        return
    with writing(lambda: factories.CustomerFactory(arr=10)):
        yield
    assert found == [False, False]


def run_over_one_who_stays_and_one_who_changes() -> tuple[RetierRun, Customer, Customer]:
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    stays, changes = (factories.CustomerFactory(arr=800_000) for _ in range(2))
    applied(proposed())
    Customer.objects.filter(pk=changes.pk).update(arr=10)
    return proposed(), stays, changes


def proposed() -> RetierRun:
    run = queue_run(as_of=factories.TODAY, at=timezone.now())
    propose_run(run_id=run.pk, owner="test")
    RetierRun.objects.filter(pk=run.pk).update(status="proposed")
    return run


def applied(run: RetierRun) -> None:
    assert apply_run(run_id=run.pk, owner="test", at=timezone.now())


def tried_after_the_look(monkeypatch: pytest.MonkeyPatch, *works: Any) -> list[bool]:
    """What each of `works`, on a connection of its own, came to between the look at the facts and the commit."""
    found: list[bool] = []
    real = applying._compared

    def looked(*given: Any) -> Any:
        seen = real(*given)
        with ThreadPoolExecutor(1) as others:
            found.extend(others.submit(work).result() for work in works)
        return seen

    monkeypatch.setattr(applying, "_compared", looked)
    return found


@pytest.mark.usefixtures("held")
def test_nobody_of_a_chunk_is_edited_between_the_look_and_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    run, stays, changes = run_over_one_who_stays_and_one_who_changes()
    kind = GoalKind.objects.order_by("pk").first()
    assert kind is not None
    found = tried_after_the_look(
        monkeypatch,
        lambda: edited(changes.pk),
        lambda: edited(stays.pk),
        lambda: goal_opened(stays.pk, kind.pk),
        lambda: read(stays.pk),
    )
    applied(run)
    assert found == [False, False, False, True]
    assert list(run.decisions.values_list("customer_id", "status")) == [(changes.pk, RowStatus.APPLIED)]
    assert edited(stays.pk)


def test_control_where_only_who_changes_is_locked_who_stays_is_edited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, stays, changes = run_over_one_who_stays_and_one_who_changes()
    monkeypatch.setattr(applying, "hold_customers", lambda keys: holding.hold_rows(keys[keys == changes.pk]))
    found = tried_after_the_look(monkeypatch, lambda: edited(changes.pk), lambda: edited(stays.pk))
    applied(run)
    assert found == [False, True]
    # Its decision stands, though its facts were others when it was committed.
    assert not run.decisions.filter(customer_id=stays.pk).exists()


def test_a_table_that_is_held_is_free_again_after_the_commit_and_after_a_rollback() -> None:
    one = factories.CustomerFactory()
    with pytest.raises(ValueError, match="no more"), transaction.atomic():
        assert holding.hold_table()
        raise ValueError("no more")
    with ThreadPoolExecutor(1) as others:
        assert others.submit(edited, one.pk).result()
        with transaction.atomic():
            assert holding.hold_table()
            assert not others.submit(edited, one.pk).result()
        assert others.submit(edited, one.pk).result()


def test_where_the_table_cannot_be_had_nobody_waits_and_the_transaction_goes_on() -> None:
    one = factories.CustomerFactory(arr=10)
    its = Customer.objects.filter(pk=one.pk)
    with writing(lambda: its.update(arr=20)) as commit, transaction.atomic():
        assert not holding.hold_table()
        assert its.get().arr == 10
        commit()
        holding.hold_rows(np.array([one.pk]))
        assert its.get().arr == 20


def test_a_session_that_ends_at_the_lock_is_no_table_in_use() -> None:
    """Whoever took it for one would go on in a transaction that is over, and the run would fail where it should rest."""

    def end(pid: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.close()

    try:
        with ThreadPoolExecutor(1) as others, pytest.raises(OperationalError), transaction.atomic():
            others.submit(end, connection.connection.info.backend_pid).result()
            holding.hold_table()
    finally:
        connection.close()


def test_whoever_waited_sees_what_was_committed_meanwhile_whatever_the_default_of_the_server_is() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
    finally:
        connection.close()
