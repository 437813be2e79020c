"""The queue of what waits for a decision, and deciding rows of it: POST, a service call a row, back to the queue."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from allocation.filters.approvals import ApprovalFilter
from allocation.forms.approvals import DelegationForm
from allocation.selectors import approvals as selector
from allocation.selectors import wording
from allocation.selectors.approval_rows import approval_rows
from allocation.selectors.delegations import delegation_lines
from allocation.views.access import for_leads, for_roles, today
from allocation.views.deciding import DECISIONS, Result, decide, read_tokens
from allocation.views.lists import has_filters, page_of

NOTHING_TICKED = "Tick the rows that are meant."
TOLD = 20  # refusals said one by one; more are counted


@require_safe
@for_leads
def approvals(request: HttpRequest) -> HttpResponse:
    """Everything that waits in the person's scope, by due date; CS ops see it and decide nothing."""
    return approvals_page(request)


def approvals_page(
    request: HttpRequest, *, delegation: DelegationForm | None = None, status: int = 200
) -> HttpResponse:
    """The page. delegation: the form that hands decisions over, sent with a fault."""
    user: Any = request.user
    day = today()
    found = ApprovalFilter(request.GET, user=user, on=day)
    queue = (
        selector.decided_lately(user=user, at=timezone.now())
        if found.wants_decided
        else selector.waiting(user=user)
    )
    page = page_of(request, found.narrowed(queue).in_order())
    rows = approval_rows(list(page.object_list), user=user, on=day)
    context = {
        "filter": found,
        "page": page,
        "rows": rows,
        "decided": found.wants_decided,
        "filtered": has_filters(request),
        "deciding": any(row.deciders and row.deciders.mine for row in rows),
        "query": request.GET.urlencode(),
        "delegations": delegation_lines(user=user, on=day),
        "delegation_form": delegation or DelegationForm(user=user, today=day, auto_id="delegate_%s"),
    }
    return render(request, "pages/approvals.html", context, status=status)


@require_POST
@for_roles("manager")
def approvals_decide(request: HttpRequest) -> HttpResponse:
    """Approve or decline the ticked rows; each is told apart, and one that somebody else decided says who and when."""
    back = _back(request)
    decision = request.POST.get("decision", "")
    tokens = read_tokens(request.POST.getlist("row"))
    if decision not in DECISIONS:
        messages.error(request, "Say whether the rows are approved or declined.")
    elif not tokens:
        messages.error(request, NOTHING_TICKED)
    else:
        words = request.POST.get("words", "")
        results = decide(
            tokens, decision=decision, words=words, actor=request.user, on=today(), at=timezone.now()
        )
        _say(request, decision, results)
    return redirect(back)


def _say(request: HttpRequest, decision: str, results: list[Result]) -> None:
    done = sum(result.done for result in results)
    if done:
        rows = wording.counted(done, "row")
        messages.success(request, f"{rows} {'approved' if decision == 'approve' else 'declined'}.")
    for note in dict.fromkeys(result.note for result in results if result.note):
        messages.success(request, note)
    left = [result for result in results if not result.done]
    for result in left[:TOLD]:
        messages.warning(request, f"{result.label}: {result.sentence}" if result.label else result.sentence)
    if len(left) > TOLD:
        messages.warning(
            request, f"{wording.counted(len(left) - TOLD, 'row')} more were not decided: look again."
        )


def _back(request: HttpRequest) -> str:
    """To the rows as they were looked at, or to the page of the run they were decided on."""
    run = request.POST.get("run", "")
    if run.isdecimal() and len(run) < 10:
        return reverse("run", args=[int(run)])
    query = QueryDict(request.POST.get("query", "")[:2000]).urlencode()
    return reverse("approvals") + (f"?{query}" if query else "")
