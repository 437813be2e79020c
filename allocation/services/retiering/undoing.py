"""Undo an applied run: every tier that nobody changed since goes back to what it was, with its day; the others are listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

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
    TierStanding,
)
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.retiering.standings import give_back, setters_before
from allocation.services.retiering.walking import each_chunk, mark_rows

BATCH = 500
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
        ours = each_chunk(
            run_id=run_id,
            fence=fence,
            waiting=RowStatus.APPLIED,
            message="Undoing",
            work=lambda chunk: _undo(run, chunk, day, decision),
        )
        return ours and _finish(run, fence, at)


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
    rows = list(
        TierDecision.objects.filter(
            run=run,
            status=RowStatus.APPLIED,
            customer_id__gte=chunk.first_customer_id,
            customer_id__lte=chunk.last_customer_id,
        ).order_by("customer_id")
    )
    changed = [row for row in rows if row.effective_id != row.previous_id]
    why_not = _changed_since(run, [row.customer_id for row in changed]) | _kept_by_override(run, changed)
    setters = setters_before(stood_on=chunk.stood_on)
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
        kept_so = [row.pk for row in rows if why_not.get(row.customer_id) == words]
        mark_rows(kept_so, RowStatus.KEPT, words)
    kept = set(why_not)
    mark_rows([row.pk for row in rows if row.customer_id not in kept], RowStatus.UNDONE, "")
    if chunk.stood_on is not None:
        keys = unpack_outcomes(chunk.outcomes).keys
        restored = {row.customer_id for row in changed} - kept
        give_back(run_id=run.pk, keys=keys, stood_on=chunk.stood_on, restored=restored, but=kept)
    RunChunk.objects.filter(pk=chunk.pk).update(status=RowStatus.UNDONE)


def _changed_since(run: RetierRun, customer_ids: Sequence[int]) -> dict[int, str]:
    """Whose tier is no longer held by this run's decision, and why.

    It is while the open row of the ledger is this run's (a later run may have confirmed it), or that of an undo after
    which the customer stands on this run again.
    """
    found: dict[int, str] = {}
    for start in range(0, len(customer_ids), BATCH):
        part = customer_ids[start : start + BATCH]
        standing = dict(
            TierStanding.objects.filter(customer_id__in=part).values_list("customer_id", "run_id")
        )
        held = TierHolding.objects.current().filter(customer_id__in=part)
        by_run = set(held.filter(source=Source.RUN, source_id=run.pk).values_list("customer_id", flat=True))
        by_undo = set(held.filter(source=Source.UNDO).values_list("customer_id", flat=True))
        for customer_id in part:
            stands_on_it = standing.get(customer_id) == run.pk
            if customer_id not in by_run and not (customer_id in by_undo and stands_on_it):
                found[customer_id] = CHANGED_SINCE if stands_on_it else DECIDED_SINCE
    return found


def _kept_by_override(run: RetierRun, changed: Sequence[TierDecision]) -> dict[int, str]:
    """Whom an override in force keeps where they are, also one that found them in the tier it wishes."""
    found: dict[int, str] = {}
    before = {row.customer_id: row.previous_id for row in changed}
    ids = sorted(before)
    for start in range(0, len(ids), BATCH):
        holding = Override.objects.holding_since(run.as_of).filter(customer_id__in=ids[start : start + BATCH])
        found |= {
            customer_id: DECIDED_SINCE
            for customer_id, tier_id in holding.values_list("customer_id", "tier_id")
            if before[customer_id] != tier_id
        }
    return found


def _finish(run: RetierRun, fence: int, at: datetime) -> bool:
    rows = TierDecision.objects.filter(run=run)
    restored = sum(
        1
        for previous, effective in rows.filter(status=RowStatus.UNDONE).values_list("previous", "effective")
        if previous != effective
    )
    kept = rows.filter(status=RowStatus.KEPT).count()
    message = f"Undone: {restored} customers have their tier back" + (
        f", {kept} were changed since and stay." if kept else "."
    )
    return RetierRun.objects.finish(
        run.pk,
        fence=fence,
        status=RunStatus.UNDONE,
        message=message,
        undone_at=at,
        summary={**run.summary, "restored": restored, "kept": kept},
    )
