"""Rows of an import as compressed chunks: written once, read a page at a time."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from accounts.models import Customer, ImportBatch, ImportChunk
from allocation.services.importing.rows import CREATED, OUTCOMES, REJECTED, UPDATED, Packed, PackedRows, Row

CHUNK_ROWS = 500


def pack(value: Any) -> bytes:
    """JSON, compressed lightly: staging must not cost more than reading."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), level=1)


def unpack(content: bytes | memoryview) -> Any:
    """What `pack` was given."""
    return json.loads(zlib.decompress(content))


class Packer:
    """Takes rows one by one and keeps them packed: a long file's rows never lie unpacked in memory."""

    def __init__(self) -> None:
        self._waiting: list[Row] = []
        self._parts: list[PackedRows] = []
        self._counts = dict.fromkeys(OUTCOMES, 0)

    def add(self, row: Row) -> None:
        """One more row, in the order of the file."""
        self._counts[row.outcome] += 1
        self._waiting.append(row)
        if len(self._waiting) >= CHUNK_ROWS:
            self._pack()

    def done(self) -> Packed:
        """All of them."""
        if self._waiting:
            self._pack()
        return Packed(tuple(self._parts), self._counts)

    def _pack(self) -> None:
        rows = self._waiting
        self._parts.append(
            PackedRows(
                content=pack([row.as_json() for row in rows]),
                rows=len(rows),
                rejected=sum(row.outcome == REJECTED for row in rows),
                changed=sum(row.outcome in (CREATED, UPDATED) for row in rows),
            )
        )
        self._waiting = []


def packed_rows(packed: Packed, *, only_rejected: bool = False) -> Iterator[Row]:
    """The rows again, a part in memory at a time."""
    for part in packed.parts:
        if part.rejected or not only_rejected:
            for stored in unpack(part.content):
                row = Row.from_json(stored)
                if not only_rejected or row.outcome == REJECTED:
                    yield row


def store_rows(*, batch: ImportBatch, packed: Packed) -> None:
    """Replace the batch's chunks by these rows."""
    batch.chunks.all().delete()
    ImportChunk.objects.bulk_create(
        [
            ImportChunk(
                batch=batch,
                number=number,
                content=part.content,
                rows=part.rows,
                rejected=part.rejected,
                changed=part.changed,
            )
            for number, part in enumerate(packed.parts)
        ],
        batch_size=100,
    )


def rows_of(chunk: ImportChunk) -> list[Row]:
    """The rows of one chunk."""
    return [Row.from_json(stored) for stored in unpack(chunk.content)]


def stored_rows(*, batch: ImportBatch, only_rejected: bool = False) -> Iterator[Row]:
    """Every row of a batch in the order of the file, a chunk in memory at a time."""
    chunks = batch.chunks.order_by("number")
    if only_rejected:
        chunks = chunks.filter(rejected__gt=0)
    for chunk in chunks.iterator(chunk_size=10):
        for row in rows_of(chunk):
            if not only_rejected or row.outcome == REJECTED:
                yield row


def page_of_rows(*, batch: ImportBatch, outcome: str, start: int, size: int) -> tuple[list[Row], int]:
    """(rows `start` to `start + size` with this outcome, or of any when blank; how many there are)."""
    total = getattr(batch, outcome) if outcome else batch.rows
    found: list[Row] = []
    passed = 0
    for chunk in batch.chunks.order_by("number").only("number", "rows", "rejected", "changed", "batch_id"):
        if not outcome and passed + chunk.rows <= start:
            passed += chunk.rows  # a page far down does not unpack what comes before it
            continue
        for row in rows_of(chunk):
            if outcome and row.outcome != outcome:
                continue
            if passed >= start:
                found.append(row)
            passed += 1
            if len(found) == size:
                return found, total
    return found, total


def goals_changed(*, batch: ImportBatch) -> bool:
    """Whether a batch, applied or stopped on the way, opened or closed a goal. Stops at the first row that did."""
    ended = (ImportBatch.Status.APPLIED, ImportBatch.Status.FAILED)
    if batch.status not in ended or "goals" not in batch.reading.get("columns", ()):
        return False
    return any(
        row.values.get("goals") if row.outcome == CREATED else "goals" in row.values
        for row in _written_rows(batch)
    )


def customers_to_plan_anew(*, batch: ImportBatch) -> list[int]:
    """Ids of customers that were there and whose goals or status a batch changed, applied or stopped on the way."""
    if not {"goals", "status"} & set(batch.reading.get("columns", ())):
        return []
    keys = [
        row.key
        for row in _written_rows(batch)
        if row.outcome == UPDATED and {"goals", "status"} & set(row.values)
    ]
    found: list[int] = []
    for start in range(0, len(keys), CHUNK_ROWS):
        named = Customer.objects.filter(external_id__in=keys[start : start + CHUNK_ROWS])
        found.extend(named.order_by("pk").values_list("pk", flat=True))
    return found


def _written_rows(batch: ImportBatch) -> Iterator[Row]:
    """Rows that the batch created or updated, of the chunks that were written."""
    for chunk in batch.chunks.filter(changed__gt=0, applied=True).order_by("number").iterator(chunk_size=10):
        yield from (row for row in rows_of(chunk) if row.outcome in (CREATED, UPDATED))
