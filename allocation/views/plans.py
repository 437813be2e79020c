"""Book plans: the list, one plan, its progress."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import CSM
from allocation.charts.flows import NARROW, WIDE, Shift, shifts
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.filters.runs import MoveFilter, PlanFilter
from allocation.forms.objections import WindowForm
from allocation.forms.runs import PlanForm
from allocation.models import OPEN_STATUSES, AllocationPolicy, BookPlan, Move, RunStatus
from allocation.selectors import plans as selector
from allocation.selectors import wording
from allocation.selectors.freezes import frozen
from allocation.selectors.job_words import job_words
from allocation.selectors.objections import (
    ObjectionWindow,
    answerable_moves,
    objection_window,
    objections_of,
)
from allocation.selectors.plan_rows import gap_words, move_rows, proof_headline, proof_lines, within
from allocation.selectors.plans import BookChange
from allocation.selectors.policy_words import policy_words
from allocation.services import planning
from allocation.views.access import for_leads, today
from allocation.views.jobs import BEFORE_APPLYING, is_under_way, progress, waits_for_freeze
from allocation.views.lists import has_filters, page_of
from allocation.views.parts import Kpi

UNPLACED_SHOWN = 50
USUAL_DAYS = 7  # to object, offered where the policy names none


@require_safe
@for_leads
def plans(request: HttpRequest) -> HttpResponse:
    """All plans, newest first, and the form that starts one."""
    found = PlanFilter(request.GET, queryset=selector.plans(user=request.user))
    page = page_of(request, found.qs)
    context = {
        "filter": found,
        "page": page,
        "rows": [(plan, gap_words(plan)) for plan in page.object_list],
        "filtered": has_filters(request),
        "form": PlanForm(today=today(), auto_id="start_%s"),
        "policy": AllocationPolicy.objects.active().first() or "Default",
    }
    return render(request, "pages/plans.html", context)


def plan_or_404(*, user: Any, pk: int) -> BookPlan:
    found = (
        BookPlan.objects.visible_to(user)
        .select_related(
            "policy", "requested_by", "applied_by", "undone_by", "objections_closed_by", "cancel_asked_by"
        )
        .defer("proof")
        .annotate(is_compared=selector.is_compared())
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404
    return found


def seen_csms(user: Any) -> frozenset[int] | None:
    """Ids of the CSMs whose names the person may read as alternatives; None: all."""
    return None if user.is_ops else frozenset(CSM.objects.visible_to(user).values_list("pk", flat=True))


def can_review(this: BookPlan) -> bool:
    """Whether moves can be refused, accepted again and re-pointed; the services look again."""
    return this.status in OPEN_STATUSES and not is_under_way(this)


def decided_ids(this: BookPlan, user: Any) -> frozenset[int]:
    """Ids of the moves of the largest customers that this person may approve or decline."""
    if not user.is_manager or this.requested_by_id == user.pk:
        return frozenset()
    waiting = Move.objects.filter(plan=this).waiting_for_approval().decided_by(user)
    return frozenset(waiting.values_list("pk", flat=True))


@require_safe
@for_leads
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """One plan: how far it is, what it would change, and what it could not place."""
    user: Any = request.user
    this = plan_or_404(user=user, pk=pk)
    counts = selector.move_counts(plan=this, user=user)
    found = MoveFilter(
        request.GET, queryset=selector.with_joins(selector.moves(plan=this, user=user)), user=user
    )
    page = page_of(request, found.qs)
    balance = selector.plan_balance(plan=this, user=user)
    reviewing = can_review(this)
    decides = decided_ids(this, user) if reviewing else frozenset()
    answers = answerable_moves(plan=this, user=user) if reviewing else frozenset()
    window = objection_window(plan=this, user=user, on=today())
    shown, seen = list(page.object_list), seen_csms(user)
    context = {
        "plan": this,
        "has_result": bool(this.summary),
        "counts": counts,
        "changed_meanwhile": counts["skipped"] - counts["not_filled"],
        "handovers_ahead": selector.handovers_ahead(counts) if this.status in OPEN_STATUSES else "",
        "changed": this.is_changed,
        "chart": shift_chart(balance.books),
        "books": [_book_line(book) for book in balance.books],
        "compared": balance.figures,
        "currency": settings.BASE_CURRENCY,
        "policy_words": policy_words(values=this.policy_values, with_names=user.is_ops),
        "filter": found,
        "filtered": has_filters(request),
        "page": page,
        "rows": move_rows(
            shown,
            seen=seen,
            decides=decides,
            answers=answers,
            objections=objections_of([row.pk for row in shown], seen=seen),
        ),
        "reviewing": reviewing,
        "decides": bool(decides),
        "answers": bool(answers),
        "window": window,
        "query": request.GET.urlencode(),
        **_for_ops(this, user, counts),
        **_unplaced(this, user),
        **_rights(this, user, window),
    }
    return render(request, "pages/plan.html", context)


def _for_ops(this: BookPlan, user: Any, counts: dict[str, int]) -> dict[str, Any]:
    """What is about all books: a manager sees the own ones only."""
    if not user.is_ops:
        return {"kpis": _move_kpis(counts)}
    return {
        "kpis": _kpis(this, counts),
        "shortages": _shortages(this),
        "notes": this.summary.get("notes", []),
        "breaches": this.summary.get("breaches", []),
        "proof": proof_lines(plan=this) if this.objective is not None else [],
        "headline": proof_headline(plan=this),
    }


def _unplaced(this: BookPlan, user: Any) -> dict[str, Any]:
    shown = selector.unplaced(plan=this, user=user, at_most=UNPLACED_SHOWN) if this.unassigned else []
    return {
        "unassigned": shown,
        "unassigned_count": len(this.unassigned) if user.is_ops else len(shown),
        "unassigned_more": max(len(this.unassigned) - UNPLACED_SHOWN, 0) if user.is_ops else 0,
    }


def _rights(this: BookPlan, user: Any, window: ObjectionWindow) -> dict[str, Any]:
    """Which buttons are shown; the services decide again."""
    freeze = frozen(on=today()) if this.status in BEFORE_APPLYING else None
    frozen_wish = waits_for_freeze(this, freeze)
    under_way = is_under_way(this) and not frozen_wish
    # Asked for with --apply, before there was anything to object to: it comes true by itself, or after the answers.
    waits = this.status in OPEN_STATUSES and this.apply_when_proposed and not this.is_accepted
    failed = this.status == RunStatus.FAILED and user.is_ops
    half = failed and planning.is_half_applied(plan=this)
    undo = user.is_ops and not under_way and planning.plan_can_be_undone(plan=this)
    return {
        "freeze": freeze,
        "freeze_waits": frozen_wish,
        "under_way": under_way,
        "job_words": job_words(job=this, what="plan", at=timezone.now()) if under_way else "",
        "can_continue": half,
        "can_start_again": failed and not (half or undo),
        "can_cancel": user.is_ops
        and (under_way or frozen_wish or waits)
        and this.may_be_cancelled(timezone.now()),
        "can_apply": user.is_ops
        and this.status == RunStatus.PROPOSED
        and not (under_way or waits or frozen_wish)
        and window.allows_applying,
        "wish_waits": waits,
        "window_form": _window_form(this, window) if user.is_ops and this.status in OPEN_STATUSES else None,
        "can_discard": user.is_ops and this.status in OPEN_STATUSES and not under_way,
        "can_stop": user.is_ops and this.status == RunStatus.COMPUTING and this.stop_asked_at is None,
        "can_undo": undo,
    }


def _window_form(this: BookPlan, window: ObjectionWindow) -> WindowForm:
    """Filled in with the day as it is, or as the policy says."""
    days = this.policy_values.get("objection_days") or USUAL_DAYS
    until = window.until if window.is_open else today() + timedelta(days=days)
    return WindowForm(initial={"until": until}, auto_id="window_%s")


@require_safe
@for_leads
def plan_progress(request: HttpRequest, pk: int) -> JsonResponse:
    return progress(plan_or_404(user=request.user, pk=pk), what="plan", at=timezone.now())


def _kpis(this: BookPlan, counts: dict[str, int]) -> list[Kpi]:
    known = this.summary
    customers, assigned = known.get("customers", 0), known.get("assigned", 0)
    missing = customers - assigned
    pct, arr_pct = known.get("chosen_pct", 0), known.get("chosen_arr_pct", 0)
    return [
        Kpi(
            "Served customers with a CSM",
            f"{wording.grouped(assigned)} of {wording.grouped(customers)}",
            note=_missing_words(missing, known.get("left_without", 0)),
            tone="bad" if missing else "good",
            icon="customers",
            trace=f"Active customers of tiers that have a CSM: {wording.grouped(customers)}.\n"
            f"Placed by the plan as it stands, or staying where they are: {wording.grouped(assigned)}.",
        ),
        *_move_kpis(counts)[:2],
        Kpi(
            "Changes by choice",
            wording.grouped(counts["chosen"]),
            note=f"{pct} % of customers, {arr_pct} % of ARR",
            icon="move",
            trace="Customers who would stay with a CSM able to serve them, but go to another so that the books are more even."
            f"\nThe plan's move budget is spent on these: {pct} % of the customers, {arr_pct} % of their ARR.",
        ),
        _gap_kpi(this),
    ]


def _move_kpis(counts: dict[str, int]) -> list[Kpi]:
    return [
        Kpi(
            "Get their first CSM",
            wording.grouped(counts["first"]),
            note="had nobody before",
            icon="people",
            trace="Moves of the plan, those refused left out, of customers without a CSM today.",
        ),
        Kpi(
            "Forced changes",
            wording.grouped(counts["forced_changes"]),
            note="outside the move budget",
            icon="alert",
            trace="Moves away from a CSM who has left, or may no longer serve the customer; the move budget does not count them.",
        ),
        Kpi(
            "Changes by choice",
            wording.grouped(counts["chosen"]),
            note="to even out the books",
            icon="move",
            trace="Moves that are neither first ones nor forced.",
        ),
    ]


def _missing_words(missing: int, refused: int) -> str:
    if not missing:
        return "everybody is placed"
    if not refused:
        return f"{missing} cannot be placed"
    others = f"{missing - refused} cannot be placed, " if missing > refused else ""
    return f"{others}{refused} left out by review"


# How the one figure came that a plan is judged by.
OBJECTIVE_WORDS = (
    "The objective adds up, with the policy's weights, how far books are from even, what a change of CSM costs and how badly"
    " some fit; less is better."
)


def _gap_kpi(this: BookPlan) -> Kpi:
    objective = wording.DASH if this.objective is None else wording.grouped(this.objective, places=2)
    if this.gap_pct is None or this.is_changed:
        note = "as planned, before moves were changed" if this.is_changed else "no bound is proven yet"
        return Kpi("Objective", objective, note=note, icon="goal", trace=OBJECTIVE_WORDS)
    return Kpi(
        "Gap to the best possible",
        within(this.gap_pct),
        note=f"objective {objective}, proven bound {wording.grouped(this.bound or Decimal(0), places=2)}",
        icon="goal",
        trace=f"100 × (objective − bound) ÷ objective.\n{OBJECTIVE_WORDS}\nThe bound: no plan at all can be below it.",
    )


def _shortages(this: BookPlan) -> list[dict[str, str]]:
    return [
        {
            "pool": line["pool"],
            "customers": wording.grouped(line["customers"]),
            "hours": wording.hours(line["hours"]),
            "heads": wording.grouped(line["heads"]),
            "reason": line.get("reason", ""),
        }
        for line in this.shortages
    ]


def _pct(line: Any) -> float | None:
    return None if line is None or line["utilisation"] is None else 100 * line["utilisation"]


def shift_chart(books: tuple[BookChange, ...]) -> Markup | str:
    if not books:
        return ""
    rows = [
        Shift(
            book.name,
            _pct(book.before),
            _pct(book.after),
            f"{book.name}: {wording.percent(_pct(book.before))} before, {wording.percent(_pct(book.after))} after",
        )
        for book in sorted(books, key=lambda book: (-(_pct(book.after) or 0), book.name))
    ]
    return wide_and_narrow(shifts(rows, width=WIDE), shifts(rows, width=NARROW))


def _book_line(book: BookChange) -> dict[str, str]:
    def both(said: Any) -> str:
        before, after = said(book.before), said(book.after)
        return before if before == after else f"{before} → {after}"

    return {
        "name": book.name,
        "customers": both(lambda line: wording.DASH if line is None else wording.grouped(line["customers"])),
        "arr": both(
            lambda line: wording.DASH if line is None else wording.grouped(Decimal(str(line["arr"])))
        ),
        "hours": both(lambda line: wording.hours(None if line is None else line["hours"])),
        "utilisation": both(lambda line: wording.percent(_pct(line), places=1)),
    }
