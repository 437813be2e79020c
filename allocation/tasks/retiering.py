"""Re-tiering runs in the background. The run's row says what is to be done and keeps every refusal."""

from collections.abc import Collection
from datetime import date, datetime
from functools import partial

from celery import shared_task
from django.utils import timezone

from allocation.models import RetierRun, RunStatus
from allocation.services import retiering
from allocation.tasks.bell import ring
from allocation.tasks.runner import working
from allocation.tasks.touches import plan_after_run, plan_soon


def ask_for_goals_run(
    *, as_of: date, at: datetime, actor_id: int | None, customer_ids: Collection[int] = ()
) -> RetierRun | None:
    """Goals were opened, changed or closed: have a goals run proposed, and tell a worker.

    customer_ids: those it is about, whose touches are planned anew without waiting for the run.

    The one door of view, admin, import task and commands, called once the change of goals is committed. The run it
    gives may have been waiting already: it will see the change. None: no model is published, so nothing can follow.
    """
    plan_soon(customer_ids)
    run: RetierRun | None = retiering.request_goals_run(as_of=as_of, at=at, actor_id=actor_id)
    if run is not None:
        ring(propose_retier_run, run_id=run.pk)
    return run


@shared_task(name="allocation.propose_retier_run")
def propose_retier_run(*, run_id: int) -> None:
    """Compute a queued run; where it was asked for with its proposal, ring for the applying."""
    with working(RetierRun, run_id, refusals=(retiering.UnableToProposeRun,)) as owner:
        retiering.propose_run(run_id=run_id, owner=owner)
        if RetierRun.objects.filter(pk=run_id).wished(on=timezone.localdate()).exists():
            ring(apply_retier_run, run_id=run_id)
    following = RetierRun.objects.filter(pk__gt=run_id, scope=RetierRun.Scope.GOALS, status=RunStatus.QUEUED)
    for pk in following.values_list("pk", flat=True):  # a goal changed while this one was computed
        ring(propose_retier_run, run_id=pk)


@shared_task(name="allocation.apply_retier_run")
def apply_retier_run(*, run_id: int) -> None:
    """Give customers the tiers that a run proposes, in the name of who wished it."""
    again = partial(ring, apply_retier_run, run_id=run_id)
    with working(RetierRun, run_id, refusals=(retiering.UnableToApplyRun,), again=again) as owner:
        run = RetierRun.objects.only("applied_by", "requested_by").get(pk=run_id)
        retiering.apply_run(
            run_id=run_id,
            owner=owner,
            at=timezone.now(),
            on=timezone.localdate(),
            actor_id=run.applied_by_id or run.requested_by_id,
            as_wished=True,
        )
    plan_after_run(run_id)


@shared_task(name="allocation.undo_retier_run")
def undo_retier_run(*, run_id: int) -> None:
    """Give customers back what an applied run changed, in the name of who asked for it."""
    again = partial(ring, undo_retier_run, run_id=run_id)
    with working(RetierRun, run_id, refusals=(retiering.UnableToUndoRun,), again=again) as owner:
        run = RetierRun.objects.only("undone_by").get(pk=run_id)
        retiering.undo_run(
            run_id=run_id,
            owner=owner,
            at=timezone.now(),
            on=timezone.localdate(),
            actor_id=run.undone_by_id,
            as_wished=True,
        )
    plan_after_run(run_id)
