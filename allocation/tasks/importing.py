"""Imports in the background: read a received file, and write a confirmed one."""

from datetime import datetime
from functools import partial

from celery import shared_task
from django.utils import timezone

from accounts.models import ImportBatch
from allocation.models import RetierRun
from allocation.services import importing
from allocation.tasks.bell import ring
from allocation.tasks.retiering import ask_for_goals_run
from allocation.tasks.runner import working
from allocation.tasks.touches import plan_soon


def waits_for_goals_run(batch: ImportBatch) -> bool:
    """Whether an import opened or closed goals, applied or stopped on the way, and no goals run was asked for since.

    One queued since the import was written has seen what it did.
    """
    if not importing.goals_changed(batch=batch):
        return False
    written_at = batch.applied_at or batch.finished_at
    since = RetierRun.objects.filter(scope=RetierRun.Scope.GOALS, queued_at__gte=written_at)
    return not since.exists()


def any_waits_for_goals_run(*, since: datetime) -> bool:
    """Whether the goals run that had to follow an import was lost, with the worker that had just written it."""
    ended = ImportBatch.objects.filter(finished_at__gte=since).order_by("pk")
    return any(waits_for_goals_run(batch) for batch in ended)


def ask_where_goals_changed(batch: ImportBatch) -> None:
    """A goals run after an import that opened or closed goals, and new touches of whom it changed. Safe to say twice."""
    plan_soon(importing.customers_to_plan_anew(batch=batch))
    if waits_for_goals_run(batch):
        ask_for_goals_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=batch.requested_by_id)


@shared_task(name="allocation.stage_import")
def stage_import(*, batch_id: int) -> None:
    """Read a received file and store what each row would do."""
    with working(ImportBatch, batch_id) as owner:
        importing.stage_import(batch_id=batch_id, on=timezone.localdate(), owner=owner)


@shared_task(name="allocation.apply_import")
def apply_import(*, batch_id: int) -> None:
    """Write a confirmed file. A refusal is kept on the batch, where the person looks."""
    again = partial(ring, apply_import, batch_id=batch_id)
    with working(ImportBatch, batch_id, refusals=(importing.UnableToApplyImport,), again=again) as owner:
        importing.apply_import(batch_id=batch_id, on=timezone.localdate(), owner=owner)
    ask_where_goals_changed(ImportBatch.objects.get(pk=batch_id))
