"""Compute a queued plan and store the proposal: rows and result in one transaction, under the fence of the claim."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.leases import lease_kept
from accounts.querysets.jobs import CancelAsked
from allocation.engine.books import propose_books
from allocation.engine.books_search import Spread
from allocation.engine.facts.books import BookProposal
from allocation.models import OPEN_STATUSES, BookPlan, Move, Notice, RunStatus
from allocation.selectors import notice_words
from allocation.selectors.plan_answers import named_in, plan_results, policy_values, proof_values
from allocation.services.planning.cancelling import end_cancelled
from allocation.services.planning.pieces import forget_pieces
from allocation.services.planning.pulse import Pulse, Stop, on_threads
from allocation.services.planning.queueing import UnableToPlanBooks
from allocation.services.planning.sharing import Call, Sharing
from allocation.services.planning.telling import tell_concerned
from allocation.snapshots.books import Snapshot, book_snapshot
from allocation.snapshots.money import UnknownRate

BATCH = 500
WAITS = "Moves of the largest customers wait for the approval of a manager."


def propose_plan(
    *,
    plan_id: int,
    owner: str,
    on: date,
    at: datetime,
    should_stop: Stop | None = None,
    call: Call | None = None,
) -> BookPlan | None:
    """Compute a queued plan (or one whose runner died) and store the proposal; None when somebody else has it,
    or somebody cancelled it.

    ``call(piece_id)`` tells other workers of a piece they may take (`compute_piece`); without it the work stays in this
    process. The proposal is the same to the byte, whoever computed which piece.
    An older proposal becomes stale, those of the same comparison excepted. Where the policy gives time to object, it begins
    on the day ``on`` and the CSMs concerned are told. A plan that cannot be computed is ``failed`` with a sentence, and
    UnableToPlanBooks is raised.
    """
    waiting, working = [RunStatus.QUEUED], RunStatus.COMPUTING
    fence = BookPlan.objects.claim(plan_id, owner=owner, waiting=waiting, working=working)
    if fence is None:
        return None
    plan = BookPlan.objects.select_related("policy").get(pk=plan_id)
    pulse = Pulse(plan_id=plan_id, fence=fence, should_stop=should_stop)
    try:
        with lease_kept(BookPlan, plan_id, fence=fence):
            snapshot = book_snapshot(
                as_of=plan.as_of,
                policy=plan.policy,
                max_moves_pct=plan.max_moves_pct,
                continuity_weight=plan.continuity_weight,
            )
            proposal = _searched(plan, snapshot, pulse, owner, call)
            if pulse.cancelled:
                raise CancelAsked
            kept = not pulse.lost and _store(plan, fence, snapshot, proposal, _window(plan, proposal, on, at))
    except CancelAsked:
        end_cancelled(plan_id=plan_id, fence=fence)
        forget_pieces(plan_id=plan_id)
        return None
    except UnknownRate as error:
        BookPlan.objects.finish(plan_id, fence=fence, status=RunStatus.FAILED, message=str(error))
        raise UnableToPlanBooks(str(error)) from error
    forget_pieces(plan_id=plan_id)
    return BookPlan.objects.get(pk=plan_id) if kept else None


def _searched(
    plan: BookPlan, snapshot: Snapshot, pulse: Pulse, owner: str, call: Call | None
) -> BookProposal:
    with ThreadPoolExecutor(settings.PLAN_THREADS) as threads:
        spread: Spread = partial(on_threads, threads, pulse)
        if call is not None:
            spread = Sharing(
                pulse=pulse, owner=owner, call=call, threads=threads, hands=settings.PLAN_THREADS
            )
        try:
            return propose_books(
                facts=snapshot.facts,
                policy=snapshot.policy,
                seed=plan.seed,
                should_stop=pulse.stop,
                on_progress=pulse.progress,
                spread=spread,
            )
        except BaseException:
            pulse.lost = True  # or the threads would search to their end before anybody hears of the fault
            raise


def _window(plan: BookPlan, proposal: BookProposal, on: date, at: datetime) -> Mapping[str, Any]:
    """The time to object, as the policy says. Of plans side by side none has one before it is chosen (`objecting`)."""
    days = plan.policy.objection_days
    beside = plan.compared_with_id is not None or BookPlan.objects.filter(compared_with=plan).exists()
    if not days or not proposal.moves or beside:
        return {}
    return {"objections_until": on + timedelta(days=days), "objections_opened_at": at}


def _store(
    plan: BookPlan, fence: int, snapshot: Snapshot, proposal: BookProposal, window: Mapping[str, Any]
) -> bool:
    """Rows and result in one transaction; False (and nothing written) when the claim was lost."""
    results = plan_results(proposal=proposal, facts=snapshot.facts)
    waits = any(move.needs_approval for move in proposal.moves)
    with transaction.atomic():
        # Who cancelled until now finds it discarded; who comes later finds a proposal, and is told so.
        if not BookPlan.objects.heartbeat(plan.pk, fence=fence, done=0, total=0):
            return False
        kept = BookPlan.objects.finish(
            plan.pk,
            fence=fence,
            status=RunStatus.AWAITING_APPROVAL if waits else RunStatus.PROPOSED,
            message=WAITS if waits else "",
            policy_values=policy_values(
                policy=snapshot.policy, stored=plan.policy, named=named_in(facts=snapshot.facts)
            ),
            facts_digest=snapshot.digest,
            objective=Decimal(str(proposal.objective)),
            bound=None if proposal.bound is None else Decimal(str(proposal.bound)),
            gap_pct=None if proposal.gap_pct is None else Decimal(str(proposal.gap_pct)),
            proof=proof_values(proposal=proposal),
            repeatable=proposal.repeatable,
            **results,
            **window,
        )
        if not kept:
            return False
        Move.objects.bulk_create(_rows(plan, snapshot, proposal), batch_size=BATCH)
        if window:
            tell_concerned(
                plan_id=plan.pk, until=window["objections_until"], at=window["objections_opened_at"]
            )
        beside = BookPlan.objects.side_by_side(plan.comparison_id).values("pk")
        older = BookPlan.objects.filter(status__in=OPEN_STATUSES).exclude(pk__in=beside)
        _tell_replaced(plan, older.replace(message=f"Book plan {plan.pk} is newer."))
    return True


def _tell_replaced(plan: BookPlan, wished: Mapping[int, int]) -> None:
    """Who wished an older one applied is told, in the transaction that makes this one a proposal."""
    if not wished:
        return
    at: Any = BookPlan.objects.values_list("finished_at", flat=True).get(pk=plan.pk)
    link = notice_words.plan_link(plan.pk)
    for pk, person in wished.items():
        subject, body = notice_words.job_was_replaced(
            what=f"book plan {pk}", by=f"book plan {plan.pk}", link=link
        )
        kind, about = Notice.Kind.ENDED, f"plan-{pk}-replaced"
        Notice.objects.leave(to=[person], kind=kind, about=about, subject=subject, body=body, at=at)


def _rows(plan: BookPlan, snapshot: Snapshot, proposal: BookProposal) -> list[Move]:
    return [
        Move(
            plan=plan,
            customer_id=snapshot.customer_ids[move.external_id],
            from_csm_id=snapshot.csm_ids.get(move.from_csm),
            to_csm_id=snapshot.csm_ids.get(move.to_csm),
            runner_up_id=snapshot.csm_ids.get(move.runner_up),
            tier_id=snapshot.tier_ids.get(move.tier),
            pool=move.pool[:200],
            reason=move.reason[:500],
            forced=move.kind == "forced",
            needs_approval=move.needs_approval,
        )
        for move in proposal.moves
    ]
