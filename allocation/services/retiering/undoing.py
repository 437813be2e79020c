"""Undo an applied run: every tier that nobody changed since goes back to what it was, with its day; the others are listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction

from accounts.leases import lease_kept
from allocation.engine.kept import unpack_outcomes
from allocation.models import (
    Override,
    RetierRun,
    RowStatus,
    RunChunk,
    RunStatus,
    Source,
    TierDecision,
    TierHolding,
)
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.retiering.confirming import (
    Later,
    applied_since,
    hand_on,
    leave_out,
    wrote_over,
)
from allocation.services.retiering.standings import StoodOn, give_back, standing_on_run, unpacked_stood_on
from allocation.services.retiering.walking import each_chunk, in_parts, mark_rows
from allocation.snapshots.standings import unpack_left_out

READ = ("customer_id", "previous_id", "previous_since", "effective_id")
BUSY = "Another run is being applied or undone; try again when it is done."
CHANGED_SINCE = "Its tier was changed after this run, so it stays as it is."
DECIDED_SINCE = "A later run changed its tier, so it stays; undo that run first to undo this one."


class UnableToUndoRun(ValueError):
    """The run cannot be undone now; the message says why."""


def undo_run(
    *, run_id: int, owner: str, at: datetime, on: date, actor_id: int | None = None, as_wished: bool = False
) -> bool:
    """Restore what an applied run changed, as of day `on`. A second call changes nothing.

    False: it was undone already, or somebody else is undoing it. Raises UnableToUndoRun.
    as_wished: only where its row says that somebody wishes it now (a worker, whose message may be late); else False.
    """
    run = RetierRun.objects.get(pk=run_id)
    if run.status == RunStatus.UNDONE or (as_wished and run.status != RunStatus.UNDOING):
        return False
    _refuse(run)
    try:
        with transaction.atomic():
            fence = RetierRun.objects.claim(
                run_id,
                owner=owner,
                waiting=[] if as_wished else [RunStatus.APPLIED, RunStatus.FAILED],
                working=RunStatus.UNDOING,
            )
    except IntegrityError:
        raise UnableToUndoRun(BUSY) from None
    if fence is None:
        return False
    if run.undone_by_id is None and actor_id is not None:
        RetierRun.objects.filter(pk=run_id).update(undone_by=actor_id)
    decision = DecisionSource(kind=Source.UNDO, source_id=run_id, actor_id=run.undone_by_id or actor_id)
    day = max(on, run.as_of)
    with lease_kept(RetierRun, run_id, fence=fence):
        return each_chunk(
            run_id=run_id,
            fence=fence,
            waiting=RowStatus.APPLIED,
            message="Undoing",
            unread=("facts", "outcomes"),  # outcomes: read for chunks of an earlier version only
            work=lambda chunk: _undo(run, chunk, day, decision),
            finish=lambda customers: _finish(run, fence, at, customers),
        )


def ask_to_undo_run(*, run_id: int, actor: Any, at: datetime) -> None:
    """A person wants an applied run undone: its row says so, and a worker (or the sweep) does it. Raises UnableToUndoRun."""
    if actor is None or not actor.is_ops:
        raise UnableToUndoRun("Only CS ops may undo a run.")
    run = RetierRun.objects.get(pk=run_id)
    _refuse(run)
    try:
        with transaction.atomic():
            # Undoing with a lease that has lapsed: whoever comes first claims it.
            asked = (
                RetierRun.objects.filter(pk=run_id, status=run.status)
                .exclude(status=RunStatus.UNDOING)
                .update(status=RunStatus.UNDOING, undone_by=actor, **RetierRun.objects.anew(at))
            )
    except IntegrityError:
        raise UnableToUndoRun(BUSY) from None
    if asked != 1:
        raise UnableToUndoRun(f"Run {run_id} is being undone already.")


def can_be_undone(*, run: RetierRun) -> bool:
    """Applied; or given up on the way, with customers that have their tier by it."""
    if run.status != RunStatus.FAILED:
        return run.status == RunStatus.APPLIED
    return RunChunk.objects.filter(run=run, status=RowStatus.APPLIED).exists()


def _refuse(run: RetierRun) -> None:
    if run.status != RunStatus.UNDOING and not can_be_undone(run=run):
        raise UnableToUndoRun(
            f"Run {run.pk} is {run.get_status_display().lower()}; only an applied run can be undone."
        )
    if run.summary.get("customers") and not RunChunk.objects.filter(run=run).exists():
        raise UnableToUndoRun(
            f"Run {run.pk} was applied by an earlier version of the program, which did not keep what undoing needs."
        )


def _undo(run: RetierRun, chunk: RunChunk, on: date, decision: DecisionSource) -> None:
    """One chunk, inside the caller's transaction."""
    within = TierDecision.objects.filter(
        run=run, customer_id__gte=chunk.first_customer_id, customer_id__lte=chunk.last_customer_id
    )
    applied = within.filter(status=RowStatus.APPLIED)
    # Who stays has nothing to be given back but its standing.
    changed = list(applied.changes().order_by("customer_id").only(*READ))
    later = applied_since(chunk)
    why_not = _changed_since(run, changed, later) | _kept_by_override(run, changed)
    stood = None if chunk.stood_on is None else unpacked_stood_on(chunk.stood_on)
    setters = stood.setters if stood is not None else {}
    changes = [
        TierChange(
            row.customer_id,
            row.effective_id,
            row.previous_id,
            since=row.previous_since,
            gives_back=setters.get(row.customer_id, Source.RUN),
        )
        for row in changed
        if row.customer_id not in why_not
    ]
    written = set_tiers(changes=changes, on=on, decision=decision)
    why_not |= dict.fromkeys(written.skipped, CHANGED_SINCE)
    for words in (CHANGED_SINCE, DECIDED_SINCE):
        kept_so = [row.pk for row in changed if why_not.get(row.customer_id) == words]
        mark_rows(kept_so, RowStatus.KEPT, words)
    applied.update(status=RowStatus.UNDONE, words="")
    if stood is not None:
        kept = set(why_not)
        restored = {row.customer_id for row in changed} - kept
        _stand_as_before(run, chunk, stood, later, restored, kept)
    RunChunk.objects.filter(pk=chunk.pk).update(status=RowStatus.UNDONE)


def _stand_as_before(
    run: RetierRun, chunk: RunChunk, stood: StoodOn, later: list[Later], restored: set[int], kept: set[int]
) -> None:
    """Who has the tier back stands on what it stood on before, though a later run may have confirmed the other; who stays where
    it is, as if the run had not been; who was changed since (``kept``) goes on standing on it.
    """
    written = unpack_outcomes(chunk.outcomes).keys if stood.written is None else stood.written
    gone = set(unpack_left_out(chunk.left_out).tolist())
    staying = set(written.tolist()) - gone - restored - kept
    leave_out(later=later, customer_ids=restored)
    if chunk.turn is None:
        # Of an earlier version, and so may be runs after it that nobody knows the turn of: only what is still this one's.
        staying &= standing_on_run(run_id=run.pk, customer_ids=written) | wrote_over(
            run_id=run.pk, later=later
        )
    staying = hand_on(run_id=run.pk, stood=stood, customer_ids=staying, later=later)
    back = staying & standing_on_run(run_id=run.pk, customer_ids=written)
    give_back(customer_ids=back | restored, stood=stood)


def _changed_since(run: RetierRun, changed: Sequence[TierDecision], later: Sequence[Later]) -> dict[int, str]:
    """Whose tier is no longer held by this run's decision, and why.

    It is while the open row of the ledger is this run's (a later run may have confirmed it), or that of an undo after
    which the customer stands on this run again.
    """
    found: dict[int, str] = {}
    keys = np.array([row.customer_id for row in changed], dtype=np.int64)
    standing = standing_on_run(run_id=run.pk, customer_ids=keys)
    by_run: set[int] = set()
    by_undo: set[int] = set()
    for part in in_parts("customer_id", keys):
        held = TierHolding.objects.current().filter(part)
        by_run.update(held.filter(source=Source.RUN, source_id=run.pk).values_list("customer_id", flat=True))
        by_undo.update(held.filter(source=Source.UNDO).values_list("customer_id", flat=True))
    for key in keys.tolist():
        stands_on_it = key in standing and not any(chunk.has_confirmed(key) for chunk in later)
        if key not in by_run and not (key in by_undo and stands_on_it):
            found[key] = CHANGED_SINCE if stands_on_it else DECIDED_SINCE
    return found


def _kept_by_override(run: RetierRun, changed: Sequence[TierDecision]) -> dict[int, str]:
    """Whom an override in force keeps where they are, also one that found them in the tier it wishes."""
    found: dict[int, str] = {}
    before = {row.customer_id: row.previous_id for row in changed}
    for part in in_parts("customer_id", np.array(sorted(before), dtype=np.int64)):
        holding = Override.objects.holding_since(run.as_of).filter(part)
        found |= {
            customer_id: DECIDED_SINCE
            for customer_id, tier_id in holding.values_list("customer_id", "tier_id")
            if customer_id in before and before[customer_id] != tier_id
        }
    return found


def _finish(run: RetierRun, fence: int, at: datetime, customers: int) -> bool:
    rows = TierDecision.objects.filter(run=run)
    restored = rows.filter(status=RowStatus.UNDONE).changes().count()
    kept = rows.filter(status=RowStatus.KEPT).count()
    message = f"Undone: {restored} customers have their tier back" + (
        f", {kept} were changed since and stay." if kept else "."
    )
    return RetierRun.objects.finish(
        run.pk,
        fence=fence,
        status=RunStatus.UNDONE,
        message=message,
        progress_done=customers,
        undone_at=at,
        summary={**run.summary, "restored": restored, "kept": kept},
    )
