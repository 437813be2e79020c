"""A plan that several workers compute is the plan that one computes, to the byte, whatever happens to the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from allocation.engine import assignment_steps
from allocation.models import BookPlan, Move, PlanPiece, RunStatus
from allocation.services import planning
from allocation.services.planning import compute_piece, forget_pieces, pieces, proposing, pulse, sharing
from allocation.tasks import bell
from allocation.tasks.planning import compute_plan_piece, propose_book_plan
from allocation.tasks.runner import FIRST_REST_SECONDS
from benchmarks.planning_work import digest_of_stored
from benchmarks.settled import settle
from tests.factories import CLOCK, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _company(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Four groups, all of which are searched; each step is worth a row. One thread, so that the order of things is known."""
    settle(family="band", customers=240, csms=12, seed=2, iterations=6000)
    settings.PLAN_THREADS = 1
    monkeypatch.setattr(sharing, "WORTH_SHARING", 0)
    monkeypatch.setattr(sharing, "LOOK_SECONDS", 0.001)


def plan_with(call: Callable[[int], None] | None, *, plan: BookPlan | None = None) -> BookPlan | None:
    plan = plan or planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    return planning.propose_plan(plan_id=plan.pk, owner="runner", call=call, **CLOCK)


def digest(plan: BookPlan | None) -> str:
    assert plan is not None and plan.status == RunStatus.PROPOSED and plan.repeatable
    assert Move.objects.filter(plan=plan).exists()
    assert not PlanPiece.objects.exists(), "what was shared goes with the plan's end"
    return digest_of_stored(plan.pk)


@pytest.fixture
def alone() -> str:
    """What one process finds."""
    return digest(plan_with(None))


def helped(piece: int, *, found: list[bool]) -> None:
    """Another worker takes it up as soon as it hears of it."""
    found.append(compute_piece(piece_id=piece, owner="helper"))


def test_with_helpers_that_do_all_they_hear_of_the_plan_is_the_same(alone: str) -> None:
    done: list[bool] = []
    assert digest(plan_with(partial(helped, found=done))) == alone
    assert done.count(True) >= 4


def test_where_nobody_hears_of_it_the_runner_does_all_itself(alone: str) -> None:
    heard: list[int] = []
    assert digest(plan_with(heard.append)) == alone
    assert len(heard) >= 4


def test_a_message_that_comes_twice_or_too_late_finds_nothing_to_do(alone: str) -> None:
    heard: list[int] = []

    def twice(piece: int) -> None:
        heard.append(piece)
        assert compute_piece(piece_id=piece, owner="helper")
        before = list(PlanPiece.objects.order_by("pk").values())
        assert not compute_piece(piece_id=piece, owner="another")
        assert list(PlanPiece.objects.order_by("pk").values()) == before

    assert digest(plan_with(twice)) == alone
    assert [compute_piece(piece_id=piece, owner="late") for piece in heard] == [False] * len(heard)


def test_a_helper_that_dies_with_a_piece_costs_its_lease(alone: str) -> None:
    taken: list[int] = []

    def dies(piece: int) -> None:
        if not taken:
            assert PlanPiece.objects.claim(piece, owner="dead", waiting=["queued"], working="computing")
            PlanPiece.objects.filter(pk=piece).update(lease_until=timezone.now() - timedelta(seconds=1))
            taken.append(piece)

    assert digest(plan_with(dies)) == alone
    assert taken


def test_a_helper_that_was_overtaken_keeps_no_answer(alone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, answers = pieces.carry_out, []

    def frozen(step: Any, *, stop: Any) -> Any:
        """While it stands still somebody else has taken the piece."""
        work = real(step, stop=stop)
        PlanPiece.objects.filter(status="computing", claimed_by="helper").update(
            fence=99, claimed_by="runner", lease_until=timezone.now() - timedelta(seconds=1)
        )
        return work

    monkeypatch.setattr(pieces, "carry_out", frozen)
    assert digest(plan_with(partial(helped, found=answers))) == alone
    assert not any(answers)


def test_a_piece_that_fails_with_a_helper_is_done_by_the_runner(alone: str) -> None:
    failed: list[int] = []

    def fails(piece: int) -> None:
        fence = PlanPiece.objects.claim(piece, owner="helper", waiting=["queued"], working="computing")
        assert PlanPiece.objects.finish(piece, fence=fence or 0, status="failed", message="No memory.")
        failed.append(piece)

    assert digest(plan_with(fails)) == alone
    assert failed


def test_the_runner_does_not_wait_for_a_helper_that_rests_after_a_fault(
    alone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**given: Any) -> None:
        assert PlanPiece.objects.claim(
            given["piece_id"], owner=given["owner"], waiting=["queued"], working="computing"
        )
        raise OperationalError("away")

    monkeypatch.setattr(planning, "compute_piece", away)
    rested: list[int] = []

    def rests(piece: int) -> None:
        compute_plan_piece(piece_id=piece)
        rested.append(PlanPiece.objects.filter(pk=piece, rest_until__gt=timezone.now()).count())

    begun = time.monotonic()
    assert digest(plan_with(rests)) == alone
    assert rested and all(rested)
    assert time.monotonic() - begun < FIRST_REST_SECONDS


@pytest.mark.parametrize("shared", [True, False])
def test_the_task_rings_for_others_where_the_installation_shares_plans(
    alone: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    shared: bool,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(bell, "_publish", lambda task, ids: rung.append(task.name))
    settings.SHARE_PLANS = shared
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    with django_capture_on_commit_callbacks(execute=True):
        propose_book_plan(plan_id=plan.pk)
    assert digest(BookPlan.objects.get(pk=plan.pk)) == alone
    assert ("allocation.compute_plan_piece" in rung) == shared


class Killed(BaseException):
    """As a process that is gone: nothing is written any more."""


@pytest.mark.parametrize("lives", [1, 3, 6])
def test_who_takes_over_from_a_dead_runner_keeps_the_answers_there_are(
    alone: str, monkeypatch: pytest.MonkeyPatch, lives: int
) -> None:
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    real, steps = assignment_steps.carry_out, []

    def counted(step: Any, *, stop: Any) -> Any:
        if len(steps) == lives:
            raise Killed
        steps.append(step)
        return real(step, stop=stop)

    monkeypatch.setattr("allocation.engine.books_search.carry_out", counted)
    with pytest.raises(Killed):
        plan_with(lambda piece: None, plan=plan)
    answered = PlanPiece.objects.filter(status="done").count()
    assert answered == lives
    BookPlan.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    PlanPiece.objects.filter(status="computing").update(lease_until=timezone.now() - timedelta(seconds=1))
    lives = -1
    steps.clear()
    assert digest(plan_with(lambda piece: None, plan=plan)) == alone
    first = len(steps)
    steps.clear()
    assert digest(plan_with(lambda piece: None)) == alone
    assert first == len(steps) - answered


def test_answers_to_other_questions_are_of_no_use_to_who_takes_over(
    alone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts changed between two runners: what the first one wrote is not looked at."""
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    monkeypatch.setattr(
        "allocation.engine.books_search.carry_out", lambda *given, **more: (_ for _ in ()).throw(Killed())
    )
    with pytest.raises(Killed):
        plan_with(lambda piece: None, plan=plan)
    monkeypatch.undo()
    assert PlanPiece.objects.update(digest="of other facts", status="done", answer=b"nonsense") > 1
    BookPlan.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(sharing, "WORTH_SHARING", 0)
    assert digest(plan_with(lambda piece: None, plan=plan)) == alone


def test_a_cancelled_plan_takes_its_pieces_along_and_helpers_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(pieces, "LOOK_SECONDS", 0.0)
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    found: list[bool] = []

    def cancels(piece: int) -> None:
        if not found:
            planning.cancel_plan(plan_id=plan.pk, actor=None, at=timezone.now())
        helped(piece, found=found)

    assert plan_with(cancels, plan=plan) is None
    plan.refresh_from_db()
    assert (plan.status, plan.was_stopped) == (RunStatus.DISCARDED, True)
    assert found and not any(found)
    assert not PlanPiece.objects.exists() and not Move.objects.exists()


def test_the_best_so_far_with_helpers_says_that_it_is_not_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the helper hears of the wish: the runner looks seldom. Its answer tells."""
    monkeypatch.setattr(pieces, "LOOK_SECONDS", 0.0)
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)

    def stops(piece: int) -> None:
        BookPlan.objects.filter(pk=plan.pk, status="computing").update(stop_asked_at=timezone.now())
        compute_piece(piece_id=piece, owner="helper")

    found = plan_with(stops, plan=plan)
    assert found is not None and (found.status, found.repeatable) == (RunStatus.PROPOSED, False)


def test_a_runner_that_lost_the_plan_writes_no_pieces_and_no_proposal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    real = proposing.propose_books

    def overtaken(**given: Any) -> Any:
        BookPlan.objects.filter(pk=plan.pk).update(fence=77)
        return real(**given)

    monkeypatch.setattr(proposing, "propose_books", overtaken)
    heard: list[int] = []
    assert plan_with(heard.append, plan=plan) is None
    assert heard == [] and not PlanPiece.objects.exists() and not Move.objects.exists()


def test_pieces_of_plans_that_ended_otherwise_are_put_away_at_night() -> None:
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=None)
    PlanPiece.objects.create(plan=plan, number=0, group=b"1", asked=b"2", digest="3")
    assert forget_pieces() == 0
    BookPlan.objects.update(status="failed")
    assert (forget_pieces(), PlanPiece.objects.count()) == (1, 0)
