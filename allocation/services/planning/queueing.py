"""Asking for a plan, and putting one away: the row is the record of what is to be done."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from accounts.models import User
from allocation.models import OPEN_STATUSES, AllocationPolicy, BookPlan, RunStatus
from allocation.selectors.plan_requests import UNDER_WAY, refusal_to_plan


class UnableToPlanBooks(Exception):
    """The plan cannot be queued, computed, applied or discarded; the message says why and what to do."""


class PlanStillOpen(UnableToPlanBooks):
    """People look at an open proposal: another would take its place."""


def queue_plan_unless_open(*, as_of: date) -> BookPlan:
    """A plan that no person asked for, as by the calendar. Raises PlanStillOpen, UnableToPlanBooks."""
    waiting = BookPlan.objects.filter(status__in=OPEN_STATUSES).order_by("-pk").first()
    if waiting is not None:
        raise PlanStillOpen(
            f"Book plan {waiting.pk} still waits to be applied or discarded, so none was asked for."
        )
    return queue_plan(as_of=as_of, seed=0, actor=None)


def queue_plan(
    *,
    as_of: date,
    seed: int,
    actor: User | None,
    max_moves_pct: Decimal | None = None,
    continuity_weight: Decimal | None = None,
    apply_when_proposed: bool = False,
) -> BookPlan:
    """A row that asks for a plan. Raises UnableToPlanBooks when one is being computed or the day is refused."""
    only_ops(actor)
    refusal = refusal_to_plan(as_of=as_of, max_moves_pct=max_moves_pct, continuity_weight=continuity_weight)
    if refusal:
        raise UnableToPlanBooks(refusal)
    try:
        with transaction.atomic():
            return BookPlan.objects.create(
                as_of=as_of,
                policy=AllocationPolicy.objects.active_or_default(),
                seed=seed,
                max_moves_pct=max_moves_pct,
                continuity_weight=continuity_weight,
                apply_when_proposed=apply_when_proposed,
                requested_by=actor,
            )
    except IntegrityError as error:
        raise UnableToPlanBooks(UNDER_WAY) from error


def discard_plan(*, plan_id: int, actor: User | None) -> BookPlan:
    """Put a plan away that nobody has begun to apply; discarding twice changes nothing. Raises UnableToPlanBooks.

    Whoever computes it just now finds the claim lost and stops; so a plan that always fails stands in nobody's way.
    """
    only_ops(actor)
    before_applying = [RunStatus.QUEUED, RunStatus.COMPUTING, *OPEN_STATUSES, RunStatus.STALE]
    BookPlan.objects.filter(pk=plan_id, status__in=before_applying).update(
        status=RunStatus.DISCARDED, claimed_by="", lease_until=None
    )
    plan = plan_or_refuse(plan_id)
    if plan.status != RunStatus.DISCARDED:
        raise UnableToPlanBooks(
            f"Book plan {plan_id} is {plan.get_status_display().lower()}: it cannot be discarded."
        )
    return plan


def stop_plan(*, plan_id: int, actor: User | None, at: datetime) -> BookPlan:
    """Ask whoever computes the plan to stop and keep the best so far; asking twice is once. Raises UnableToPlanBooks.

    The plan is proposed within a few seconds and says that it is not repeatable.
    """
    only_ops(actor)
    computing = BookPlan.objects.filter(pk=plan_id, status=RunStatus.COMPUTING)
    if not computing.update(stop_asked_at=Coalesce("stop_asked_at", Value(at))):
        plan = plan_or_refuse(plan_id)
        raise UnableToPlanBooks(
            f"Book plan {plan_id} is {plan.get_status_display().lower()}: only a plan that is being computed can be stopped."
        )
    return plan_or_refuse(plan_id)


def plan_or_refuse(plan_id: int) -> BookPlan:
    """The plan with its policy. Raises UnableToPlanBooks where there is none."""
    try:
        plan: BookPlan = BookPlan.objects.select_related("policy").get(pk=plan_id)
    except BookPlan.DoesNotExist as error:
        raise UnableToPlanBooks(f"There is no book plan {plan_id}.") from error
    return plan


def only_ops(actor: User | None) -> None:
    """The command line without ``--as`` acts for the operator of the machine; a named person must be CS ops."""
    if actor is not None and not actor.is_ops:
        raise UnableToPlanBooks("Only CS ops may plan books.")
