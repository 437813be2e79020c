"""Refusing, accepting and re-pointing moves: who may, what is kept of it, and that no limit is broken by it."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import CSM, Customer, Tier
from allocation.models import AllocationPolicy, BookPlan, Move, RowStatus, RunStatus
from allocation.selectors.plan_answers import plan_answer
from allocation.services.planning import (
    UnableToPlanBooks,
    UnableToReviewPlan,
    accept_moves,
    refuse_moves,
    repoint_move,
)
from allocation.snapshots.books import books_digest
from tests.factories import TODAY, CSMFactory
from tests.services.plan_cast import applied, books, by_hand, chosen, ids, move_of, proposed, seats

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    """`.plan`: proposed, with Cem (team A), who was not there when it could have used him, nearly without hours."""
    found = books(cast)
    found.cem = CSMFactory(
        name="Cem", email="cem@example.com", team=cast.team_a, hours_per_month=Decimal(10), accepting=True
    )
    found.cast = cast
    return found


def refuse(plan: BookPlan, *names: str, actor: Any, words: str = "Not now") -> int:
    return refuse_moves(
        plan_id=plan.pk, move_ids=ids(plan, *names), actor=actor, words=words, at=timezone.now()
    )


def accept(plan: BookPlan, *names: str, actor: Any) -> int:
    return accept_moves(plan_id=plan.pk, move_ids=ids(plan, *names), actor=actor)


def repoint(plan: BookPlan, name: str, csm: CSM, *, actor: Any, words: str = "Knows them") -> BookPlan:
    (pk,) = ids(plan, name)
    return repoint_move(
        plan_id=plan.pk, move_id=pk, csm_id=csm.pk, actor=actor, words=words, at=timezone.now()
    )


def others(world: SimpleNamespace, name: str, plan: BookPlan) -> CSM:
    """A CSM with room who is neither the customer's now nor the plan's."""
    row = move_of(plan, name)
    return next(
        csm for csm in (world.cem, world.ben, world.ada) if csm.pk not in {row.from_csm_id, row.to_csm_id}
    )


def held(plan: BookPlan, csm: CSM, side: str = "balance_after") -> int:
    lines = getattr(BookPlan.objects.get(pk=plan.pk), side)["csms"]
    return next(line["customers"] for line in lines if line["csm"] == csm.key)


def test_a_refused_move_keeps_who_why_and_when_and_is_not_applied(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    one, two = chosen(plan)
    assert refuse(plan, one, actor=ops, words=" A renewal is near ") == 1
    row = move_of(plan, one)
    assert (row.status, row.words, row.refused_by) == (RowStatus.REFUSED, "A renewal is near", ops)
    assert row.refused_at is not None
    assert refuse(plan, one, actor=ops) == 0
    applied(plan)
    assert seats()[one] == "Ada Book"
    assert seats()[two] != "Ada Book"
    assert move_of(plan, one).status == RowStatus.REFUSED
    assert "1 refused" in BookPlan.objects.get(pk=plan.pk).message
    before = seats()
    applied(plan)
    assert seats() == before


def test_the_figures_are_those_of_the_plan_as_it_stands_and_come_back_with_it(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    whole = (
        plan.balance_after,
        {key: plan.summary[key] for key in ("chosen", "forced", "assigned", "chosen_pct")},
    )
    one, two = chosen(plan)
    ada = held(plan, world.ada)
    refuse(plan, one, actor=ops)
    now = BookPlan.objects.get(pk=plan.pk)
    assert held(plan, world.ada) == ada + 1
    assert held(plan, world.ada, "balance_before") == 6
    # One of eight customers by choice instead of two: 12.5 %.
    assert (now.summary["chosen"], now.summary["chosen_pct"], now.summary["refused"]) == (1, 12.5, 1)
    accept(plan, one, actor=ops)
    now = BookPlan.objects.get(pk=plan.pk)
    assert (now.balance_after, {key: now.summary[key] for key in whole[1]}) == whole
    assert now.review_version == 2
    assert two


def test_a_first_csm_that_is_refused_leaves_the_customer_without_one_and_is_counted(
    world: SimpleNamespace,
) -> None:
    plan = proposed()
    refuse(plan, "N0", actor=world.cast.ops)
    now = BookPlan.objects.get(pk=plan.pk)
    assert (now.summary["assigned"], now.summary["left_without"], now.summary["forced"]) == (7, 1, 1)
    applied(plan)
    assert seats()["N0"] is None


def test_a_refusal_that_leaves_a_customer_with_a_leaver_is_refused(world: SimpleNamespace) -> None:
    plan = proposed()
    with pytest.raises(
        UnableToReviewPlan, match=r"Nothing was changed\. If 1 move were refused: Firm L0 would stay"
    ):
        refuse(plan, "L0", actor=world.cast.ops)
    assert move_of(plan, "L0").status == RowStatus.PROPOSED


def test_a_refusal_whose_room_was_given_away_names_who_would_be_over(cast: SimpleNamespace) -> None:
    """The cap is 4: Ada's two go so that she keeps it; the plan stands at four each."""
    world = books(cast, cap=4)
    plan = proposed()
    one, two = chosen(plan)
    with pytest.raises(UnableToReviewPlan, match=r"Ada Book would hold 5 Scale customers; the cap is 4\."):
        refuse(plan, one, actor=cast.ops)
    with pytest.raises(UnableToReviewPlan, match="If 2 moves were refused: Ada Book would hold 6"):
        refuse(plan, one, two, actor=cast.ops)
    assert not Move.objects.filter(plan=plan, status=RowStatus.REFUSED).exists()
    assert BookPlan.objects.get(pk=plan.pk).review_version == 0
    assert world.ada


def test_a_move_is_accepted_again_only_while_there_is_room(cast: SimpleNamespace) -> None:
    """Ben is planned for four. One is refused, and three is all he may hold by now."""
    world = books(cast)
    plan = proposed()
    one, _ = chosen(plan)
    refuse(plan, one, actor=cast.ops)
    Tier.objects.update(cap=3)
    BookPlan.objects.filter(pk=plan.pk).update(facts_digest=books_digest(policy=world.policy, as_of=TODAY))
    with pytest.raises(
        UnableToReviewPlan, match=r"If 1 move were accepted again: Ben Book would hold 4 Scale"
    ):
        accept(plan, one, actor=cast.ops)
    assert move_of(plan, one).status == RowStatus.REFUSED


def test_a_repointed_move_keeps_what_the_planner_had_proposed_and_is_applied_as_it_stands(
    world: SimpleNamespace,
) -> None:
    plan, ops = proposed(), world.cast.ops
    planned = move_of(plan, "N0").to_csm
    to = others(world, "N0", plan)
    repoint(plan, "N0", to, actor=ops, words="Speaks their language")
    row = move_of(plan, "N0")
    assert (row.to_csm, row.planned_csm, row.repointed_by, row.repoint_words) == (
        to, planned, ops, "Speaks their language",
    )  # fmt: skip
    assert row.repointed_at is not None
    assert BookPlan.objects.get(pk=plan.pk).summary["repointed"] == 1
    third = next(csm for csm in (world.cem, world.ben, world.ada) if csm not in {to, planned})
    repoint(plan, "N0", third, actor=ops)
    assert move_of(plan, "N0").planned_csm == planned  # still the planner's, not the step between
    applied(plan)
    assert seats()["N0"] == third.name


def test_naming_the_planners_csm_again_makes_it_the_planners_move(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    planned = move_of(plan, "N0").to_csm
    assert planned is not None
    repoint(plan, "N0", others(world, "N0", plan), actor=ops)
    repoint(plan, "N0", planned, actor=ops)
    row = move_of(plan, "N0")
    assert (row.to_csm, row.planned_csm, row.repointed_by, row.repointed_at) == (planned, None, None, None)
    assert BookPlan.objects.get(pk=plan.pk).summary["repointed"] == 0


def test_a_refused_move_can_be_repointed_and_is_then_to_be_applied(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    refuse(plan, "N0", actor=ops)
    repoint(plan, "N0", others(world, "N0", plan), actor=ops)
    row = move_of(plan, "N0")
    assert (row.status, row.refused_by, row.words) == (RowStatus.PROPOSED, None, "")


def test_a_csm_who_has_no_room_or_is_no_choice_is_refused(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    one, _ = chosen(plan)
    row = move_of(plan, one)
    with pytest.raises(UnableToReviewPlan, match=r"Lea Leaver leaves and takes nobody new\."):
        repoint(plan, one, world.lea, actor=ops)
    with pytest.raises(UnableToReviewPlan, match="is with this CSM now: refuse the move"):
        repoint(plan, one, world.ada, actor=ops)
    assert row.to_csm is not None
    with pytest.raises(UnableToReviewPlan, match="goes to this CSM already"):
        repoint(plan, one, row.to_csm, actor=ops)
    with pytest.raises(UnableToReviewPlan, match="Choose one of the CSMs"):
        repoint_move(plan_id=plan.pk, move_id=row.pk, csm_id=0, actor=ops, words="x", at=timezone.now())
    assert move_of(plan, one).to_csm == row.to_csm


def test_a_manager_changes_only_moves_and_names_only_csms_in_sight(world: SimpleNamespace) -> None:
    plan, manager = proposed(), world.cast.manager
    Move.objects.filter(plan=plan, customer__external_id="N0").update(to_csm=world.ben)
    assert refuse(plan, "N0", actor=manager) == 0  # team B's, no business of the manager of A
    with pytest.raises(UnableToReviewPlan, match="not one of yours"):
        repoint(plan, "N0", world.cem, actor=manager)
    one, _ = chosen(plan)
    Move.objects.filter(plan=plan, customer__external_id=one).update(to_csm=world.cem)
    with pytest.raises(UnableToReviewPlan, match="Choose one of the CSMs that are offered"):
        repoint(plan, one, world.ben, actor=manager)
    assert refuse(plan, one, actor=manager) == 1


def test_a_sentence_for_a_manager_does_not_name_who_is_out_of_sight(cast: SimpleNamespace) -> None:
    """Ben (team B) is full when a customer of Ada's is accepted again; Ada's manager reads no name."""
    world = books(cast)
    plan = proposed()
    one, _ = chosen(plan)
    refuse(plan, one, actor=cast.ops)
    # Three customers of two hours each are all that Ben has hours for by now.
    CSM.objects.filter(pk=world.ben.pk).update(overhead_pct=0, hours_per_month=Decimal(6), ramp_pct=100)
    BookPlan.objects.filter(pk=plan.pk).update(facts_digest=books_digest(policy=world.policy, as_of=TODAY))
    with pytest.raises(UnableToReviewPlan) as refused:
        accept(plan, one, actor=cast.manager)
    assert "of a CSM of another team would ask for" in str(refused.value)
    assert "Ben" not in str(refused.value)


@pytest.mark.parametrize("who", ["csm_a", "nobody"])
def test_only_cs_ops_and_managers_review(world: SimpleNamespace, who: str) -> None:
    plan, actor = proposed(), getattr(world.cast, who)
    for act in (
        lambda: refuse(plan, "N0", actor=actor),
        lambda: accept(plan, "N0", actor=actor),
        lambda: repoint(plan, "N0", world.cem, actor=actor),
        lambda: refuse(plan, "N0", actor=None),
    ):
        with pytest.raises(UnableToReviewPlan, match="by CS ops and by managers"):
            act()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("  ", "Say why"), ("x" * 501, "at most 500 characters, not 501"), ("a\0b", "the character NUL")],
)
def test_words_are_needed_and_must_fit(world: SimpleNamespace, words: str, sentence: str) -> None:
    plan, ops = proposed(), world.cast.ops
    with pytest.raises(UnableToReviewPlan, match=sentence):
        refuse(plan, "N0", actor=ops, words=words)
    with pytest.raises(UnableToReviewPlan, match=sentence):
        repoint(plan, "N0", world.cem, actor=ops, words=words)


def applied_plan(plan: BookPlan, world: SimpleNamespace) -> None:
    applied(plan)


def wished(plan: BookPlan, world: SimpleNamespace) -> None:
    BookPlan.objects.filter(pk=plan.pk).update(apply_when_proposed=True)


def stale(plan: BookPlan, world: SimpleNamespace) -> None:
    by_hand(Customer.objects.get(external_id="A0"), world.ben)


def other_policy(plan: BookPlan, world: SimpleNamespace) -> None:
    AllocationPolicy.objects.update(is_active=False)
    AllocationPolicy.objects.create(name="other", is_active=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (applied_plan, "is applied; its moves can be changed only before"),
        (wished, "is about to be applied"),
        (stale, "changed since book plan .* was proposed: plan again"),
        (other_policy, "changed since book plan .* was proposed: plan again"),
    ],
)
def test_a_plan_that_is_not_open_any_more_is_not_reviewed(
    world: SimpleNamespace, change: Any, sentence: str
) -> None:
    plan, ops = proposed(), world.cast.ops
    change(plan, world)
    for act in (
        lambda: refuse(plan, "N0", actor=ops),
        lambda: accept(plan, "N0", actor=ops),
        lambda: repoint(plan, "N0", world.cem, actor=ops),
    ):
        with pytest.raises(UnableToReviewPlan, match=sentence):
            act()
    with pytest.raises(UnableToReviewPlan, match="There is no book plan 0"):
        refuse_moves(plan_id=0, move_ids=[1], actor=ops, words="x", at=timezone.now())


def test_no_gap_is_claimed_of_a_plan_that_people_changed(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops
    BookPlan.objects.filter(pk=plan.pk).update(bound=Decimal(1), gap_pct=Decimal("0.01"))
    found = plan_answer(plan=BookPlan.objects.get(pk=plan.pk))
    assert (found["gap_pct"], found["changed_by_review"], found["refused"]) == (Decimal("0.01"), False, [])
    refuse(plan, "N0", actor=ops)
    found = plan_answer(plan=BookPlan.objects.get(pk=plan.pk))
    assert (found["gap_pct"], found["changed_by_review"], found["refused"]) == (None, True, ["N0"])
    assert found["objective"] == plan.objective


def test_the_database_keeps_who_refused_and_who_repointed(world: SimpleNamespace) -> None:
    plan = proposed()
    for fields in (
        {"status": RowStatus.REFUSED},
        {"planned_csm": world.ada},
        {"repointed_by": world.cast.ops},
        {"repointed_by": world.cast.ops, "repointed_at": timezone.now(), "approved_by": world.cast.ops},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Move.objects.filter(plan=plan).update(**fields)


def test_a_plan_changed_by_review_is_applied_by_ops_only_and_once(world: SimpleNamespace) -> None:
    plan = proposed()
    refuse(plan, *chosen(plan), actor=world.cast.manager)
    with pytest.raises(UnableToPlanBooks, match="Only CS ops"):
        applied(plan, actor=world.cast.manager)
    assert applied(plan).status == RunStatus.APPLIED
