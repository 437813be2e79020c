"""Rows of an import as compressed chunks: written once, read a page at a time."""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from accounts.models import ImportBatch, ImportChunk
from allocation.services.importing.rows import CREATED, REJECTED, UPDATED, Row

CHUNK_ROWS = 500


def pack(value: Any) -> bytes:
    """JSON, compressed lightly: staging must not cost more than reading."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), level=1)


def unpack(content: bytes | memoryview) -> Any:
    """What `pack` was given."""
    return json.loads(zlib.decompress(content))


def store_rows(*, batch: ImportBatch, rows: Sequence[Row]) -> None:
    """Replace the batch's chunks by these rows."""
    batch.chunks.all().delete()
    chunks = []
    for number, start in enumerate(range(0, len(rows), CHUNK_ROWS)):
        part = rows[start : start + CHUNK_ROWS]
        chunks.append(
            ImportChunk(
                batch=batch,
                number=number,
                content=pack([row.as_json() for row in part]),
                rows=len(part),
                rejected=sum(row.outcome == REJECTED for row in part),
                changed=sum(row.outcome in (CREATED, UPDATED) for row in part),
            )
        )
    ImportChunk.objects.bulk_create(chunks, batch_size=100)


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
