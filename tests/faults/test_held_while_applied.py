"""While a chunk of a run is applied, none of its customers is edited, who stays no more than who changes.

On PostgreSQL only (SQLite has one writer): a second connection tries to edit them between the look at their facts and the
commit. The control arm locks only who changes, and the edit comes through.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Customer, Goal, GoalKind
from allocation.models import RetierRun, RowStatus
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, applying, propose_run, queue_run
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def edited(customer_id: int) -> bool:
    """Whether somebody else can save the customer now; as a page does, but without waiting."""
    try:
        with transaction.atomic():
            Customer.objects.select_for_update(nowait=True).get(pk=customer_id)
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
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
            Goal.objects.create(customer_id=customer_id, kind_id=kind_id, starts_on=factories.TODAY)
    except OperationalError:
        return False
    finally:
        connection.close()
    return True


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


def test_nobody_of_a_chunk_is_edited_between_the_look_and_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    run, stays, changes = run_over_one_who_stays_and_one_who_changes()
    kind = GoalKind.objects.order_by("pk").first()
    assert kind is not None
    found = tried_after_the_look(
        monkeypatch,
        lambda: edited(changes.pk),
        lambda: edited(stays.pk),
        lambda: goal_opened(stays.pk, kind.pk),
    )
    applied(run)
    assert found == [False, False, False]
    assert list(run.decisions.values_list("customer_id", "status")) == [(changes.pk, RowStatus.APPLIED)]
    assert edited(stays.pk)


def test_control_where_only_who_changes_is_locked_who_stays_is_edited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, stays, changes = run_over_one_who_stays_and_one_who_changes()
    real = applying._lock
    monkeypatch.setattr(applying, "_lock", lambda ids: real([pk for pk in ids if pk == changes.pk]))
    found = tried_after_the_look(monkeypatch, lambda: edited(changes.pk), lambda: edited(stays.pk))
    applied(run)
    assert found == [False, True]
    # Its decision stands, though its facts were others when it was committed.
    assert not run.decisions.filter(customer_id=stays.pk).exists()
