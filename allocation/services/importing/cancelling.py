"""Stop an import on its way, as far as there is a way."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import ImportBatch, User
from allocation.selectors.stopping import stopped_by
from allocation.services.importing.staging import UnableToImport, require_right_to_import
from allocation.services.importing.stopping import end_cancelled, is_written_in_steps

Status = ImportBatch.Status
AT_ONCE = (
    "Import {pk} is written in one step and cannot be stopped on the way: it counts as a whole, within moments, or not at "
    "all."
)


class UnableToCancelImport(UnableToImport):
    """There is nothing of the import to be stopped; the message says why."""


def can_be_cancelled(*, batch: ImportBatch, at: datetime) -> bool:
    """Whether a person is offered to stop it: it waits, is read, or is written in steps.

    Never one that is written in one step: whether its worker is gone cannot be told by its lease, which nobody can
    prolong while the row is locked by the writing itself.
    """
    if not batch.is_busy or not batch.may_be_cancelled(at):
        return False
    return batch.status != Status.APPLYING or is_written_in_steps(batch=batch)


def cancel_import(*, batch_id: int, user: User | None, at: datetime) -> str:
    """Stop what is done with an import. The sentence says what that means. Raises UnableToCancelImport.

    Waiting to be read, or read: it is discarded. Confirmed, but not begun: it can be confirmed again. Written in steps: it
    ends after the step under way, and rows that are written stay. Written at once: refused.
    """
    require_right_to_import(user=user)
    by = user.pk if user is not None else None
    visible = ImportBatch.objects.all() if user is None else ImportBatch.objects.visible_to(user)
    with transaction.atomic():
        seen = visible.filter(pk=batch_id).first()
        if seen is None:
            raise UnableToCancelImport("There is no such import.")
        at_once = seen.status == Status.APPLYING and not is_written_in_steps(batch=seen)
        if at_once and ImportBatch.objects.is_locked(batch_id):
            # It is written at this moment, whatever its lease says; waiting for that row would end in no answer.
            raise UnableToCancelImport(AT_ONCE.format(pk=batch_id))
        batch = visible.select_for_update(of=("self",)).get(pk=batch_id)
        if ImportBatch.objects.mark_unheld(batch_id, by_id=by, at=at):
            return end_cancelled(batch_id=batch_id, fence=batch.fence)
        if batch.status == Status.APPLYING and not is_written_in_steps(batch=batch):
            raise UnableToCancelImport(AT_ONCE.format(pk=batch_id))
        if ImportBatch.objects.ask_to_cancel(batch_id, by_id=by, at=at):
            return f"Import {batch_id} stops within a few seconds."
        raise UnableToCancelImport(_why_not(batch))


def _why_not(batch: ImportBatch) -> str:
    if batch.is_being_stopped:
        return f"{stopped_by(batch)} asked for that already: import {batch.pk} stops within a few seconds."
    now = str(batch.get_status_display()).lower()
    return f"Import {batch.pk} is {now}: only an import that waits or is worked on can be cancelled."
