"""Imports in the background: read a received file, and write a confirmed one."""

import logging

from celery import shared_task
from django.utils import timezone

from allocation.services import importing

logger = logging.getLogger(__name__)


@shared_task(name="allocation.stage_import")
def stage_import(*, batch_id: int) -> None:
    """Read a received file and store what each row would do."""
    importing.stage_import(batch_id=batch_id, on=timezone.localdate())


@shared_task(name="allocation.apply_import")
def apply_import(*, batch_id: int) -> None:
    """Write a confirmed file. A refusal is kept on the batch, where the person looks."""
    try:
        importing.apply_import(batch_id=batch_id, on=timezone.localdate())
    except importing.UnableToApplyImport as refused:
        logger.info("Import %s: %s", batch_id, refused)


@shared_task(name="allocation.discard_abandoned_imports")
def discard_abandoned_imports() -> None:
    """Drop files that nobody confirmed in a day: what was staged does not lie about."""
    importing.discard_abandoned_imports(before=timezone.now() - importing.KEPT_UNCONFIRMED)
