"""Objections: the page of the CSMs concerned, objecting and taking back; and the time to object, opened and closed by CS ops."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from allocation.forms.faults import with_focus
from allocation.forms.objections import ObjectionForm, WindowForm
from allocation.models import Move, Objection
from allocation.selectors import objections as selector
from allocation.selectors import wording
from allocation.selectors.objection_rows import (
    BookEffect,
    ObjectionRow,
    book_effects,
    in_order,
    objection_rows,
    past_objections,
    with_objections,
)
from allocation.services import planning
from allocation.views.access import for_everyone_with_a_role, for_ops, for_roles, today
from allocation.views.lists import page_of
from allocation.views.parts import Kpi
from allocation.views.plans import plan_or_404
from allocation.views.refusals import refusals_shown

# What was typed is shown again with what is wrong.
UNPROCESSABLE = 422


@require_safe
@for_everyone_with_a_role
def objections(request: HttpRequest) -> HttpResponse:
    """Moves that may be objected to now: a CSM's own, a manager's of the teams, for CS ops all."""
    return _page(request)


def _page(
    request: HttpRequest, *, faulty: ObjectionForm | None = None, pk: int = 0, status: int = 200
) -> HttpResponse:
    """faulty: the form about the move `pk`, sent and refused."""
    user: Any = request.user
    day = today()
    every = selector.moves_to_look_at(user=user, on=day)
    objected = with_objections(every, user=user)
    only_objected = request.GET.get("show") == "objected"
    page = page_of(request, in_order(objected if only_objected else every))
    rows, problem = objection_rows(list(page.object_list), user=user, on=day)
    counts = (every.count(), objected.count())
    context = {
        "page": page,
        "rows": [(row, faulty if faulty and row.pk == pk else _form(row, user)) for row in rows],
        "only_objected": only_objected,
        "counts": counts,
        "kpis": _kpis(every, user) if user.is_csm and counts[0] else [],
        "money_problem": problem,
        "past": past_objections(user=user, on=day) if user.is_csm else [],
        "leads": user.is_ops or user.is_manager,
        "currency": settings.BASE_CURRENCY,
    }
    return render(request, "pages/objections.html", context, status=status)


def _form(row: ObjectionRow, user: Any) -> ObjectionForm | None:
    can = user.is_csm and row.way and row.mine is None
    return ObjectionForm(auto_id=f"objection_{row.pk}_%s") if can else None


def _kpis(every: QuerySet[Move], user: Any) -> list[Kpi]:
    out, into = book_effects(every.of_own_book(user), user=user, on=today())  # type: ignore[attr-defined]
    return [
        _effect("Would leave your book", out, "exit", "out of"),
        _effect("Would come into your book", into, "import", "into"),
    ]


def _effect(label: str, effect: BookEffect, icon: str, way: str) -> Kpi:
    note = (
        f"{wording.hours_and_minutes(effect.minutes)} hours a month, "
        f"{wording.compact(wording.from_cents(effect.arr_cents), settings.BASE_CURRENCY)}"
    )
    customers = wording.counted(effect.customers, "customer")
    return Kpi(
        label,
        customers,
        note=note if effect.customers else "nothing changes here",
        icon=icon,
        trace=f"Planned changes below that lead {way} your own book. Hours: what their touch plans ask, hours of a year ÷ 12."
        " ARR: each at today's rate, added up.",
    )


@require_POST
@for_roles("csm")
def objection_raise(request: HttpRequest, pk: int) -> HttpResponse:
    """Object to a move of the own book."""
    move = _own_move_or_404(request, pk)
    form = ObjectionForm(request.POST, auto_id=f"objection_{pk}_%s")
    try:
        planning.object_to_move(
            move_id=move.pk,
            actor=request.user,
            reason_kind=form.data.get("reason_kind", ""),
            words=form.data.get("words", ""),
            on=today(),
            at=timezone.now(),
        )
    except planning.UnableToObject as refusal:
        messages.error(request, str(refusal))
        if form.data.get("words", ""):  # nothing typed, nothing to show again
            return _page(request, faulty=with_focus(form), pk=pk, status=UNPROCESSABLE)
    else:
        messages.success(request, "You objected. The move is not carried out before somebody answered you.")
    return _back(pk)


@require_POST
@for_roles("csm")
def objection_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the own objection to a move back."""
    move = _own_move_or_404(request, pk)
    mine = Objection.objects.standing().filter(move=move, by=request.user).first()
    try:
        planning.withdraw_objection(
            objection_id=mine.pk if mine else 0, actor=request.user, on=today(), at=timezone.now()
        )
    except planning.UnableToObject as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Your objection is taken back: that counts as consent.")
    return _back(pk)


def _own_move_or_404(request: HttpRequest, pk: int) -> Move:
    """A move of a book the person serves, of a plan that was open to objections once: of any other plan a CSM sees nothing."""
    rows = Move.objects.of(request.user).filter(plan__objections_until__isnull=False)
    move: Move | None = rows.filter(pk=pk).first()
    if move is None:
        raise Http404
    return move


def _back(pk: int) -> HttpResponse:
    return redirect(reverse("objections") + f"#move-{pk}")


@require_POST
@for_ops
def plan_objections(request: HttpRequest, pk: int) -> HttpResponse:
    """Open, move or close the time to object to a plan."""
    plan = plan_or_404(user=request.user, pk=pk)
    given: dict[str, Any] = {
        "plan_id": plan.pk,
        "actor": request.user,
        "on": today(),
        "at": timezone.now(),
    }
    form = WindowForm(request.POST)
    with refusals_shown(request, planning.UnableToOpenObjections):
        if request.POST.get("action") == "close":
            planning.close_objections(**given)
            messages.success(request, "Nobody can object any more; what was said waits for its answers.")
        elif form.is_valid():
            until = form.cleaned_data["until"]
            planning.open_objections(until=until, **given)
            messages.success(request, f"CSMs concerned are told, and can object before {wording.day(until)}.")
        else:
            messages.error(request, "Choose the day before which CSMs can object.")
    return redirect("plan", pk=pk)
