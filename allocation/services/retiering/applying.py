"""Apply a proposed run: chunk by chunk, each one transaction that checks the claim; repeatable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Sum

from accounts.models import Customer, Tier
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import Flags, Integers
from allocation.engine.kept import Outcomes, said_of, taken, unpack_outcomes
from allocation.engine.rules import UnusableRules
from allocation.models import RetierRun, RowStatus, RunChunk, RunStatus, Source, TierDecision, TieringModel
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.retiering.queueing import UnableToQueueRun, refuse_before_last_applied
from allocation.services.retiering.rules import rules_of
from allocation.services.retiering.standings import pack_standings, score_of, stand_on
from allocation.snapshots.customers import facts_digests
from allocation.snapshots.vocabulary import model_vocabulary

BATCH = 500  # keys in a statement
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
    chunks = RunChunk.objects.filter(run=run)
    total = chunks.aggregate(n=Sum("customers"))["n"] or 0
    done = total - (chunks.filter(status=RowStatus.PROPOSED).aggregate(n=Sum("customers"))["n"] or 0)
    while True:
        with transaction.atomic():
            if not RetierRun.objects.heartbeat(
                run_id, fence=fence, done=done, total=total, message="Applying"
            ):
                return False
            chunk = chunks.filter(status=RowStatus.PROPOSED).order_by("first_customer_id").first()
            if chunk is None:
                break
            _apply(run, chunk, rules, decision)
        done += chunk.customers
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


def _apply(run: RetierRun, chunk: RunChunk, rules: TieringRules, decision: DecisionSource) -> None:
    """One chunk, inside the caller's transaction."""
    outcomes = unpack_outcomes(chunk.outcomes)
    within = TierDecision.objects.filter(
        run=run, customer_id__gte=chunk.first_customer_id, customer_id__lte=chunk.last_customer_id
    )
    rows = list(within.filter(status__in=[RowStatus.PROPOSED, RowStatus.REFUSED]).order_by("customer_id"))
    open_rows = [row for row in rows if row.status == RowStatus.PROPOSED]
    changing = [row for row in open_rows if row.effective_id != row.previous_id]
    _lock([row.customer_id for row in changing])
    same = _same(outcomes, rules, run)
    same_ids = set(outcomes.keys[same].tolist())
    changes = [
        TierChange(row.customer_id, row.previous_id, row.effective_id)
        for row in changing
        if row.customer_id in same_ids
    ]
    elsewhere = set(set_tiers(changes=changes, on=run.as_of, decision=decision).skipped)
    _mark([row.pk for row in open_rows if row.customer_id not in same_ids], RowStatus.SKIPPED, CHANGED_FACTS)
    _mark([row.pk for row in open_rows if row.customer_id in elsewhere], RowStatus.SKIPPED, CHANGED_TIER)
    through = [row for row in open_rows if row.customer_id in same_ids - elsewhere]
    _mark([row.pk for row in through], RowStatus.APPLIED, "")
    _list_the_others(run, outcomes, ~same, {row.customer_id for row in rows})
    refused = {row.customer_id for row in rows if row.status == RowStatus.REFUSED}
    standing = same & ~np.isin(outcomes.keys, np.array(sorted(elsewhere | refused), dtype=np.int64))
    before = pack_standings(keys=outcomes.keys)
    stand_on(run_id=run.pk, outcomes=taken(outcomes, np.flatnonzero(standing)))
    RunChunk.objects.filter(pk=chunk.pk).update(status=RowStatus.APPLIED, stood_on=before)


def _lock(customer_ids: Sequence[int]) -> None:
    """Rows that change are locked before their facts are compared, so that nobody edits them in between."""
    for start in range(0, len(customer_ids), BATCH):
        part = customer_ids[start : start + BATCH]
        rows = Customer.objects.select_for_update(of=("self",)).filter(pk__in=part).order_by("pk")
        list(rows.values_list("pk"))


def _same(outcomes: Outcomes, rules: TieringRules, run: RetierRun) -> Flags:
    """Whose facts are still those of the snapshot."""
    now = facts_digests(rules=rules, as_of=run.as_of, customer_ids=outcomes.keys)
    then: Integers = outcomes.digests["facts"]
    pairs = zip(outcomes.keys.tolist(), then.tolist(), strict=True)
    return np.fromiter((now.get(key) == digest for key, digest in pairs), dtype=np.bool_)


def _list_the_others(run: RetierRun, outcomes: Outcomes, changed: Flags, listed: set[int]) -> None:
    """Customers that were to stay, and whose facts changed since, are listed as skipped like any other."""
    places = [at for at in np.flatnonzero(changed).tolist() if int(outcomes.keys[at]) not in listed]
    if not places:
        return
    tiers = dict(Tier.objects.values_list("slug", "pk"))
    TierDecision.objects.bulk_create(
        (
            TierDecision(
                run=run,
                customer_id=int(outcomes.keys[at]),
                segment=said_of(outcomes.segment, at) or "",
                score=score_of(outcomes, at),
                previous_id=tiers.get(said_of(outcomes.previous, at) or ""),
                suggested_id=tiers.get(said_of(outcomes.suggested, at) or ""),
                effective_id=tiers.get(said_of(outcomes.effective, at) or ""),
                decided_by=said_of(outcomes.decided_by, at) or "",
                status=RowStatus.SKIPPED,
                words=CHANGED_FACTS,
            )
            for at in places
        ),
        batch_size=500,
    )


def _mark(ids: Sequence[int], status: RowStatus, words: str) -> None:
    for start in range(0, len(ids), BATCH):
        TierDecision.objects.filter(pk__in=ids[start : start + BATCH]).update(status=status, words=words)


def _finish(run: RetierRun, fence: int, at: datetime) -> bool:
    rows = TierDecision.objects.filter(run=run)
    skipped = rows.filter(status=RowStatus.SKIPPED).count()
    refused = rows.filter(status=RowStatus.REFUSED).count()
    moved = rows.filter(status=RowStatus.APPLIED).moves().count()
    left_out = [f"{n} {what}" for n, what in ((skipped, "skipped"), (refused, "refused")) if n]
    message = f"Applied: {moved} customers changed tier" + "".join(f", {part}" for part in left_out) + "."
    return RetierRun.objects.finish(
        run.pk,
        fence=fence,
        status=RunStatus.APPLIED,
        message=message,
        applied_at=at,
        summary={**run.summary, "skipped": skipped, "refused": refused},
    )
