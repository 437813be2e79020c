"""Going through the chunks of a run, one transaction each, as long as the claim is ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TypedDict

from django.db import transaction
from django.db.models import Q, Sum

from accounts.kept_statements import Kept, padded
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
    finish: Callable[[int], bool],
    unread: Sequence[str] = (),
) -> bool:
    """Do ``work`` for every chunk that is still ``waiting``, in the order of its customers, and ``finish`` (given how many
    customers the run has) in the transaction of the last one.

    False: the claim was lost, or somebody wanted it stopped; then the run has ended so.

    unread: what chunks keep that ``work`` has no need of. It takes its chunk out of ``waiting`` in the same transaction, so a runner that dies leaves whole chunks.
    """
    counted = _CUSTOMERS.rows(run_id=run_id, waiting=waiting)
    total, left = counted[0] if counted else (0, 0)
    done = total - (left or 0)
    try:
        while True:
            with transaction.atomic():
                if not RetierRun.objects.heartbeat(
                    run_id, fence=fence, done=done, total=total, message=message
                ):
                    return False
                chunk = _next_chunk(run_id, waiting, tuple(unread))
                if chunk is not None:
                    work(chunk)
                    done += chunk.customers
                # Chunks change under the claim alone, so what was counted under it is what is left.
                if chunk is None or done == total:
                    return finish(total)
    except CancelAsked:
        end_cancelled(run_id=run_id, fence=fence)
        return False


_CUSTOMERS = Kept(
    lambda *, run_id, waiting: (
        RunChunk.objects.filter(run_id=run_id)
        .values("run_id")
        .annotate(total=Sum("customers"), left=Sum("customers", filter=Q(status=waiting)))
        .values_list("total", "left")
    )
)


def _next_chunk(run_id: int, waiting: RowStatus, unread: tuple[str, ...]) -> RunChunk | None:
    names, kept = _chunks(unread)
    rows = kept.rows(run_id=run_id, waiting=waiting)
    return RunChunk.from_db("default", names, rows[0]) if rows else None


@cache
def _chunks(unread: tuple[str, ...]) -> tuple[list[str], Kept]:
    names = [field.attname for field in RunChunk._meta.concrete_fields if field.name not in unread]
    return names, Kept(
        lambda *, run_id, waiting: (
            RunChunk.objects.filter(run_id=run_id, status=waiting)
            .order_by("first_customer_id")
            .values_list(*names)[:1]
        )
    )


def mark_rows(ids: Sequence[int], status: RowStatus, words: str) -> None:
    """What became of these rows, and why where that is not plain."""
    for start in range(0, len(ids), BATCH):
        TierDecision.objects.filter(pk__in=ids[start : start + BATCH]).update(status=status, words=words)


class Part(TypedDict):
    """Keys of a condition: those from the first to the last, or some by name."""

    first: int | None
    last: int | None
    ids: tuple[int, ...] | None


def parts(keys: Integers, *, exactly: bool = False) -> Iterator[Part]:
    """Keys that together hold these (rising), and unless ``exactly`` perhaps some between them.

    One range where they lie close together; else some hundred by name, so that statements can be kept (accounts.kept_statements).
    """
    if not len(keys):
        return
    first, last = int(keys[0]), int(keys[-1])
    if last - first < (1 if exactly else DENSE) * len(keys):
        yield Part(first=first, last=last, ids=None)
        return
    for start in range(0, len(keys), BATCH):
        yield Part(first=None, last=None, ids=padded(keys[start : start + BATCH].tolist()))


def among(field: str, *, first: int | None, last: int | None, ids: tuple[int, ...] | None) -> Q:
    """The condition of a part on a column of keys."""
    return (
        Q((f"{field}__in", ids)) if ids is not None else Q((f"{field}__gte", first), (f"{field}__lte", last))
    )


def in_parts(field: str, keys: Integers, *, exactly: bool = False) -> Iterator[Q]:
    """Conditions on a column of keys that together hold for these (rising), and unless ``exactly`` for some between them."""
    return (among(field, **part) for part in parts(keys, exactly=exactly))
