"""Handing decisions over while away, and taking them back: POST, one service call, back to the approvals."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import Delegation
from allocation.forms.approvals import DelegationForm
from allocation.forms.faults import with_focus
from allocation.selectors import wording
from allocation.services import delegating
from allocation.tasks.bell import ring
from allocation.tasks.notices import send_notices
from allocation.views.access import for_leads, today
from allocation.views.approvals import approvals_page
from allocation.views.deciding import BIGGEST_ID

# What was typed is shown again with what is wrong.
UNPROCESSABLE = 422


@require_POST
@for_leads
def delegate(request: HttpRequest) -> HttpResponse:
    """A manager hands the own decisions over; CS ops do it for one who cannot."""
    user: Any = request.user
    form = DelegationForm(request.POST, user=user, today=today(), auto_id="delegate_%s")
    if not form.is_valid():
        return approvals_page(request, delegation=with_focus(form), status=UNPROCESSABLE)
    given = form.cleaned_data
    try:
        made = delegating.delegate_decisions(
            manager=given.get("manager") or user,
            delegate_id=given["delegate"].pk,
            starts_on=given["starts_on"],
            ends_before=given["ends_before"],
            words=given["words"],
            actor=user,
            on=today(),
            at=timezone.now(),
        )
    except delegating.UnableToDelegate as refusal:
        form.add_error(None, str(refusal))
        return approvals_page(request, delegation=with_focus(form), status=UNPROCESSABLE)
    else:
        who = "you" if made.manager_id == user.pk else str(made.manager)
        messages.success(
            request,
            f"{made.delegate} decides for {who} from {wording.day(made.starts_on)} "
            f"until {who} {'are' if who == 'you' else 'is'} back on {wording.day(made.ends_before)}.",
        )
        ring(send_notices)
    return _back()


@require_POST
@for_leads
def delegation_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the decisions back before the time."""
    user: Any = request.user
    if pk > BIGGEST_ID or not Delegation.objects.visible_to(user).filter(pk=pk).exists():
        raise Http404
    try:
        ended = delegating.end_delegation(delegation_id=pk, actor=user, on=today(), at=timezone.now())
    except delegating.UnableToDelegate as refusal:
        messages.error(request, str(refusal))
    else:
        who = "you" if ended.manager_id == user.pk else str(ended.manager)
        messages.success(request, f"{ended.delegate} no longer decides for {who}.")
        ring(send_notices)
    return _back()


def _back() -> HttpResponse:
    return redirect(reverse("approvals") + "#away-heading")
