"""What a fleet's console does for plans that several workers compute; as `tests.faults.inside`, imported by it alone."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from allocation.models import BookPlan, PlanPiece, Schedule
from allocation.services import planning
from allocation.tasks.bell import ring
from allocation.tasks.planning import propose_book_plan
from benchmarks.planning_work import digest_of_stored
from benchmarks.settled import settle

ITERATIONS = 2_400  # some seconds of search


def seed_in_pools(customers: int) -> None:
    """A company whose customers and CSMs fall into seven groups."""
    settle(family="no-band", customers=customers, csms=customers // 25, seed=1, iterations=ITERATIONS)
    Schedule.objects.update(enabled=False)  # nothing but what a test asks for


def calm_digest() -> str:
    """Of the plan that one process finds."""
    plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=None)
    planning.propose_plan(plan_id=plan.pk, owner="calm", on=timezone.localdate(), at=timezone.now())
    return digest_of_stored(plan.pk)


def queue_plan() -> int:
    plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=None)
    ring(propose_book_plan, plan_id=plan.pk)
    return int(plan.pk)


def at_work(plan_id: int) -> dict[str, Any]:
    """Whose the plan is, and who has pieces of it."""
    plan = BookPlan.objects.get(pk=plan_id)
    pieces = PlanPiece.objects.filter(plan=plan, status="computing").exclude(claimed_by=plan.claimed_by)
    return {
        "status": plan.status,
        "claimed_by": plan.claimed_by,
        "helpers": list(pieces.exclude(claimed_by="").values_list("claimed_by", flat=True)),
        "answered": PlanPiece.objects.filter(plan=plan, status="done").count(),
    }


def ended(plan_id: int) -> dict[str, Any]:
    """What came of it; then it is put away, so that the next can be asked for."""
    plan = BookPlan.objects.get(pk=plan_id)
    found = {
        "digest": digest_of_stored(plan_id),
        "repeatable": plan.repeatable,
        "pieces": PlanPiece.objects.count(),
    }
    planning.discard_plan(plan_id=plan_id, actor=None)
    return found


def cancel(plan_id: int) -> str:
    actor = User.objects.filter(groups__name="CS ops").first()
    return str(planning.cancel_plan(plan_id=plan_id, actor=actor, at=timezone.now()))
