"""Many people, one customer: a goal of a kind is opened once and closed once. On PostgreSQL only, as the other races."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Customer, Goal, GoalKind, User
from allocation.admin.goals import GoalAdmin, GoalForm, GoalPageForm
from allocation.services.goals import UnableToCloseGoal, UnableToOpenGoal, close_goal, open_goal
from tests import factories

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PEOPLE = 8

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def at_once(work: Callable[[], object]) -> list[object]:
    """What PEOPLE threads, let go together, each got from `work()`: its result or its error."""
    return each_at_once([work] * PEOPLE)


def each_at_once(works: Sequence[Callable[[], object]]) -> list[object]:
    """The same for threads that do different things."""
    barrier = threading.Barrier(len(works))
    found: list[object] = [None] * len(works)

    def one(number: int) -> None:
        try:
            barrier.wait(timeout=20)
            found[number] = works[number]()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(works))]
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


def in_admin(user: User, customer: Customer, kind: GoalKind) -> int:
    """Open a goal on its page of the admin: 302 when it was saved, 200 with the form when it was refused, 500 else."""
    client = Client(raise_request_exception=False)  # clients would hear of each other's errors
    client.force_login(user)
    given = {"customer": customer.pk, "kind": kind.pk, "starts_on": factories.TODAY.isoformat()}
    return client.post("/admin/accounts/goal/add/", given).status_code


@pytest.mark.parametrize("in_service", [0, 2])
def test_a_kind_opened_in_the_admin_and_elsewhere_at_once_is_opened_once_and_the_others_are_told(
    in_service: int,
) -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        customer, kind = factories.CustomerFactory(), factories.GoalKindFactory()

        def opened(customer: Customer = customer, kind: GoalKind = kind) -> object:
            return open_goal(customer_id=customer.pk, kind_id=kind.pk, actor=ops, on=factories.TODAY)

        def saved(customer: Customer = customer, kind: GoalKind = kind) -> object:
            return in_admin(ops, customer, kind)

        found = each_at_once([saved] * (PEOPLE - in_service) + [opened] * in_service)
        assert sum(isinstance(one, Goal) or one == 302 for one in found) == 1
        assert sum(isinstance(one, UnableToOpenGoal) or one == 200 for one in found) == PEOPLE - 1
        assert Goal.objects.filter(customer=customer).count() == 1


def test_control_pages_that_do_not_hold_the_customer_end_in_an_error_of_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked, save = threading.Barrier(PEOPLE), GoalAdmin.save_model

    def all_are_checked(*args: Any) -> None:
        checked.wait(timeout=20)  # everybody was found to be the only one before anybody writes
        save(*args)

    monkeypatch.setattr(GoalPageForm, "clean", GoalForm.clean)
    monkeypatch.setattr(GoalAdmin, "save_model", all_are_checked)
    ops, customer, kind = factories.cast().ops, factories.CustomerFactory(), factories.GoalKindFactory()
    found = each_at_once([lambda: in_admin(ops, customer, kind)] * PEOPLE)
    assert sorted(found) == [302] + [500] * (PEOPLE - 1)  # type: ignore[type-var]
