"""How many CSMs are needed: the page, keeping its figures, and open seats placed and taken away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from allocation.forms.headcount import HeadcountForm
from allocation.selectors.headcount import (
    INPUT_NAMES,
    Headcount,
    UncountableHeads,
    headcount,
    staffing_inputs,
)
from allocation.services import planning, staffing
from allocation.snapshots.money import UnknownRate
from allocation.tasks.bell import ring
from allocation.tasks.planning import propose_book_plan
from allocation.views.access import clock, for_leads, for_ops, today
from allocation.views.headcount_tables import (
    assumptions,
    chart_of_months,
    head_words,
    kpis,
    lines_table,
    months_table,
    open_seat_rows,
    seat_rows,
)
from allocation.views.lists import page_of

NO_HELP_SHOWN = 10


@require_safe
@for_leads
def headcount_page(request: HttpRequest) -> HttpResponse:
    """Heads asked and there, line by line with the arithmetic, months ahead, and the seats that are lacking."""
    kept, name = staffing_inputs()
    form = HeadcountForm(request.GET, kept=kept)
    problem, found = "", None
    try:
        found = headcount(on=today(), inputs=form.inputs if form.is_valid() else kept, user=request.user)
    except (UnknownRate, UncountableHeads) as fault:
        problem = str(fault)
    tried = form.is_valid() and form.inputs != kept
    context: dict[str, Any] = {
        "form": form,
        "kept_name": name,
        "tried": tried,
        "problem": problem,
        "found": found,
        "sent": [(name, form.data[name]) for name in INPUT_NAMES],
    }
    if found is not None:
        context |= _shown(found, page_of(request, found.lines))
    return render(request, "pages/headcount.html", context)


@require_POST
@for_ops
def headcount_keep(request: HttpRequest) -> HttpResponse:
    """The figures tried are in force from now on."""
    user: Any = request.user
    kept, _ = staffing_inputs()
    form = HeadcountForm(request.POST, kept=kept)
    if not form.is_valid():
        messages.error(request, " ".join(form.sentences))
        return _back(form)
    now = staffing.keep_staffing(inputs=form.inputs, actor=user, at=clock()[1])
    messages.success(request, f"Headcount counts with “{now}” from now on.")
    return redirect("headcount")


@require_POST
@for_ops
def seats_place(request: HttpRequest) -> HttpResponse:
    """As many open seats as the page showed, and a plan that counts with them."""
    user: Any = request.user
    kept, _ = staffing_inputs()
    form = HeadcountForm(request.POST, kept=kept)
    if not form.is_valid():
        messages.error(request, " ".join(form.sentences))
        return _back(form)
    on = today()
    try:
        found = headcount(on=on, inputs=form.inputs)
        if request.POST.get("seats") != str(len(found.seats.seats)):
            raise planning.UnableToPlaceSeats(
                "The books have changed since this page was made: look at it again."
            )
        placed = planning.place_seats(
            lines=found.seats.seats, head_minutes=found.head.minutes, actor=user, on=on
        )
    except (planning.UnableToPlaceSeats, UnknownRate, UncountableHeads) as refusal:
        messages.error(request, str(refusal))
        return _back(form)
    ring(propose_book_plan, plan_id=placed.plan.pk)
    many = len(placed.seats) != 1
    messages.success(
        request,
        f"{len(placed.seats)} open {'seats are' if many else 'seat is'} placed; this plan counts with "
        f"{'them' if many else 'it'}.",
    )
    return redirect("plan", pk=placed.plan.pk)


@require_POST
@for_ops
def seats_remove(request: HttpRequest) -> HttpResponse:
    """Seats that nobody wants any more: the chosen ones."""
    user: Any = request.user
    ids = {int(value) for value in request.POST.getlist("seat") if value.isdecimal() and len(value) < 10}
    if not ids:
        messages.error(request, "Choose the seats that nobody wants any more first.")
        return redirect("headcount")
    try:
        removed = planning.remove_seats(seat_ids=ids, actor=user, on=today())
    except planning.UnableToPlaceSeats as refusal:
        messages.error(request, str(refusal))
        return redirect("headcount")
    messages.success(request, f"{removed} open {'seat is' if removed == 1 else 'seats are'} taken away.")
    return redirect("headcount")


def _shown(found: Headcount, page: Page[Any]) -> dict[str, Any]:
    no_help = found.seats.no_help
    return {
        "kpis": kpis(found),
        "page": page,
        "lines": lines_table(found, list(page)),
        "head_words": head_words(found),
        "assumptions": assumptions(found),
        "chart": chart_of_months(found),
        "months": months_table(found),
        "seats": seat_rows(found),
        "seats_without": sum(seat.customers == 0 for seat in found.seats.seats),
        "open_seats": open_seat_rows(found),
        "no_help": no_help[:NO_HELP_SHOWN],
        "no_help_all": len(no_help),
        "no_help_more": max(0, len(no_help) - NO_HELP_SHOWN),
    }


def _query(form: HeadcountForm) -> str:
    return urlencode({name: form.data[name] for name in INPUT_NAMES})


def _back(form: HeadcountForm) -> HttpResponseRedirect:
    """To the page with what was tried."""
    return HttpResponseRedirect(f"{reverse('headcount')}?{_query(form)}")
