"""Moves of the largest customers: a manager of theirs approves or declines each, and nothing is applied before."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts import roles
from allocation.models import BookPlan, Move, RowStatus, RunStatus
from allocation.selectors.plan_answers import plan_answer
from allocation.services import accepting
from allocation.services.planning import (
    UnableToApproveMoves,
    UnableToPlanBooks,
    accept_moves,
    approve_moves,
    decline_moves,
    propose_plan,
    queue_plan,
    refuse_moves,
    repoint_move,
)
from allocation.tasks.errands import ERRANDS
from allocation.tasks.planning import apply_book_plan
from allocation.tasks.sweeping import due_rows
from tests.factories import CLOCK, TODAY, CSMFactory, TeamFactory, UserFactory
from tests.services.plan_cast import applied, books, ids, move_of, proposed, seats, the_largest_are

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """N0 (goes to Ben of team B) and L0 (of team A, whose manager is Mia) are among the largest; team B has Max."""
    found = books(cast)
    found.max = UserFactory(email="max@example.com", name="Max Manager", role=roles.MANAGER)
    cast.team_b.manager = found.max
    cast.team_b.save()
    found.cem = CSMFactory(name="Cem", email="cem@example.com", team=cast.team_a, hours_per_month=10)
    found.cast = cast
    monkeypatch.setattr("allocation.services.planning.proposing.propose_books", the_largest_are({"N0", "L0"}))
    return found


def approve(plan: BookPlan, *names: str, actor: Any, words: str = "Agreed", **seen: Any) -> int:
    given = {"plan_id": plan.pk, "move_ids": ids(plan, *names), "actor": actor, "words": words}
    return approve_moves(**given, at=timezone.now(), **seen)


def decline(plan: BookPlan, *names: str, actor: Any, words: str = "They trust Lea", **seen: Any) -> int:
    given = {"plan_id": plan.pk, "move_ids": ids(plan, *names), "actor": actor, "words": words}
    return decline_moves(**given, at=timezone.now(), **seen)


def of_n0(world: SimpleNamespace, plan: BookPlan) -> Any:
    """The manager of the team that N0, which has no CSM, would come to."""
    to = move_of(plan, "N0").to_csm
    return world.max if to == world.ben else world.cast.manager


def status(plan: BookPlan) -> str:
    return str(BookPlan.objects.get(pk=plan.pk).status)


def test_a_plan_waits_until_every_such_move_is_approved(world: SimpleNamespace) -> None:
    plan, ops, mia = proposed(), world.cast.ops, world.cast.manager
    assert status(plan) == RunStatus.AWAITING_APPROVAL
    with pytest.raises(UnableToPlanBooks, match=r"has to approve or decline .* customers \(L0, N0\)"):
        applied(plan)
    with pytest.raises(accepting.UnableToAccept, match="waits for a manager to approve or decline"):
        accepting.accept_plan(plan_id=plan.pk, actor=ops, on=TODAY)
    assert approve(plan, "L0", actor=mia, words=" Good hands ") == 1
    row = move_of(plan, "L0")
    assert (row.approved_by, row.approval_words, row.status) == (mia, "Good hands", RowStatus.PROPOSED)
    assert row.approved_at is not None
    assert plan_answer(plan=plan)["waiting_for_approval"] == ["N0"]
    with pytest.raises(UnableToPlanBooks, match=r"\(N0\)"):
        applied(plan)
    approve(plan, "N0", actor=of_n0(world, plan))
    assert status(plan) == RunStatus.PROPOSED
    assert applied(plan).status == RunStatus.APPLIED


def test_a_plan_marked_as_proposed_is_not_applied_over_an_open_approval(world: SimpleNamespace) -> None:
    """The second lock: whatever the plan's status says."""
    plan = proposed()
    BookPlan.objects.filter(pk=plan.pk).update(status=RunStatus.PROPOSED)
    with pytest.raises(UnableToPlanBooks, match="cannot be applied yet"):
        applied(plan)
    assert seats()["N0"] is None


def test_a_declined_move_is_refused_and_the_customer_stays(world: SimpleNamespace) -> None:
    plan, mia = proposed(), world.cast.manager
    approve(plan, "L0", actor=mia)
    decline(plan, "N0", actor=of_n0(world, plan), words="Not ours")
    row = move_of(plan, "N0")
    assert (row.status, row.words, row.refused_by) == (RowStatus.REFUSED, "Not ours", of_n0(world, plan))
    applied(plan)
    assert seats()["N0"] is None


def test_declining_may_break_no_limit_and_says_what_to_do(world: SimpleNamespace) -> None:
    plan = proposed()
    with pytest.raises(
        UnableToApproveMoves, match=r"would stay with Lea Leaver, who leaves.* Name another CSM"
    ):
        decline(plan, "L0", actor=world.cast.manager)
    assert move_of(plan, "L0").status == RowStatus.PROPOSED


def test_only_a_manager_of_the_customers_team_or_above_decides(world: SimpleNamespace) -> None:
    plan, cast = proposed(), world.cast
    for actor in (cast.ops, cast.csm_a, cast.nobody, None):
        with pytest.raises(UnableToApproveMoves, match="need the approval of a manager"):
            approve(plan, "L0", actor=actor)
    with pytest.raises(UnableToApproveMoves, match="None of these moves waits for you"):
        approve(plan, "L0", actor=world.max)  # Lea, who has it, is in team A
    director = UserFactory(email="dora@example.com", name="Dora", role=roles.MANAGER)
    cast.team_a.parent = TeamFactory(name="Above", manager=director)
    cast.team_a.save()
    assert approve(plan, "L0", actor=director) == 1


def test_nobody_approves_in_a_plan_they_asked_for_or_a_csm_they_named(world: SimpleNamespace) -> None:
    both = UserFactory(email="both@example.com", name="Bo Both", role=roles.MANAGER)
    both.groups.add(world.cast.ops.groups.get())
    plan = proposed(actor=both)
    with pytest.raises(UnableToApproveMoves, match=r"You asked for book plan .* yourself"):
        approve(plan, "L0", actor=both)
    mia, (pk,) = world.cast.manager, ids(plan, "L0")
    to = next(csm for csm in (world.cem, world.ada) if csm != move_of(plan, "L0").to_csm)
    repoint_move(plan_id=plan.pk, move_id=pk, csm_id=to.pk, actor=mia, words="Closer", at=timezone.now())
    with pytest.raises(UnableToApproveMoves, match="or you named the CSM yourself"):
        approve(plan, "L0", actor=mia)


def test_an_approval_is_of_what_was_shown(world: SimpleNamespace) -> None:
    plan, ops, mia = proposed(), world.cast.ops, world.cast.manager
    with pytest.raises(UnableToApproveMoves, match="was changed since you looked at it"):
        approve(plan, "L0", actor=mia, seen_version=plan.review_version + 1)
    assert approve(plan, "L0", actor=mia, seen_version=plan.review_version) == 1
    # Another CSM since: the approval does not cover it.
    (pk,) = ids(plan, "L0")
    to = next(csm for csm in (world.cem, world.ada) if csm != move_of(plan, "L0").to_csm)
    repoint_move(plan_id=plan.pk, move_id=pk, csm_id=to.pk, actor=ops, words="Closer", at=timezone.now())
    row = move_of(plan, "L0")
    assert (row.approved_by, row.approval_words, row.waits_for_approval) == (None, "", True)
    with pytest.raises(UnableToApproveMoves, match="was changed since you looked at it"):
        decline(plan, "L0", actor=mia, seen_version=plan.review_version)


def test_refusing_ends_the_waiting_and_accepting_again_begins_it(world: SimpleNamespace) -> None:
    plan, ops = proposed(apply_when_proposed=True), world.cast.ops
    approve(plan, "L0", actor=world.cast.manager)
    refuse_moves(plan_id=plan.pk, move_ids=ids(plan, "N0"), actor=ops, words="Later", at=timezone.now())
    now = BookPlan.objects.get(pk=plan.pk)
    # A review lets no wish to apply come true; CS ops do.
    assert (now.status, now.apply_when_proposed) == (RunStatus.PROPOSED, False)
    accept_moves(plan_id=plan.pk, move_ids=ids(plan, "N0"), actor=ops)
    assert status(plan) == RunStatus.AWAITING_APPROVAL


def test_refusing_takes_an_approval_back(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    approve(plan, "N0", actor=of_n0(world, plan))
    refuse_moves(plan_id=plan.pk, move_ids=ids(plan, "N0"), actor=ops, words="Later", at=timezone.now())
    accept_moves(plan_id=plan.pk, move_ids=ids(plan, "N0"), actor=ops)
    assert move_of(plan, "N0").waits_for_approval


def test_the_last_approval_lets_the_wish_to_apply_come_true(world: SimpleNamespace) -> None:
    plan = proposed(apply_when_proposed=True)
    apply_book_plan(plan_id=plan.pk)
    assert status(plan) == RunStatus.AWAITING_APPROVAL
    assert BookPlan not in {
        type(due.row) for due in due_rows(ERRANDS, limit=9)
    }  # nobody rings for it in vain
    approve(plan, "L0", actor=world.cast.manager)
    approve(plan, "N0", actor=of_n0(world, plan))
    now = BookPlan.objects.get(pk=plan.pk)
    assert now.is_accepted
    apply_book_plan(plan_id=plan.pk)
    assert status(plan) == RunStatus.APPLIED


def test_approving_twice_changes_nothing_and_says_so(world: SimpleNamespace) -> None:
    plan, mia = proposed(), world.cast.manager
    approve(plan, "L0", actor=mia)
    with pytest.raises(UnableToApproveMoves, match="they are decided"):
        approve(plan, "L0", actor=mia, words="Again")
    assert move_of(plan, "L0").approval_words == "Agreed"


@pytest.mark.parametrize("act", [approve, decline])
def test_words_are_needed(world: SimpleNamespace, act: Any) -> None:
    plan = proposed()
    with pytest.raises(UnableToApproveMoves, match="Say why"):
        act(plan, "L0", actor=world.cast.manager, words=" ")


def test_without_large_customers_nothing_waits(world: SimpleNamespace, monkeypatch: Any) -> None:
    monkeypatch.setattr("allocation.services.planning.proposing.propose_books", the_largest_are(()))
    queued = queue_plan(as_of=proposed().as_of, seed=1, actor=None)
    plan = propose_plan(plan_id=queued.pk, owner="test", **CLOCK)
    assert plan is not None
    assert (plan.status, plan.message) == (RunStatus.PROPOSED, "")
    assert not Move.objects.filter(plan=plan, needs_approval=True).exists()
