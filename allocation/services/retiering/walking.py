"""Going through the chunks of a run, one transaction each, as long as the claim is ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Sum

from accounts.querysets.jobs import CancelAsked
from allocation.models import RetierRun, RowStatus, RunChunk, TierDecision
from allocation.services.retiering.cancelling import end_cancelled

BATCH = 500  # keys in a statement


def each_chunk(
    *, run_id: int, fence: int, waiting: RowStatus, message: str, work: Callable[[RunChunk], None]
) -> bool:
    """Do ``work`` for every chunk that is still ``waiting``, in the order of its customers.

    False: the claim was lost, or somebody wanted it stopped; then the run has ended so.

    ``work`` takes its chunk out of ``waiting`` in the same transaction, so a runner that dies leaves whole chunks.
    """
    chunks = RunChunk.objects.filter(run_id=run_id)
    left = chunks.filter(status=waiting)
    total = chunks.aggregate(n=Sum("customers"))["n"] or 0
    done = total - (left.aggregate(n=Sum("customers"))["n"] or 0)
    try:
        while True:
            with transaction.atomic():
                if not RetierRun.objects.heartbeat(
                    run_id, fence=fence, done=done, total=total, message=message
                ):
                    return False
                chunk = left.order_by("first_customer_id").first()
                if chunk is None:
                    return True
                work(chunk)
            done += chunk.customers
    except CancelAsked:
        end_cancelled(run_id=run_id, fence=fence)
        return False


def mark_rows(ids: Sequence[int], status: RowStatus, words: str) -> None:
    """What became of these rows, and why where that is not plain."""
    for start in range(0, len(ids), BATCH):
        TierDecision.objects.filter(pk__in=ids[start : start + BATCH]).update(status=status, words=words)
