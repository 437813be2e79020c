"""A message that comes after its wish was taken back does nothing: a worker does what the row wishes now."""

import pytest
from django.utils import timezone

from accounts.models import Customer
from allocation.models import BookPlan, RetierRun
from allocation.services import planning, retiering
from allocation.services.accepting import accept_plan, accept_run
from allocation.services.playbooks import load_playbook
from allocation.tasks.planning import apply_book_plan, undo_book_plan
from allocation.tasks.retiering import apply_retier_run, undo_retier_run
from tests.services import plan_cast, retiering_cast

pytestmark = pytest.mark.django_db


def held():
    return list(Customer.objects.order_by("pk").values_list("pk", "tier_id", "csm_id"))


@pytest.fixture
def run(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for arr in (800000, 200000, 10):
        retiering_cast.customer(arr)
    return retiering_cast.proposed(as_of=timezone.localdate())


def test_a_run_whose_acceptance_was_taken_back_is_not_applied_by_its_message(cast, run):
    before = held()
    apply_retier_run(run_id=run.pk)  # nobody wished it yet
    accept_run(run_id=run.pk, actor=cast.ops)
    retiering.cancel_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
    apply_retier_run(run_id=run.pk)
    assert held() == before
    accept_run(run_id=run.pk, actor=cast.ops)
    apply_retier_run(run_id=run.pk)
    assert held() != before


def test_a_run_that_a_person_stopped_half_way_is_not_gone_on_with_by_its_message(cast, run):
    accept_run(run_id=run.pk, actor=cast.ops)
    RetierRun.objects.filter(pk=run.pk).update(
        status="failed", cancel_asked_at=timezone.now(), cancel_asked_by=cast.ops
    )
    before = held()
    apply_retier_run(run_id=run.pk)
    assert held() == before


def test_an_undoing_that_was_taken_back_is_not_done_by_its_message(cast, run):
    accept_run(run_id=run.pk, actor=cast.ops)
    apply_retier_run(run_id=run.pk)
    applied = held()
    retiering.ask_to_undo_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
    retiering.cancel_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
    undo_retier_run(run_id=run.pk)
    assert held() == applied
    retiering.ask_to_undo_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
    undo_retier_run(run_id=run.pk)
    assert held() != applied


def test_a_plan_does_what_its_row_wishes_now(cast):
    plan_cast.books(cast)
    plan = plan_cast.proposed(as_of=timezone.localdate())
    before = held()
    apply_book_plan(plan_id=plan.pk)
    accept_plan(plan_id=plan.pk, actor=cast.ops, on=timezone.localdate())
    planning.cancel_plan(plan_id=plan.pk, actor=cast.ops, at=timezone.now())
    apply_book_plan(plan_id=plan.pk)
    assert held() == before
    accept_plan(plan_id=plan.pk, actor=cast.ops, on=timezone.localdate())
    apply_book_plan(plan_id=plan.pk)
    applied = held()
    assert applied != before
    planning.ask_to_undo_plan(plan_id=plan.pk, actor=cast.ops, at=timezone.now())
    planning.cancel_plan(plan_id=plan.pk, actor=cast.ops, at=timezone.now())
    undo_book_plan(plan_id=plan.pk)
    assert held() == applied
    assert BookPlan.objects.get(pk=plan.pk).status == "applied"
