"""Apply a proposed run: batch by batch, each one transaction that checks the claim; repeatable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from allocation.engine.facts.rules import TieringRules
from allocation.engine.rules import UnusableRules
from allocation.models import RetierRun, RowStatus, RunStatus, Source, TierDecision, TieringModel
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.retiering.queueing import UnableToQueueRun, refuse_before_last_applied
from allocation.services.retiering.rules import rules_of
from allocation.snapshots.customers import facts_digests
from allocation.snapshots.vocabulary import model_vocabulary

BATCH = 500
CHANGED_FACTS = "Its facts changed after the snapshot."
CHANGED_TIER = "Its tier was changed after the snapshot."


class UnableToApplyRun(ValueError):
    """The run cannot be applied now; the message says why and what to do."""


def apply_run(*, run_id: int, owner: str, at: datetime, actor_id: int | None = None) -> bool:
    """Give customers the tiers a run proposes; list those whose facts changed since. A second call changes nothing.

    False: it was applied already, or somebody else is applying it. Raises UnableToApplyRun.
    """
    run = RetierRun.objects.select_related("tiering_model").get(pk=run_id)
    if run.status == RunStatus.APPLIED:
        return False
    _refuse(run)
    try:
        with transaction.atomic():
            fence = RetierRun.objects.claim(
                run_id, owner=owner, waiting=[RunStatus.PROPOSED], working=RunStatus.APPLYING
            )
    except IntegrityError:
        raise UnableToApplyRun("Another run is being applied or undone; try again when it is done.") from None
    if fence is None:
        return False
    if run.applied_by_id is None and actor_id is not None:
        RetierRun.objects.filter(pk=run_id).update(applied_by=actor_id)
    decision = DecisionSource(kind=Source.RUN, source_id=run_id, actor_id=run.applied_by_id or actor_id)
    rules = _rules(run, fence)
    total = TierDecision.objects.filter(run=run).count()
    while True:
        with transaction.atomic():
            left = TierDecision.objects.filter(run=run, status=RowStatus.PROPOSED)
            if not RetierRun.objects.heartbeat(
                run_id, fence=fence, done=total - left.count(), total=total, message="Applying"
            ):
                return False
            batch = list(left.order_by("pk").defer("explanation")[:BATCH])
            if not batch:
                break
            _apply(run, batch, rules, decision)
    return _finish(run, fence, at)


def _refuse(run: RetierRun) -> None:
    """Sentences for the states from which nothing can be applied; a run of an old model becomes stale."""
    if run.status == RunStatus.AWAITING_APPROVAL:
        raise UnableToApplyRun(f"Run {run.pk} is over the change limit; a manager has to approve it first.")
    if run.status not in {RunStatus.PROPOSED, RunStatus.APPLYING}:
        raise UnableToApplyRun(
            f"Run {run.pk} is {run.get_status_display().lower()}; only a proposed run can be applied."
        )
    if run.status == RunStatus.APPLYING:
        return  # a runner died on the way: what was begun under the model of its day is finished under it
    if run.tiering_model.status != TieringModel.Status.PUBLISHED:
        message = f"Version {run.tiering_model.number} of the model is no longer the published one."
        RetierRun.objects.filter(pk=run.pk, status=RunStatus.PROPOSED).update(
            status=RunStatus.STALE, message=message
        )
        raise UnableToApplyRun(f"Run {run.pk} is stale: {message} Propose a new run.")
    try:
        refuse_before_last_applied(as_of=run.as_of)
    except UnableToQueueRun as refusal:
        message = "A run as of a later day was applied since."
        RetierRun.objects.filter(pk=run.pk, status=RunStatus.PROPOSED).update(
            status=RunStatus.STALE, message=message
        )
        raise UnableToApplyRun(f"Run {run.pk} is stale: {refusal}") from refusal


def _rules(run: RetierRun, fence: int) -> TieringRules:
    try:
        return rules_of(run=run, vocabulary=model_vocabulary())
    except UnusableRules as faults:
        RetierRun.objects.finish(run.pk, fence=fence, status=RunStatus.STALE, message=str(faults))
        raise UnableToApplyRun(f"Run {run.pk} is stale: {faults}") from faults


def _apply(
    run: RetierRun, batch: Sequence[TierDecision], rules: TieringRules, decision: DecisionSource
) -> None:
    """One batch, inside the caller's transaction."""
    now = facts_digests(rules=rules, as_of=run.as_of, customer_ids=[row.customer_id for row in batch])
    same = [row for row in batch if now.get(row.customer_id) == row.facts_digest]
    changes = [
        TierChange(row.customer_id, row.previous_id, row.effective_id)
        for row in same
        if row.effective_id != row.previous_id
    ]
    written = set_tiers(changes=changes, on=run.as_of, decision=decision)
    elsewhere = set(written.skipped)
    _mark(
        [row.pk for row in batch if now.get(row.customer_id) != row.facts_digest],
        RowStatus.SKIPPED,
        CHANGED_FACTS,
    )
    _mark([row.pk for row in same if row.customer_id in elsewhere], RowStatus.SKIPPED, CHANGED_TIER)
    _mark([row.pk for row in same if row.customer_id not in elsewhere], RowStatus.APPLIED, "")


def _mark(ids: Sequence[int], status: RowStatus, words: str) -> None:
    if ids:
        TierDecision.objects.filter(pk__in=ids).update(status=status, words=words)


def _finish(run: RetierRun, fence: int, at: datetime) -> bool:
    skipped = TierDecision.objects.filter(run=run, status=RowStatus.SKIPPED).count()
    moved = TierDecision.objects.filter(run=run, status=RowStatus.APPLIED).moves().count()
    message = f"Applied: {moved} customers changed tier" + (f", {skipped} skipped." if skipped else ".")
    return RetierRun.objects.finish(
        run.pk,
        fence=fence,
        status=RunStatus.APPLIED,
        message=message,
        applied_at=at,
        summary={**run.summary, "skipped": skipped},
    )
