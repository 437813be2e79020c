"""Stopping a plan early keeps the best so far; work on several threads leaves the database to the runner's own."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from allocation.models import BookPlan, Move, RunStatus
from allocation.services.planning import (
    UnableToPlanBooks,
    propose_plan,
    proposing,
    pulse,
    queue_plan,
    stop_plan,
)
from allocation.tasks.planning import propose_book_plan
from tests.factories import CLOCK, TODAY
from tests.services.plan_cast import books

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _books(cast: SimpleNamespace) -> None:
    books(cast)


def queued() -> BookPlan:
    return queue_plan(as_of=TODAY, seed=1, actor=None)


def test_who_asks_a_plan_to_stop_gets_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wish is seen with a heartbeat; what was found by then is proposed and is not repeatable."""
    plan, real = queued(), proposing.propose_books
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.0)

    def asked(**given: Any) -> Any:
        stop_plan(plan_id=plan.pk, actor=None, at=timezone.now())
        first = BookPlan.objects.get(pk=plan.pk).stop_asked_at
        stop_plan(plan_id=plan.pk, actor=None, at=timezone.now())  # twice is once
        assert BookPlan.objects.get(pk=plan.pk).stop_asked_at == first
        return real(**given)

    monkeypatch.setattr(proposing, "propose_books", asked)
    found = propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    assert found is not None and (found.status, found.repeatable) == (RunStatus.PROPOSED, False)
    assert (
        Move.objects.filter(plan=plan, to_csm__isnull=False).count() >= 2
    )  # L0 and N0 have a seat all the same
    with pytest.raises(UnableToPlanBooks, match="only a plan that is being computed"):
        stop_plan(plan_id=plan.pk, actor=None, at=timezone.now())


def test_only_the_thread_of_the_runner_touches_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, beats = queued(), []
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.0)
    real = proposing.propose_books

    def watched(**given: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            before = BookPlan.objects.get(pk=plan.pk).lease_until
            assert pool.submit(given["should_stop"]).result() is False
            assert BookPlan.objects.get(pk=plan.pk).lease_until == before
        given["should_stop"]()
        beats.append(BookPlan.objects.get(pk=plan.pk).lease_until >= before)
        return real(**given)

    monkeypatch.setattr(proposing, "propose_books", watched)
    assert propose_plan(plan_id=plan.pk, owner="test", **CLOCK) is not None
    assert beats == [True]


def test_a_fault_on_a_working_thread_fails_the_plan_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**given: Any) -> Any:
        given["spread"](lambda place: 1 // place, [1, 0])

    monkeypatch.setattr(proposing, "propose_books", broken)
    plan = queued()
    propose_book_plan(plan_id=plan.pk)
    plan.refresh_from_db()
    assert plan.status == RunStatus.FAILED
    assert plan.message.startswith(
        "The program met an error it did not expect; nothing of this step was kept."
    )
