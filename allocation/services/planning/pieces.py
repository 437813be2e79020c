"""A worker's part in a plan that another one computes: one step of the search of one group, and its answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError

from accounts.leases import lease_kept
from allocation.engine.assignment_solver import Stop
from allocation.engine.assignment_steps import carry_out, pack_work, unpack_group, unpack_step
from allocation.models import AnswerStatus, PlanPiece, RunStatus

LOOK_SECONDS = 2.0


def compute_piece(*, piece_id: int, owner: str) -> bool:
    """Carry out a piece that waits (or whose worker died) and keep its answer for the plan's runner. False: somebody else has
    it, its answer is there, or the plan is not computed any more.

    Changes nothing but the piece. A piece that was stopped, since somebody wants the best so far, says so of its answer.
    """
    if not PlanPiece.objects.filter(pk=piece_id, plan__status=RunStatus.COMPUTING).exists():
        return False
    waiting, working = [AnswerStatus.QUEUED], AnswerStatus.COMPUTING
    fence = PlanPiece.objects.claim(piece_id, owner=owner, waiting=waiting, working=working)
    if fence is None:
        return False
    piece = PlanPiece.objects.select_related("group_of").filter(pk=piece_id, fence=fence).first()
    if piece is None:  # the plan was done, and its pieces went, since the claim
        return False
    holder = piece.group_of or piece
    step = unpack_step(bytes(piece.asked), unpack_group(bytes(holder.group)))
    watch = _Watch(piece_id, fence)
    stop = Stop(watch.stop)
    with lease_kept(PlanPiece, piece_id, fence=fence):
        work = carry_out(step, stop=stop)
    if watch.unwanted:
        return False
    return PlanPiece.objects.finish(
        piece_id, fence=fence, status=AnswerStatus.DONE, answer=pack_work(work), repeatable=stop.repeatable
    )


def forget_pieces(*, plan_id: int | None = None) -> int:
    """Drop the pieces of plans that nobody computes (any more): of this plan, or of all. How many there were."""
    rows = PlanPiece.objects.exclude(plan__status__in=[RunStatus.QUEUED, RunStatus.COMPUTING])
    dropped, _ = (rows if plan_id is None else rows.filter(plan_id=plan_id)).delete()
    return dropped


@dataclass(slots=True)
class _Watch:
    """Whether the piece is still wanted, as its plan's row says; asked by the solver again and again."""

    piece_id: int
    fence: int
    unwanted: bool = False
    stopped: bool = False
    looked: float = field(default_factory=time.monotonic)

    def stop(self) -> bool:
        # Pacing only: how often it looks decides nothing about the answer.
        if not self.unwanted and time.monotonic() - self.looked >= LOOK_SECONDS:
            self.looked = time.monotonic()
            self._look()
        return self.unwanted or self.stopped

    def _look(self) -> None:
        ours = PlanPiece.objects.filter(
            pk=self.piece_id,
            fence=self.fence,
            status=AnswerStatus.COMPUTING,
            plan__status=RunStatus.COMPUTING,
            plan__cancel_asked_at__isnull=True,
        )
        try:
            asked = ours.values_list("plan__stop_asked_at", flat=True)[:1]
            found = list(asked)
        except (DatabaseError, InterfaceError):
            return  # no news; the lease is kept by a thread of its own, and lapses if the database stays away
        self.unwanted = not found
        self.stopped = bool(found) and found[0] is not None
