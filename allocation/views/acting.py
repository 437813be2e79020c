"""Starting, applying, undoing, discarding and approving runs and plans: POST, one service call, the bell, back to the page.

The row is the record of what is to be done; a worker does it (`tasks.bell`). A refusal is a sentence on the page.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from allocation.forms.runs import PlanForm, RunForm
from allocation.selectors.freezes import told_when_accepted
from allocation.services import accepting, planning, retiering
from allocation.tasks.bell import ring
from allocation.tasks.planning import apply_book_plan, propose_book_plan, undo_book_plan
from allocation.tasks.retiering import apply_retier_run, propose_retier_run, undo_retier_run
from allocation.views.access import for_leads, for_ops, today
from allocation.views.plans import plan_or_404
from allocation.views.refusals import refusals_shown, refused
from allocation.views.runs import run_or_404


def told_of_freeze(request: HttpRequest, what: str) -> bool:
    """Somebody accepted a proposal on a day on which nothing is applied: it is, afterwards. Whether that was to be said."""
    told = told_when_accepted(what=what, on=today())
    if told:
        messages.warning(request, told)
    return bool(told)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


@require_POST
@for_ops
def retier_start(request: HttpRequest) -> HttpResponse:
    """Ask for a run; its page shows how far it is."""
    form = RunForm(request.POST, today=today())
    if not form.is_valid():
        refused(request, form)
        return redirect("runs")
    try:
        run = retiering.queue_run(
            as_of=form.cleaned_data["as_of"],
            scope=form.cleaned_data["scope"],
            at=timezone.now(),
            actor_id=request.user.pk,
        )
    except retiering.RunInProgress as busy:
        messages.info(request, str(busy))
        return redirect("run", pk=busy.run_id)
    except retiering.UnableToQueueRun as refusal:
        messages.error(request, str(refusal))
        return redirect("runs")
    ring(propose_retier_run, run_id=run.pk)
    return redirect("run", pk=run.pk)


@require_POST
@for_ops
def run_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the proposal; a worker applies it, and if none hears the bell the sweep finds it."""
    run = run_or_404(user=request.user, pk=pk)
    with refusals_shown(request, accepting.UnableToAccept):
        accepting.accept_run(run_id=run.pk, actor=request.user)
        told_of_freeze(request, f"Run {pk}")
        ring(apply_retier_run, run_id=run.pk)
    return redirect("run", pk=pk)


@require_POST
@for_ops
def run_discard(request: HttpRequest, pk: int) -> HttpResponse:
    run = run_or_404(user=request.user, pk=pk)
    with refusals_shown(request, retiering.UnableToDiscardRun):
        retiering.discard_run(run_id=run.pk, at=timezone.now())
        messages.success(request, f"Run {pk} is discarded; no customer was changed.")
    return redirect("run", pk=pk)


@require_POST
@for_ops
def run_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Give back what an applied run changed; the row says so at once, a worker does it."""
    run = run_or_404(user=request.user, pk=pk)
    with refusals_shown(request, retiering.UnableToUndoRun):
        retiering.ask_to_undo_run(run_id=run.pk, actor=request.user, at=timezone.now())
        ring(undo_retier_run, run_id=run.pk)
    return redirect("run", pk=pk)


@require_POST
@for_ops
def run_continue(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a run that was stopped on the way; the row says so at once, a worker does it."""
    run = run_or_404(user=request.user, pk=pk)
    with refusals_shown(request, retiering.UnableToApplyRun):
        retiering.ask_to_finish_run(run_id=run.pk, actor=request.user, at=timezone.now())
        ring(apply_retier_run, run_id=run.pk)
    return redirect("run", pk=pk)


@require_POST
@for_ops
def run_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop what is done with a run; whoever does it sees the wish with its next heartbeat."""
    run = run_or_404(user=request.user, pk=pk)
    with refusals_shown(request, retiering.UnableToCancelRun):
        messages.success(request, retiering.cancel_run(run_id=run.pk, actor=request.user, at=timezone.now()))
    return redirect("run", pk=pk)


@require_POST
@for_leads
def run_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """A manager lets a run over the change limit pass; who asked for it may not."""
    run = run_or_404(user=request.user, pk=pk)
    user: Any = request.user
    if not user.is_manager:
        raise PermissionDenied("A run over the change limit is approved by a manager.")
    if run.requested_by_id == user.pk:
        raise PermissionDenied("You asked for this run yourself: another manager has to approve it.")
    seen, version = (_number(request.POST.get(name, "")) for name in ("moves", "version"))
    if seen is None or version is None:
        messages.error(
            request, "Open the run's page and approve it there, so that what you approve is what you saw."
        )
        return redirect("run", pk=pk)
    with refusals_shown(request, retiering.UnableToApproveRun):
        retiering.approve_run(
            run_id=run.pk, actor=user, at=timezone.now(), seen_moves=seen, seen_version=version
        )
        if run.apply_when_proposed:
            if not told_of_freeze(request, f"Run {pk}"):
                messages.success(request, f"Run {pk} is approved and is being applied, as was asked for.")
            ring(apply_retier_run, run_id=run.pk)
        else:
            messages.success(request, f"Run {pk} is approved: CS ops can apply it now.")
    return redirect("run", pk=pk)


@require_POST
@for_ops
def plan_start(request: HttpRequest) -> HttpResponse:
    """Ask for a plan; its page shows how far it is."""
    form = PlanForm(request.POST, today=today())
    if not form.is_valid():
        refused(request, form)
        return redirect("plans")
    user: Any = request.user
    try:
        plan = planning.queue_plan(
            as_of=form.cleaned_data["as_of"],
            seed=form.cleaned_data["seed"],
            max_moves_pct=form.cleaned_data["max_moves_pct"],
            continuity_weight=form.cleaned_data["continuity_weight"],
            actor=user,
        )
    except planning.UnableToPlanBooks as refusal:
        messages.error(request, str(refusal))
        return redirect("plans")
    ring(propose_book_plan, plan_id=plan.pk)
    return redirect("plan", pk=plan.pk)


@require_POST
@for_ops
def plan_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the proposal; a worker applies it, and if none hears the bell the sweep finds it."""
    plan = plan_or_404(user=request.user, pk=pk)
    with refusals_shown(request, accepting.UnableToAccept):
        accepting.accept_plan(plan_id=plan.pk, actor=request.user, on=today())
        told_of_freeze(request, f"Plan {pk}")
        ring(apply_book_plan, plan_id=plan.pk)
    return redirect("plan", pk=pk)


@require_POST
@for_ops
def plan_discard(request: HttpRequest, pk: int) -> HttpResponse:
    plan = plan_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, planning.UnableToPlanBooks):
        planning.discard_plan(plan_id=plan.pk, actor=user)
        messages.success(request, f"Plan {pk} is discarded; no customer was changed.")
    return redirect("plan", pk=pk)


@require_POST
@for_ops
def plan_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the best plan so far; whoever computes it sees the wish with its next heartbeat."""
    plan = plan_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, planning.UnableToPlanBooks):
        planning.stop_plan(plan_id=plan.pk, actor=user, at=timezone.now())
        messages.success(request, f"Plan {pk} stops within a few seconds and keeps the best so far.")
    return redirect("plan", pk=pk)


@require_POST
@for_ops
def plan_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Give back what an applied plan changed; the row says so at once, a worker does it."""
    plan = plan_or_404(user=request.user, pk=pk)
    with refusals_shown(request, planning.UnableToUndoPlan):
        planning.ask_to_undo_plan(plan_id=plan.pk, actor=request.user, at=timezone.now())
        ring(undo_book_plan, plan_id=plan.pk)
    return redirect("plan", pk=pk)


@require_POST
@for_ops
def plan_continue(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a plan that was stopped on the way; the row says so at once, a worker does it."""
    plan = plan_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, planning.UnableToPlanBooks):
        planning.ask_to_finish_plan(plan_id=plan.pk, actor=user, at=timezone.now())
        ring(apply_book_plan, plan_id=plan.pk)
    return redirect("plan", pk=pk)


@require_POST
@for_ops
def plan_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop what is done with a plan; whoever does it sees the wish with its next heartbeat."""
    plan = plan_or_404(user=request.user, pk=pk)
    with refusals_shown(request, planning.UnableToCancelPlan):
        messages.success(
            request, planning.cancel_plan(plan_id=plan.pk, actor=request.user, at=timezone.now())
        )
    return redirect("plan", pk=pk)
