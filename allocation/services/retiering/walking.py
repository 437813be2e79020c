"""Going through the chunks of a run, one transaction each, as long as the claim is ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.db import transaction
from django.db.models import Q, Sum

from accounts.querysets.jobs import CancelAsked
from allocation.engine.facts.tiering import Integers
from allocation.models import RetierRun, RowStatus, RunChunk, TierDecision
from allocation.services.retiering.cancelling import end_cancelled

BATCH = 500  # keys in a statement
DENSE = 4  # keys this close together are one range


def each_chunk(
    *,
    run_id: int,
    fence: int,
    waiting: RowStatus,
    message: str,
    work: Callable[[RunChunk], None],
    unread: Sequence[str] = (),
) -> bool:
    """Do ``work`` for every chunk that is still ``waiting``, in the order of its customers.

    False: the claim was lost, or somebody wanted it stopped; then the run has ended so.

    unread: what chunks keep that ``work`` has no need of. It takes its chunk out of ``waiting`` in the same transaction, so a runner that dies leaves whole chunks.
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
                chunk = left.defer(*unread).order_by("first_customer_id").first()
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


def in_parts(field: str, keys: Integers, *, exactly: bool = False) -> Iterator[Q]:
    """Conditions on a column of keys that together hold for these (rising), and unless ``exactly`` for some between them.

    One range where they lie close together; else a statement for each 500.
    """
    if not len(keys):
        return
    first, last = int(keys[0]), int(keys[-1])
    near = last - first < (1 if exactly else DENSE) * len(keys)
    if near:
        yield Q((f"{field}__gte", first), (f"{field}__lte", last))
        return
    for start in range(0, len(keys), BATCH):
        yield Q((f"{field}__in", keys[start : start + BATCH].tolist()))
