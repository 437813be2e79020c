"""Goals: who may open, change and close one, and what is refused with a sentence."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Customer, Goal
from allocation.services.goals import (
    UnableToChangeGoal,
    UnableToCloseGoal,
    UnableToOpenGoal,
    change_goal,
    close_goal,
    open_goal,
)
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory, UserFactory

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture
def customer(cast):
    """In the book of csm_a, whose team the manager leads."""
    return CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY)


@pytest.fixture
def kind(db):
    return GoalKindFactory(slug="risk-mitigation")


def opened(customer, kind, actor, **more):
    return open_goal(**{"customer_id": customer.pk, "kind_id": kind.pk, "actor": actor, "on": TODAY, **more})


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a"])
def test_who_sees_the_customer_opens_changes_and_closes_its_goals(cast, customer, kind, role):
    actor = getattr(cast, role)
    goal = opened(customer, kind, actor, owner_id=actor.pk, words="They renew")
    assert (goal.customer, goal.kind, goal.owner, goal.starts_on, goal.ends_before, goal.words) == (
        customer, kind, actor, TODAY, None, "They renew",
    )  # fmt: skip
    assert change_goal(goal_id=goal.pk, actor=actor, on=TODAY, owner_id=None, words="They stay")
    goal.refresh_from_db()
    assert (goal.owner, goal.words) == (None, "They stay")
    close_goal(goal_id=goal.pk, actor=actor, on=TOMORROW)
    goal.refresh_from_db()
    assert goal.ends_before == TOMORROW


@pytest.mark.parametrize("role", ["csm_b", "nobody"])
def test_others_are_told_nothing_but_that_it_is_not_theirs(cast, customer, kind, role):
    actor, goal = getattr(cast, role), GoalFactory(customer=customer, kind=kind)
    with pytest.raises(UnableToOpenGoal, match="unknown, or outside"):
        opened(customer, GoalKindFactory(), actor)
    with pytest.raises(UnableToChangeGoal, match="unknown, or outside"):
        change_goal(goal_id=goal.pk, actor=actor, on=TODAY, owner_id=None, words="Mine")
    with pytest.raises(UnableToCloseGoal, match="unknown, or outside"):
        close_goal(goal_id=goal.pk, actor=actor, on=TODAY)
    goal.refresh_from_db()
    assert (Goal.objects.count(), goal.ends_before, goal.words) == (1, None, "")


def test_what_does_not_exist_is_refused_the_same_way(cast, customer, kind):
    with pytest.raises(UnableToOpenGoal, match="unknown, or outside"):
        open_goal(customer_id=customer.pk + 1, kind_id=kind.pk, actor=cast.ops, on=TODAY)
    with pytest.raises(UnableToOpenGoal, match="no such goal kind"):
        open_goal(customer_id=customer.pk, kind_id=kind.pk + 1, actor=cast.ops, on=TODAY)
    with pytest.raises(UnableToCloseGoal, match="unknown, or outside"):
        close_goal(goal_id=1, actor=cast.ops, on=TODAY)


@pytest.mark.parametrize("ends_before", [None, TOMORROW])
def test_a_kind_is_open_once_a_customer(cast, customer, kind, ends_before):
    GoalFactory(customer=customer, kind=kind, ends_before=ends_before)
    with pytest.raises(UnableToOpenGoal, match="has an open goal “Risk Mitigation” already"):
        opened(customer, kind, cast.ops)
    assert Goal.objects.count() == 1


def test_the_database_keeps_a_kind_open_once_too(customer, kind):
    GoalFactory(customer=customer, kind=kind)
    with pytest.raises(IntegrityError), transaction.atomic():
        GoalFactory(customer=customer, kind=kind)


def test_a_closed_goal_may_be_opened_again_and_both_are_history(cast, customer, kind):
    first = opened(customer, kind, cast.ops, on=YESTERDAY)
    close_goal(goal_id=first.pk, actor=cast.ops, on=TODAY)  # from today on it no longer holds
    second = opened(customer, kind, cast.ops)
    assert list(Goal.objects.open_on(TODAY)) == [second]
    assert list(Goal.objects.open_on(YESTERDAY)) == [first]


def test_a_retired_kind_cannot_be_opened(cast, customer):
    with pytest.raises(UnableToOpenGoal, match="is retired"):
        opened(customer, GoalKindFactory(retired=True), cast.ops)


def test_a_customer_that_left_gets_no_new_goal_but_its_open_one_can_be_closed(cast, customer, kind):
    goal = opened(customer, kind, cast.ops)
    Customer.objects.filter(pk=customer.pk).update(status=Customer.Status.LEFT)
    with pytest.raises(UnableToOpenGoal, match="has left"):
        opened(customer, GoalKindFactory(), cast.ops)
    assert close_goal(goal_id=goal.pk, actor=cast.ops, on=TODAY).ends_before == TODAY


@pytest.mark.parametrize("on", [TODAY, TOMORROW])
def test_a_closed_goal_is_neither_changed_nor_closed_again(cast, customer, kind, on):
    goal = GoalFactory(customer=customer, kind=kind, starts_on=YESTERDAY, ends_before=TODAY)
    with pytest.raises(UnableToChangeGoal, match="is closed"):
        change_goal(goal_id=goal.pk, actor=cast.ops, on=on, owner_id=None, words="More")
    with pytest.raises(UnableToCloseGoal, match="is closed already"):
        close_goal(goal_id=goal.pk, actor=cast.ops, on=on)


def test_a_goal_with_an_end_to_come_is_closed_earlier(cast, customer, kind):
    goal = GoalFactory(customer=customer, kind=kind, starts_on=YESTERDAY, ends_before=TOMORROW)
    assert close_goal(goal_id=goal.pk, actor=cast.ops, on=TODAY).ends_before == TODAY


def test_a_goal_that_was_to_start_later_never_held(cast, customer, kind):
    goal = GoalFactory(customer=customer, kind=kind, starts_on=TOMORROW)
    close_goal(goal_id=goal.pk, actor=cast.ops, on=TODAY)
    assert not Goal.objects.open_on(TOMORROW).exists()


def test_saying_what_is_so_already_changes_nothing(cast, customer, kind):
    goal = opened(customer, kind, cast.ops, words="They renew")
    assert change_goal(goal_id=goal.pk, actor=cast.ops, on=TODAY, owner_id=None, words="They renew") is False


def test_a_csm_names_no_owner_of_another_team(cast, customer, kind):
    for owner in (cast.csm_b, cast.nobody):
        with pytest.raises(UnableToOpenGoal, match="Choose an owner"):
            opened(customer, kind, cast.csm_a, owner_id=owner.pk)
    for place, owner in enumerate((cast.csm_a, cast.manager)):  # the manager leads the team
        goal = opened(customer, GoalKindFactory(), cast.csm_a, owner_id=owner.pk)
        assert (goal.owner, Goal.objects.count()) == (owner, place + 1)


def test_ops_name_anybody_with_a_role(cast, customer, kind):
    assert opened(customer, kind, cast.ops, owner_id=cast.csm_b.pk).owner == cast.csm_b
    for owner in (cast.nobody, UserFactory(is_active=False)):
        with pytest.raises(UnableToOpenGoal, match="Choose an owner"):
            opened(customer, GoalKindFactory(), cast.ops, owner_id=owner.pk)


def test_an_owner_from_elsewhere_stays_while_the_words_change(cast, customer, kind):
    goal = opened(customer, kind, cast.ops, owner_id=cast.ops.pk)
    assert change_goal(goal_id=goal.pk, actor=cast.csm_a, on=TODAY, owner_id=cast.ops.pk, words="They stay")
    goal.refresh_from_db()
    assert (goal.owner, goal.words) == (cast.ops, "They stay")


def test_words_hold_no_nul(cast, customer, kind):
    """PostgreSQL keeps none: a sentence says so before it does."""
    goal = opened(customer, kind, cast.ops, words="They renew")
    with pytest.raises(UnableToChangeGoal, match="holds the character NUL"):
        change_goal(goal_id=goal.pk, actor=cast.ops, on=TODAY, owner_id=None, words="They\0renew")
    close_goal(goal_id=goal.pk, actor=cast.ops, on=TODAY)
    with pytest.raises(UnableToOpenGoal, match="holds the character NUL"):
        opened(customer, kind, cast.ops, words="They\0renew")


def test_words_have_an_end(cast, customer, kind):
    with pytest.raises(UnableToOpenGoal, match="2,000 characters"):
        opened(customer, kind, cast.ops, words="x" * 2001)
    assert len(opened(customer, kind, cast.ops, words="x" * 2000).words) == 2000


def test_a_goal_is_no_edit_of_the_customer(cast, customer, kind):
    """The version tells a stale save of the customer's facts; a goal is a row of its own."""
    before = Customer.objects.values().get(pk=customer.pk)
    close_goal(goal_id=opened(customer, kind, cast.ops).pk, actor=cast.ops, on=TODAY)
    assert Customer.objects.values().get(pk=customer.pk) == before
