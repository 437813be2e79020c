"""Imports in the background: read a received file, and write a confirmed one."""

import logging

from celery import shared_task
from django.utils import timezone

from accounts.models import ImportBatch
from allocation.models import RetierRun
from allocation.services import importing
from allocation.tasks.retiering import ask_for_goals_run

logger = logging.getLogger(__name__)


def ask_where_goals_changed(batch: ImportBatch) -> None:
    """A goals run after an applied import that opened or closed goals.

    Safe to say twice: a goals run queued since the import was applied has seen what it did.
    """
    if not importing.goals_changed(batch=batch):
        return
    since = RetierRun.objects.filter(scope=RetierRun.Scope.GOALS, queued_at__gte=batch.applied_at)
    if not since.exists():
        ask_for_goals_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=batch.requested_by_id)


@shared_task(name="allocation.stage_import")
def stage_import(*, batch_id: int) -> None:
    """Read a received file and store what each row would do."""
    importing.stage_import(batch_id=batch_id, on=timezone.localdate())


@shared_task(name="allocation.apply_import")
def apply_import(*, batch_id: int) -> None:
    """Write a confirmed file. A refusal is kept on the batch, where the person looks."""
    try:
        batch = importing.apply_import(batch_id=batch_id, on=timezone.localdate())
    except importing.UnableToApplyImport as refused:
        logger.info("Import %s: %s", batch_id, refused)
    else:
        ask_where_goals_changed(batch)
