"""Book plans in the background. The plan's row says what is to be done and keeps every refusal."""

from functools import partial

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from allocation.models import BookPlan, PlanPiece
from allocation.services import planning
from allocation.tasks.bell import ring
from allocation.tasks.runner import working


@shared_task(name="allocation.propose_book_plan")
def propose_book_plan(*, plan_id: int) -> None:
    """Compute a queued plan, with the help of other workers where there can be some; where it was asked for with its
    proposal, ring for the applying.
    """
    with working(BookPlan, plan_id, refusals=(planning.UnableToPlanBooks,)) as owner:
        planning.propose_plan(
            plan_id=plan_id,
            owner=owner,
            on=timezone.localdate(),
            at=timezone.now(),
            call=_call if settings.SHARE_PLANS else None,
        )
        if BookPlan.objects.filter(pk=plan_id).wished(on=timezone.localdate()).exists():
            ring(apply_book_plan, plan_id=plan_id)


@shared_task(name="allocation.compute_plan_piece")
def compute_plan_piece(*, piece_id: int) -> None:
    """Carry out a piece of a plan that another worker computes."""
    with working(PlanPiece, piece_id) as owner:
        planning.compute_piece(piece_id=piece_id, owner=owner)


def _call(piece_id: int) -> None:
    ring(compute_plan_piece, piece_id=piece_id)


@shared_task(name="allocation.apply_book_plan")
def apply_book_plan(*, plan_id: int) -> None:
    """Give customers the CSMs that a plan names, in the name of who wished it."""
    again = partial(ring, apply_book_plan, plan_id=plan_id)
    with working(BookPlan, plan_id, refusals=(planning.UnableToPlanBooks,), again=again) as owner:
        plan = BookPlan.objects.select_related("applied_by", "requested_by").get(pk=plan_id)
        planning.apply_plan(
            plan_id=plan_id,
            actor=plan.applied_by or plan.requested_by,
            owner=owner,
            on=timezone.localdate(),
            as_wished=True,
        )


@shared_task(name="allocation.undo_book_plan")
def undo_book_plan(*, plan_id: int) -> None:
    """Give customers back the CSMs that an applied plan took from them, in the name of who asked for it."""
    again = partial(ring, undo_book_plan, plan_id=plan_id)
    with working(BookPlan, plan_id, refusals=(planning.UnableToUndoPlan,), again=again) as owner:
        plan = BookPlan.objects.select_related("undone_by").get(pk=plan_id)
        planning.undo_plan(
            plan_id=plan_id,
            owner=owner,
            at=timezone.now(),
            on=timezone.localdate(),
            actor=plan.undone_by,
            as_wished=True,
        )
