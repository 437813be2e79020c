"""What was applied after a chunk that is undone: it may have confirmed, or written over, what that had written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import F

from allocation.models import RetierRun, RowStatus, RunChunk, TierStanding
from allocation.services.retiering.standings import Standing, StoodOn, packed_stood_on, unpacked_stood_on
from allocation.services.retiering.walking import in_parts
from allocation.snapshots.standings import pack_left_out, unpack_left_out


@dataclass(slots=True)
class Later:
    """A chunk applied later that spans some of the same customers. confirms: one of a full run."""

    pk: int
    run_id: int
    first: int
    last: int
    confirms: bool
    left_out: set[int]
    stood_on: bytes | memoryview

    def has_confirmed(self, customer_id: int) -> bool:
        """Or written over; either way it decided the customer."""
        return self.confirms and self.spans(customer_id) and customer_id not in self.left_out

    def spans(self, customer_id: int) -> bool:
        return self.first <= customer_id <= self.last


def applied_since(chunk: RunChunk) -> list[Later]:
    """In the order in which they were applied; none where the run is the last one. One statement."""
    later = RunChunk.objects.filter(
        status=RowStatus.APPLIED,
        turn__gt=chunk.turn or 0,
        first_customer_id__lte=chunk.last_customer_id,
        last_customer_id__gte=chunk.first_customer_id,
    )
    columns = ("pk", "run_id", "first_customer_id", "last_customer_id", "scope", "left_out", "stood_on")
    return [
        Later(pk, run, first, last, scope == RetierRun.Scope.FULL, set(unpack_left_out(out).tolist()), stood)
        for pk, run, first, last, scope, out, stood in later.annotate(scope=F("run__scope"))
        .order_by("turn")
        .values_list(*columns)
    ]


def leave_out(*, later: Sequence[Later], customer_ids: Collection[int]) -> None:
    """Their tier was given back, so what later runs said of them counts no more."""
    for chunk in later:
        gone = {key for key in customer_ids if chunk.spans(key)} - chunk.left_out
        if gone:
            chunk.left_out |= gone
            packed = pack_left_out(np.array(sorted(chunk.left_out), dtype=np.int64))
            RunChunk.objects.filter(pk=chunk.pk).update(left_out=packed)


def wrote_over(*, run_id: int, later: Sequence[Later]) -> set[int]:
    """Customers who stood on this run when one of the later ones wrote over it."""
    return {
        key
        for chunk in later
        for key, row in unpacked_stood_on(chunk.stood_on).before.items()
        if row[0] == run_id
    }


def hand_on(
    *, run_id: int, stood: StoodOn, customer_ids: Collection[int], later: Sequence[Later]
) -> set[int]:
    """What ``run_id`` wrote of these customers becomes the deed of the next run that decided them, as if that had been first.

    A run that confirmed it takes its place; one that wrote over it wrote over what had been before. Gives those whom no later
    run decided: they are to be given back.
    """
    left, heirs = set(customer_ids), dict[int, int]()
    for chunk in later:
        if not left and not heirs:
            break
        own = unpacked_stood_on(chunk.stood_on)
        written = set() if own.written is None else set(own.written.tolist())
        wrote, before = written - chunk.left_out, dict(own.before)
        over = left & wrote
        for key in over:
            _put(before, key, stood.before.get(key))
        for key in wrote & set(heirs):  # the next one after an heir wrote over what is the heir's now
            _put(before, key, (heirs.pop(key), *before[key][1:]))
        left -= over
        confirmed = {key for key in left if chunk.has_confirmed(key)}
        for key in confirmed:
            _put(before, key, stood.before.get(key))
            heirs[key] = chunk.run_id
        left -= confirmed
        if before != own.before or confirmed:
            _rewrite(chunk, StoodOn(_sorted(written | confirmed), _by_key(before), own.setters))
    _repoint(run_id, heirs)
    return left


def _put(before: dict[int, Standing], key: int, row: Standing | None) -> None:
    if row is None:
        before.pop(key, None)
    else:
        before[key] = row


def _by_key(before: Mapping[int, Standing]) -> dict[int, Standing]:
    return dict(sorted(before.items()))


def _sorted(keys: Collection[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(sorted(keys), dtype=np.int64)


def _rewrite(chunk: Later, stood: StoodOn) -> None:
    RunChunk.objects.filter(pk=chunk.pk).update(stood_on=packed_stood_on(stood))


def _repoint(run_id: int, heirs: Mapping[int, int]) -> None:
    """The rows that said ``run_id`` say the heir: what else is in them is the same."""
    for heir in sorted(set(heirs.values())):
        its = _sorted([key for key, run in heirs.items() if run == heir])
        for part in in_parts("customer_id", its, exactly=True):
            TierStanding.objects.filter(part, run_id=run_id).update(run_id=heir)
