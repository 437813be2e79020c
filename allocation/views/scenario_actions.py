"""What is done with a scenario: run again, copied, shared, put away, made a draft. POST, one service call, back to a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from allocation.models import Scenario
from allocation.selectors.scenarios import told_of
from allocation.services import scenarios as services
from allocation.tasks.bell import ring
from allocation.tasks.scenarios import compute_scenario
from allocation.views.access import clock, for_leads, for_ops
from allocation.views.refusals import refusals_shown
from allocation.views.scenarios import may_change, scenario_or_404


def _own(request: HttpRequest, pk: int) -> Scenario:
    this = scenario_or_404(user=request.user, pk=pk)
    if not may_change(this, request.user):
        raise PermissionDenied("Somebody else asked this scenario: make a copy of it, and do it there.")
    return this


@contextmanager
def _faults_told(request: HttpRequest, this: Scenario) -> Iterator[None]:
    """As ``refusals_shown``, in the words that the person may read: a fault lists what could have been named."""
    try:
        yield
    except services.UnableToAskScenario as refusal:
        messages.error(request, " ".join(told_of(refusal.faults, scenario=this, user=request.user)))


@require_POST
@for_leads
def scenario_again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same question of the customers as they are now."""
    this = _own(request, pk)
    user: Any = request.user
    on, at = clock()
    with _faults_told(request, this):
        services.ask_again(scenario_id=pk, actor=user, at=at, on=on)
        ring(compute_scenario, scenario_id=pk)
    return redirect("scenario", pk=pk)


@require_POST
@for_leads
def scenario_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop the computing; the question stays, and can be asked again."""
    _own(request, pk)
    user: Any = request.user
    with refusals_shown(request, services.UnableToCancelScenario):
        messages.success(request, services.cancel_scenario(scenario_id=pk, actor=user, at=timezone.now()))
    return redirect("scenario", pk=pk)


@require_POST
@for_leads
def scenario_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A scenario of one's own with the same question."""
    this = scenario_or_404(user=request.user, pk=pk)
    user: Any = request.user
    on, at = clock()
    with _faults_told(request, this):
        made = services.copy_scenario(scenario_id=pk, actor=user, at=at, on=on)
        ring(compute_scenario, scenario_id=made.pk)
        messages.success(request, f"“{made.name}” is yours: change it as you like.")
        return redirect("scenario", pk=made.pk)
    return redirect("scenario", pk=pk)


@require_POST
@for_leads
def scenario_share(request: HttpRequest, pk: int) -> HttpResponse:
    """Shown to all managers, or to its owner and CS ops only (`shared`: 1 or 0)."""
    _own(request, pk)
    user: Any = request.user
    shared = request.POST.get("shared") == "1"
    with refusals_shown(request, services.UnableToKeepScenario):
        services.share_scenario(scenario_id=pk, shared=shared, actor=user)
        told = "Managers see it now." if shared else "Only its owner and CS ops see it now."
        messages.success(request, told)
    return redirect("scenario", pk=pk)


@require_POST
@for_leads
def scenario_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Put away: out of the list, still there to be read."""
    this = _own(request, pk)
    user: Any = request.user
    with refusals_shown(request, services.UnableToKeepScenario):
        services.retire_scenario(scenario_id=pk, actor=user, at=timezone.now())
        messages.success(request, f"“{this.name}” is put away; it stays readable.")
        return redirect("scenarios")
    return redirect("scenario", pk=pk)


@require_POST
@for_ops
def scenario_draft_model(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft with these rules; nothing holds before somebody publishes it."""
    scenario_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, services.UnableToDraftScenario):
        model = services.draft_model_of(scenario_id=pk, actor=user)
        messages.success(
            request, f"Version {model.number} is a draft made of the scenario; look at it, and publish it."
        )
        return redirect("admin:allocation_tieringmodel_change", model.pk)
    return redirect("scenario", pk=pk)


@require_POST
@for_ops
def scenario_draft_policy(request: HttpRequest, pk: int) -> HttpResponse:
    """A resting policy with these values; nothing holds before somebody puts it in force."""
    scenario_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, services.UnableToDraftScenario):
        policy = services.draft_policy_of(scenario_id=pk, actor=user)
        messages.success(
            request,
            f"“{policy.name}” rests as a draft made of the scenario; put it in force when it is right.",
        )
        return redirect("admin:allocation_allocationpolicy_change", policy.pk)
    return redirect("scenario", pk=pk)
