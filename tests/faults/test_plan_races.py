"""Eight people at one plan: it is applied, undone and reviewed once, and what each was told is true.

On PostgreSQL only; the control arms show that reading before writing lets several win.
"""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import CSM, Customer, Tier
from allocation.models import BookHolding, BookPlan, Move, RowStatus, RunStatus
from allocation.services.planning import (
    UnableToApproveMoves,
    UnableToPlanBooks,
    UnableToReviewPlan,
    UnableToUndoPlan,
    apply_plan,
    approve_moves,
    ask_to_undo_plan,
    propose_plan,
    queue_plan,
    refuse_moves,
    repoint_move,
    undo_plan,
)
from tests import factories
from tests.faults.test_claims import ROUNDS, RUNNERS, at_once
from tests.oracle import faults
from tests.rewriting import before_the_triggers
from tests.services.plan_cast import tiered

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TODAY = factories.TODAY


def fresh_plan() -> BookPlan:
    """A proposed plan that gives three customers their first CSM, whatever earlier rounds left behind."""
    tier = Tier.objects.filter(slug="scale").first() or factories.TierFactory(
        slug="scale", rank=1, touch_level="low", cap=4000
    )
    for name in ("Ada", "Ben", "Cem"):
        if not CSM.objects.filter(name=name).exists():
            factories.CSMFactory(name=name, hours_per_month=Decimal(160))
    BookPlan.objects.exclude(status__in=[RunStatus.APPLIED, RunStatus.UNDONE]).update(
        status=RunStatus.DISCARDED, claimed_by="", lease_until=None
    )
    tiered([factories.CustomerFactory() for _ in range(3)], tier)
    plan = queue_plan(as_of=TODAY, seed=1, actor=None, max_moves_pct=Decimal(0))
    found = propose_plan(plan_id=plan.pk, owner="test", **factories.CLOCK)
    assert found is not None
    assert Move.objects.filter(plan=found).count() >= 3
    return found


def attempt(work: Any, *refusals: type[Exception]) -> object:
    try:
        return work()
    except refusals:
        return "refused"


def apply(plan: BookPlan, number: int) -> object:
    return attempt(
        lambda: apply_plan(plan_id=plan.pk, actor=None, owner=f"runner {number}", on=TODAY), UnableToPlanBooks
    )


def undo(plan: BookPlan, number: int) -> object:
    return attempt(
        lambda: undo_plan(plan_id=plan.pk, owner=f"runner {number}", at=timezone.now(), on=TODAY),
        UnableToUndoPlan,
    )


def test_of_eight_who_undo_one_does_and_everything_is_given_back_once() -> None:
    for _ in range(ROUNDS):
        plan = fresh_plan()
        moved = list(Move.objects.filter(plan=plan).values_list("customer", flat=True))
        apply_plan(plan_id=plan.pk, actor=None, owner="test", on=TODAY)
        written = BookHolding.objects.count()
        assert at_once(lambda number, plan=plan: undo(plan, number)).count(True) == 1
        plan.refresh_from_db()
        assert (plan.status, plan.summary["restored"]) == (RunStatus.UNDONE, len(moved))
        assert not Customer.objects.filter(pk__in=moved, csm__isnull=False).exists()
        assert BookHolding.objects.count() == written  # a first CSM is given back to nobody: no new row
        assert faults() == []


def test_of_eight_who_ask_for_the_undo_one_is_heard() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        plan = fresh_plan()
        apply_plan(plan_id=plan.pk, actor=None, owner="test", on=TODAY)

        def ask(number: int, plan: BookPlan = plan) -> object:
            return attempt(
                lambda: ask_to_undo_plan(plan_id=plan.pk, actor=ops, at=timezone.now()), UnableToUndoPlan
            )

        assert at_once(ask).count(None) == 1
        undo(plan, 0)


def test_a_move_refused_while_the_plan_is_applied_is_kept_back_or_the_person_is_told() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        plan = fresh_plan()
        row = Move.objects.filter(plan=plan).order_by("pk").first()

        def act(number: int, plan: BookPlan = plan, row: Any = row) -> object:
            if number % 2:
                return apply(plan, number)
            given = {"plan_id": plan.pk, "move_ids": [row.pk], "actor": ops, "words": "Not this one"}
            return attempt(lambda: refuse_moves(**given, at=timezone.now()), UnableToReviewPlan)

        said = at_once(act)[::2]
        finish(plan)
        row.refresh_from_db()
        csm = Customer.objects.get(pk=row.customer_id).csm_id
        if row.status == RowStatus.REFUSED:
            assert (said.count(1), csm) == (1, None)
        else:
            assert (row.status, csm) == (RowStatus.APPLIED, row.to_csm_id)
            assert 1 not in said  # nobody was told that it is refused
        assert faults() == []


def test_a_move_repointed_while_the_plan_is_applied_leads_where_the_person_was_told() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        plan = fresh_plan()
        row = Move.objects.filter(plan=plan).order_by("pk").first()
        planned = row.to_csm_id
        other = CSM.objects.filter(name__in=["Ada", "Ben", "Cem"]).exclude(pk=planned).first()

        def act(number: int, plan: BookPlan = plan, row: Any = row, other: Any = other) -> object:
            if number % 2:
                return apply(plan, number)
            given = {"plan_id": plan.pk, "move_id": row.pk, "csm_id": other.pk, "actor": ops, "words": "x"}
            return attempt(lambda: repoint_move(**given, at=timezone.now()), UnableToReviewPlan)

        said = at_once(act)[::2]
        finish(plan)
        row.refresh_from_db()
        csm = Customer.objects.get(pk=row.customer_id).csm_id
        done = [one for one in said if one != "refused"]
        assert len(done) <= 1
        assert (row.status, csm) == (RowStatus.APPLIED, other.pk if done else planned)
        assert row.planned_csm_id == (planned if done else None)
        assert faults() == []


def test_of_eight_managers_one_approves_and_its_words_stay() -> None:
    team = factories.cast().team_a
    manager = team.manager
    for _ in range(ROUNDS):
        plan = fresh_plan()
        row = Move.objects.filter(plan=plan).order_by("pk").first()
        CSM.objects.filter(pk=row.to_csm_id).update(team=team)
        Move.objects.filter(pk=row.pk).update(needs_approval=True)
        BookPlan.objects.filter(pk=plan.pk).update(status=RunStatus.AWAITING_APPROVAL)

        def act(number: int, plan: BookPlan = plan, row: Any = row) -> object:
            given = {"plan_id": plan.pk, "move_ids": [row.pk], "actor": manager, "words": f"Said {number}"}
            return attempt(lambda: approve_moves(**given, at=timezone.now()), UnableToApproveMoves)

        said = at_once(act)
        assert said.count(1) == 1
        row.refresh_from_db()
        assert row.approval_words == f"Said {said.index(1)}"
        plan.refresh_from_db()
        assert plan.status == RunStatus.PROPOSED


def finish(plan: BookPlan) -> None:
    """Where every runner was refused because a review was on: apply it now."""
    if BookPlan.objects.get(pk=plan.pk).status != RunStatus.APPLIED:
        apply_plan(plan_id=plan.pk, actor=None, owner="last", on=TODAY)


def check_then_save(plan: BookPlan, change: Any) -> int:
    """Look at the plan without its lock, let it be applied in between, then write: how many were told "done"."""
    gate = threading.Barrier(RUNNERS)

    def act(number: int) -> bool:
        open_then = BookPlan.objects.get(pk=plan.pk).status == RunStatus.PROPOSED
        gate.wait(timeout=20)
        if number == 0:
            apply_plan(plan_id=plan.pk, actor=None, owner="applier", on=TODAY)
        gate.wait(timeout=20)
        return number != 0 and open_then and change() == 1

    return sum(bool(won) for won in at_once(act))


def test_control_refusing_without_looking_at_the_plan_first_refuses_moves_that_were_applied() -> None:
    ops, plan = factories.cast().ops, fresh_plan()
    row = Move.objects.filter(plan=plan).order_by("pk").first()
    refused = {"status": RowStatus.REFUSED, "refused_by": ops, "refused_at": timezone.now()}
    with before_the_triggers("allocation_move"):  # the last line of defence
        assert check_then_save(plan, lambda: Move.objects.filter(pk=row.pk).update(**refused)) > 1
    assert Customer.objects.get(pk=row.customer_id).csm_id is not None


def test_control_repointing_without_looking_at_the_plan_first_names_a_csm_nobody_has() -> None:
    plan = fresh_plan()
    row = Move.objects.filter(plan=plan).order_by("pk").first()
    other = CSM.objects.exclude(pk=row.to_csm_id).first()
    with before_the_triggers("allocation_move"):
        assert check_then_save(plan, lambda: Move.objects.filter(pk=row.pk).update(to_csm=other)) > 1
    row.refresh_from_db()
    assert Customer.objects.get(pk=row.customer_id).csm_id != row.to_csm_id


def test_control_undoing_without_a_claim_gives_back_several_times() -> None:
    """Each reads "applied" and marks it undone: all are told that it was their doing."""
    plan = fresh_plan()
    apply_plan(plan_id=plan.pk, actor=None, owner="test", on=TODAY)
    gate = threading.Barrier(RUNNERS)

    def act(number: int) -> bool:
        with transaction.atomic():
            is_applied = BookPlan.objects.get(pk=plan.pk).status == RunStatus.APPLIED
            gate.wait(timeout=20)
            return is_applied and BookPlan.objects.filter(pk=plan.pk).update(status=RunStatus.UNDONE) == 1

    assert at_once(act).count(True) > 1
