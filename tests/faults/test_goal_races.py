"""Many people, one customer: a goal of a kind is opened once and closed once. On PostgreSQL only, as the other races."""

import os
import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Goal
from allocation.services.goals import UnableToCloseGoal, UnableToOpenGoal, close_goal, open_goal
from tests import factories

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PEOPLE = 8

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def at_once(work: Callable[[], object]) -> list[object]:
    """What PEOPLE threads, let go together, each got from `work()`: its result or its error."""
    barrier = threading.Barrier(PEOPLE)
    found: list[object] = [None] * PEOPLE

    def one(number: int) -> None:
        try:
            barrier.wait(timeout=20)
            found[number] = work()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return found


def test_a_kind_is_opened_once_and_the_others_are_told(transactional_db: None) -> None:
    cast = factories.cast()
    for _ in range(ROUNDS):
        customer, kind = factories.CustomerFactory(), factories.GoalKindFactory()
        found = at_once(
            lambda customer=customer, kind=kind: open_goal(
                customer_id=customer.pk, kind_id=kind.pk, actor=cast.ops, on=factories.TODAY
            )
        )
        refused = [one for one in found if not isinstance(one, Goal)]
        # A sentence for each, never an error of the database: the customer's row is locked first.
        assert [type(one) for one in refused] == [UnableToOpenGoal] * (PEOPLE - 1)
        assert Goal.objects.filter(customer=customer).count() == 1


def test_a_goal_is_closed_once(transactional_db: None) -> None:
    cast = factories.cast()
    for _ in range(ROUNDS):
        goal = factories.GoalFactory()
        found = at_once(lambda goal=goal: close_goal(goal_id=goal.pk, actor=cast.ops, on=factories.TODAY))
        assert sorted(type(one).__name__ for one in found) == ["Goal"] + [UnableToCloseGoal.__name__] * (
            PEOPLE - 1
        )
