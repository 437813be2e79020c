"""Rows of an import as compressed chunks: written once, read a page at a time."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from django.db.models import F, Q

from accounts.importing.checking import Problem
from accounts.models import Customer, ImportBatch, ImportChunk
from accounts.one_ahead import one_ahead
from allocation.services.importing.rows import (
    CREATED,
    OUTCOMES,
    REJECTED,
    UNCHANGED,
    UPDATED,
    Packed,
    PackedRows,
    Row,
)
from allocation.services.importing.slices import LETTERS, Slice

CHUNK_ROWS = 2_500  # what is compared, stored and written at a time
UNPACKED = 4  # parts that may wait to be compressed
FIRST_BYTES = 4_096
NAMED_AT_ONCE = 500  # well under SQLite's limit of parameters in a statement


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pack_slice(rows: Slice) -> PackedRows:
    """Three lines of JSON: the outcomes; lines and keys; what the rows say. Counting outcomes reads the first line only."""
    return _compressed(*_slice_text(rows))


def _slice_text(rows: Slice) -> tuple[bytes, int, int, int]:
    lines: Sequence[int] = rows.lines
    in_turn = range(lines[0], lines[0] + len(lines)) if lines else range(0)
    kept_lines = [in_turn.start, len(lines)] if list(in_turn) == list(lines) else [list(lines)]
    refused = {
        at: [[[problem.column, problem.value, problem.message] for problem in problems], list(cells)]
        for at, (problems, cells) in rows.rejected.items()
    }
    texts = map(_text, (rows.outcomes, [*kept_lines, rows.keys], [rows.created, rows.updated, refused]))
    changed = rows.count(CREATED) + rows.count(UPDATED)
    return "\n".join(texts).encode(), len(rows), rows.count(REJECTED), changed


def _compressed(text: bytes, rows: int, rejected: int, changed: int) -> PackedRows:
    # Lightly: staging must not cost more than reading.
    return PackedRows(zlib.compress(text, level=1), rows=rows, rejected=rejected, changed=changed)


def unpack_rows(content: bytes | memoryview) -> Sequence[Row]:
    """The rows that were packed: a slice, or a plain list of rows (CSMs, and files staged by an earlier version)."""
    first, *others = zlib.decompress(content).split(b"\n")
    if not others:
        return [Row.from_json(stored) for stored in json.loads(first)]
    created, updated, refused = json.loads(others[1])
    rows = _unpack_head(first, others[0])
    rows.created = created
    rows.updated = {int(at): (values, before) for at, (values, before) in updated.items()}
    rows.rejected = {
        int(at): ([Problem(rows.lines[int(at)], *problem) for problem in problems], cells)
        for at, (problems, cells) in refused.items()
    }
    return rows


def _unpack_head(outcomes: bytes, head: bytes) -> Slice:
    *lines, keys = json.loads(head)
    in_file = lines[0] if len(lines) == 1 else range(lines[0], lines[0] + lines[1])
    return Slice(in_file, keys, json.loads(outcomes))


def _outcomes_in(content: bytes | memoryview) -> str:
    """One letter a row; no more is unpacked than that."""
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(content, FIRST_BYTES)
    while b"\n" not in found and unpacking.unconsumed_tail:
        found += unpacking.decompress(unpacking.unconsumed_tail, FIRST_BYTES)
    first, newline, _ = found.partition(b"\n")
    return json.loads(first) if newline else "".join(LETTERS[row.outcome] for row in unpack_rows(content))


class Packer:
    """Takes rows one by one, or slices, and keeps them packed: a long file's rows never lie unpacked in memory.

    They are compressed beside the work: that holds no lock of Python's.
    """

    def __init__(self) -> None:
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="packing rows")
        self._waiting: list[Row] = []
        self._parts: list[Future[PackedRows]] = []
        self._counts = dict.fromkeys(OUTCOMES, 0)

    def add(self, row: Row) -> None:
        """One more row, in the order of the file."""
        self._counts[row.outcome] += 1
        self._waiting.append(row)
        if len(self._waiting) >= CHUNK_ROWS:
            self._pack_waiting()

    def add_slice(self, rows: Slice) -> None:
        """The next rows of the file, as one part."""
        for outcome in OUTCOMES:
            self._counts[outcome] += rows.count(outcome)
        self._pack(*_slice_text(rows))

    def done(self) -> Packed:
        """All of them."""
        if self._waiting:
            self._pack_waiting()
        parts = tuple(part.result() for part in self._parts)
        self._beside.shutdown()
        return Packed(parts, self._counts)

    def _pack_waiting(self) -> None:
        rows, self._waiting = self._waiting, []
        rejected = sum(row.outcome == REJECTED for row in rows)
        changed = sum(row.outcome in (CREATED, UPDATED) for row in rows)
        self._pack(_text([row.as_json() for row in rows]).encode(), len(rows), rejected, changed)

    def _pack(self, text: bytes, rows: int, rejected: int, changed: int) -> None:
        self._parts.append(self._beside.submit(_compressed, text, rows, rejected, changed))
        if len(self._parts) > UNPACKED:
            self._parts[-UNPACKED].result()


def packed_rows(packed: Packed, *, only_rejected: bool = False) -> Iterator[Row]:
    """The rows again, a part in memory at a time."""
    for part in packed.parts:
        if part.rejected or not only_rejected:
            for row in unpack_rows(part.content):
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


def rows_of(chunk: ImportChunk) -> Sequence[Row]:
    """The rows of one chunk."""
    return unpack_rows(chunk.content)


Made = TypeVar("Made")


def ahead(
    chunks: Iterable[ImportChunk], prepare: Callable[[Sequence[Row]], Made]
) -> Iterator[tuple[ImportChunk, Made]]:
    """Each chunk with what is made of its rows: the next one's while the database works on this one's."""
    for chunk, made in one_ahead(chunks, lambda chunk: prepare(rows_of(chunk))):
        yield chunk, made.result()


def stored_rows(*, batch: ImportBatch, only_rejected: bool = False) -> Iterator[Row]:
    """Every row of a batch in the order of the file, a chunk in memory at a time."""
    chunks = batch.chunks.order_by("number")
    if only_rejected:
        chunks = chunks.filter(rejected__gt=0)
    for chunk in chunks.iterator(chunk_size=10):
        for row in rows_of(chunk):
            if not only_rejected or row.outcome == REJECTED:
                yield row


def accepted_keys(*, batch: ImportBatch) -> Iterator[list[str]]:
    """Keys of the rows that are not refused, a chunk at a time, in the order of the file; what rows say is not read."""
    for content in batch.chunks.order_by("number").values_list("content", flat=True).iterator(chunk_size=4):
        first, *others = zlib.decompress(content).split(b"\n", 2)
        if others:
            yield _unpack_head(first, others[0]).accepted_keys()
        else:
            yield [row.key for row in unpack_rows(content) if row.outcome != REJECTED]


def written_rows(*, batch: ImportBatch) -> Iterator[Slice]:
    """The chunks that hold a created or updated row, one in memory at a time."""
    for chunk in batch.chunks.filter(changed__gt=0).order_by("number").iterator(chunk_size=4):
        yield Slice.of(rows_of(chunk))


def page_of_rows(*, batch: ImportBatch, outcome: str, start: int, size: int) -> tuple[list[Row], int]:
    """(rows `start` to `start + size` with this outcome, or of any when blank; how many there are).

    Two statements, and no rows unpacked but those of the chunks that the page is in, however long the file. Where some
    customers are new and some changed, the outcomes of the chunks above the page are looked at too, to find it.
    """
    total = getattr(batch, outcome) if outcome else batch.rows
    chunks = _chunks_with(batch, outcome).order_by("number")
    first = passed = 0
    if outcome not in (CREATED, UPDATED) or not (batch.created and batch.updated):
        for number, rows, rejected, changed in chunks.values_list("number", "rows", "rejected", "changed"):
            of = {"": rows, REJECTED: rejected, CREATED: changed, UPDATED: changed}
            here = of.get(outcome, rows - rejected - changed)
            if passed + here > start:
                break
            first, passed = number + 1, passed + here
    found: list[Row] = []
    contents = chunks.filter(number__gte=first).values_list("content", flat=True)
    for content in contents.iterator(chunk_size=4):
        here = _count_in(content, outcome)
        if passed + here > start:
            rows = [row for row in unpack_rows(content) if not outcome or row.outcome == outcome]
            found += rows[max(start - passed, 0) :][: size - len(found)]
        passed += here
        if len(found) == size:
            break
    return found, total


def _chunks_with(batch: ImportBatch, outcome: str) -> Any:
    """The chunks that may hold a row with this outcome."""
    kept = {
        "": Q(),
        REJECTED: Q(rejected__gt=0),
        UNCHANGED: Q(rows__gt=F("rejected") + F("changed")),
    }
    return batch.chunks.filter(kept.get(outcome, Q(changed__gt=0)))


def _count_in(content: bytes | memoryview, outcome: str) -> int:
    outcomes = _outcomes_in(content)
    return outcomes.count(LETTERS[outcome]) if outcome else len(outcomes)


def goals_changed(*, batch: ImportBatch) -> bool:
    """Whether a batch, applied or stopped on the way, opened or closed a goal. Stops at the first row that did."""
    ended = (ImportBatch.Status.APPLIED, ImportBatch.Status.FAILED)
    if batch.status not in ended or "goals" not in batch.reading.get("columns", ()):
        return False
    return any(
        change.value if change.outcome == CREATED else True
        for rows in _written(batch)
        for change in rows.changes("goals")
    )


def customers_to_plan_anew(*, batch: ImportBatch) -> list[int]:
    """Ids of customers that were there and whose goals or status a batch changed, applied or stopped on the way."""
    if not {"goals", "status"} & set(batch.reading.get("columns", ())):
        return []
    keys = [
        rows.keys[at]
        for rows in _written(batch)
        for at, (values, _) in rows.updated.items()
        if {"goals", "status"} & set(values)
    ]
    found: list[int] = []
    for start in range(0, len(keys), NAMED_AT_ONCE):
        named = Customer.objects.filter(external_id__in=keys[start : start + NAMED_AT_ONCE])
        found.extend(named.order_by("pk").values_list("pk", flat=True))
    return found


def _written(batch: ImportBatch) -> Iterator[Slice]:
    """The chunks that were written, those without a created or updated row left out."""
    for chunk in batch.chunks.filter(changed__gt=0, applied=True).order_by("number").iterator(chunk_size=10):
        yield Slice.of(rows_of(chunk))
