"""Makes a staged file take effect: one short transaction, or chunks under one batch on SQLite."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.changes import acting
from accounts.importing.checking import Problem
from accounts.leases import lease_kept
from accounts.models import CSM, Customer, ImportBatch, ImportChunk, ImportFile, ImportKind, User
from accounts.querysets.jobs import CancelAsked
from allocation.services.importing.csm_rows import csm_state
from allocation.services.importing.customer_state import CHUNK, SLICE, Digest, Directory, current_values
from allocation.services.importing.rows import CREATED, REJECTED, UPDATED, Row
from allocation.services.importing.staging import (
    UnableToImport,
    require_right_to_import,
    stage_import,
)
from allocation.services.importing.stopping import end_cancelled, is_written_in_steps, rows_written
from allocation.services.importing.storing import pack, rows_of, stored_rows
from allocation.services.importing.writing_csms import Writer as CsmWriter
from allocation.services.importing.writing_customers import Writer as CustomerWriter

Status = ImportBatch.Status
CHUNKS_IN_A_STEP = 10
WRITING = "Writing the rows"
CHANGED = "The rows of this file have changed since the preview, so nothing was written. The preview is now a new one."


class UnableToApplyImport(UnableToImport):
    """The batch was not applied; nothing of it was written."""


class _ChangedSincePreview(Exception):
    pass


def confirm_import(*, batch_id: int, user: User | None, seen: int | None = None) -> ImportBatch:
    """A person has seen the preview and wants it applied. Only the first of many confirmations counts.

    `seen` is the fence of the reading whose preview was looked at (None: this process has just read the file);
    a file that was read again since, in another tab, is not the one that was looked at.

    Raises UnableToApplyImport when there is nothing to confirm (any more) or rows are refused and the
    file was to be taken whole or not at all.
    """
    require_right_to_import(user=user)
    visible = ImportBatch.objects.all() if user is None else ImportBatch.objects.visible_to(user)
    batch: ImportBatch | None = visible.filter(pk=batch_id).first()
    if batch is None:
        raise UnableToApplyImport("There is no such import.")
    if batch.all_or_nothing and batch.rejected:
        raise UnableToApplyImport(
            f"{batch.rejected:,} of {batch.rows:,} rows are refused and the file is to be taken whole or not at all: "
            "nothing was imported."
        )
    previewed = visible.filter(pk=batch_id, fence=batch.fence if seen is None else seen)
    if previewed.confirm() != 1:
        raise UnableToApplyImport(_why_not_confirmed(batch))
    batch.refresh_from_db()
    return batch


def _why_not_confirmed(batch: ImportBatch) -> str:
    batch.refresh_from_db(fields=["status"])
    if batch.status in (Status.CONFIRMED, Status.APPLYING, Status.APPLIED):
        return "This import was confirmed already."
    if batch.status == Status.STAGED:
        return "The file was read again since this preview: look at the new one, then confirm."
    return "This import is not ready to be confirmed: look at its preview first."


def apply_import(*, batch_id: int, on: date, owner: str = "") -> ImportBatch:
    """Write a confirmed batch; a second call finds nothing to do and changes nothing.

    Raises UnableToApplyImport when the rows concerned changed since the preview; the batch is then staged
    anew. Also resumes a batch whose worker died: chunks that were written are not written again.
    One that was cancelled between two steps is returned as it ended. owner: the name to claim it with, a new one if blank.
    """
    fence = ImportBatch.objects.claim(
        batch_id, owner=owner or uuid.uuid4().hex, waiting=(Status.CONFIRMED,), working=Status.APPLYING
    )
    batch: ImportBatch = ImportBatch.objects.get(pk=batch_id)
    if fence is None:
        return batch
    try:
        with acting(lambda: batch.requested_by), lease_kept(ImportBatch, batch_id, fence=fence):
            if is_written_in_steps(batch=batch):
                _apply_in_steps(batch, fence, on)
            else:
                _apply_at_once(batch, fence, on)
    except CancelAsked:
        end_cancelled(batch_id=batch.pk, fence=fence)
    except (_ChangedSincePreview, IntegrityError):
        ImportBatch.objects.finish(batch.pk, fence=fence, status=Status.QUEUED)
        stage_import(batch_id=batch.pk, on=on)
        ImportBatch.objects.filter(pk=batch.pk, status=Status.STAGED).update(message=CHANGED)
        raise UnableToApplyImport(CHANGED) from None
    batch.refresh_from_db()
    return batch


def _apply_at_once(batch: ImportBatch, fence: int, on: date) -> None:
    with transaction.atomic():
        # Held until the end: a long write may outlast the lease, and nobody may take the batch over meanwhile.
        ours = ImportBatch.objects.select_for_update().filter(pk=batch.pk, fence=fence)
        if not ours.exists():
            return
        _refuse_changed(batch, on)
        writer = _writer(batch, on)
        writer.bring_new_values(batch.new_values)
        for chunk in batch.chunks.filter(changed__gt=0).order_by("number").iterator(chunk_size=10):
            writer.write(rows_of(chunk))
        writer.settle()
        if "parent" in batch.reading["columns"]:
            writer.set_parents(stored_rows(batch=batch))
        batch.chunks.update(applied=True)
        _finish(batch, fence)


def _apply_in_steps(batch: ImportBatch, fence: int, on: date) -> None:
    """Several short transactions; the batch is applied when the last one is."""
    writer = _writer(batch, on)
    done = rows_written(batch=batch)
    with transaction.atomic():
        if not ImportBatch.objects.heartbeat(
            batch.pk, fence=fence, done=done, total=batch.rows, message=WRITING
        ):
            return
        if not batch.chunks.filter(applied=True).exists():
            _refuse_changed(batch, on)
        writer.bring_new_values(batch.new_values)
        numbers = list(batch.chunks.filter(applied=False).order_by("number").values_list("number", flat=True))
        done += _write_step(batch, writer, numbers[:CHUNKS_IN_A_STEP], on)
    for start in range(CHUNKS_IN_A_STEP, len(numbers), CHUNKS_IN_A_STEP):
        with transaction.atomic():
            if not ImportBatch.objects.heartbeat(
                batch.pk, fence=fence, done=done, total=batch.rows, message=WRITING
            ):
                return
            done += _write_step(batch, writer, numbers[start : start + CHUNKS_IN_A_STEP], on)
    with transaction.atomic():
        if "parent" in batch.reading["columns"]:
            writer.set_parents(stored_rows(batch=batch))
        _finish(batch, fence)


def _write_step(batch: ImportBatch, writer: Any, numbers: Sequence[int], on: date) -> int:
    done = 0
    for chunk in batch.chunks.filter(number__in=numbers).order_by("number"):
        if not chunk.changed:
            done += chunk.rows
            continue
        rows = rows_of(chunk)
        _refuse_rows_changed_meanwhile(batch, chunk, rows, on)
        writer.write(rows)
        done += len(rows)
    writer.settle()
    batch.chunks.filter(number__in=numbers).update(applied=True)
    return done


def _refuse_rows_changed_meanwhile(batch: ImportBatch, chunk: ImportChunk, rows: list[Row], on: date) -> None:
    """Between steps others may write: a row that no longer stands as previewed is refused, not overwritten."""
    written = [row for row in rows if row.outcome in (CREATED, UPDATED)]
    ids = dict(
        Customer.objects.filter(external_id__in=[row.key for row in written]).values_list("external_id", "pk")
    )
    state = current_values(list(ids.values()), batch.reading["columns"], on) if ids else {}
    refused = {CREATED: 0, UPDATED: 0}
    for row in written:
        now = state.get(ids.get(row.key, 0))
        made = row.outcome == CREATED and now is not None
        other = row.outcome == UPDATED and (now is None or _differs(row, now))
        if made or other:
            _refuse(row, refused)
    if any(refused.values()):
        total = sum(refused.values())
        ImportChunk.objects.filter(pk=chunk.pk).update(
            content=pack([row.as_json() for row in rows]), rejected=chunk.rejected + total
        )
        batch.refresh_from_db(fields=["created", "updated", "rejected"])
        ImportBatch.objects.filter(pk=batch.pk).update(
            created=batch.created - refused[CREATED],
            updated=batch.updated - refused[UPDATED],
            rejected=batch.rejected + total,
        )


def _differs(row: Row, now: dict[str, Any]) -> bool:
    return any(now[column] != value for column, value in row.before.items())


def _refuse(row: Row, refused: dict[str, int]) -> None:
    refused[row.outcome] += 1
    row.outcome = REJECTED
    row.problems = [Problem(row.line, "", row.key, "This customer changed while the file was being applied.")]


def _finish(batch: ImportBatch, fence: int) -> None:
    ImportFile.objects.filter(
        batch=batch
    ).delete()  # the rows tell what was done; the file is not needed any more
    if not ImportBatch.objects.finish_applied(batch.pk, fence=fence):
        raise UnableToApplyImport("Another worker has taken this import over; it will finish it.")


def _writer(batch: ImportBatch, on: date) -> Any:
    if batch.kind == ImportKind.CSMS:
        return CsmWriter()
    return CustomerWriter(
        columns=batch.reading["columns"], on=on, actor_id=batch.requested_by_id, batch_id=batch.pk
    )


def _refuse_changed(batch: ImportBatch, on: date) -> None:
    """Lock the rows concerned and compare them with what the preview was made from."""
    keys = [row.key for row in stored_rows(batch=batch) if row.outcome != REJECTED]
    digest = _csm_digest(keys) if batch.kind == ImportKind.CSMS else _customer_digest(batch, keys, on)
    if digest != batch.state_digest:
        raise _ChangedSincePreview


def _customer_digest(batch: ImportBatch, keys: Sequence[str], on: date) -> str:
    directory = Directory.load(batch.requested_by)
    found = [directory.find(key) for key in keys]
    if not all(directory.may_touch(pk) for pk in found):
        raise _ChangedSincePreview
    pks = sorted(pk for pk in found if pk is not None)
    # In key order, so that two imports cannot wait for each other; SQLite has one writer anyway and locks no rows.
    for start in range(0, len(pks), CHUNK) if connection.features.has_select_for_update else ():
        rows = Customer.objects.select_for_update(of=("self",)).filter(pk__in=pks[start : start + CHUNK])
        list(rows.order_by("pk").values_list("pk", flat=True))
    columns = [column for column in batch.reading["columns"] if column != "external_id"]
    digest = Digest()
    for start in range(0, len(keys), SLICE):
        part = found[start : start + SLICE]
        state = current_values([pk for pk in part if pk is not None], columns, on)
        for key, pk in zip(keys[start : start + SLICE], part, strict=True):
            digest.add(key, state.get(pk) if pk is not None else None)
    return digest.text()


def _csm_digest(keys: Sequence[str]) -> str:
    list(CSM.objects.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    by_key = {values["email"] or values["name"]: values for values in csm_state().values()}
    digest = Digest()
    for key in keys:
        digest.add(key, by_key.get(key))
    return digest.text()
