"""Objections: until when, by whom, once; and nothing is applied before the day."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from allocation.models import AllocationPolicy, BookPlan, Objection, RunStatus
from allocation.selectors.objections import objections_of
from allocation.services import comparing
from allocation.services.accepting import UnableToAccept, accept_plan
from allocation.services.planning import (
    UnableToObject,
    UnableToOpenObjections,
    UnableToPlanBooks,
    close_objections,
    object_to_move,
    open_objections,
    propose_plan,
    withdraw_objection,
)
from allocation.snapshots.books import books_digest
from allocation.tasks.errands import ERRANDS
from allocation.tasks.planning import apply_book_plan
from allocation.tasks.sweeping import due_rows
from tests.factories import CLOCK, NOW, TODAY
from tests.services.objection_cast import (
    DAYS,
    LAST_DAY,
    SENTENCE,
    UNTIL,
    apply,
    keep,
    mailed,
    now,
    object_to,
    refuse,
    world_with_a_window,
)
from tests.services.plan_cast import books, move_of, proposed

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


# ---- opening


def test_the_policy_opens_the_window_with_the_proposal_and_tells_each_csm_concerned_once(
    world: SimpleNamespace,
) -> None:
    plan = world.plan
    assert (plan.objections_until, plan.objections_opened_by, plan.objections_opened_at) == (UNTIL, None, NOW)
    assert plan.policy_values["objection_days"] == DAYS
    assert sorted(mailed()) == ["csm-a@example.com", "csm-b@example.com"]  # Lea has no sign-in


def test_without_days_in_the_policy_there_is_no_window_and_nobody_is_told(cast: SimpleNamespace) -> None:
    world = world_with_a_window(cast, days=0)
    assert (world.plan.objections_until, mailed()) == (None, [])
    assert apply(world.plan, on=TODAY).status == RunStatus.APPLIED


def test_a_plan_that_moves_nobody_waits_for_nobody(cast: SimpleNamespace) -> None:
    AllocationPolicy.objects.create(name="even", is_active=True, objection_days=DAYS)
    assert proposed().objections_until is None


def test_days_to_object_are_no_input_of_the_search_so_another_number_makes_no_plan_stale(
    world: SimpleNamespace,
) -> None:
    AllocationPolicy.objects.update(objection_days=30)
    policy = AllocationPolicy.objects.get()
    assert books_digest(policy=policy, as_of=TODAY) == world.plan.facts_digest
    assert apply(world.plan).status == RunStatus.APPLIED


@pytest.mark.parametrize("days", [-1, 61])
def test_a_policy_gives_0_to_60_days(world: SimpleNamespace, days: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        AllocationPolicy.objects.update(objection_days=days)


@pytest.mark.parametrize("days", [0, 60])
def test_both_ends_of_the_days_are_fine(world: SimpleNamespace, days: int) -> None:
    AllocationPolicy.objects.update(objection_days=days)
    AllocationPolicy.objects.get().full_clean()


def test_who_left_or_lost_the_role_gets_no_mail(cast: SimpleNamespace) -> None:
    cast.csm_a.is_active = False
    cast.csm_a.save()
    cast.csm_b.groups.clear()
    world_with_a_window(cast)
    assert mailed() == []


def test_ops_open_move_and_close_the_window_by_hand(cast: SimpleNamespace) -> None:
    world, ops = world_with_a_window(cast, days=0), cast.ops
    given: dict[str, Any] = {"plan_id": world.plan.pk, "actor": ops, "on": TODAY, "at": NOW}
    opened = open_objections(until=UNTIL, **given)
    assert (opened.objections_until, opened.objections_opened_by) == (UNTIL, ops)
    assert len(mailed()) == 2
    open_objections(until=UNTIL, **given)
    assert len(mailed()) == 2  # the same day: nobody is told twice
    assert open_objections(until=LAST_DAY, **given).objections_until == LAST_DAY
    assert len(mailed()) == 4
    closed = close_objections(**given)
    assert (closed.objections_until, closed.objections_closed_by) == (TODAY, ops)
    with pytest.raises(UnableToOpenObjections, match="is not open to objections"):
        close_objections(**given)
    assert open_objections(until=UNTIL, **given).objections_closed_by is None


@pytest.mark.parametrize(
    ("away", "taken"), [(-1, False), (0, False), (1, True), (60, True), (61, False)]
)  # from tomorrow to sixty days from today
def test_the_day_lies_ahead_and_not_too_far(world: SimpleNamespace, away: int, taken: bool) -> None:
    until = TODAY + timedelta(days=away)
    given: dict[str, Any] = {"plan_id": world.plan.pk, "until": until, "actor": None, "on": TODAY, "at": NOW}
    if taken:
        assert open_objections(**given).objections_until == until
    else:
        with pytest.raises(UnableToOpenObjections, match="Choose a day after"):
            open_objections(**given)


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_only_ops_open_and_close(world: SimpleNamespace, who: str) -> None:
    given = {"plan_id": world.plan.pk, "actor": getattr(world.cast, who), "on": TODAY, "at": NOW}
    for act in (lambda: open_objections(until=UNTIL, **given), lambda: close_objections(**given)):
        with pytest.raises(UnableToOpenObjections, match="Only CS ops"):
            act()


@pytest.mark.parametrize("status", sorted(set(RunStatus.values) - {"proposed", "awaiting_approval"}))
def test_only_a_plan_that_people_decide_about_is_opened(world: SimpleNamespace, status: str) -> None:
    BookPlan.objects.filter(pk=world.plan.pk).update(status=status)
    with pytest.raises(UnableToOpenObjections, match="only to a plan that is proposed"):
        open_objections(plan_id=world.plan.pk, until=LAST_DAY, actor=None, on=TODAY, at=NOW)
    with pytest.raises(UnableToOpenObjections, match="not open"):
        close_objections(plan_id=world.plan.pk, actor=None, on=TODAY, at=NOW)


def test_a_plan_that_is_not_there_is_refused(world: SimpleNamespace) -> None:
    for act in (lambda: open_objections(plan_id=0, until=UNTIL, actor=None, **CLOCK),
                lambda: close_objections(plan_id=0, actor=None, **CLOCK)):  # fmt: skip
        with pytest.raises(UnableToOpenObjections, match="There is no book plan 0"):
            act()


def test_of_plans_side_by_side_one_is_opened_and_only_then_applied(cast: SimpleNamespace) -> None:
    books(cast)
    AllocationPolicy.objects.update(objection_days=DAYS)
    plans = comparing.queue_comparison(as_of=TODAY, seed=1, actor=None)
    for plan in plans:
        propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    assert not BookPlan.objects.filter(objections_until__isnull=False).exists()
    assert mailed() == []
    for plan in (plans[0], plans[1]):
        with pytest.raises(UnableToPlanBooks, match="choose it by opening it to objections"):
            apply(plan)
        with pytest.raises(UnableToAccept, match="choose it by opening it to objections"):
            accept_plan(plan_id=plan.pk, actor=cast.ops, on=UNTIL)
    open_objections(plan_id=plans[1].pk, until=UNTIL, actor=cast.ops, **CLOCK)
    with pytest.raises(UnableToOpenObjections, match=f"Book plan {plans[1].pk}, beside this one"):
        open_objections(plan_id=plans[0].pk, until=UNTIL, actor=cast.ops, **CLOCK)
    assert apply(plans[1]).status == RunStatus.APPLIED


# ---- nothing is applied before


@pytest.mark.parametrize(("on", "status"), [(LAST_DAY, "proposed"), (UNTIL, "applied")])
def test_nothing_is_applied_before_the_day(world: SimpleNamespace, on: Any, status: str) -> None:
    if status == "applied":
        apply(world.plan, on=on)
    else:
        with pytest.raises(UnableToPlanBooks, match=r"CSMs may object to moves of book plan \d+ before 29"):
            apply(world.plan, on=on)
    assert now(world.plan).status == status


@pytest.mark.parametrize(("on", "taken"), [(LAST_DAY, False), (UNTIL, True)])
def test_the_wish_of_a_click_is_taken_from_the_day_on(world: SimpleNamespace, on: Any, taken: bool) -> None:
    if taken:
        accept_plan(plan_id=world.plan.pk, actor=world.cast.ops, on=on)
    else:
        with pytest.raises(UnableToAccept, match="it can be applied from that day on"):
            accept_plan(plan_id=world.plan.pk, actor=world.cast.ops, on=on)
    assert now(world.plan).apply_when_proposed is taken
    assert now(world.plan).is_accepted is taken


def test_a_wish_from_before_comes_true_when_the_day_has_come(cast: SimpleNamespace, monkeypatch: Any) -> None:
    plan = world_with_a_window(cast, apply_when_proposed=True).plan
    BookPlan.objects.update(finished_at=NOW - timedelta(days=1))
    assert not now(plan).is_accepted  # so that moves can be reviewed until then

    def rung_on(day: Any) -> list[str]:
        monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: day)
        return [due.name for due in due_rows(ERRANDS, limit=9)]

    assert rung_on(LAST_DAY) == []
    apply_book_plan(plan_id=plan.pk)
    assert now(plan).status == RunStatus.PROPOSED
    assert rung_on(UNTIL) == [f"book plan {plan.pk} (proposed)"]
    apply_book_plan(plan_id=plan.pk)
    assert now(plan).status == RunStatus.APPLIED


def test_opening_takes_a_click_on_apply_back_but_not_a_wish_from_before(world: SimpleNamespace) -> None:
    given: dict[str, Any] = {"plan_id": world.plan.pk, "actor": world.cast.ops}
    close_objections(**given, **CLOCK)
    accept_plan(**given, on=TODAY)
    open_objections(until=UNTIL, **given, **CLOCK)
    assert (now(world.plan).apply_when_proposed, now(world.plan).applied_by) == (False, None)
    BookPlan.objects.update(apply_when_proposed=True)
    open_objections(until=LAST_DAY, **given, **CLOCK)
    assert now(world.plan).apply_when_proposed


# ---- objecting


def test_who_gives_and_who_gets_a_customer_may_object(world: SimpleNamespace, ada: Any, ben: Any) -> None:
    before = world.plan.review_version
    made = object_to(world.plan, world.first, actor=ada, words=f" {SENTENCE} ")
    assert (made.csm, made.by, made.reason_kind, made.words, made.at) == (
        world.ada,
        ada,
        "timing",
        SENTENCE,
        NOW,
    )
    assert object_to(world.plan, world.first, actor=ben, kind="workload").csm == world.ben
    assert object_to(world.plan, "N0", actor=ben, kind="skill").csm == world.ben
    # Whoever decided on what was shown before is asked to look again.
    assert now(world.plan).review_version == before + 3
    lines = objections_of([move_of(world.plan, world.first).pk])[move_of(world.plan, world.first).pk]
    assert [(line.csm, line.reason, line.is_answered) for line in lines] == [
        ("Ada Book", "The wrong moment: renewal, escalation, project", False),
        ("Ben Book", "More than I can take on", False),
    ]


@pytest.mark.parametrize("who", ["ops", "manager", "csm_a", "nobody"])
def test_nobody_else_may(world: SimpleNamespace, who: str) -> None:
    with pytest.raises(UnableToObject, match="There is no such move of your book"):
        object_to(world.plan, "N0", actor=getattr(world.cast, who))
    assert not Objection.objects.exists()


@pytest.mark.parametrize(("on", "taken"), [(LAST_DAY, True), (UNTIL, False)])
def test_it_is_taken_on_the_last_day_and_refused_on_the_next(
    world: SimpleNamespace, ada: Any, on: Any, taken: bool
) -> None:
    if taken:
        assert object_to(world.plan, world.first, actor=ada, on=on).pk
    else:
        with pytest.raises(UnableToObject, match="The time to object ended on 29"):
            object_to(world.plan, world.first, actor=ada, on=on)


def test_before_a_window_is_open_there_is_no_such_move(cast: SimpleNamespace) -> None:
    world = world_with_a_window(cast, days=0)
    with pytest.raises(UnableToObject, match="There is no such move"):
        object_to(world.plan, world.first, actor=cast.csm_a)


def test_a_plan_that_is_over_takes_no_objection(world: SimpleNamespace, ada: Any) -> None:
    BookPlan.objects.update(status=RunStatus.STALE)
    with pytest.raises(UnableToObject, match="is stale: nobody can object to it any more"):
        object_to(world.plan, world.first, actor=ada)


def test_twice_is_refused_and_the_first_is_shown(world: SimpleNamespace, ada: Any) -> None:
    first = object_to(world.plan, world.first, actor=ada)
    with pytest.raises(UnableToObject, match=f"already, on 22.*{SENTENCE}") as refusal:
        object_to(world.plan, world.first, actor=ada, words="Again")
    assert refusal.value.first == first
    withdraw_objection(objection_id=first.pk, actor=ada, **CLOCK)
    assert object_to(world.plan, world.first, actor=ada, words="Again").words == "Again"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "mood"}, "Choose one of the reasons"),
        ({"kind": ""}, "Choose one of the reasons"),
        ({"words": " "}, "Say why"),
        ({"words": "x" * 1001}, "at most 1,000 characters"),
        ({"words": "a\x00b"}, "NUL"),
    ],
)
def test_an_objection_that_says_nothing_useful_is_refused(
    world: SimpleNamespace, ada: Any, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UnableToObject, match=sentence):
        object_to(world.plan, world.first, actor=ada, **given)


def test_a_refused_move_needs_no_objection(world: SimpleNamespace, ada: Any) -> None:
    refuse(world.plan, world.first, actor=world.cast.ops)
    with pytest.raises(UnableToObject, match="is refused already"):
        object_to(world.plan, world.first, actor=ada)


def test_it_is_taken_back_by_who_raised_it_as_long_as_nobody_answered(
    world: SimpleNamespace, ada: Any, ben: Any
) -> None:
    made = object_to(world.plan, world.first, actor=ada)
    for other in (ben, world.cast.ops):
        with pytest.raises(UnableToObject, match="no such objection of yours"):
            withdraw_objection(objection_id=made.pk, actor=other, **CLOCK)
    with pytest.raises(UnableToPlanBooks, match="answer them first"):
        apply(world.plan)
    # After the day as well: it stands in the way of the plan.
    withdraw_objection(objection_id=made.pk, actor=ada, on=UNTIL, at=NOW)
    with pytest.raises(UnableToObject, match="no such objection of yours"):
        withdraw_objection(objection_id=made.pk, actor=ada, on=UNTIL, at=NOW)
    assert apply(world.plan).status == RunStatus.APPLIED


def test_an_answered_one_stays_and_so_does_one_to_a_plan_that_is_over(
    world: SimpleNamespace, ada: Any
) -> None:
    made = object_to(world.plan, world.first, actor=ada)
    keep(world.plan, world.first, actor=world.cast.ops)
    with pytest.raises(UnableToObject, match="was answered or taken back already"):
        withdraw_objection(objection_id=made.pk, actor=ada, **CLOCK)
    BookPlan.objects.update(status=RunStatus.DISCARDED)
    with pytest.raises(UnableToObject, match="is discarded"):
        withdraw_objection(objection_id=made.pk, actor=ada, **CLOCK)


def test_the_day_is_that_of_the_installation(world: SimpleNamespace, ada: Any) -> None:
    """Half past eleven in the evening of the last day in UTC is the next day in Auckland, where it is refused."""
    moment = datetime.combine(LAST_DAY, time(23, 30), tzinfo=UTC)
    move_id = move_of(world.plan, world.first).pk

    def attempt() -> Objection:
        on = timezone.localdate(moment)
        given = {"move_id": move_id, "actor": ada, "reason_kind": "timing", "words": "x"}
        return object_to_move(**given, on=on, at=moment)

    with timezone.override("Pacific/Auckland"), pytest.raises(UnableToObject, match="ended on"):
        attempt()
    with timezone.override("UTC"):
        assert attempt().pk
