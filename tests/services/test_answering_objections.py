"""What answers an objection: a refusal, another CSM, words that keep the move; and until then nothing is applied."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import roles
from allocation.models import BookPlan, Move, Notice, Objection, RowStatus, RunStatus
from allocation.services.accepting import UnableToAccept, accept_plan
from allocation.services.planning import (
    UnableToAnswerObjections,
    UnableToPlanBooks,
    UnableToReviewPlan,
    accept_moves,
    approve_moves,
    repoint_move,
)
from tests.factories import NOW, UserFactory
from tests.services.objection_cast import (
    DAYS,
    UNTIL,
    apply,
    keep,
    mailed,
    now,
    object_to,
    refuse,
    world_with_a_window,
    world_with_spares,
)
from tests.services.plan_cast import ids, move_of, seats, the_largest_are

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    return world_with_a_window(cast)


@pytest.fixture
def ada(world: SimpleNamespace) -> Any:
    return world.cast.csm_a


@pytest.fixture
def ben(world: SimpleNamespace) -> Any:
    return world.cast.csm_b


def repoint(plan: BookPlan, name: str, csm: Any, *, actor: Any, at: Any = NOW) -> None:
    given = {"plan_id": plan.pk, "move_id": move_of(plan, name).pk, "csm_id": csm.pk}
    repoint_move(**given, actor=actor, words="Closer", at=at)


def test_a_plan_with_an_unanswered_objection_is_not_applied(world: SimpleNamespace, ada: Any) -> None:
    object_to(world.plan, world.first, actor=ada)
    object_to(world.plan, world.second, actor=ada)
    both = sorted([world.first, world.second])
    sentence = (
        rf"2 moves of book plan {world.plan.pk} have objections \({both[0]}, {both[1]}\): answer them first"
    )
    with pytest.raises(UnableToPlanBooks, match=sentence):
        apply(world.plan)
    with pytest.raises(UnableToAccept, match=sentence):
        accept_plan(plan_id=world.plan.pk, actor=world.cast.ops, on=UNTIL)
    before = seats()
    BookPlan.objects.update(apply_when_proposed=True, finished_at=NOW - timedelta(days=1))
    assert list(BookPlan.objects.filter().wished(on=UNTIL)) == []  # nobody rings for it in vain
    assert keep(world.plan, world.first, actor=world.cast.ops) == 1
    refuse(world.plan, world.second, actor=world.cast.ops)
    assert list(BookPlan.objects.filter().wished(on=UNTIL)) == [now(world.plan)]
    apply(world.plan)
    assert seats()[world.first] != before[world.first]
    assert seats()[world.second] == before[world.second]


def test_each_answer_is_kept_with_who_and_why_and_the_objector_is_told(
    world: SimpleNamespace, ada: Any
) -> None:
    made = object_to(world.plan, world.first, actor=ada)
    keep(world.plan, world.first, actor=world.cast.manager, words=" It has to be ")
    made.refresh_from_db()
    assert (made.answer, made.answered_by, made.answered_at, made.answer_words) == (
        "kept", world.cast.manager, NOW, "It has to be",
    )  # fmt: skip
    assert mailed(Notice.Kind.DECIDED) == ["csm-a@example.com"]


def test_nobody_answers_the_own_objection_whatever_the_role(cast: SimpleNamespace) -> None:
    world, ada = world_with_spares(cast), cast.csm_a
    made = object_to(world.plan, world.first, actor=ada)
    ada.groups.add(world.cast.ops.groups.get(), world.cast.manager.groups.get())
    both = type(ada).objects.get(pk=ada.pk)
    with pytest.raises(UnableToAnswerObjections, match="answered, your own, or of other teams"):
        keep(world.plan, world.first, actor=both)
    refuse(world.plan, world.first, actor=both)  # what is asked for by it
    accept_moves(plan_id=world.plan.pk, move_ids=ids(world.plan, world.first), actor=both)
    repoint(world.plan, world.first, world.cem, actor=both)
    made.refresh_from_db()
    assert made.answer == ""
    with pytest.raises(IntegrityError), transaction.atomic():
        Objection.objects.filter(pk=made.pk).update(answer="kept", answered_by=made.by, answered_at=NOW)


def test_an_answer_says_by_whom(world: SimpleNamespace, ada: Any) -> None:
    made = object_to(world.plan, world.first, actor=ada)
    for half in ({"answer": "kept"}, {"answered_at": NOW}, {"answered_by": world.cast.ops}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Objection.objects.filter(pk=made.pk).update(**half)


def test_a_manager_answers_for_csms_and_customers_of_the_own_teams(world: SimpleNamespace, ben: Any) -> None:
    """Ben is of team B, N0 has nobody: nothing of it is Mia's. Ada's customer is, whoever objects."""
    object_to(world.plan, "N0", actor=ben)
    object_to(world.plan, world.first, actor=ben)
    with pytest.raises(UnableToAnswerObjections, match="of other teams"):
        keep(world.plan, "N0", actor=world.cast.manager)
    assert keep(world.plan, "N0", world.first, actor=world.cast.manager) == 1
    max_ = UserFactory(email="max@example.com", role=roles.MANAGER)
    world.cast.team_b.manager = max_
    world.cast.team_b.save()
    assert keep(world.plan, "N0", actor=max_) == 1


@pytest.mark.parametrize("who", ["csm_b", "nobody", None])
def test_others_answer_nothing(world: SimpleNamespace, ada: Any, who: str | None) -> None:
    object_to(world.plan, world.first, actor=ada)
    with pytest.raises(UnableToAnswerObjections, match="reviewed by CS ops and by managers"):
        keep(world.plan, world.first, actor=getattr(world.cast, who) if who else None)


def test_an_answer_needs_words_and_is_to_what_was_shown(world: SimpleNamespace, ada: Any, ben: Any) -> None:
    object_to(world.plan, world.first, actor=ada)
    seen, ops = now(world.plan).review_version, world.cast.ops
    with pytest.raises(UnableToAnswerObjections, match="Say why the moves stay"):
        keep(world.plan, world.first, actor=ops, words=" ")
    object_to(world.plan, world.first, actor=ben)  # meanwhile
    with pytest.raises(UnableToAnswerObjections, match="was changed since you looked at it"):
        keep(world.plan, world.first, actor=ops, seen_version=seen)
    assert keep(world.plan, world.first, actor=ops, seen_version=seen + 1) == 1
    assert not Objection.objects.unanswered().exists()


def test_an_approval_given_before_an_objection_does_not_answer_it(
    cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allocation.services.planning.proposing.propose_books", the_largest_are({"L0"}))
    world = world_with_a_window(cast)
    seen = world.plan.review_version
    given: dict[str, Any] = {
        "plan_id": world.plan.pk,
        "move_ids": ids(world.plan, "L0"),
        "actor": cast.manager,
    }
    object_to(world.plan, "L0", actor=cast.csm_b)
    with pytest.raises(ValueError, match="was changed since you looked"):
        approve_moves(**given, words="Fine", at=NOW, seen_version=seen)
    approve_moves(**given, words="Fine", at=NOW, seen_version=seen + 1)
    with pytest.raises(UnableToPlanBooks, match="answer them first"):
        apply(world.plan)


def test_a_move_refused_over_an_objection_is_not_accepted_again(
    world: SimpleNamespace, ada: Any, ben: Any
) -> None:
    """Ada was told that the customer stays; of N0, which nobody objected to, nobody was told anything."""
    made, ops = object_to(world.plan, world.first, actor=ada), world.cast.ops
    refuse(world.plan, world.first, "N0", actor=ops)
    made.refresh_from_db()
    assert (made.answer, made.answered_by, made.answer_words) == ("refused", ops, "Then not")
    both = ids(world.plan, world.first, "N0")
    with pytest.raises(UnableToReviewPlan, match=rf"\({world.first}\), and who objected was told so"):
        accept_moves(plan_id=world.plan.pk, move_ids=both, actor=ops)
    assert set(Move.objects.filter(pk__in=both).values_list("status", flat=True)) == {"refused"}
    assert accept_moves(plan_id=world.plan.pk, move_ids=ids(world.plan, "N0"), actor=ops) == 1
    apply(world.plan)
    assert seats()[world.first] == "Ada Book"


def test_an_own_objection_is_not_answered_by_refusing_so_the_move_may_be_accepted_again(
    world: SimpleNamespace, ada: Any
) -> None:
    ada.groups.add(world.cast.ops.groups.get())
    both = type(ada).objects.get(pk=ada.pk)
    object_to(world.plan, world.first, actor=both)
    refuse(world.plan, world.first, actor=both)
    accept_moves(plan_id=world.plan.pk, move_ids=ids(world.plan, world.first), actor=both)
    with pytest.raises(UnableToPlanBooks, match="answer them first"):
        apply(world.plan)


def test_another_csm_is_an_answer_that_holds(cast: SimpleNamespace) -> None:
    """Ben objected and Cem was named: not Ben any more, but Dan, or nobody."""
    world = world_with_spares(cast)
    made = object_to(world.plan, world.first, actor=cast.csm_b)
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    made.refresh_from_db()
    assert (made.answer, made.answer_words) == ("repointed", "Closer")
    with pytest.raises(UnableToReviewPlan, match="that holds for this plan"):
        repoint(world.plan, world.first, world.ben, actor=cast.ops)
    assert move_of(world.plan, world.first).to_csm == world.cem
    repoint(world.plan, world.first, world.dan, actor=cast.ops)
    refuse(world.plan, world.first, actor=cast.ops)
    made.refresh_from_db()
    assert (made.answer, made.answer_words) == ("repointed", "Closer")


def test_who_loses_a_customer_and_objected_loses_it_neither_to_the_first_nor_once_it_was_to_stay(
    cast: SimpleNamespace,
) -> None:
    world = world_with_spares(cast)
    object_to(world.plan, world.first, actor=cast.csm_a)
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    with pytest.raises(UnableToReviewPlan, match="that holds for this plan"):  # back to the planner's
        repoint(world.plan, world.first, world.ben, actor=cast.ops)
    other = Move.objects.filter(plan=world.plan, from_csm=world.ada, to_csm=world.ben).first()
    name = other.customer.external_id
    object_to(world.plan, name, actor=cast.csm_a)
    refuse(world.plan, name, actor=cast.ops)
    with pytest.raises(
        UnableToReviewPlan, match="that holds for this plan"
    ):  # it stays, whoever would get it
        repoint(world.plan, name, world.dan, actor=cast.ops)


def test_a_move_refused_because_the_receiver_objects_may_go_to_somebody_else(cast: SimpleNamespace) -> None:
    world = world_with_spares(cast)
    object_to(world.plan, world.first, actor=cast.csm_b)
    refuse(world.plan, world.first, actor=cast.ops)
    with pytest.raises(UnableToReviewPlan, match="that holds for this plan"):
        accept_moves(plan_id=world.plan.pk, move_ids=ids(world.plan, world.first), actor=cast.ops)
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    assert move_of(world.plan, world.first).to_csm == world.cem


def test_as_the_planner_proposed_again_answers_only_who_has_no_more_to_do_with_it(
    cast: SimpleNamespace,
) -> None:
    """Cem, to whom it no longer goes, has been heard; Ada loses it as before, and is still to be told why."""
    world = world_with_spares(cast)
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    of_cem = object_to(world.plan, world.first, actor=world.cem_user)
    of_ada = object_to(world.plan, world.first, actor=cast.csm_a)
    repoint(world.plan, world.first, world.ben, actor=cast.ops)
    of_cem.refresh_from_db()
    of_ada.refresh_from_db()
    assert (of_cem.answer, of_ada.answer) == ("repointed", "")
    with pytest.raises(UnableToReviewPlan, match="that holds for this plan"):
        repoint(world.plan, world.first, world.cem, actor=cast.ops)
    assert keep(world.plan, world.first, actor=cast.ops) == 1


def test_what_was_refused_for_the_first_receiver_is_accepted_again_for_another(cast: SimpleNamespace) -> None:
    world = world_with_spares(cast)
    object_to(world.plan, world.first, actor=cast.csm_b)
    refuse(world.plan, world.first, actor=cast.ops)
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    refuse(world.plan, world.first, actor=cast.ops)
    assert accept_moves(plan_id=world.plan.pk, move_ids=ids(world.plan, world.first), actor=cast.ops) == 1


def test_naming_the_very_csm_who_objects_is_no_answer(cast: SimpleNamespace) -> None:
    """Cem, who is of CS ops too, refuses the own objection's move (no answer); then Cem is named again."""
    world = world_with_spares(cast)
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    made = object_to(world.plan, world.first, actor=world.cem_user)
    world.cem_user.groups.add(cast.ops.groups.get())
    refuse(world.plan, world.first, actor=type(world.cem_user).objects.get(pk=world.cem_user.pk))
    repoint(world.plan, world.first, world.cem, actor=cast.ops)
    made.refresh_from_db()
    assert made.answer == ""
    assert keep(world.plan, world.first, actor=cast.ops) == 1


@pytest.mark.parametrize(("days", "told"), [(DAYS - 1, True), (DAYS, False)])
def test_whom_a_customer_goes_to_since_is_told_as_long_as_one_may_object(
    cast: SimpleNamespace, days: int, told: bool
) -> None:
    world = world_with_spares(cast)
    repoint(world.plan, world.first, world.cem, actor=cast.ops, at=NOW + timedelta(days=days))
    assert ("cem@example.com" in mailed()) is told


def test_an_objection_to_a_refused_move_keeps_nothing(world: SimpleNamespace, ada: Any) -> None:
    made = object_to(world.plan, world.first, actor=ada)
    Move.objects.filter(pk=made.move_id).update(
        status=RowStatus.REFUSED, refused_by=world.cast.ops, refused_at=NOW
    )
    assert apply(world.plan).status == RunStatus.APPLIED
