"""Plans side by side: asking for a comparison, following it, choosing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from allocation.charts.bars import mini_bar
from allocation.charts.sides import NARROW, WIDE, TwoSides, two_sides
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.forms.runs import ComparisonForm
from allocation.models import OPEN_STATUSES, RunStatus, Variant
from allocation.selectors import wording
from allocation.selectors.job_words import job_words
from allocation.selectors.plan_comparison import (
    ComparedPlan,
    Comparison,
    NoComparison,
    comparison,
    is_waited_for,
)
from allocation.selectors.plans import HOW
from allocation.services import comparing
from allocation.tasks.bell import ring
from allocation.tasks.planning import propose_book_plan
from allocation.views.access import for_leads, for_ops, today
from allocation.views.refusals import refusals_shown, refused


@require_POST
@for_ops
def compare_start(request: HttpRequest) -> HttpResponse:
    """Ask for four plans; their page shows how far they are."""
    form = ComparisonForm(request.POST, today=today())
    if not form.is_valid():
        refused(request, form)
        return redirect("plans")
    user: Any = request.user
    try:
        plans = comparing.queue_comparison(
            as_of=form.cleaned_data["as_of"],
            seed=form.cleaned_data["seed"],
            max_moves_pct=form.cleaned_data["max_moves_pct"],
            actor=user,
        )
    except comparing.UnableToCompare as refusal:
        messages.error(request, str(refusal))
        return redirect("plans")
    for plan in plans:
        ring(propose_book_plan, plan_id=plan.pk)
    return redirect("plan_compare", pk=plans[0].pk)


@require_POST
@for_ops
def compare_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Put all of them away that nobody has begun to apply."""
    comparison_or_404(user=request.user, pk=pk)
    user: Any = request.user
    with refusals_shown(request, comparing.UnableToCompare):
        count = comparing.discard_comparison(comparison_id=pk, actor=user)
        messages.success(request, f"{wording.counted(count, 'plan')} put away; no customer was changed.")
    return redirect("plan_compare", pk=pk)


@require_safe
@for_leads
def plan_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """The variants in a table and a picture, from fewest moves to most even; each leads to its plan."""
    user: Any = request.user
    found = comparison_or_404(user=user, pk=pk)
    context = {
        "found": found,
        "head": found.head,
        "under_way": is_waited_for(found),
        "job": _bar_of(_progress_of(found)),
        "plans": [
            {"plan": one.plan, "name": one.name, "words": WORDS[one.plan.variant]} for one in found.plans
        ],
        "names": [one.name for one in found.plans],
        "lines": _lines(found, whole=user.is_ops),
        "chart": _chart(found, whole=user.is_ops),
        "can_discard": user.is_ops
        and (is_waited_for(found) or any(one.plan.status in OPEN_STATUSES for one in found.plans)),
        "job_words": _words(found) if is_waited_for(found) else "",
    }
    return render(request, "pages/plan_compare.html", context)


@require_safe
@for_leads
def compare_progress(request: HttpRequest, pk: int) -> JsonResponse:
    found = comparison_or_404(user=request.user, pk=pk)
    waited = is_waited_for(found)
    return JsonResponse(
        {**_progress_of(found), "note": _words(found) if waited else "", "finished": not waited}
    )


def _words(found: Comparison) -> str:
    """Of the plan that is computed, or the first that waits."""
    left = [one.plan for one in found.plans if one.plan.status in (RunStatus.QUEUED, RunStatus.COMPUTING)]
    first = min(left, key=lambda plan: (plan.status != RunStatus.COMPUTING, plan.pk))
    return job_words(job=first, what="plan", at=timezone.now())


def comparison_or_404(*, user: Any, pk: int) -> Comparison:
    try:
        return comparison(pk=pk, user=user)
    except NoComparison as missing:
        raise Http404 from missing


def _progress_of(found: Comparison) -> dict[str, Any]:
    """How many of the plans are there: what cstiers/js/progress.js reads."""
    computed = sum(one.chosen is not None for one in found.plans)
    working = [one for one in found.plans if one.plan.status == RunStatus.COMPUTING]
    words = f"Computing “{working[0].name}”" if working else "Waiting for a worker"
    return {
        "status": "computing" if working else "queued",
        "done": computed,
        "total": len(found.plans),
        "message": words,
    }


def _bar_of(known: dict[str, Any]) -> dict[str, Any]:
    """The same under the names of a job, for the bar of a page without scripts."""
    return {
        "message": known["message"],
        "get_status_display": known["status"],
        "progress_done": known["done"],
        "progress_total": known["total"],
    }


# The label of a figure, how the figure comes, and a value a variant.
Line = tuple[str, str, list[str]]
CHOSEN = "Moves of customers whose CSM could keep them: they are made to even out the books."


def _lines(found: Comparison, *, whole: bool) -> list[Line]:
    """A line a figure with a value a variant. Without ``whole`` the lines about everybody are left out."""
    plans = found.plans
    most = max((one.chosen or 0 for one in plans), default=0)
    lines: list[Line] = [
        (
            "Weight of continuity",
            "How many points a change of CSM costs in this variant; a point is one ordinary customer in the wrong hands.",
            [f"{one.weight.normalize():f} points" for one in plans],
        ),
        ("Changes of CSM by choice", CHOSEN, [_bar(one.chosen, most, _count(one.chosen)) for one in plans]),
    ]
    if whole:
        lines += [
            (
                "… of all customers",
                "100 × changes by choice ÷ the customers planned.",
                [_pct(one.chosen_pct) for one in plans],
            ),
            (
                "… of all ARR",
                "100 × the ARR of those changes ÷ the ARR of the customers planned.",
                [_pct(one.chosen_arr_pct) for one in plans],
            ),
        ]
    lines.append(
        (
            "Forced changes and first CSMs",
            "Moves that no variant can spare: from a CSM who left or may not serve the customer, and from nobody.",
            [_count(one.forced) for one in plans],
        )
    )
    if whole:
        lines.append(
            (
                "Left without a CSM",
                "Customers of tiers with a CSM for whom nobody able has room.",
                [_count(one.unassigned) for one in plans],
            )
        )
    lines += _evenness(plans)
    return lines + _objective(plans) if whole else lines


def _evenness(plans: Sequence[ComparedPlan]) -> list[Line]:
    outside = [_bar(one.outside_15_pct, 100, wording.percent(one.outside_15_pct, places=1)) for one in plans]
    return [
        ("Books outside ±15 % of the mean hours", HOW["outside_15_pct"], outside),
        ("Coefficient of variation of the hours", HOW["cv"], [_figure(one.cv) for one in plans]),
        ("Largest ÷ mean", HOW["max_over_mean"], [_figure(one.max_over_mean) for one in plans]),
    ]


def _objective(plans: Sequence[ComparedPlan]) -> list[Line]:
    most = max((one.even_points or 0 for one in plans), default=0)
    return [
        (
            "Objective without the moves",
            "The sum of what is uneven or fits badly, with the policy's weights; changes of CSM cost nothing in it.",
            [_bar(one.even_points, most, _points(one.even_points)) for one in plans],
        ),
        (
            "Objective with its own weights",
            "The same with what changes of CSM cost in this variant: what was made as small as possible.",
            [_points(one.objective) for one in plans],
        ),
        (
            "Gap to its own proven bound",
            "100 × (objective − bound) ÷ objective; no plan with these weights can be below the bound.",
            [_gap(one) for one in plans],
        ),
    ]


def _bar(value: float | None, most: float, words: str) -> str:
    """The figure with a small bar of how much of the largest it is."""
    return words if value is None or most <= 0 else mini_bar(100 * value / most, tone="", words=words)


WORDS = {
    Variant.AS_POLICY: "the weights as they stand in the policy",
    Variant.ONLY_FORCED: "nobody moves by choice",
    Variant.STEADIER: "keeping a CSM counts more than in the policy",
    Variant.EVENER: "keeping a CSM counts less than in the policy",
}


def _pct(value: float | None) -> str:
    return wording.DASH if value is None else f"{value:g} %"


def _count(value: int | None) -> str:
    return wording.DASH if value is None else wording.grouped(value)


def _figure(value: float | None) -> str:
    return wording.DASH if value is None else f"{value:.3f}"


def _points(value: float | None) -> str:
    return wording.DASH if value is None else f"{value:,.2f} points"


def _gap(one: ComparedPlan) -> str:
    if one.gap_pct is None:
        return wording.DASH if one.objective is None else "no bound is proven"
    return f"{one.gap_pct:.2f} % (bound {one.bound:,.2f})"


def _chart(found: Comparison, *, whole: bool) -> Markup:
    """Moves to the left, unevenness to the right: points for CS ops, of the own books for a manager."""
    rows = [_sides(one, whole=whole) for one in found.plans]
    heads = ("changes by choice", "unevenness left")
    label = "Changes of CSM by choice and what unevenness they leave, by plan; the table below says the same."
    return wide_and_narrow(
        two_sides(rows, heads=heads, label=label, width=WIDE),
        two_sides(rows, heads=heads, label=label, width=NARROW),
    )


def _sides(one: ComparedPlan, *, whole: bool) -> TwoSides:
    right = one.even_points if whole else one.cv
    return TwoSides(
        name=one.name,
        left=None if one.chosen is None else float(one.chosen),
        left_words=_count(one.chosen),
        right=right,
        right_words=wording.DASH if right is None else f"{right:,.1f} points" if whole else f"CV {right:.3f}",
    )
