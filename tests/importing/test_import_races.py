"""Races, on PostgreSQL only: SQLite has one writer at a time and cannot show them."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from accounts.models import Customer, ImportBatch
from allocation.models import BookHolding
from allocation.services import importing
from allocation.services.importing import applying
from tests.factories import TODAY

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))


def at_once(*calls: Callable[[], None]) -> list[Exception]:
    """Run the calls in threads that start together; gives what they raised."""
    barrier = threading.Barrier(len(calls))
    raised: list[Exception] = []

    def run(call: Callable[[], None]) -> None:
        barrier.wait(timeout=30)
        try:
            call()
        except Exception as error:
            raised.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return raised


def staged(text: str) -> ImportBatch:
    batch = importing.receive_import(
        kind="customers",
        file_name="list.csv",
        data=text.encode(),
        wishes=importing.Wishes(),
        all_or_nothing=False,
        user=None,
    )
    return importing.stage_import(batch_id=batch.pk, on=TODAY)


def confirm_and_apply(pk: int) -> Callable[[], None]:
    def call() -> None:
        importing.confirm_import(batch_id=pk, user=None)
        importing.apply_import(batch_id=pk, on=TODAY)

    return call


def test_of_eight_confirmations_at_once_one_is_applied() -> None:
    for turn in range(ROUNDS):
        batch = staged(f"external_id,name,csm\nR{turn},Round {turn},Zoe\n")
        raised = at_once(*[confirm_and_apply(batch.pk)] * 8)
        assert len(raised) == 7
        assert all(isinstance(error, importing.UnableToApplyImport) for error in raised)
        batch.refresh_from_db()
        assert batch.status == "applied"
        assert BookHolding.objects.filter(source_id=batch.pk).count() == 1
    assert Customer.objects.count() == ROUNDS


def test_two_files_with_the_same_customers_never_mix_and_never_deadlock() -> None:
    keys = [f"C{at:02d}" for at in range(40)]
    importing.apply_import(
        batch_id=importing.confirm_import(
            batch_id=staged("external_id,name,arr\n" + "".join(f"{key},N,0\n" for key in keys)).pk, user=None
        ).pk,
        on=TODAY,
    )
    for turn in range(1, ROUNDS + 1):
        up = staged("external_id,arr\n" + "".join(f"{key},{turn}.25\n" for key in keys))
        down = staged("external_id,arr\n" + "".join(f"{key},{turn}.75\n" for key in reversed(keys)))
        raised = at_once(confirm_and_apply(up.pk), confirm_and_apply(down.pk))
        assert all(isinstance(error, importing.UnableToApplyImport) for error in raised), raised
        assert len(raised) <= 1
        assert Customer.objects.values("arr").distinct().count() == 1, "rows of one file, not of both"


def test_two_files_that_bring_the_same_new_customer_give_one() -> None:
    for turn in range(ROUNDS):
        text = f"external_id,name,vertical\nNew{turn},A,Vertical {turn}\n"
        first, second = staged(text), staged(text)
        raised = at_once(confirm_and_apply(first.pk), confirm_and_apply(second.pk))
        assert len(raised) <= 1
        assert all(isinstance(error, importing.UnableToApplyImport) for error in raised), raised
    assert Customer.objects.count() == ROUNDS


def test_who_comes_while_everything_is_written_in_one_step_does_not_wait_for_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is locked by the writing itself, so that its lease lapses: it is neither claimed nor cancelled meanwhile."""
    settings.LEASE_SECONDS = 1
    batch = staged("Customer ID,Company\nC1,Acme")
    importing.confirm_import(batch_id=batch.pk, user=None)
    begun, go_on = threading.Event(), threading.Event()
    real = applying._refuse_changed

    def slow(*given: Any) -> None:
        begun.set()
        go_on.wait(timeout=50)
        real(*given)

    monkeypatch.setattr(applying, "_refuse_changed", slow)
    took: list[float] = []

    def come() -> None:
        assert begun.wait(timeout=30)
        time.sleep(1.5)
        batch.refresh_from_db()
        assert batch.lease_until < timezone.now()
        started = time.monotonic()
        try:
            claim = {"waiting": ["confirmed"], "working": "applying"}
            assert ImportBatch.objects.claim(batch.pk, owner="second", **claim) is None
            with pytest.raises(importing.UnableToCancelImport, match="written in one step"):
                importing.cancel_import(batch_id=batch.pk, user=None, at=timezone.now())
            assert not importing.can_be_cancelled(batch=batch, at=timezone.now())
        finally:
            took.append(time.monotonic() - started)
            go_on.set()

    raised = at_once(lambda: importing.apply_import(batch_id=batch.pk, on=TODAY), come)
    assert not raised
    assert took[0] < 5
    batch.refresh_from_db()
    assert (batch.status, Customer.objects.count()) == ("applied", 1)
