"""Leave on the page of a book: the lines that everybody reads, and the form of who leads: POST, one service call, back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from allocation.forms.faults import with_focus
from allocation.forms.leave import LeaveForm
from allocation.selectors import books as selector
from allocation.selectors import wording
from allocation.selectors.covers import leave_lines
from allocation.services import covering
from allocation.views.access import for_leads, today
from allocation.views.books import book_page

# What was typed is shown again with what is wrong.
UNPROCESSABLE = 422


@require_POST
@for_leads
def leave_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a CSM's leave, change it, or name who covers."""
    user: Any = request.user
    csm = selector.csm_in_scope(user=user, pk=pk)
    if csm is None:
        raise Http404
    day = today()
    lines = leave_lines(csm=csm, user=user, on=day)
    row = next((one.leave for one in lines if one.own and str(one.pk) == request.POST.get("leave")), None)
    form = LeaveForm(request.POST, csm=csm, user=user, on=day, row=row)
    if not form.is_valid():
        return book_page(request, csm, faulty=with_focus(form), status=UNPROCESSABLE)
    given = form.cleaned_data
    cover = given["covered_by"]
    try:
        made = covering.record_leave(
            csm_id=csm.pk,
            leave_id=given["leave"],
            starts_on=given["starts_on"],
            ends_before=given["ends_before"],
            covered_by_id=cover.pk if cover else None,
            actor=user,
            on=day,
        )
    except covering.UnableToRecordLeave as refusal:
        form.add_error(None, str(refusal))
        return book_page(request, csm, faulty=with_focus(form), status=UNPROCESSABLE)
    covers = f"{cover.name} covers" if cover else "nobody covers yet"
    messages.success(
        request,
        f"{csm.name} is away from {wording.day(made.starts_on)}, back on {wording.day(made.ends_before)}: {covers}.",
    )
    return redirect(reverse("book", args=[csm.pk]) + "#leave-heading")
