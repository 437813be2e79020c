"""Compute a run: snapshot, engine, packed chunks of everybody and rows of those to look at. No customer is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import pairwise
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from accounts.bulk_rows import insert_long_rows, insert_rows
from accounts.kept_statements import Kept, KeptChange
from accounts.leases import lease_kept
from accounts.one_ahead import one_ahead
from accounts.querysets.jobs import CancelAsked
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import DECIDERS, GUARDS, DecidedBy, Flags, Integers, TierFindings
from allocation.engine.kept import (
    Outcomes,
    crowd_of,
    crowd_to_json,
    outcomes_of,
    pack_facts,
    pack_outcomes,
    sources,
    taken,
)
from allocation.engine.rules import UnusableRules
from allocation.engine.tiering import decide_tiers
from allocation.models import (
    OPEN_STATUSES,
    Notice,
    RetierRun,
    RunChunk,
    RunStatus,
    RunTally,
    TierDecision,
    TieringModel,
)
from allocation.selectors import notice_words, wording
from allocation.services.retiering.cancelling import end_cancelled
from allocation.services.retiering.queueing import request_goals_run
from allocation.services.retiering.rows import decision_rows, notable
from allocation.services.retiering.rules import rules_of
from allocation.services.retiering.run_row import run_with_model
from allocation.snapshots.customers import ALWAYS_KEPT, NOBODY, Snapshot, customer_snapshot
from allocation.snapshots.kept_vocabulary import vocabulary_to_json
from allocation.snapshots.money import UnknownRate
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary
from allocation.snapshots.written_since import reading_begins

BATCH = 25_000  # customers of a chunk at most
# Of them to be looked at, at most: each is written when the chunk is applied, in one transaction.
ROWS = 2_000
FIRST_FENCE = 1  # a run is made with none, and each claim counts it up
TOGETHER = 2  # chunks of a transaction; the first are packed while it begins, others before it


class UnableToProposeRun(ValueError):
    """The run failed; the message says what to do, and the run's row keeps it."""


class _ClaimLost(Exception):
    """Somebody else has taken the run over; whatever this runner still holds is void."""


def propose_run(*, run_id: int, owner: str) -> bool:
    """Compute a queued run (or one whose runner died). False: somebody else has it, it needs no computing, or
    was cancelled meanwhile.

    Raises UnableToProposeRun after marking the run as failed.
    """
    # One commit for both: the number of readings is moved on before anything is read, whoever reads first.
    with transaction.atomic():
        fence = RetierRun.objects.claim(
            run_id, owner=owner, waiting=[RunStatus.QUEUED], working=RunStatus.COMPUTING
        )
        noted = "" if fence is None else reading_begins()
    if fence is None:
        return False
    run = run_with_model(run_id)
    if run.tiering_model.status != TieringModel.Status.PUBLISHED:
        stale = _old_model(run)
        _end(run, fence, RunStatus.STALE, stale)
        raise UnableToProposeRun(f"Run {run_id} is stale: {stale}")
    try:
        with lease_kept(RetierRun, run_id, fence=fence):
            _compute(run, fence, noted)
    except _ClaimLost:
        return False
    except CancelAsked:
        end_cancelled(run_id=run_id, fence=fence)
        return False
    except (UnknownRate, UnusableRules) as refusal:
        _end(run, fence, RunStatus.FAILED, str(refusal))
        raise UnableToProposeRun(str(refusal)) from refusal
    return True


def _end(run: RetierRun, fence: int, status: RunStatus, message: str) -> None:
    with transaction.atomic():
        if RetierRun.objects.finish(run.pk, fence=fence, status=status, message=message):
            _follow(run)


def _old_model(run: RetierRun) -> str:
    return f"Version {run.tiering_model.number} of the model is no longer the published one. Start a new run."


def _follow(run: RetierRun) -> None:
    """A goal changed while this run was computed, after its snapshot: the next one sees it.

    In the transaction that ends this run, so that the wish is not lost with the process.
    """
    ((follow,),) = _FOLLOWED.rows(pk=run.pk)
    if follow is not None:
        request_goals_run(as_of=follow, at=run.queued_at, actor_id=run.requested_by_id)


def _compute(run: RetierRun, fence: int, noted: str) -> None:
    vocabulary = model_vocabulary()
    rules = rules_of(run=run, vocabulary=vocabulary)
    base = settings.BASE_CURRENCY
    snapshot = customer_snapshot(
        rules=rules,
        vocabulary=vocabulary,
        as_of=run.as_of,
        base=base,
        goals_only=run.scope == RetierRun.Scope.GOALS,
        with_ids=False,
        in_parts=True,
    )
    if len(snapshot.keys) > BATCH:  # fewer are decided and stored as soon as it is said
        _still_mine(run, fence, done=0, total=len(snapshot.keys))
    findings = decide_tiers(facts=snapshot.facts, rules=rules, tiers=vocabulary.tiers)
    limit = rules.guards.change_limit
    summary = _summary(snapshot, findings, vocabulary)
    summary["limit"] = {"percent": str(limit.percent), "customers": limit.customers}
    over = limit.is_exceeded(moves=summary["moves"], tiered=summary["tiered"])
    found = {
        "status": RunStatus.AWAITING_APPROVAL if over else RunStatus.PROPOSED,
        "message": _message(summary, over),
        "summary": summary,
        "over_limit": over,
        "base_currency": base,
        "rates": {currency: f"{rate.normalize():f}" for currency, rate in snapshot.rates.items()},
        "read_since": noted,
        "population": crowd_to_json(crowd_of(findings=findings, rules=rules)),
        "vocabulary": vocabulary_to_json(vocabulary, rules),
    }
    _store(run, fence, snapshot, findings, rules, vocabulary, lambda: _propose(run, fence, found))


def _propose(run: RetierRun, fence: int, found: Mapping[str, Any]) -> None:
    """In the transaction of the last chunks. Who cancelled until now finds it discarded; who comes later finds a proposal, and is
    told so.
    """
    if not RetierRun.objects.finish(run.pk, fence=fence, **found):
        raise _ClaimLost
    _follow(run)
    # Another version may have been published while this one was computed.
    _OUTDATED.run(pk=run.pk, message=_old_model(run))
    if _OLDER.rows(pk=run.pk, scope=run.scope):
        older = _open_before(pk=run.pk, scope=run.scope)
        _tell_replaced(run, older.replace(message=f"Run {run.pk} proposes anew."))


def _open_before(*, pk: int, scope: str) -> Any:
    return RetierRun.objects.filter(scope=scope, status__in=OPEN_STATUSES, pk__lt=pk)


_FOLLOWED = Kept(lambda *, pk: RetierRun.objects.filter(pk=pk).values_list("follow_as_of"))
_OLDER = Kept(lambda *, pk, scope: _open_before(pk=pk, scope=scope).values_list("pk")[:1])
_OUTDATED = KeptChange(
    lambda *, pk, message: (
        RetierRun.objects.filter(pk=pk).exclude(tiering_model__status=TieringModel.Status.PUBLISHED),
        {"status": RunStatus.STALE, "message": message},
    )
)


def _tell_replaced(run: RetierRun, wished: Mapping[int, int]) -> None:
    """Who wished an older one applied is told, in the transaction that makes this one a proposal."""
    if not wished:
        return
    at: Any = RetierRun.objects.values_list("finished_at", flat=True).get(pk=run.pk)
    link = notice_words.run_link(run.pk)
    for pk, person in wished.items():
        subject, body = notice_words.job_was_replaced(what=f"run {pk}", by=f"run {run.pk}", link=link)
        kind, about = Notice.Kind.ENDED, f"run-{pk}-replaced"
        Notice.objects.leave(to=[person], kind=kind, about=about, subject=subject, body=body, at=at)


def _still_mine(run: RetierRun, fence: int, *, done: int, total: int) -> None:
    if not RetierRun.objects.heartbeat(
        run.pk, fence=fence, done=done, total=total, message="Deciding customers"
    ):
        raise _ClaimLost


def _store(
    run: RetierRun,
    fence: int,
    snapshot: Snapshot,
    findings: TierFindings,
    rules: TieringRules,
    vocabulary: ModelVocabulary,
    then: Callable[[], None],
) -> None:
    """Everybody in scope as chunks, whom to look at as rows; what a runner that died left behind goes first. ``then`` is done with
    the last of them.
    """
    scope = np.flatnonzero(snapshot.facts.held.in_scope)
    shown = notable(findings=findings, goals_only=run.scope == RetierRun.Scope.GOALS)
    outcomes = outcomes_of(
        findings=findings,
        rules=rules,
        tiers=vocabulary.tiers,
        keys=snapshot.keys,
        digests={"facts": snapshot.digests, "lifecycle": snapshot.lifecycles, "goals": snapshot.goals},
    )
    names = (*sources(rules), *ALWAYS_KEPT)
    edges = _edges(shown[scope])
    together = [edges[at : at + TOGETHER + 1] for at in range(0, max(len(edges) - 1, 1), TOGETHER)]

    def packed(its: Sequence[int]) -> list[RunChunk]:
        return [
            _packed(run, snapshot, outcomes, scope[start:end], names, vocabulary)
            for start, end in pairwise(its)
        ]

    for its, chunks in one_ahead(together, packed):
        part = scope[its[0] : its[-1]]
        rows = decision_rows(
            rows=part[shown[part]],
            snapshot=snapshot,
            findings=findings,
            rules=rules,
            vocabulary=vocabulary,
        )
        with transaction.atomic():
            _still_mine(run, fence, done=its[-1], total=len(scope))
            if its[0] == 0:
                _put_away(run, fence)
                tallies = _tallies(snapshot, findings, ~shown, vocabulary)
                insert_rows(RunTally, tallies, alike={"run_id": run.pk})
            insert_rows(TierDecision, rows, alike={"run_id": run.pk})
            insert_long_rows(RunChunk, _awaited(chunks))
            if its[-1] == len(scope):
                then()


def _awaited(chunks: Future[list[RunChunk]]) -> list[RunChunk]:
    return chunks.result()


def _put_away(run: RetierRun, fence: int) -> None:
    """What a runner that died left behind; the first to claim a run finds nothing."""
    if fence > FIRST_FENCE:
        for kept in (TierDecision, RunChunk, RunTally):
            kept._default_manager.filter(run=run).delete()


def _edges(shown: Flags) -> list[int]:
    """Where chunks of these customers begin, and where the last one ends; ``shown``: who gets a row."""
    rows = np.concatenate([[0], np.cumsum(shown)])
    edges = [0]
    while edges[-1] < len(shown):
        start = edges[-1]
        with_rows = int(np.searchsorted(rows, rows[start] + ROWS, side="right")) - 1
        edges.append(min(start + BATCH, with_rows, len(shown)))
    return edges


def _packed(
    run: RetierRun,
    snapshot: Snapshot,
    outcomes: Outcomes,
    part: Integers,
    names: Sequence[str],
    vocabulary: ModelVocabulary,
) -> RunChunk:
    keys = snapshot.keys[part]
    return RunChunk(
        run=run,
        first_customer_id=int(keys[0]),
        last_customer_id=int(keys[-1]),
        customers=len(keys),
        facts=pack_facts(facts=snapshot.facts.take(part), keys=keys, names=names, tiers=vocabulary.tiers),
        outcomes=pack_outcomes(taken(outcomes, part)),
    )


def _tallies(
    snapshot: Snapshot,
    findings: TierFindings,
    unshown: np.ndarray[Any, np.dtype[np.bool_]],
    vocabulary: ModelVocabulary,
) -> Mapping[str, Sequence[Any]]:
    """Those in scope without a row, by the book they are in, the tier they stay in and what decided; column by column."""
    plain = snapshot.facts.held.in_scope & unshown
    csms, csm = np.unique(snapshot.csm_ids[plain], return_inverse=True)
    tier, by = findings.guards.effective[plain] + 1, findings.guards.decided_by[plain]  # no tier is -1
    shape = (len(csms), len(vocabulary.tier_ids) + 1, len(DECIDERS))
    counts = np.bincount(np.ravel_multi_index((csm, tier, by), shape), minlength=1)
    there = np.flatnonzero(counts)
    csm, tier, by = np.unravel_index(there, shape)
    books = csms[csm].tolist()
    return {
        "csm_id": [None if book == NOBODY else book for book in books],
        "tier_id": [vocabulary.tier_id(place - 1) for place in tier.tolist()],
        "decided_by": [DECIDERS[place].value for place in by.tolist()],
        "customers": counts[there].tolist(),
    }


def _summary(snapshot: Snapshot, findings: TierFindings, vocabulary: ModelVocabulary) -> dict[str, Any]:
    """Counts under the keys of the `retier` command. Moves are changes of a tier held; a first tier is none."""
    held, active, guards = snapshot.facts.held, snapshot.facts.active, findings.guards
    scope = held.in_scope
    by = dict(
        zip(DECIDERS, np.bincount(guards.decided_by[scope], minlength=len(DECIDERS)).tolist(), strict=True)
    )
    bitten = scope & (guards.decided_by != DECIDERS.index(DecidedBy.OVERRIDE))
    after = np.where(scope, guards.effective, held.current)[active]
    spread = np.bincount(after[after >= 0], minlength=len(vocabulary.tiers)).tolist()
    tiers = list(zip(vocabulary.tiers, spread, strict=True))
    customers = int(scope.sum())
    changed = scope & (held.current >= 0) & (guards.effective != held.current)
    return {
        "customers": customers,
        "tiered": int((active & (held.current >= 0)).sum()),
        "decided": customers - by[DecidedBy.UNDECIDED] - by[DecidedBy.LEFT],
        "undecided": by[DecidedBy.UNDECIDED],
        "moves": int(changed.sum()),
        "first_tiers": int((scope & (held.current < 0) & (guards.effective >= 0)).sum()),
        "guarded": _bites(guards.bites[bitten]),
        "overridden": by[DecidedBy.OVERRIDE],
        "tiers": {tier.slug: count for tier, count in tiers if not tier.retired or count},
    }


def _bites(bites: np.ndarray[Any, np.dtype[np.bool_]]) -> Mapping[str, int]:
    counts = bites.sum(axis=0).tolist()
    return {guard.value: count for guard, count in zip(GUARDS, counts, strict=True) if count}


def _message(summary: Mapping[str, Any], over: bool) -> str:
    every = wording.counted(summary["customers"], "customer")
    said = f"{wording.grouped(summary['decided'])} of {every} decided, {wording.grouped(summary['moves'])} would change tier."
    return f"{said} That is over the change limit: a manager has to approve it." if over else said
