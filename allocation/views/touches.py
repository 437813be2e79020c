"""Touches: the lists of what is late, due, coming and done, and what is done with one. POST, one service call, back to the page.

What is refused comes back on the page of the customer's actions, with everything that was typed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Customer
from accounts.querysets.scope import covered_csm_ids
from allocation.filters.touches import TouchFilter
from allocation.forms.faults import with_focus
from allocation.forms.touches import DoneForm, LogForm, MoveForm, SkipForm
from allocation.models import Touch
from allocation.selectors import touch_lists as selector
from allocation.selectors import wording
from allocation.selectors.customer_detail import customer_in_scope
from allocation.selectors.touch_card import activities_to_log
from allocation.services import touches as service
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.approvals import NOTHING_TICKED
from allocation.views.book_actions import UNPROCESSABLE, FaultyTouch, actions_page
from allocation.views.lists import page_of
from allocation.views.override_card import safe_address
from allocation.views.refusals import faults_of, refusals_shown
from allocation.views.returning import asked_back
from allocation.views.touch_card import PLACE

LABELS = {"late": "Late", "due": "Due this week", "coming": "Coming", "done": "Done"}


@require_safe
@for_everyone_with_a_role
def touches(request: HttpRequest) -> HttpResponse:
    """Of the customers in scope: late, due, coming, done; what is pressing first where no list is asked for."""
    user: Any = request.user
    day, now = _clock()
    several = bool(covered_csm_ids(user)) if user.is_csm else False
    found = TouchFilter(
        request.GET, queryset=selector.touches_in_scope(user=user), user=user, several=several
    )
    tallies = selector.touch_tallies(touches=found.qs, on=day, at=now)
    show = _asked_for(request) or ("late" if tallies["late"].count else "due")
    page = page_of(request, selector.touch_list(touches=found.qs, show=show, on=day, at=now))
    context = {
        "filter": found,
        "filtered": found.narrows,
        "show": show,
        "tabs": [
            {"key": key, "label": LABELS[key], "count": tallies[key].count, "hint": selector.HINTS[key]}
            for key in selector.SHOWS
        ],
        "hint": selector.HINTS[show],
        "tally": tallies[show],
        "page": page,
        "rows": selector.touch_rows(touches=list(page.object_list), user=user, on=day, at=now),
        "with_csm": several or user.is_ops or user.is_manager,
        "today": day,
        "back": request.get_full_path(),
        "place": "rows",
        "clear": f"{request.path}?show={show}",
    }
    return render(request, "pages/touches.html", context)


def _asked_for(request: HttpRequest) -> str:
    show = request.GET.get("show", "")
    return show if show in selector.SHOWS else ""


@require_POST
@for_everyone_with_a_role
def touch_done(request: HttpRequest, pk: int) -> HttpResponse:
    """It took place: with a day, minutes and a note, or (nothing given) today and as planned."""
    touch = _touch_or_404(request, pk)
    form = DoneForm(request.POST, auto_id="touch_done_%s")
    if form.is_valid():
        given, (day, now) = form.cleaned_data, _clock()
        with faults_of(form, service.UnableToDoTouch):
            service.do_touch(
                touch_id=pk,
                actor=request.user,
                done_on=given["done_on"] or day,
                minutes=given["minutes"],
                words=given["words"],
                on=day,
                at=now,
            )
    if form.errors:
        return _again(request, touch, form, "Done")
    _said(request, f"“{touch.name}” with {touch.customer} is done.")
    return _back(request, touch.customer_id)


@require_POST
@for_everyone_with_a_role
def touches_done(request: HttpRequest) -> HttpResponse:
    """The ticked ones took place today, and took the hours planned."""
    ids = [int(value) for value in request.POST.getlist("row") if value.isdecimal() and len(value) < 19]
    if not ids:
        messages.error(request, NOTHING_TICKED)
        return _back(request)
    day, now = _clock()
    done = service.do_touches(touch_ids=set(ids), actor=request.user, on=day, at=now)
    if done:
        _said(request, f"{wording.counted(done, 'touch', 'touches')} done today, with the hours planned.")
    left = len(set(ids)) - done
    if left:
        one = "was not open any more: it stays" if left == 1 else "were not open any more: they stay"
        messages.warning(request, f"{wording.counted(left, 'touch', 'touches')} {one} as somebody left it.")
    return _back(request)


@require_POST
@for_everyone_with_a_role
def touch_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """It does not take place, for a reason."""
    touch = _touch_or_404(request, pk)
    form = SkipForm(request.POST, auto_id="touch_skip_%s")
    if form.is_valid():
        with faults_of(form, service.UnableToSkipTouch):
            service.skip_touch(
                touch_id=pk, actor=request.user, words=form.cleaned_data["words"], at=timezone.now()
            )
    if form.errors:
        return _again(request, touch, form, "Skip it")
    _said(request, f"“{touch.name}” with {touch.customer} is skipped.")
    return _back(request, touch.customer_id)


@require_POST
@for_everyone_with_a_role
def touch_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Another day."""
    touch = _touch_or_404(request, pk)
    form, moved = MoveForm(request.POST, auto_id="touch_move_%s"), False
    if form.is_valid():
        with faults_of(form, service.UnableToMoveTouch):
            moved = service.move_touch(
                touch_id=pk, actor=request.user, due_on=form.cleaned_data["due_on"], on=today()
            )
    if form.errors:
        return _again(request, touch, form, "Move")
    verb, due_on = "is moved to" if moved else "was already on", wording.day(form.cleaned_data["due_on"])
    _said(request, f"“{touch.name}” with {touch.customer} {verb} {due_on}.")
    return _back(request, touch.customer_id)


@require_POST
@for_everyone_with_a_role
def touch_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what was written down."""
    touch = _touch_or_404(request, pk)
    with refusals_shown(request, service.UnableToReopenTouch, place=PLACE):
        is_open = service.reopen_touch(touch_id=pk, actor=request.user, at=timezone.now())
        what = "is open again" if is_open else "was logged by mistake, and is gone"
        _said(request, f"“{touch.name}” with {touch.customer} {what}.")
    return _back(request, touch.customer_id)


@require_POST
@for_everyone_with_a_role
def touch_log(request: HttpRequest, pk: int) -> HttpResponse:
    """One of a customer in scope that was not planned."""
    customer = customer_in_scope(user=request.user, pk=pk)
    if customer is None:
        raise Http404
    form = LogForm(request.POST, activities=activities_to_log(customer=customer), auto_id="touch_log_%s")
    if form.is_valid():
        given, (day, now) = form.cleaned_data, _clock()
        with faults_of(form, service.UnableToLogTouch):
            touch = service.log_touch(
                customer_id=pk,
                actor=request.user,
                activity_id=given["activity"],
                name=given["name"],
                done_on=given["done_on"],
                minutes=given["minutes"],
                words=given["words"],
                on=day,
                at=now,
            )
            _said(request, f"“{touch.name}” with {customer} is logged.")
    if form.errors:
        fault = FaultyTouch(
            form, "Log a touch that was not planned", reverse("touch_log", args=[pk]), "Log it"
        )
        return _actions(request, customer, fault)
    return _back(request, pk)


def _touch_or_404(request: HttpRequest, pk: int) -> Touch:
    rows = Touch.objects.visible_to(request.user).select_related("customer")
    found: Touch | None = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _said(request: HttpRequest, words: str) -> None:
    messages.success(request, words, extra_tags=PLACE)


def _again(request: HttpRequest, touch: Touch, form: Any, verb: str) -> HttpResponse:
    """The form as it was sent, with its faults."""
    return _actions(
        request, touch.customer, FaultyTouch(form, f"{touch.name}: {verb.lower()}", request.path, verb)
    )


def _actions(request: HttpRequest, customer: Customer, fault: FaultyTouch) -> HttpResponse:
    with_focus(fault.form)
    return actions_page(request, customer, back=asked_back(request), touch=fault, status=UNPROCESSABLE)


def _clock() -> tuple[date, datetime]:
    """The moment and its day: read apart, midnight may lie between them."""
    now = timezone.now()
    return timezone.localdate(now), now


def _back(request: HttpRequest, customer_id: int | None = None) -> HttpResponse:
    """To where the form stood (`next`, an address of this site), or to the customer's page."""
    address = safe_address(request.POST.get("next", "")[:2000])
    if not address:
        address = reverse("customer", args=[customer_id]) if customer_id else reverse("touches")
    return redirect(address)
