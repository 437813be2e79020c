"""Apply a proposed run: chunk by chunk, each one transaction that checks the claim; repeatable."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.timezone import localdate

from accounts.kept_statements import Kept
from accounts.leases import lease_kept
from accounts.models import Tier
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import Flags, Integers
from allocation.engine.kept import Outcomes, said_of, score_of, taken, unpack_outcomes
from allocation.engine.outcome_digests import outcome_digests
from allocation.engine.rules import UnusableRules
from allocation.models import (
    RetierRun,
    RowStatus,
    RunChunk,
    RunStatus,
    Source,
    TierDecision,
    TieringModel,
)
from allocation.querysets.decisions import RunQuerySet
from allocation.selectors.freezes import refusal_while_frozen
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.retiering.chunk_rows import (
    Row,
    chunk_is_applied,
    overrides_holding,
    rows_are_applied,
    rows_waiting,
)
from allocation.services.retiering.holding import hold_customers
from allocation.services.retiering.queueing import UnableToQueueRun, refuse_before_last_applied
from allocation.services.retiering.rules import rules_of
from allocation.services.retiering.run_row import run_with_model
from allocation.services.retiering.standings import (
    packed_stood_on,
    set_otherwise,
    stand_on,
    standings_seen,
    stood_on_before,
)
from allocation.services.retiering.walking import each_chunk, mark_rows
from allocation.snapshots.customers import customers_now_columns
from allocation.snapshots.kept_vocabulary import vocabulary_from_json
from allocation.snapshots.standings import pack_left_out
from allocation.snapshots.vocabulary import model_vocabulary
from allocation.snapshots.written_since import written_since

BUSY = "Another run is being applied or undone; try again when it is done."
CHANGED_FACTS = "Its facts changed after the snapshot."
CHANGED_TIER = "Its tier was changed after the snapshot."


class UnableToApplyRun(ValueError):
    """The run cannot be applied now; the message says why and what to do."""


def apply_run(
    *,
    run_id: int,
    owner: str,
    at: datetime,
    actor_id: int | None = None,
    on: date | None = None,
    as_wished: bool = False,
) -> bool:
    """Give customers the tiers a run proposes; list those whose facts changed since. A second call changes nothing.

    False: it was applied already, somebody else is applying it, or it was cancelled on the way. Raises UnableToApplyRun;
    also where a freeze holds on the day ``on`` (that of ``at``, where none is given). What is half applied is finished.
    as_wished: only where its row says that somebody wishes it now (a worker, whose message may be late); else False.
    """
    day = on or localdate(at)
    run = run_with_model(run_id, unread=("population",))
    if run.status == RunStatus.APPLIED or (as_wished and not _wished(run_id).exists()):
        return False
    _refuse(run)
    try:
        waiting = [RunStatus.PROPOSED, RunStatus.FAILED]
        fence = RetierRun.objects.claim_to_apply(
            run_id, owner=owner, waiting=waiting, on=day, as_wished=as_wished
        )
    except IntegrityError:
        raise UnableToApplyRun(BUSY) from None
    if fence is None:
        _refuse_frozen(run_id, day)
        return False
    if run.applied_by_id is None and actor_id is not None:
        RetierRun.objects.filter(pk=run_id).update(applied_by=actor_id)
    decision = DecisionSource(kind=Source.RUN, source_id=run_id, actor_id=run.applied_by_id or actor_id)
    rules = _rules_of_its_day(run)
    with lease_kept(RetierRun, run_id, fence=fence):
        return each_chunk(
            run_id=run_id,
            fence=fence,
            waiting=RowStatus.PROPOSED,
            message="Applying",
            unread=("facts", "stood_on"),
            work=lambda chunk: _apply(run, chunk, rules, decision),
            finish=lambda customers: _finish(run, fence, at, customers),
        )


def _wished(run_id: int) -> RunQuerySet:
    rows: RunQuerySet = RetierRun.objects.filter(pk=run_id).as_wished()
    return rows


def _refuse(run: RetierRun) -> None:
    """Sentences for the states from which nothing can be applied; a run of an old model becomes stale."""
    if run.status == RunStatus.AWAITING_APPROVAL:
        raise UnableToApplyRun(f"Run {run.pk} is over the change limit; a manager has to approve it first.")
    if run.status == RunStatus.APPLYING or is_half_applied(run=run):
        return  # a runner died on the way: what was begun under the model of its day is finished under it
    if run.status != RunStatus.PROPOSED:
        raise UnableToApplyRun(
            f"Run {run.pk} is {run.get_status_display().lower()}; only a proposed run can be applied."
        )
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
    _refuse_unreadable(run)


def _refuse_frozen(run_id: int, on: date) -> None:
    """The sentence for a proposal that was not claimed because of a freeze."""
    now = RetierRun.objects.get(pk=run_id)
    if now.status == RunStatus.PROPOSED:
        refusal = refusal_while_frozen(on=on, wished=now.apply_when_proposed)
        if refusal:
            raise UnableToApplyRun(refusal)


def is_half_applied(*, run: RetierRun) -> bool:
    """Given up on the way: some customers have their tier by it, others wait. It can be finished, or undone."""
    if run.status != RunStatus.FAILED:
        return False
    states = set(RunChunk.objects.filter(run=run).values_list("status", flat=True).distinct())
    return RowStatus.APPLIED in states and states <= {RowStatus.APPLIED, RowStatus.PROPOSED}


def ask_to_finish_run(*, run_id: int, actor: Any, at: datetime) -> None:
    """A person wants a half-applied run gone on with: its row says so, and a worker (or the sweep) does it.

    Raises UnableToApplyRun.
    """
    if actor is None or not actor.is_ops:
        raise UnableToApplyRun("Only CS ops may apply a run.")
    run = RetierRun.objects.get(pk=run_id)
    half = is_half_applied(run=run)
    try:
        with transaction.atomic():
            asked = (
                RetierRun.objects.filter(pk=run_id, status=RunStatus.FAILED, fence=run.fence).update(
                    status=RunStatus.APPLYING, **RetierRun.objects.anew(at)
                )
                if half
                else 0
            )
    except IntegrityError:
        raise UnableToApplyRun(BUSY) from None
    if asked != 1:
        now = RetierRun.objects.get(pk=run_id).get_status_display().lower()
        raise UnableToApplyRun(
            f"Run {run_id} is {now}: only a run that was stopped on the way can be gone on with."
        )


def _refuse_unreadable(run: RetierRun) -> None:
    """A tier or attribute the model names may have been retired since: nobody is given such a tier."""
    try:
        rules_of(run=run, vocabulary=model_vocabulary())
    except UnusableRules as faults:
        RetierRun.objects.filter(pk=run.pk, status=RunStatus.PROPOSED).update(
            status=RunStatus.STALE, message=str(faults)[:500]
        )
        raise UnableToApplyRun(f"Run {run.pk} is stale: {faults}") from faults


def _rules_of_its_day(run: RetierRun) -> TieringRules:
    """What the facts are compared by: the rules as the run read them, whatever was retired since it was begun."""
    kept = vocabulary_from_json(run.vocabulary)
    try:
        return rules_of(run=run, vocabulary=kept or model_vocabulary())
    except UnusableRules as faults:
        raise UnableToApplyRun(
            f"Run {run.pk} cannot be read by this version of the program: {faults}"
        ) from faults


def _apply(run: RetierRun, chunk: RunChunk, rules: TieringRules, decision: DecisionSource) -> None:
    """One chunk, inside the caller's transaction; what only stays costs a look and no write."""
    outcomes = unpack_outcomes(chunk.outcomes)
    rows = rows_waiting(chunk)
    open_rows = [row for row in rows if row.status == RowStatus.PROPOSED]
    changing = [row for row in open_rows if row.effective_id != row.previous_id]
    hold_customers(outcomes.keys)
    seen = _compared(outcomes, rules, run)
    kept = _kept_by_override(changing, run)
    same = set(outcomes.keys[seen.same_facts & np.isin(outcomes.keys, _keys_of(open_rows))].tolist()) - kept
    changes = [
        TierChange(row.customer_id, row.previous_id, row.effective_id)
        for row in changing
        if row.customer_id in same
    ]
    setters = set_otherwise(customer_ids=_keys([change.customer_id for change in changes]))
    elsewhere = set(set_tiers(changes=changes, on=run.as_of, decision=decision).skipped)
    # Who was to stay must still hold the tier that the run saw, or its decision counts for nothing.
    moved = {row.customer_id for row in changing}
    elsewhere |= {key for key in outcomes.keys[~seen.same_tier].tolist() if key not in moved}
    mark_rows([row.pk for row in open_rows if row.customer_id not in same], RowStatus.SKIPPED, CHANGED_FACTS)
    mark_rows(
        [row.pk for row in open_rows if row.customer_id in same & elsewhere], RowStatus.SKIPPED, CHANGED_TIER
    )
    if open_rows:
        rows_are_applied(chunk)
    staying = ~np.isin(outcomes.keys, _keys_of(rows))
    _list(run, outcomes, seen.there & ~seen.same_facts & staying, CHANGED_FACTS)
    _list(run, outcomes, seen.same_facts & ~seen.same_tier & staying, CHANGED_TIER)
    refused = {row.customer_id for row in rows if row.status == RowStatus.REFUSED}
    decided = seen.same_facts & ~np.isin(outcomes.keys, _keys(elsewhere | refused | kept))
    _stand(run, chunk, taken(outcomes, np.flatnonzero(decided)), _keys(moved - elsewhere), setters)


def _stand(
    run: RetierRun, chunk: RunChunk, decided: Outcomes, moved: Integers, setters: Mapping[int, str]
) -> None:
    """What these customers stand on, where anything of it is new, with what it was before; and the chunk is applied."""
    held = standings_seen(first=chunk.first_customer_id, last=chunk.last_customer_id)
    anew = ~held.same(keys=decided.keys, digests=outcome_digests(decided)) | np.isin(decided.keys, moved)
    full = run.scope == RetierRun.Scope.FULL
    new = taken(decided, np.flatnonzero(anew)) if full else decided
    stood = stood_on_before(written=new.keys, setters=setters)
    stand_on(run_id=run.pk, outcomes=new)
    left_out = np.setdiff1d(held.keys, decided.keys, assume_unique=True)
    chunk_is_applied(chunk, stood_on=packed_stood_on(stood), left_out=pack_left_out(left_out))


def _kept_by_override(changing: Sequence[Row], run: RetierRun) -> set[int]:
    """Customers to whom an override was given since, one that wishes the tier they have among them: the run knew nothing
    of it, and an override in force wins.
    """
    wanted = {row.customer_id: row.effective_id for row in changing}
    return {
        customer_id
        for customer_id, tier_id in overrides_holding(since=run.as_of, customer_ids=_keys(wanted))
        if customer_id in wanted and wanted[customer_id] != tier_id
    }


def _keys(customer_ids: Collection[int]) -> Integers:
    return np.array(sorted(customer_ids), dtype=np.int64)


def _keys_of(rows: Sequence[Row]) -> Integers:
    return _keys([row.customer_id for row in rows])


@dataclass(frozen=True, slots=True)
class _Compared:
    """The customers of a chunk against the snapshot. there: not gone since."""

    there: Flags
    same_facts: Flags
    same_tier: Flags


def _compared(outcomes: Outcomes, rules: TieringRules, run: RetierRun) -> _Compared:
    """Everybody, or where the database knows who was written since the run read them, those alone."""
    written = written_since(
        noted=run.read_since, keys=outcomes.keys, goals=outcomes.digests["goals"], as_of=run.as_of
    )
    if written is None:
        return _compared_each(outcomes, rules, run)
    seen = _Compared(*(np.ones(len(outcomes.keys), dtype=np.bool_) for _ in range(3)))
    if len(written):
        at = np.flatnonzero(np.isin(outcomes.keys, written))
        again = _compared_each(taken(outcomes, at), rules, run)
        seen.there[at], seen.same_facts[at], seen.same_tier[at] = (
            again.there,
            again.same_facts,
            again.same_tier,
        )
    return seen


def _compared_each(outcomes: Outcomes, rules: TieringRules, run: RetierRun) -> _Compared:
    now = customers_now_columns(
        rules=rules, as_of=run.as_of, customer_ids=outcomes.keys, version=outcomes.version
    )
    if not len(now.keys):
        nobody = np.zeros(len(outcomes.keys), dtype=np.bool_)
        return _Compared(nobody, nobody, nobody)
    at = np.minimum(np.searchsorted(now.keys, outcomes.keys), len(now.keys) - 1)
    there = now.keys[at] == outcomes.keys
    tiers = dict(_TIERS.rows())
    # No tier is -1 on both sides; a word that no tier has is nobody's.
    words = np.array([*(tiers.get(word, -2) for word in outcomes.previous.vocabulary), -1], dtype=np.int64)
    return _Compared(
        there=there,
        same_facts=there & (now.digests[at] == outcomes.digests["facts"]),
        same_tier=there & (now.tier_ids[at] == words[outcomes.previous.codes]),
    )


_TIERS = Kept(lambda: Tier.objects.order_by("pk").values_list("slug", "pk"))


def _list(run: RetierRun, outcomes: Outcomes, whom: Flags, words: str) -> None:
    """Customers that were to stay, and were changed since, are listed as skipped like any other."""
    places = np.flatnonzero(whom).tolist()
    if not places:
        return
    tiers = dict(_TIERS.rows())
    TierDecision.objects.bulk_create(
        (
            TierDecision(
                run=run,
                customer_id=int(outcomes.keys[at]),
                segment=said_of(outcomes.segment, at) or "",
                score=score_of(outcomes.score, at),
                previous_id=tiers.get(said_of(outcomes.previous, at) or ""),
                suggested_id=tiers.get(said_of(outcomes.suggested, at) or ""),
                effective_id=tiers.get(said_of(outcomes.effective, at) or ""),
                decided_by=said_of(outcomes.decided_by, at) or "",
                status=RowStatus.SKIPPED,
                words=words,
            )
            for at in places
        ),
        batch_size=500,
    )


def _finish(run: RetierRun, fence: int, at: datetime, customers: int) -> bool:
    counted = _BECAME.rows(run_id=run.pk)
    skipped, refused, moved = counted[0] if counted else (0, 0, 0)
    left_out = [f"{n} {what}" for n, what in ((skipped, "skipped"), (refused, "refused")) if n]
    message = f"Applied: {moved} customers changed tier" + "".join(f", {part}" for part in left_out) + "."
    return RetierRun.objects.finish(
        run.pk,
        fence=fence,
        status=RunStatus.APPLIED,
        message=message,
        progress_done=customers,
        applied_at=at,
        summary={**run.summary, "skipped": skipped, "refused": refused},
    )


_BECAME = Kept(
    lambda *, run_id: (
        TierDecision.objects.filter(run_id=run_id)
        .values("run_id")
        .annotate(
            skipped=Count("pk", filter=Q(status=RowStatus.SKIPPED)),
            refused=Count("pk", filter=Q(status=RowStatus.REFUSED)),
            moved=Count("pk", filter=Q(status=RowStatus.APPLIED, is_move=True)),
        )
        .values_list("skipped", "refused", "moved")
    )
)
