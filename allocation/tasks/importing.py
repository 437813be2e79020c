"""Imports in the background: read a received file, and write a confirmed one."""

import logging
from datetime import datetime

from celery import shared_task
from django.utils import timezone

from accounts.models import ImportBatch
from allocation.models import RetierRun
from allocation.services import importing
from allocation.tasks.retiering import ask_for_goals_run

logger = logging.getLogger(__name__)


def waits_for_goals_run(batch: ImportBatch) -> bool:
    """Whether an import that was applied opened or closed goals, and no goals run was asked for since.

    One queued since the import was applied has seen what it did.
    """
    since = RetierRun.objects.filter(scope=RetierRun.Scope.GOALS, queued_at__gte=batch.applied_at)
    return importing.goals_changed(batch=batch) and not since.exists()


def any_waits_for_goals_run(*, since: datetime) -> bool:
    """Whether the goals run that had to follow an import was lost, with the worker that had just applied it."""
    applied = ImportBatch.objects.filter(status=ImportBatch.Status.APPLIED, applied_at__gte=since)
    return any(waits_for_goals_run(batch) for batch in applied.order_by("pk"))


def ask_where_goals_changed(batch: ImportBatch) -> None:
    """A goals run after an applied import that opened or closed goals. Safe to say twice."""
    if waits_for_goals_run(batch):
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
