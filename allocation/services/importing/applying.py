"""Makes a staged file take effect: one short transaction, or chunks under one batch on SQLite."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from accounts.changes import acting
from accounts.importing.checking import Problem
from accounts.leases import lease_kept
from accounts.models import CSM, Customer, ImportBatch, ImportChunk, ImportFile, ImportKind, User
from accounts.querysets.jobs import CancelAsked
from allocation.services.importing.csm_rows import csm_state
from allocation.services.importing.customer_state import Digest, Directory
from allocation.services.importing.customer_texts import Texts, among
from allocation.services.importing.rows import CREATED, UPDATED
from allocation.services.importing.slices import Slice
from allocation.services.importing.staging import (
    UnableToImport,
    require_right_to_import,
    stage_import,
)
from allocation.services.importing.stopping import end_cancelled, is_written_in_steps, rows_written
from allocation.services.importing.storing import accepted_keys, ahead, pack_slice, written_rows
from allocation.services.importing.writing_csms import Writer as CsmWriter
from allocation.services.importing.writing_customers import Part
from allocation.services.importing.writing_customers import Writer as CustomerWriter

Status = ImportBatch.Status
CHUNKS_IN_A_STEP = 2  # 5 000 rows
LOCKED_AT_ONCE = 5_000
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
        chunks = batch.chunks.filter(changed__gt=0).order_by("number").iterator(chunk_size=4)
        for _, part in ahead(chunks, writer.prepare):
            writer.write(part)
        writer.settle()
        if "parent" in batch.reading["columns"]:
            writer.set_parents(written_rows(batch=batch))
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
        first = not batch.chunks.filter(applied=True).exists()
        if first:
            _refuse_changed(batch, on)
        writer.bring_new_values(batch.new_values)
        done += _skip_unchanged(batch)
        numbers = list(batch.chunks.filter(applied=False).order_by("number").values_list("number", flat=True))
        waiting = ahead(_chunks_in_steps(batch, numbers), writer.prepare)
        # Nothing can have changed since all rows were compared, a moment ago in this transaction.
        done += _write_step(batch, writer, waiting, on, compared=first)
    for _ in range(CHUNKS_IN_A_STEP, len(numbers), CHUNKS_IN_A_STEP):
        with transaction.atomic():
            if not ImportBatch.objects.heartbeat(
                batch.pk, fence=fence, done=done, total=batch.rows, message=WRITING
            ):
                return
            done += _write_step(batch, writer, waiting, on)
    with transaction.atomic():
        if "parent" in batch.reading["columns"]:
            writer.set_parents(written_rows(batch=batch))
        _finish(batch, fence)


def _skip_unchanged(batch: ImportBatch) -> int:
    """Chunks that change nothing are done at once; gives their rows."""
    same = batch.chunks.filter(applied=False, changed=0)
    rows = int(same.aggregate(n=Sum("rows"))["n"] or 0)
    same.update(applied=True)
    return rows


def _chunks_in_steps(batch: ImportBatch, numbers: Sequence[int]) -> Iterator[ImportChunk]:
    """These chunks in turn, no more than a step's read at a time. Nobody but who holds the claim writes to them."""
    for start in range(0, len(numbers), CHUNKS_IN_A_STEP):
        step = numbers[start : start + CHUNKS_IN_A_STEP]
        yield from batch.chunks.filter(number__in=step).order_by("number")


def _write_step(
    batch: ImportBatch,
    writer: CustomerWriter,
    waiting: Iterator[tuple[ImportChunk, Part]],
    on: date,
    *,
    compared: bool = False,
) -> int:
    """Write the next chunks of those that wait, as many as a step has; gives their rows."""
    done, numbers = 0, []
    for chunk, part in islice(waiting, CHUNKS_IN_A_STEP):
        rows = part if compared else _refuse_rows_changed_meanwhile(batch, chunk, part, on)
        writer.write(rows)
        done += len(rows)
        numbers.append(chunk.number)
    writer.settle()
    batch.chunks.filter(number__in=numbers).update(applied=True)
    return done


def _refuse_rows_changed_meanwhile(batch: ImportBatch, chunk: ImportChunk, rows: Slice, on: date) -> Slice:
    """Between steps others may write: a row that no longer stands as previewed is refused, not overwritten."""
    made = set(_ids_of(rows.keys_of(CREATED)))
    places = {at: rows.keys[at] for at in rows.updated}
    ids = _ids_of(list(places.values()))
    texts = Texts(_compared_columns(batch), on)
    stored = texts.stored(list(ids.values())) if ids else {}
    refused = {at: _changed(rows, at) for at, key in enumerate(rows.keys) if key in made}
    for at, key in places.items():
        text = stored.get(ids.get(key, 0))
        if text is None or _differs(rows.updated[at][1], texts.read(text)):
            refused[at] = _changed(rows, at)
    if not refused:
        return rows
    left = rows.refusing(refused)
    made_less, updated_less = (rows.count(outcome) - left.count(outcome) for outcome in (CREATED, UPDATED))
    packed = pack_slice(left)
    ImportChunk.objects.filter(pk=chunk.pk).update(
        content=packed.content, rejected=packed.rejected, changed=packed.changed
    )
    batch.refresh_from_db(fields=["created", "updated", "rejected"])
    ImportBatch.objects.filter(pk=batch.pk).update(
        created=batch.created - made_less,
        updated=batch.updated - updated_less,
        rejected=batch.rejected + len(refused),
    )
    return left


def _ids_of(keys: Sequence[str]) -> dict[str, int]:
    if not keys:
        return {}
    return dict(Customer.objects.filter(external_id__in=among(keys)).values_list("external_id", "pk"))


def _differs(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return any(now[column] != value for column, value in before.items())


def _changed(rows: Slice, at: int) -> Problem:
    return Problem(
        rows.lines[at], "", rows.keys[at], "This customer changed while the file was being applied."
    )


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
    digest = _csm_digest(batch) if batch.kind == ImportKind.CSMS else _customer_digest(batch, on)
    if digest != batch.state_digest:
        raise _ChangedSincePreview


def _customer_digest(batch: ImportBatch, on: date) -> str:
    directory = Directory.load(batch.requested_by)
    keys = list(accepted_keys(batch=batch))
    found = [directory.find_all(part) for part in keys]
    if directory.seen is not None and not all(directory.may_touch(pk) for part in found for pk in part):
        raise _ChangedSincePreview
    # In key order, so that two imports cannot wait for each other; SQLite has one writer anyway and locks no rows.
    if connection.features.has_select_for_update:
        pks = sorted(pk for part in found for pk in part if pk is not None)
        for start in range(0, len(pks), LOCKED_AT_ONCE):
            rows = Customer.objects.filter(pk__in=among(pks[start : start + LOCKED_AT_ONCE]))
            list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    texts, digest = Texts(_compared_columns(batch), on), Digest()
    for part, customers in zip(keys, found, strict=True):
        there = [pk for pk in customers if pk is not None]
        stored = texts.stored(there) if there else {}
        digest.add_texts(part, [stored.get(pk) if pk is not None else None for pk in customers])
    return digest.text()


def _compared_columns(batch: ImportBatch) -> list[str]:
    return [column for column in batch.reading["columns"] if column != "external_id"]


def _csm_digest(batch: ImportBatch) -> str:
    list(CSM.objects.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    by_key = {values["email"] or values["name"]: values for values in csm_state().values()}
    digest = Digest()
    for key in (key for part in accepted_keys(batch=batch) for key in part):
        digest.add(key, by_key.get(key))
    return digest.text()
