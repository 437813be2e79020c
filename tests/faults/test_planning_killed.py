"""A runner that dies at any statement of applying or undoing a plan leaves nothing wrong: the next ends with the same."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Customer
from allocation.models import BookHolding, BookPlan, Handover, HandoverStep, Move, Notice
from allocation.services.planning import apply_plan, refuse_moves, undo_plan
from tests import factories
from tests.faults.test_retiering_killed import Killed, killed_at
from tests.oracle import faults
from tests.services.plan_cast import books, by_hand, chosen, ids, proposed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    for module in ("applying", "undoing"):
        monkeypatch.setattr(f"allocation.services.planning.{module}.BATCH", 2)


@pytest.fixture
def plan(cast: SimpleNamespace) -> BookPlan:
    """Two go by choice, one from a leaver; the first CSM of the fourth is refused."""
    cast.books = books(cast)
    made = proposed()
    refuse_moves(plan_id=made.pk, move_ids=ids(made, "N0"), actor=cast.ops, words="Later", at=timezone.now())
    return made


def outcome() -> list[Any]:
    return [
        list(Customer.objects.order_by("external_id").values_list("external_id", "csm", "csm_since")),
        list(
            BookHolding.objects.order_by("customer__external_id", "starts_on", "csm").values_list(
                "customer__external_id", "csm", "starts_on", "ends_before", "source", "gives_back"
            )
        ),
        list(
            Move.objects.order_by("customer__external_id").values_list(
                "customer__external_id", "status", "words", "previous_since"
            )
        ),
        list(BookPlan.objects.order_by("pk").values_list("status", "message", "lease_until")),
        list(
            Handover.objects.order_by("customer__external_id", "pk").values_list(
                "customer__external_id",
                "move__plan",
                "from_csm",
                "to_csm",
                "status",
                "due_on",
                "closed_words",
            )
        ),
        HandoverStep.objects.count(),
        list(Notice.objects.order_by("key").values_list("key", flat=True)),
    ]


def apply(plan: BookPlan) -> None:
    apply_plan(plan_id=plan.pk, actor=None, owner="runner", on=factories.TODAY)


def undo(plan: BookPlan) -> None:
    undo_plan(plan_id=plan.pk, owner="runner", at=timezone.now(), on=factories.TODAY)


def killed_everywhere(plan: BookPlan, work: Callable[[BookPlan], None]) -> int:
    """Kill `work` before each of its statements, let the claim lapse, do it again; each must end as if never killed."""

    def ended(number: int) -> tuple[list[Any], int]:
        mark = transaction.savepoint()
        with killed_at(number) as count, suppress(Killed):
            work(plan)
        if number:
            lapsed = BookPlan.objects.filter(lease_until__isnull=False)
            lapsed.update(lease_until=timezone.now() - timedelta(seconds=1))
            work(plan)
        found = outcome()
        transaction.savepoint_rollback(mark)
        return found, count[0]

    clean, total = ended(0)
    wrong = [number for number in range(1, total + 1) if ended(number)[0] != clean]
    assert wrong == []
    return total


def test_killed_while_applying_the_next_runner_ends_with_the_same_csms(plan: BookPlan) -> None:
    assert killed_everywhere(plan, apply) > 20


def test_killed_while_undoing_the_next_runner_gives_back_the_same(
    plan: BookPlan, cast: SimpleNamespace
) -> None:
    one, _ = chosen(plan)
    apply(plan)
    by_hand(
        Customer.objects.get(external_id=one), cast.books.lea
    )  # somebody changes a CSM in between: it stays
    assert killed_everywhere(plan, undo) > 20
    undo(plan)
    assert faults() == []


def test_control_undoing_without_transactions_leaves_something_wrong(
    plan: BookPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same sweep finds the fault when rows are marked before their customers are given back, one by one."""
    from allocation.services.planning import undoing

    class Open:
        @staticmethod
        def atomic() -> Any:
            return nullcontext()

    apply(plan)
    monkeypatch.setattr(undoing, "transaction", Open)
    real = undoing.set_csms

    def marked_first(**given: Any) -> Any:
        Move.objects.filter(customer__in=[one.customer_id for one in given["changes"]]).update(
            status="undone"
        )
        return real(**given)

    monkeypatch.setattr(undoing, "set_csms", marked_first)
    with pytest.raises(AssertionError, match=r"\[\d+"):
        killed_everywhere(plan, undo)
