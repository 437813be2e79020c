"""Going through the chunks of a run, one transaction each, as long as the claim is ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Sum

from allocation.models import RetierRun, RowStatus, RunChunk, TierDecision

BATCH = 500  # keys in a statement


def each_chunk(
    *, run_id: int, fence: int, waiting: RowStatus, message: str, work: Callable[[RunChunk], None]
) -> bool:
    """Do ``work`` for every chunk that is still ``waiting``, in the order of its customers. False: the claim was lost.

    ``work`` takes its chunk out of ``waiting`` in the same transaction, so a runner that dies leaves whole chunks.
    """
    chunks = RunChunk.objects.filter(run_id=run_id)
    left = chunks.filter(status=waiting)
    total = chunks.aggregate(n=Sum("customers"))["n"] or 0
    done = total - (left.aggregate(n=Sum("customers"))["n"] or 0)
    while True:
        with transaction.atomic():
            if not RetierRun.objects.heartbeat(run_id, fence=fence, done=done, total=total, message=message):
                return False
            chunk = left.order_by("first_customer_id").first()
            if chunk is None:
                return True
            work(chunk)
        done += chunk.customers


def mark_rows(ids: Sequence[int], status: RowStatus, words: str) -> None:
    """What became of these rows, and why where that is not plain."""
    for start in range(0, len(ids), BATCH):
        TierDecision.objects.filter(pk__in=ids[start : start + BATCH]).update(status=status, words=words)
