"""Receives a file, reads it and stores what each row would do, until a person confirms or drops it."""

import hashlib
import uuid
import zlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.importing.checking import Answers
from accounts.importing.errors import ChoiceNeeded, FileRefused
from accounts.importing.limits import Limits
from accounts.importing.reading import ZIP
from accounts.leases import lease_kept
from accounts.models import ImportBatch, ImportFile, User
from accounts.querysets.jobs import CancelAsked
from allocation.services.importing.bulk_sql import insert_file
from allocation.services.importing.preparing import Wishes, prepare
from allocation.services.importing.rows import CREATED, REJECTED, UNCHANGED, UPDATED, Prepared
from allocation.services.importing.stopping import end_cancelled
from allocation.services.importing.storing import store_rows

Status = ImportBatch.Status
KEPT_UNCONFIRMED = timedelta(days=1)  # after that a file that nobody confirmed is dropped
# States in which the sender can still change how the file is read.
OPEN = (Status.ASKING, Status.STAGED, Status.FAILED)
ABANDONED = "Nobody confirmed it within a day, so it was dropped: send the file again."


class UnableToImport(Exception):
    """The import cannot be done; the text is a sentence for the person who asked."""


def limits() -> Limits:
    """The upload limits of this installation."""
    return Limits.of(settings.UPLOAD_LIMITS)


def require_right_to_import(*, user: User | None) -> None:
    """CS ops import; others need the permission. None is the installation itself (a command without --as)."""
    if user is not None and not (user.is_ops or user.has_perm("accounts.add_importbatch")):
        raise UnableToImport("Only CS ops may import files.")


def receive_import(
    *, kind: str, file_name: str, data: bytes, wishes: Wishes, all_or_nothing: bool, user: User | None
) -> ImportBatch:
    """Store an uploaded file as a batch that waits to be read. Raises UnableToImport or FileRefused."""
    require_right_to_import(user=user)
    allowed = limits()
    if len(data) > allowed.file_bytes:
        raise FileRefused(f"The file is larger than {allowed.file_bytes // 2**20} MB; send it in parts.")
    with transaction.atomic():
        batch: ImportBatch = ImportBatch.objects.create(
            kind=kind,
            file_name=_label(file_name),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            mapping=None if wishes.mapping is None else dict(wishes.mapping),
            number_style=wishes.answers.number_style or "",
            date_order=wishes.answers.date_order or "",
            allow_new_values=wishes.allow_new_values,
            all_or_nothing=all_or_nothing,
            requested_by=user,
        )
        # A workbook is compressed already.
        packed = zlib.compress(data, level=0 if data.startswith(ZIP) else 1)
        insert_file(batch_id=batch.pk, content=packed)
    return batch


def _label(file_name: str) -> str:
    """A file name to show: no folders, nothing unprintable, 200 characters."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:200] or "file"


def wishes_of(batch: ImportBatch) -> Wishes:
    """How the sender wants the file read, as stored."""
    return Wishes(
        mapping=batch.mapping,
        answers=Answers(number_style=batch.number_style or None, date_order=batch.date_order or None),
        allow_new_values=batch.allow_new_values,
    )


def stage_import(*, batch_id: int, on: date, owner: str = "") -> ImportBatch:
    """Read a waiting batch and store the outcome of every row; safe to call twice.

    Ends as staged, asking (a person must choose between two readings), failed (the message says why), or discarded where
    somebody cancelled it meanwhile. owner: the name to claim it with, a new one if blank.
    """
    fence = ImportBatch.objects.claim(
        batch_id, owner=owner or uuid.uuid4().hex, waiting=(Status.QUEUED,), working=Status.STAGING
    )
    batch: ImportBatch = ImportBatch.objects.select_related("requested_by").get(pk=batch_id)
    if fence is None:
        return batch
    try:
        with lease_kept(ImportBatch, batch_id, fence=fence):
            _read(batch, fence, on)
    except CancelAsked:
        end_cancelled(batch_id=batch_id, fence=fence)
    batch.refresh_from_db()
    return batch


def _read(batch: ImportBatch, fence: int, on: date) -> None:
    try:
        prepared = prepare(
            data=zlib.decompress(batch.file.content),
            kind=batch.kind,
            wishes=wishes_of(batch),
            user=batch.requested_by,
            on=on,
            base_currency=settings.BASE_CURRENCY,
            limits=limits(),
            progress=lambda done, total: ImportBatch.objects.heartbeat(
                batch.pk, fence=fence, done=done, total=total, message="Reading the file"
            ),
        )
    except ChoiceNeeded as choice:
        questions = [
            {
                "option": asked.option,
                "column": asked.column,
                "example": asked.example,
                "readings": list(asked.readings),
            }
            for asked in choice.questions
        ]
        _end(
            batch,
            fence,
            Status.ASKING,
            str(choice),
            reading={"questions": questions, "headers": choice.headers},
        )
    except FileRefused as refused:
        _end(
            batch,
            fence,
            Status.FAILED,
            str(refused),
            reading={"refusal": str(refused), "headers": refused.headers},
        )
    else:
        _store(batch, fence, prepared)


def _end(batch: ImportBatch, fence: int, status: str, message: str, **fields: Any) -> bool:
    return ImportBatch.objects.finish(batch.pk, fence=fence, status=status, message=message[:500], **fields)


def _store(batch: ImportBatch, fence: int, prepared: Prepared) -> None:
    remarks = [*prepared.reading["remarks"], *_sent_before(batch)]
    with transaction.atomic():
        # Who cancelled until now finds it discarded; who comes later finds a preview, and is told so.
        if not ImportBatch.objects.heartbeat(batch.pk, fence=fence, done=0, total=0):
            return
        kept = _end(
            batch,
            fence,
            Status.STAGED,
            batch.message if batch.status == Status.QUEUED else "",
            created=prepared.count(CREATED),
            updated=prepared.count(UPDATED),
            unchanged=prepared.count(UNCHANGED),
            rejected=prepared.count(REJECTED),
            new_values=prepared.compared.new_values,
            reading=prepared.reading | {"remarks": remarks},
            state_digest=prepared.compared.digest,
        )
        if kept:
            store_rows(batch=batch, packed=prepared.compared.packed)


def _sent_before(batch: ImportBatch) -> list[str]:
    """A remark when the same file was imported before."""
    earlier = (
        ImportBatch.objects.filter(kind=batch.kind, sha256=batch.sha256, status=Status.APPLIED)
        .exclude(pk=batch.pk)
        .select_related("requested_by")
        .order_by("-applied_at", "-pk")
        .first()
    )
    if earlier is None or earlier.applied_at is None:
        return []
    by = f" by {earlier.requested_by}" if earlier.requested_by else ""
    return [f"This very file was imported on {earlier.applied_at:%d %b %Y}{by} as import {earlier.pk}."]


def answer_import(
    *,
    batch_id: int,
    user: User,
    mapping: Mapping[str, str] | None,
    number_style: str,
    date_order: str,
    allow_new_values: bool,
    all_or_nothing: bool,
) -> ImportBatch:
    """Change how a file is read; it waits to be read again. Raises UnableToImport when it is too late."""
    require_right_to_import(user=user)
    changed = (
        ImportBatch.objects.visible_to(user)
        .filter(pk=batch_id, status__in=OPEN)
        .update(
            status=Status.QUEUED,
            mapping=None if mapping is None else dict(mapping),
            number_style=number_style,
            date_order=date_order,
            allow_new_values=allow_new_values,
            all_or_nothing=all_or_nothing,
            message="",
            cancel_asked_at=None,
            cancel_asked_by=None,
        )
    )
    if changed != 1:
        raise UnableToImport(
            "This import is being read, applied or discarded; it cannot be changed any more."
        )
    batch: ImportBatch = ImportBatch.objects.get(pk=batch_id)
    return batch


def discard_import(*, batch_id: int, user: User) -> None:
    """Drop a batch that was not applied, with the file and the rows. Raises UnableToImport."""
    require_right_to_import(user=user)
    with transaction.atomic():
        dropped = (
            ImportBatch.objects.visible_to(user)
            .filter(pk=batch_id, status__in=(*OPEN, Status.QUEUED))
            .not_half_written()
            .update(status=Status.DISCARDED, message="")
        )
        if dropped != 1 and ImportBatch.objects.filter(pk=batch_id, status=Status.FAILED).exists():
            raise UnableToImport("Rows of this import are written already, so it stays as their record.")
        if dropped != 1:
            raise UnableToImport("This import is being applied, was applied or was discarded before.")
        _forget([batch_id])


def discard_abandoned_imports(*, before: datetime) -> int:
    """Drop batches that nobody confirmed since `before` (the day it is kept for, ago): staged data does not lie about.
    Gives how many.
    """
    with transaction.atomic():
        old = ImportBatch.objects.filter(status__in=(*OPEN, Status.QUEUED), queued_at__lt=before)
        old = old.not_half_written()
        ids = list(old.values_list("pk", flat=True))
        # One that failed keeps when and why; that nobody confirmed the others is what became of them now.
        ImportBatch.objects.filter(pk__in=ids, status=Status.FAILED).update(status=Status.DISCARDED)
        ImportBatch.objects.filter(pk__in=ids, status__in=(*OPEN, Status.QUEUED)).update(
            status=Status.DISCARDED, message=ABANDONED, finished_at=before + KEPT_UNCONFIRMED
        )
        _forget(ids)
    return len(ids)


def _forget(ids: list[int]) -> None:
    for batch in ImportBatch.objects.filter(pk__in=ids, status=Status.DISCARDED):
        batch.chunks.all().delete()
        ImportFile.objects.filter(batch=batch).delete()
