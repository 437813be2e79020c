"""How an import that was to be stopped ends: what was read is put away; rows that were written stay, whole steps only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import ImportBatch, ImportFile, ImportKind
from allocation.selectors import wording
from allocation.selectors.stopping import stopped_by

Status = ImportBatch.Status
# One transaction up to here on SQLite, whose single writer would keep sign-ins and everybody else waiting.
ROWS_IN_ONE_TRANSACTION = 5_000


def is_written_in_steps(*, batch: ImportBatch) -> bool:
    """Long files of customers on SQLite; everything else is one transaction."""
    long = connection.vendor == "sqlite" and batch.rows > ROWS_IN_ONE_TRANSACTION
    return long and batch.kind == ImportKind.CUSTOMERS


def rows_written(*, batch: ImportBatch) -> int:
    """Rows of the steps that took effect."""
    return int(batch.chunks.filter(applied=True).aggregate(n=Sum("rows"))["n"] or 0)


@dataclass(frozen=True, slots=True)
class _End:
    status: str
    message: str


def end_cancelled(*, batch_id: int, fence: int) -> str:
    """End an import that was to be stopped, and say how. Its runner calls this, or who cancels where it has none."""
    with transaction.atomic():
        row = ImportBatch.objects.select_for_update(of=("self",)).select_related("cancel_asked_by")
        batch = row.get(pk=batch_id)
        end = _end_of(batch)
        ended = ImportBatch.objects.end_cancelled(
            batch_id, fence=fence, status=end.status, message=end.message
        )
        if ended and end.status == Status.DISCARDED:
            batch.chunks.all().delete()
            ImportFile.objects.filter(batch=batch).delete()
    return f"Import {batch_id}: {end.message}"


def _end_of(batch: ImportBatch) -> _End:
    by = stopped_by(batch)
    if batch.status in (Status.QUEUED, Status.STAGING):
        return _End(Status.DISCARDED, f"Cancelled by {by}; nothing was written.")
    written = rows_written(batch=batch)
    if not written:
        message = f"Cancelled by {by} before anything was written: confirm it again, or discard it."
        return _End(Status.STAGED, message)
    done = f"{wording.grouped(written)} of {wording.counted(batch.rows, 'row')}"
    return _End(
        Status.FAILED,
        f"Stopped by {by}: {done} are written and stay. Read the file again to see what is left, and confirm that.",
    )
