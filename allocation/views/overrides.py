"""Overrides from the customer's page: ask for one, take one back. POST, one service call, back to where it began.

What was typed is never lost: a form with a fault is shown again on the customer's page as it was sent.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from allocation.forms.faults import with_focus
from allocation.forms.overrides import WithdrawForm
from allocation.models import Override
from allocation.selectors import wording
from allocation.selectors.customer_detail import customer_in_scope
from allocation.selectors.override_rights import NOT_YOURS, override_rights
from allocation.services import overrides
from allocation.tasks.overrides import follow
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.book_actions import UNPROCESSABLE, actions_page
from allocation.views.customers import customer_page
from allocation.views.goals import say_with_run
from allocation.views.override_card import PLACE, Faulty, ask_form, safe_address
from allocation.views.returning import is_book


@require_POST
@for_everyone_with_a_role
def override_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another tier of a customer in scope; a manager decides."""
    user: Any = request.user
    day, now = today(), timezone.now()
    customer = customer_in_scope(user=user, pk=pk)
    if customer is None:
        raise Http404
    form = ask_form(request.POST, day=day)
    if form.is_valid():
        given = form.cleaned_data
        try:
            asked = overrides.request_override(
                customer_id=pk,
                tier_id=given["tier"],
                reason_kind=given["reason_kind"],
                words=given["words"],
                evidence=given["evidence"],
                starts_on=given["starts_on"],
                expires_on=given["expires_on"],
                actor=user,
                on=day,
                at=now,
            )
        except overrides.UnableToRequestOverride as refusal:
            form.add_error(None, str(refusal))
        else:
            follow([asked], on=day, at=now, actor_id=user.pk)
            back = safe_address(given["back"])
            words = f"The override for {customer} is asked for: somebody else decides it, by {wording.day(asked.due_on)}."
            messages.success(request, words, extra_tags="" if back else PLACE)
            return redirect(back or _card(pk))
    faulty, back = Faulty(ask=with_focus(form)), safe_address(request.POST.get("back", ""))
    if is_book(back):
        return actions_page(request, customer, back=back, override=faulty, status=UNPROCESSABLE)
    return customer_page(request, customer, faulty=faulty, status=UNPROCESSABLE)


@require_POST
@for_everyone_with_a_role
def override_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a request, or end an override in force: then the customer goes back through a goals run."""
    user: Any = request.user
    day, now = today(), timezone.now()
    row = Override.objects.visible_to(user).filter(pk=pk).first()
    customer = None if row is None else customer_in_scope(user=user, pk=row.customer_id)
    if row is None or customer is None:
        raise Http404
    if not override_rights(override=row, customer=customer, user=user).change:
        raise PermissionDenied(NOT_YOURS)
    form = WithdrawForm(request.POST, auto_id=f"withdraw_{pk}_%s")
    if form.is_valid():
        try:
            ended = overrides.withdraw_override(
                override_id=pk, actor=user, words=form.cleaned_data["words"], on=day, at=now
            )
        except overrides.UnableToWithdrawOverride as refusal:
            form.add_error(None, str(refusal))
        else:
            run = follow([ended], on=day, at=now, actor_id=user.pk)
            held = ended.begun_at is not None
            what = "ended." if held else "withdrawn; its tier stays as it is."
            say_with_run(request, f"The override for {customer} is {what}", run, place=PLACE)
            return redirect(_card(customer.pk))
    return customer_page(request, customer, faulty=Faulty(back=with_focus(form), pk=pk), status=UNPROCESSABLE)


def _card(customer_id: int) -> str:
    return reverse("customer", args=[customer_id]) + "#override-heading"
