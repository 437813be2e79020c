"""Which numbers of a model deserve debate: the list of what was asked, one answer, asking, following, cancelling."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from allocation.forms.sensitivity import KnobFilter, VersionForm
from allocation.models import Sensitivity
from allocation.models.scenarios import AnswerStatus
from allocation.selectors import sensitivity as selector
from allocation.selectors import wording
from allocation.selectors.job_words import job_words
from allocation.selectors.knob_words import EFFECTIVE, SUGGESTED, deciding, far_words, knob_lines
from allocation.services import sensitivity as service
from allocation.tasks.bell import ring
from allocation.tasks.sensitivity import compute_sensitivity
from allocation.views.access import clock, for_ops
from allocation.views.jobs import is_under_way, progress
from allocation.views.lists import headings, page_of
from allocation.views.refusals import refusals_shown, refused
from allocation.views.sensitivity_parts import (
    COLUMNS,
    DEFAULT_SORT,
    Group,
    Row,
    as_csv,
    chart_of,
    in_order,
    rows_of,
    said_of,
)

WHAT = "computation"
NUMBERS = {1: "One number decides", 2: "Two numbers decide", 3: "Three numbers decide"}


@require_safe
@for_ops
def sensitivities(request: HttpRequest) -> HttpResponse:
    """What was asked, newest first, and the form that asks."""
    page = page_of(request, selector.sensitivities(user=request.user))
    versions = selector.versions_to_ask()
    asked = request.GET.get("model", "")
    initial = {"model": int(asked)} if asked.isdecimal() and len(asked) < 10 else {}
    context = {
        "page": page,
        "rows": page.object_list,
        "form": VersionForm(versions=versions, initial=initial, auto_id="start_%s"),
        "has_versions": bool(versions),
    }
    return render(request, "pages/sensitivities.html", context)


@require_POST
@for_ops
def sensitivity_start(request: HttpRequest) -> HttpResponse:
    """Ask; its page shows how far it is."""
    form = VersionForm(request.POST, versions=selector.versions_to_ask())
    if not form.is_valid():
        refused(request, form)
        return redirect("sensitivities")
    user: Any = request.user
    on, at = clock()
    try:
        this = service.ask_sensitivity(model_id=form.cleaned_data["model"], actor=user, on=on, at=at)
    except service.UnableToAskSensitivity as refusal:
        messages.error(request, str(refusal))
        return redirect("sensitivities")
    ring(compute_sensitivity, sensitivity_id=this.pk)
    return redirect("sensitivity", pk=this.pk)


def sensitivity_or_404(*, user: Any, pk: int) -> Sensitivity:
    found = selector.sensitivity_of(user=user, pk=pk)
    if found is None:
        raise Http404
    return found


@require_safe
@for_ops
def sensitivity(request: HttpRequest, pk: int) -> HttpResponse:
    """The three numbers that decide most, a picture, and every number of the version in a table."""
    this = sensitivity_or_404(user=request.user, pk=pk)
    under_way = is_under_way(this)
    if request.GET.get("format") == "csv" and this.result:
        kept = [(way, knob_lines(result=this.result, counted=way)) for way in (EFFECTIVE, SUGGESTED)]
        return as_csv(this=this, every=kept)
    context = {
        "this": this,
        "under_way": under_way,
        "job_words": job_words(job=this, what=WHAT, at=timezone.now()) if under_way else "",
        "can_cancel": under_way and this.may_be_cancelled(timezone.now()),
        "is_done": this.status == AnswerStatus.DONE,
        "can_ask_again": not under_way,
        "changed_since": selector.is_of_another_draft(this=this),
        **(_answer(request, this) if this.result else {}),
    }
    return render(request, "pages/sensitivity.html", context)


def _answer(request: HttpRequest, this: Sensitivity) -> dict[str, Any]:
    result = this.result
    held = selector.guards_hold_all(result=result)
    form = KnobFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    counted = asked.get("counted") or (SUGGESTED if held else EFFECTIVE)
    kind, currency = asked.get("kind", ""), result["currency"]
    every = knob_lines(result=result, counted=counted)
    lines = [line for line in every if not kind or line.kind == kind]
    sort = request.GET.get("sort", DEFAULT_SORT)
    decided = deciding(lines=every, currency=currency)
    return {
        "form": KnobFilter(initial={"kind": kind, "counted": counted}),
        "filtered": bool(kind),
        "counted_later": counted == SUGGESTED,
        "guards_hold_all": held,
        "headline": f"{NUMBERS[len(decided)]} most" if decided else "No small change moves anybody",
        "decided": said_of(decided, counted=counted),
        "far": far_words(lines=every),
        "customers": wording.counted(result["customers"], "active customer"),
        "problem": result["arr_problem"],
        "chart": chart_of(lines, currency),
        "columns": headings(COLUMNS, sort=sort),
        "sort": sort,
        "groups": _groups(rows_of(in_order(lines, sort), this=this, counted=counted)),
        "shown": len(lines),
    }


def _groups(rows: list[Row]) -> list[Group]:
    """Numbers that somebody is near, then the others, folded away; alone they stand open."""
    near, far = [row for row in rows if row.is_near], [row for row in rows if not row.is_near]
    found = [Group("Numbers that customers are near", near, False)] if near else []
    return [*found, Group("Nobody is near", far, bool(near))] if far else found


@require_safe
@for_ops
def sensitivity_progress(request: HttpRequest, pk: int) -> JsonResponse:
    return progress(sensitivity_or_404(user=request.user, pk=pk), what=WHAT, at=timezone.now())


@require_POST
@for_ops
def sensitivity_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it; whoever computes it sees the wish with the next number."""
    this = sensitivity_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, service.UnableToCancelSensitivity):
        said = service.cancel_sensitivity(sensitivity_id=this.pk, actor=user, at=timezone.now())
        messages.success(request, said)
    return redirect("sensitivity", pk=pk)
