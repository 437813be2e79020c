"""Book plans in the background. The plan's row says what is to be done and keeps every refusal."""

import logging

from celery import shared_task
from django.utils import timezone

from allocation.models import BookPlan
from allocation.services import planning
from allocation.tasks.bell import ring
from allocation.tasks.runner import runner_name

logger = logging.getLogger(__name__)


@shared_task(name="allocation.propose_book_plan")
def propose_book_plan(*, plan_id: int) -> None:
    """Compute a queued plan; where it was asked for with its proposal, ring for the applying."""
    try:
        planning.propose_plan(
            plan_id=plan_id, owner=runner_name(), on=timezone.localdate(), at=timezone.now()
        )
    except planning.UnableToPlanBooks as refused:
        logger.info("Book plan %s: %s", plan_id, refused)
    if BookPlan.objects.filter(pk=plan_id).wished(on=timezone.localdate()).exists():
        ring(apply_book_plan, plan_id=plan_id)


@shared_task(name="allocation.apply_book_plan")
def apply_book_plan(*, plan_id: int) -> None:
    """Give customers the CSMs that a plan names, in the name of who wished it."""
    plan = BookPlan.objects.select_related("applied_by", "requested_by").get(pk=plan_id)
    try:
        planning.apply_plan(
            plan_id=plan_id,
            actor=plan.applied_by or plan.requested_by,
            owner=runner_name(),
            on=timezone.localdate(),
        )
    except planning.UnableToPlanBooks as refused:
        logger.info("Book plan %s: %s", plan_id, refused)


@shared_task(name="allocation.undo_book_plan")
def undo_book_plan(*, plan_id: int) -> None:
    """Give customers back the CSMs that an applied plan took from them, in the name of who asked for it."""
    plan = BookPlan.objects.select_related("undone_by").get(pk=plan_id)
    try:
        planning.undo_plan(
            plan_id=plan_id,
            owner=runner_name(),
            at=timezone.now(),
            on=timezone.localdate(),
            actor=plan.undone_by,
        )
    except planning.UnableToUndoPlan as refused:
        logger.info("Book plan %s: %s", plan_id, refused)
