"""Which run's word counts for a customer: its standing's, or a later full run's that found everything the same.

Chunks are applied one at a time, in turns. Of the chunks that span a customer, the one it stands on and the later ones of full runs
that left it in have decided it; the last of them explains it. What a goals run decides it writes, so it never
only confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import F, IntegerField, OuterRef, Q, QuerySet, Subquery

from accounts.models import Customer
from allocation.engine.facts.tiering import Integers
from allocation.engine.kept import CUSTOMER
from allocation.engine.packing import pack, unpack
from allocation.models import RetierRun, RowStatus, RunChunk, RunStatus, TierStanding

# Some of its chunks may be applied.
BEGUN = (RunStatus.APPLYING, RunStatus.APPLIED, RunStatus.UNDOING, RunStatus.FAILED)
FIRST = -1  # before all turns: a chunk applied by an earlier version of the program


def pack_left_out(keys: Integers) -> bytes | None:
    """Keys that rise; None for nobody."""
    return pack(columns={}, integers={CUSTOMER: keys}) if len(keys) else None


def unpack_left_out(data: bytes | memoryview | None) -> Integers:
    return np.zeros(0, dtype=np.int64) if data is None else unpack(data).integers[CUSTOMER]


@dataclass(frozen=True, slots=True)
class LastWord:
    """chunk_id: the chunk that explains the customer. decided_in, decided_on: the run it stands on; that of the chunk, or an
    earlier one that this only confirmed.
    """

    chunk_id: int
    run_id: int
    external_id: str
    decided_in: int
    decided_on: date


def last_word(*, customer_id: int) -> LastWord | None:
    """None where the customer stands on nothing, or on a run that kept no chunks. One statement."""
    stands_on = TierStanding.objects.filter(customer_id=customer_id).values("run_id")
    runs = RetierRun.objects.filter(
        Q(scope=RetierRun.Scope.FULL, status__in=BEGUN) | Q(pk=Subquery(stands_on))
    )
    rows = list(
        RunChunk.objects.filter(pk__in=chunks_of(runs, customer_id), last_customer_id__gte=customer_id)
        .annotate(
            stands_on=Subquery(stands_on, output_field=IntegerField()),
            customer=Subquery(Customer.objects.filter(pk=customer_id).values("external_id")),
            scope=F("run__scope"),
            as_of=F("run__as_of"),
        )
        .only("run_id", "turn", "status", "left_out")
    )
    own = next((row for row in rows if row.run_id == row.stands_on), None)
    if own is None:
        return None
    confirming = [row for row in rows if _confirms(row, own, customer_id)]
    last = max((own, *confirming), key=_turn)
    return LastWord(last.pk, last.run_id, own.customer, own.run_id, own.as_of)


def chunks_of(runs: QuerySet[RetierRun], customer_id: int) -> Any:
    """Of each run the one chunk that may have the customer: the last that begins before it, so an entry of an index each."""
    begins = RunChunk.objects.filter(run=OuterRef("pk"), first_customer_id__lte=customer_id)
    last = begins.order_by("-first_customer_id").values("pk")[:1]
    return runs.annotate(chunk=Subquery(last)).values("chunk")


def _turn(chunk: Any) -> int:
    return FIRST if chunk.turn is None else int(chunk.turn)


def _confirms(row: Any, own: Any, customer_id: int) -> bool:
    if row.scope != RetierRun.Scope.FULL or row.status != RowStatus.APPLIED or _turn(row) <= _turn(own):
        return False
    return customer_id not in unpack_left_out(row.left_out)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk without what it keeps."""

    pk: int
    run_id: int
    first: int
    last: int
    turn: int | None
    status: str
    scope: str
    left_out: bytes | None

    def confirms(self) -> bool:
        full = self.scope == RetierRun.Scope.FULL
        return full and self.status == RowStatus.APPLIED and self.turn is not None


def last_words(*, stands_on: dict[int, int]) -> dict[int, set[int]]:
    """{chunk: the customers it explains} of these ({customer: the run it stands on}). One statement."""
    runs = set(stands_on.values())
    columns = (
        "pk",
        "run_id",
        "first_customer_id",
        "last_customer_id",
        "turn",
        "status",
        "run__scope",
        "left_out",
    )
    whole = Q(run__scope=RetierRun.Scope.FULL, status=RowStatus.APPLIED, turn__isnull=False)
    rows = RunChunk.objects.filter(whole | Q(run__in=runs)).order_by(F("turn").desc(nulls_last=True), "-pk")
    keys = np.array(sorted(stands_on), dtype=np.int64)
    on = np.array([stands_on[key] for key in keys.tolist()], dtype=np.int64)
    open_still = np.ones(len(keys), dtype=np.bool_)
    found: dict[int, set[int]] = {}
    for row in rows.values_list(*columns).iterator(chunk_size=500):
        if not open_still.any():
            break
        chunk = _Chunk(*row)
        start, end = np.searchsorted(keys, chunk.first), np.searchsorted(keys, chunk.last, side="right")
        span = slice(int(start), int(end))
        its = on[span] == chunk.run_id
        if chunk.confirms():
            its |= ~np.isin(keys[span], unpack_left_out(chunk.left_out))
        its &= open_still[span]
        if its.any():
            found[chunk.pk] = set(keys[span][its].tolist())
            open_still[span] &= ~its
    return found
