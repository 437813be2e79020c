"""Undo an applied plan: every CSM that nobody changed since goes back to what it was, with its day; the others are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.leases import lease_kept
from accounts.models import Customer
from accounts.querysets.jobs import CancelAsked
from allocation.models import BookHolding, BookPlan, Move, RowStatus, RunStatus, Source
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.planning.cancelling import end_cancelled

BATCH = 500
BUSY = "Another book plan is being applied or undone; try again when it is done."
CHANGED_SINCE = "Its CSM was changed after this plan, so it stays as it is."
PLANNED_SINCE = "A later plan changed its CSM, so it stays; undo that plan first to undo this one."


class UnableToUndoPlan(ValueError):
    """The plan cannot be undone now; the message says why."""


def undo_plan(
    *, plan_id: int, owner: str, at: datetime, on: date, actor: Any = None, as_wished: bool = False
) -> bool:
    """Restore what an applied plan changed, as of day `on`. A second call changes nothing.

    False: it was undone already, or somebody else is undoing it. Raises UnableToUndoPlan.
    as_wished: only where its row says that somebody wishes it now (a worker, whose message may be late); else False.
    """
    _only_ops(actor)
    plan = _plan_or_refuse(plan_id)
    if plan.status == RunStatus.UNDONE or (as_wished and plan.status != RunStatus.UNDOING):
        return False
    _refuse(plan)
    try:
        with transaction.atomic():
            fence = BookPlan.objects.claim(
                plan_id,
                owner=owner,
                waiting=[] if as_wished else [RunStatus.APPLIED, RunStatus.FAILED],
                working=RunStatus.UNDOING,
            )
    except IntegrityError:
        raise UnableToUndoPlan(BUSY) from None
    if fence is None:
        return False
    actor_id = plan.undone_by_id or (actor.pk if actor is not None else None)
    if plan.undone_by_id is None and actor_id is not None:
        BookPlan.objects.filter(pk=plan_id).update(undone_by=actor_id)
    decision = DecisionSource(kind=Source.UNDO, source_id=plan_id, actor_id=actor_id)
    try:
        with lease_kept(BookPlan, plan_id, fence=fence):
            if not _each_batch(plan, fence, max(on, plan.as_of), decision):
                return False
    except CancelAsked:
        end_cancelled(plan_id=plan_id, fence=fence)
        return False
    return _finish(plan, fence, at)


def ask_to_undo_plan(*, plan_id: int, actor: Any, at: datetime) -> None:
    """A person wants an applied plan undone: its row says so, and a worker (or the sweep) does it. Raises UnableToUndoPlan."""
    if actor is None:
        raise UnableToUndoPlan("Only CS ops may undo a plan.")
    _only_ops(actor)
    plan = _plan_or_refuse(plan_id)
    _refuse(plan)
    try:
        with transaction.atomic():
            # Undoing with a lease that has lapsed: whoever comes first claims it.
            asked = (
                BookPlan.objects.filter(pk=plan_id, status=plan.status)
                .exclude(status=RunStatus.UNDOING)
                .update(status=RunStatus.UNDOING, undone_by=actor, **BookPlan.objects.anew(at))
            )
    except IntegrityError:
        raise UnableToUndoPlan(BUSY) from None
    if asked != 1:
        raise UnableToUndoPlan(f"Book plan {plan_id} is being undone already.")


def plan_can_be_undone(*, plan: BookPlan) -> bool:
    """Applied; or given up on the way, with customers that have their CSM by it."""
    if plan.status != RunStatus.FAILED:
        return bool(plan.status == RunStatus.APPLIED)
    return Move.objects.filter(plan=plan, status=RowStatus.APPLIED).exists()


def _only_ops(actor: Any) -> None:
    """The command line without ``--as`` acts for the operator of the machine; a named person must be CS ops."""
    if actor is not None and not actor.is_ops:
        raise UnableToUndoPlan("Only CS ops may undo a plan.")


def _plan_or_refuse(plan_id: int) -> BookPlan:
    found: BookPlan | None = BookPlan.objects.filter(pk=plan_id).first()
    if found is None:
        raise UnableToUndoPlan(f"There is no book plan {plan_id}.")
    return found


def _refuse(plan: BookPlan) -> None:
    if plan.status != RunStatus.UNDOING and not plan_can_be_undone(plan=plan):
        raise UnableToUndoPlan(
            f"Book plan {plan.pk} is {plan.get_status_display().lower()}; only an applied plan can be undone."
        )


def _each_batch(plan: BookPlan, fence: int, on: date, decision: DecisionSource) -> bool:
    """Batch by batch, each one transaction that checks the claim. False: the claim was lost."""
    rows = Move.objects.filter(plan=plan)
    total = rows.filter(status__in=[RowStatus.APPLIED, RowStatus.UNDONE, RowStatus.KEPT]).count()
    left = rows.filter(status=RowStatus.APPLIED)
    while True:
        with transaction.atomic():
            done = max(0, total - left.count())
            # The heartbeat comes first: whoever lost the claim writes nothing.
            if not BookPlan.objects.heartbeat(
                plan.pk, fence=fence, done=done, total=total, message="Undoing"
            ):
                return False
            batch = list(left.order_by("pk")[:BATCH])
            if not batch:
                return True
            _undo(plan, batch, on, decision)


def _undo(plan: BookPlan, batch: Sequence[Move], on: date, decision: DecisionSource) -> None:
    """One batch, inside the caller's transaction."""
    _lock(batch)
    ledgers = _ledgers([move.customer_id for move in batch])
    why_not = {move.pk: why for move in batch if (why := _changed_since(plan, move, ledgers))}
    going_back = [move for move in batch if move.pk not in why_not]
    changes = [
        CsmChange(
            move.customer_id,
            move.to_csm_id,
            move.from_csm_id,
            since=move.previous_since or _held_since(plan, ledgers[move.customer_id]),
            gives_back=_setter(plan, ledgers[move.customer_id]) if move.from_csm_id else "",
        )
        for move in going_back
    ]
    elsewhere = set(set_csms(changes=changes, on=on, decision=decision).skipped)
    why_not |= {move.pk: CHANGED_SINCE for move in going_back if move.customer_id in elsewhere}
    for words in (CHANGED_SINCE, PLANNED_SINCE):
        _mark([pk for pk, why in why_not.items() if why == words], RowStatus.KEPT, words)
    _mark([move.pk for move in batch if move.pk not in why_not], RowStatus.UNDONE, "")


def _lock(batch: Sequence[Move]) -> None:
    """Customers are locked before their ledger is read, so that nobody changes a CSM in between."""
    ids = [move.customer_id for move in batch]
    list(Customer.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk").values_list("pk"))


def _mark(ids: Sequence[int], status: RowStatus, words: str) -> None:
    Move.objects.filter(pk__in=ids, status=RowStatus.APPLIED).update(status=status, words=words)


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What is written about one customer's CSM: the rows that still count, the newest last; ``now``: who has it."""

    now: int | None
    counts: tuple[BookHolding, ...]


def _ledgers(customer_ids: Sequence[int]) -> dict[int, _Ledger]:
    """Rows of an undo and of the plan it undid do not count: the customer stands as if neither had been. Three statements."""
    now = dict(Customer.objects.filter(pk__in=customer_ids).values_list("pk", "csm_id"))
    undone = set(
        Move.objects.filter(customer_id__in=customer_ids, status=RowStatus.UNDONE).values_list(
            "customer_id", "plan_id"
        )
    )
    rows: dict[int, list[BookHolding]] = {customer_id: [] for customer_id in customer_ids}
    for row in BookHolding.objects.filter(customer_id__in=customer_ids).order_by("pk"):
        by_undone = row.source == Source.PLAN and (row.customer_id, row.source_id) in undone
        if row.source != Source.UNDO and not by_undone:
            rows[row.customer_id].append(row)
    return {customer_id: _Ledger(now.get(customer_id), tuple(held)) for customer_id, held in rows.items()}


def _changed_since(plan: BookPlan, move: Move, ledgers: dict[int, _Ledger]) -> str:
    """Why the customer's CSM is no longer this plan's doing; "" while it is."""
    ledger = ledgers[move.customer_id]
    last = ledger.counts[-1] if ledger.counts else None
    if move.to_csm_id is None:
        ours = last is None or _is_before(plan, last)
    else:
        ours = last is not None and _is_by(plan, last)
    if ours and ledger.now == move.to_csm_id:
        return ""
    later = last is not None and last.source == Source.PLAN and not _is_by(plan, last)
    return PLANNED_SINCE if later and not (last and _is_before(plan, last)) else CHANGED_SINCE


def _is_by(plan: BookPlan, row: BookHolding) -> bool:
    return bool(row.source == Source.PLAN and row.source_id == plan.pk)


def _is_before(plan: BookPlan, row: BookHolding) -> bool:
    """Written before the plan was applied: to give nobody leaves no row of its own in the ledger."""
    return plan.applied_at is None or row.recorded_at <= plan.applied_at


def _before(plan: BookPlan, ledger: _Ledger) -> BookHolding | None:
    """The decision the customer stood on before the plan."""
    rows = [row for row in ledger.counts if not _is_by(plan, row)]
    return rows[-1] if rows else None


def _setter(plan: BookPlan, ledger: _Ledger) -> str:
    """What kind of decision had set the CSM that comes back."""
    row = _before(plan, ledger)
    return row.source if row else Source.PLAN


def _held_since(plan: BookPlan, ledger: _Ledger) -> date | None:
    """For plans applied before the day was kept with the move."""
    row = _before(plan, ledger)
    return row.starts_on if row else None


def _finish(plan: BookPlan, fence: int, at: datetime) -> bool:
    rows = Move.objects.filter(plan=plan)
    restored = rows.filter(status=RowStatus.UNDONE).count()
    kept = rows.filter(status=RowStatus.KEPT).count()
    message = f"Undone: {restored} customers have their CSM back" + (
        f", {kept} were changed since and stay." if kept else "."
    )
    done: bool = BookPlan.objects.finish(
        plan.pk,
        fence=fence,
        status=RunStatus.UNDONE,
        message=message,
        undone_at=at,
        summary={**plan.summary, "restored": restored, "kept": kept},
    )
    return done
