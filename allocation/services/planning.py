"""Book plans: ask for one, compute it, apply it, discard it. The row is the record of what is to be done.

queued → computing → proposed → applying → applied; or discarded, stale, failed. Proposing writes no customer.
Computing and applying are claimed, kept by heartbeats and finished under a fence, so that a crashed runner's work is
taken over by the next and a late runner can change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Customer, User
from allocation.engine.books import propose_books
from allocation.engine.facts.books import BookProposal
from allocation.models import OPEN_STATUSES, AllocationPolicy, BookPlan, Move, RowStatus, RunStatus, Source
from allocation.selectors.plan_answers import named_in, plan_results, policy_values
from allocation.selectors.plan_requests import UNDER_WAY, refusal_to_plan
from allocation.services.decisions import CsmChange, DecisionSource, Written, set_csms
from allocation.snapshots.books import Snapshot, book_snapshot, books_digest
from allocation.snapshots.money import UnknownRate

BATCH = 500
BEAT_SECONDS = 2.0

Stop = Callable[[], bool]


class UnableToPlanBooks(Exception):
    """The plan cannot be queued, computed, applied or discarded; the message says why and what to do."""


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
    _check_rights(actor)
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


def propose_plan(*, plan_id: int, owner: str, should_stop: Stop | None = None) -> BookPlan | None:
    """Compute a queued plan (or one whose runner died) and store the proposal; None when somebody else has it.

    An older proposal becomes stale, those of the same comparison excepted. A plan that cannot be computed is ``failed`` with a sentence, and
    UnableToPlanBooks is raised.
    """
    waiting, working = [RunStatus.QUEUED], RunStatus.COMPUTING
    fence = BookPlan.objects.claim(plan_id, owner=owner, waiting=waiting, working=working)
    if fence is None:
        return None
    plan = BookPlan.objects.select_related("policy").get(pk=plan_id)
    pulse = _Pulse(plan_id=plan_id, fence=fence, should_stop=should_stop)
    try:
        snapshot = book_snapshot(
            as_of=plan.as_of,
            policy=plan.policy,
            max_moves_pct=plan.max_moves_pct,
            continuity_weight=plan.continuity_weight,
        )
        proposal = propose_books(
            facts=snapshot.facts,
            policy=snapshot.policy,
            seed=plan.seed,
            should_stop=pulse.stop,
            on_progress=pulse.progress,
        )
        kept = not pulse.lost and _store(plan, fence, snapshot, proposal)
    except UnknownRate as error:
        BookPlan.objects.finish(plan_id, fence=fence, status=RunStatus.FAILED, message=str(error))
        raise UnableToPlanBooks(str(error)) from error
    except Exception as error:
        message = f"The plan could not be computed ({type(error).__name__}); see the log."
        BookPlan.objects.finish(plan_id, fence=fence, status=RunStatus.FAILED, message=message)
        raise
    return BookPlan.objects.get(pk=plan_id) if kept else None


def apply_plan(*, plan_id: int, actor: User | None, owner: str) -> BookPlan:
    """Give the customers the CSMs the plan names; each batch is one transaction.

    Repeatable: an applied plan is returned as it is; one whose runner died is continued. A customer whose tier or CSM
    changed since is skipped and listed. Raises UnableToPlanBooks when the plan is not open, stale or another is being
    applied.
    """
    _check_rights(actor)
    plan = _get(plan_id)
    if plan.status == RunStatus.APPLIED:
        return plan
    fence = _claim_for_applying(plan, owner)
    if not _begun(plan_id) and _is_stale(plan):
        words = "Policy, tiers or books changed since it was proposed."
        BookPlan.objects.finish(plan_id, fence=fence, status=RunStatus.STALE, message=words)
        raise UnableToPlanBooks(f"Book plan {plan_id} is stale: {words} Plan again.")
    decision = DecisionSource(kind=Source.PLAN, source_id=plan_id, actor_id=actor.pk if actor else None)
    total = Move.objects.filter(plan=plan).count()
    while batch := _next_batch(plan):
        if not _apply_batch(plan, fence, batch, decision, total):
            raise UnableToPlanBooks(f"Another process took over book plan {plan_id}.")
    done = BookPlan.objects.finish(
        plan_id, fence=fence, status=RunStatus.APPLIED, applied_by=actor, applied_at=Now()
    )
    if not done:
        raise UnableToPlanBooks(f"Another process took over book plan {plan_id}.")
    _put_alternatives_aside(plan)
    return _get(plan_id)


def discard_plan(*, plan_id: int, actor: User | None) -> BookPlan:
    """Put a plan away that nobody has begun to apply; discarding twice changes nothing. Raises UnableToPlanBooks.

    Whoever computes it just now finds the claim lost and stops; so a plan that always fails stands in nobody's way.
    """
    _check_rights(actor)
    before_applying = [RunStatus.QUEUED, RunStatus.COMPUTING, *OPEN_STATUSES, RunStatus.STALE]
    BookPlan.objects.filter(pk=plan_id, status__in=before_applying).update(
        status=RunStatus.DISCARDED, claimed_by="", lease_until=None
    )
    plan = _get(plan_id)
    if plan.status != RunStatus.DISCARDED:
        raise UnableToPlanBooks(
            f"Book plan {plan_id} is {plan.get_status_display().lower()}: it cannot be discarded."
        )
    return plan


@dataclass(slots=True)
class _Pulse:
    """Progress and heartbeat while the engine works; ``lost`` when another runner has the plan."""

    plan_id: int
    fence: int
    should_stop: Stop | None
    done: int = 0
    total: int = 0
    lost: bool = False
    beaten: float = field(default_factory=time.monotonic)

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._beat()

    def stop(self) -> bool:
        self._beat()
        return self.lost or bool(self.should_stop and self.should_stop())

    def _beat(self) -> None:
        # Pacing only: how often it beats decides nothing about the plan.
        if self.lost or time.monotonic() - self.beaten < BEAT_SECONDS:
            return
        self.beaten = time.monotonic()
        self.lost = not BookPlan.objects.heartbeat(
            self.plan_id,
            fence=self.fence,
            done=self.done,
            total=self.total,
            message="Looking for a better plan",
        )


def _store(plan: BookPlan, fence: int, snapshot: Snapshot, proposal: BookProposal) -> bool:
    """Rows and result in one transaction; False (and nothing written) when the claim was lost."""
    results = plan_results(proposal=proposal, facts=snapshot.facts)
    with transaction.atomic():
        kept = BookPlan.objects.finish(
            plan.pk,
            fence=fence,
            status=RunStatus.PROPOSED,
            policy_values=policy_values(
                policy=snapshot.policy, stored=plan.policy, named=named_in(facts=snapshot.facts)
            ),
            facts_digest=snapshot.digest,
            objective=Decimal(str(proposal.objective)),
            bound=None if proposal.bound is None else Decimal(str(proposal.bound)),
            gap_pct=None if proposal.gap_pct is None else Decimal(str(proposal.gap_pct)),
            repeatable=proposal.repeatable,
            **results,
        )
        if not kept:
            return False
        Move.objects.bulk_create(_rows(plan, snapshot, proposal), batch_size=BATCH)
        beside = BookPlan.objects.side_by_side(plan.comparison_id).values("pk")
        older = BookPlan.objects.filter(status__in=OPEN_STATUSES).exclude(pk__in=beside)
        older.update(status=RunStatus.STALE, message=f"Book plan {plan.pk} is newer.")
    return True


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
        )
        for move in proposal.moves
    ]


def _claim_for_applying(plan: BookPlan, owner: str) -> int:
    try:
        with transaction.atomic():
            fence = BookPlan.objects.claim(
                plan.pk, owner=owner, waiting=[RunStatus.PROPOSED], working=RunStatus.APPLYING
            )
    except IntegrityError as error:
        raise UnableToPlanBooks("Another book plan is being applied: wait for it.") from error
    if fence is not None:
        return fence
    now = _get(plan.pk)
    if now.status == RunStatus.APPLYING:
        raise UnableToPlanBooks(f"Book plan {plan.pk} is being applied already.")
    raise UnableToPlanBooks(
        f"Book plan {plan.pk} is {now.get_status_display().lower()}: only a proposed plan can be applied."
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
    plan: BookPlan, fence: int, batch: Sequence[Move], decision: DecisionSource, total: int
) -> bool:
    with transaction.atomic():
        left = Move.objects.filter(plan=plan, status=RowStatus.PROPOSED).count()
        # The heartbeat comes first: whoever lost the claim writes nothing.
        if not BookPlan.objects.heartbeat(
            plan.pk, fence=fence, done=max(0, total - left), total=total, message="Applying"
        ):
            return False
        tiers = dict(_still_served(batch).values_list("pk", "tier_id"))
        same = [
            move for move in batch if move.customer_id in tiers and tiers[move.customer_id] == move.tier_id
        ]
        written = set_csms(
            changes=[CsmChange(move.customer_id, move.from_csm_id, move.to_csm_id) for move in same],
            on=plan.as_of,
            decision=decision,
        )
        _mark(batch, same, written)
    return True


def _still_served(batch: Sequence[Move]) -> Any:
    return Customer.objects.active().filter(pk__in=[move.customer_id for move in batch])


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


def _get(plan_id: int) -> BookPlan:
    try:
        plan: BookPlan = BookPlan.objects.select_related("policy").get(pk=plan_id)
    except BookPlan.DoesNotExist as error:
        raise UnableToPlanBooks(f"There is no book plan {plan_id}.") from error
    return plan


def _check_rights(actor: User | None) -> None:
    """The command line without ``--as`` acts for the operator of the machine; a named person must be CS ops."""
    if actor is not None and not actor.is_ops:
        raise UnableToPlanBooks("Only CS ops may plan books.")
