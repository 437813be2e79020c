"""A run is undone while another reads: what its customer's goals ask for is not lost, whichever of both is read first."""

import pytest
from django.utils import timezone

from accounts.models import Customer, GoalKind
from allocation.models import RetierRun
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, propose_run, queue_run, undo_run
from allocation.snapshots import customers
from tests import factories
from tests.oracle import faults
from tests.services.retiering_cast import TODAY, applied, customer

pytestmark = pytest.mark.django_db


def tier(of):
    return Customer.objects.values_list("tier__slug", flat=True).get(pk=of.pk)


@pytest.fixture
def moved_by_a_goal():
    """A small customer, moved up by a run that saw its goal; then it grew, and only the goal lets it move before its stay is over."""
    load_playbook(slug="touch-by-goal", publish=True, at=timezone.now())
    one = customer(100_000)
    applied()
    assert tier(one) == "low-commercial"
    factories.GoalFactory(customer=one, kind=GoalKind.objects.get(slug="expansion"))
    run = applied()
    assert tier(one) == "high-commercial"
    Customer.objects.filter(pk=one.pk).update(arr=5_000_000)
    return one, run


def undone(run: RetierRun) -> None:
    undo_run(run_id=run.pk, owner="undoes", at=timezone.now(), on=TODAY)


def before(run, read):
    def reads(**asked):
        undone(run)
        return read(**asked)

    return reads


def after(run, read):
    def reads(**asked):
        found = read(**asked)
        undone(run)
        return found

    return reads


@pytest.mark.parametrize("meanwhile", [before, after])
def test_a_run_undone_just_before_or_after_customers_are_read_loses_no_goal(
    moved_by_a_goal, meanwhile, monkeypatch
):
    one, run = moved_by_a_goal
    with monkeypatch.context() as patch:
        patch.setattr(customers, "read_rows", meanwhile(run, customers.read_rows))
        other = queue_run(as_of=TODAY, at=timezone.now())
        propose_run(run_id=other.pk, owner="reads")
    run.refresh_from_db()
    assert run.status == "undone"
    apply_run(run_id=other.pk, owner="reads", at=timezone.now())
    applied()
    assert tier(one) == "high-enterprise"
    assert faults() == []


def test_control_without_its_goal_it_may_not_move_before_its_stay_is_over(moved_by_a_goal):
    one, _run = moved_by_a_goal
    applied()
    assert tier(one) == "high-commercial"
