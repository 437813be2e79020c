"""Apply a plan: batch by batch, each one transaction that checks the claim; repeatable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now

from accounts.leases import lease_kept
from accounts.models import Customer, User
from accounts.querysets.jobs import CancelAsked
from allocation.models import (
    OPEN_STATUSES,
    AllocationPolicy,
    BookPlan,
    Move,
    RowStatus,
    RunStatus,
    Source,
)
from allocation.selectors.freezes import refusal_while_frozen
from allocation.selectors.objections import refusal_to_apply, window_is_missing
from allocation.services.decisions import CsmChange, DecisionSource, Written, set_csms
from allocation.services.planning.cancelling import end_cancelled
from allocation.services.planning.queueing import UnableToPlanBooks, only_ops, plan_or_refuse
from allocation.services.planning.waiting import skip_waiting
from allocation.snapshots.books import books_digest

BATCH = 500
BUSY = "Another book plan is being applied or undone: wait for it."
NAMED = 5  # customers named in a refusal


def apply_plan(
    *, plan_id: int, actor: User | None, owner: str, on: date, as_wished: bool = False
) -> BookPlan:
    """Give the customers the CSMs the plan names; each batch is one transaction.

    Repeatable: an applied plan is returned as it is; one whose runner died is continued. A customer whose tier or CSM
    changed since is skipped and listed, and so is who would go to an open seat. Raises UnableToPlanBooks when the plan is not open, stale, cancelled on the way or
    another is being applied; where CSMs may still object on the day ``on``, or an objection waits for its answer; and where
    a freeze holds on the day (a plan that was half applied before is finished all the same).
    as_wished: only where its row says that somebody wishes it now (a worker, whose message may be late).
    """
    only_ops(actor)
    plan = plan_or_refuse(plan_id)
    not_wished = as_wished and not BookPlan.objects.filter(pk=plan_id).as_wished().exists()
    if plan.status == RunStatus.APPLIED or not_wished:
        return plan
    _refuse_unapproved(plan)
    fence = _claim_for_applying(plan, owner, on, as_wished=as_wished)
    decision = DecisionSource(kind=Source.PLAN, source_id=plan_id, actor_id=actor.pk if actor else None)
    try:
        with lease_kept(BookPlan, plan_id, fence=fence):
            _end_if_stale(plan, fence)
            if not skip_waiting(plan=plan, fence=fence):
                raise UnableToPlanBooks(f"Another process took over book plan {plan_id}.")
            total = Move.objects.filter(plan=plan).exclude(status=RowStatus.REFUSED).count()
            while batch := _next_batch(plan):
                if not _apply_batch(plan, fence, batch, decision, total, on):
                    raise UnableToPlanBooks(f"Another process took over book plan {plan_id}.")
    except CancelAsked:
        raise UnableToPlanBooks(end_cancelled(plan_id=plan_id, fence=fence)) from None
    with transaction.atomic():
        done = BookPlan.objects.finish(
            plan_id,
            fence=fence,
            status=RunStatus.APPLIED,
            message=_said(plan),
            applied_by=actor,
            applied_at=Now(),
        )
        if not done:
            raise UnableToPlanBooks(f"Another process took over book plan {plan_id}.")
        _put_alternatives_aside(plan)
    return plan_or_refuse(plan_id)


def _end_if_stale(plan: BookPlan, fence: int) -> None:
    """What was computed from other books is not applied; what was begun is finished."""
    if not _begun(plan.pk) and _is_stale(plan):
        words = "Policy, tiers or books changed since it was proposed."
        BookPlan.objects.finish(plan.pk, fence=fence, status=RunStatus.STALE, message=words)
        raise UnableToPlanBooks(f"Book plan {plan.pk} is stale: {words} Plan again.")


def is_half_applied(*, plan: BookPlan) -> bool:
    """Given up on the way: some customers have their CSM by it, others wait. It can be finished, or undone."""
    states = set(Move.objects.filter(plan=plan).values_list("status", flat=True).distinct())
    begun = bool(states & {RowStatus.APPLIED, RowStatus.SKIPPED})
    return plan.status == RunStatus.FAILED and begun and not states & {RowStatus.UNDONE, RowStatus.KEPT}


def ask_to_finish_plan(*, plan_id: int, actor: User | None, at: datetime) -> None:
    """A person wants a half-applied plan gone on with: its row says so, and a worker (or the sweep) does it.

    Raises UnableToPlanBooks.
    """
    if actor is None:
        raise UnableToPlanBooks("Only CS ops may apply a plan.")
    only_ops(actor)
    plan = plan_or_refuse(plan_id)
    half = is_half_applied(plan=plan)
    try:
        with transaction.atomic():
            asked = (
                BookPlan.objects.filter(pk=plan_id, status=RunStatus.FAILED, fence=plan.fence).update(
                    status=RunStatus.APPLYING,
                    applied_by=plan.applied_by or actor,
                    **BookPlan.objects.anew(at),
                )
                if half
                else 0
            )
    except IntegrityError as error:
        raise UnableToPlanBooks(BUSY) from error
    if asked != 1:
        now = plan_or_refuse(plan_id).get_status_display().lower()
        raise UnableToPlanBooks(
            f"Book plan {plan_id} is {now}: only a plan that was stopped on the way can be gone on with."
        )


def _refuse_unapproved(plan: BookPlan) -> None:
    """Moves of the largest customers are each approved or refused before anything is applied."""
    if plan.status not in OPEN_STATUSES:
        return
    waiting = Move.objects.filter(plan=plan).waiting_for_approval().order_by("customer__external_id")
    names = list(waiting.values_list("customer__external_id", flat=True))
    if names:
        shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        raise UnableToPlanBooks(
            f"Book plan {plan.pk} cannot be applied yet: a manager has to approve or decline the moves of the largest "
            f"customers ({shown})."
        )


def _said(plan: BookPlan) -> str:
    counts = Counter(Move.objects.filter(plan=plan).values_list("status", flat=True))
    left_out = [
        f", {counts[status]} {what}"
        for status, what in ((RowStatus.SKIPPED, "skipped"), (RowStatus.REFUSED, "refused"))
        if counts[status]
    ]
    return f"Applied: {counts[RowStatus.APPLIED]} customers changed CSM{''.join(left_out)}."


def _claim_for_applying(plan: BookPlan, owner: str, on: date, *, as_wished: bool) -> int:
    if plan.status == RunStatus.PROPOSED and window_is_missing(plan=plan):
        raise UnableToPlanBooks(refusal_to_apply(plan=plan, on=on))
    waiting = [RunStatus.PROPOSED, *([RunStatus.FAILED] if is_half_applied(plan=plan) else [])]
    try:
        with transaction.atomic():
            # Locked by a statement of its own: the claim then sees each objection that had the plan's row before.
            list(BookPlan.objects.select_for_update().filter(pk=plan.pk).values_list("pk"))
            rows = BookPlan.objects.free_of_objections(on)
            fence = (
                (rows.as_wished() if as_wished else rows)
                .not_frozen(on)
                .claim(plan.pk, owner=owner, waiting=waiting, working=RunStatus.APPLYING)
            )
    except IntegrityError as error:
        raise UnableToPlanBooks(BUSY) from error
    if fence is not None:
        return fence
    now = plan_or_refuse(plan.pk)
    if now.status == RunStatus.APPLYING and now.rest_until is not None:
        raise UnableToPlanBooks(
            f"Book plan {plan.pk} rests after a fault: it goes on by itself in a few minutes."
        )
    if now.status == RunStatus.APPLYING:
        raise UnableToPlanBooks(f"Book plan {plan.pk} is being applied already.")
    refusal = ""
    if now.status == RunStatus.PROPOSED:
        refusal = refusal_to_apply(plan=now, on=on) or refusal_while_frozen(
            on=on, wished=now.apply_when_proposed
        )
    raise UnableToPlanBooks(
        refusal
        or f"Book plan {plan.pk} is {now.get_status_display().lower()}: only a proposed plan can be applied."
    )


def _put_alternatives_aside(plan: BookPlan) -> None:
    """One of a comparison was chosen: the books are no longer those the others were computed from."""
    others = BookPlan.objects.side_by_side(plan.comparison_id).exclude(pk=plan.pk)
    others.filter(status__in=OPEN_STATUSES).update(
        status=RunStatus.STALE, message=f"Book plan {plan.pk} of the same comparison was applied."
    )


def _begun(plan_id: int) -> bool:
    return Move.objects.filter(plan_id=plan_id, status__in=[RowStatus.APPLIED, RowStatus.SKIPPED]).exists()


def _is_stale(plan: BookPlan) -> bool:
    active = AllocationPolicy.objects.active_or_default()
    if active.pk != plan.policy_id:
        return True
    return bool(books_digest(policy=active, as_of=plan.as_of) != plan.facts_digest)


def _next_batch(plan: BookPlan) -> list[Move]:
    return list(Move.objects.filter(plan=plan, status=RowStatus.PROPOSED).order_by("pk")[:BATCH])


def _apply_batch(
    plan: BookPlan, fence: int, batch: Sequence[Move], decision: DecisionSource, total: int, on: date
) -> bool:
    with transaction.atomic():
        left = Move.objects.filter(plan=plan, status=RowStatus.PROPOSED).count()
        # The heartbeat comes first: whoever lost the claim writes nothing.
        if not BookPlan.objects.heartbeat(
            plan.pk, fence=fence, done=max(0, total - left), total=total, message="Applying"
        ):
            return False
        # Locked first, so that nobody changes them between the look and the writing.
        tiers = dict(_still_served(batch).values_list("pk", "tier_id"))
        same = [
            move for move in batch if move.customer_id in tiers and tiers[move.customer_id] == move.tier_id
        ]
        _keep_since([move.pk for move in same])
        written = set_csms(
            changes=[CsmChange(move.customer_id, move.from_csm_id, move.to_csm_id) for move in same],
            on=plan.as_of,
            decision=decision,
            handed_over_from=max(on, plan.as_of),
        )
        _mark(batch, same, written)
    return True


def _still_served(batch: Sequence[Move]) -> Any:
    ids = [move.customer_id for move in batch]
    return Customer.objects.active().select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")


def _keep_since(move_ids: Sequence[int]) -> None:
    """Since when each customer has the CSM it leaves: given back when the plan is undone."""
    since = Customer.objects.filter(pk=OuterRef("customer_id")).values("csm_since")[:1]
    Move.objects.filter(pk__in=move_ids).update(previous_since=Subquery(since))


def _mark(batch: Sequence[Move], same: Sequence[Move], written: Written) -> None:
    standing = {move.customer_id for move in same}
    elsewhere = set(written.skipped)
    groups: dict[tuple[str, str], list[int]] = {}
    for move in batch:
        if move.customer_id not in standing:
            outcome = (RowStatus.SKIPPED.value, "Its tier changed or it left since the plan was made.")
        elif move.customer_id in elsewhere:
            outcome = (RowStatus.SKIPPED.value, "Its CSM changed since the plan was made.")
        else:
            outcome = (RowStatus.APPLIED.value, "")
        groups.setdefault(outcome, []).append(move.pk)
    for (status, words), ids in groups.items():
        Move.objects.filter(Q(pk__in=ids)).update(status=status, words=words)
