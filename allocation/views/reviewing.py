"""Refusing rows of a run and accepting them again: POST, one service call, back to the same rows."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from allocation.models import RetierRun, RowStatus
from allocation.selectors import wording
from allocation.services import retiering
from allocation.views.access import for_leads
from allocation.views.refusals import refusals_shown
from allocation.views.run_rows import HELD, filter_of_tab
from allocation.views.runs import run_or_404

BIGGEST_ID = 2**63 - 1
# What a row must be for an action to mean something.
BEFORE = {"refuse": RowStatus.PROPOSED, "accept": RowStatus.REFUSED}
NOTHING_TICKED = "Tick the rows that are meant, or all that fit the filter."


@require_POST
@for_leads
def run_rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse rows, or accept them again: those ticked, or all that fit the filter they are seen through."""
    run = run_or_404(user=request.user, pk=pk)
    query = QueryDict(request.POST.get("query", "")[:2000], mutable=True)
    back = _address(run, query)
    action = request.POST.get("action", "")
    if action not in BEFORE:
        messages.error(request, "Say whether the rows are refused or accepted again.")
        return redirect(back)
    ids = _meant(request, run, query, action)
    if not ids:
        messages.error(request, NOTHING_TICKED)
        return redirect(back)
    with refusals_shown(request, retiering.UnableToReviewRun):
        changed = _act(action, run, ids, request)
        _say(request, action, changed, len(ids))
        _say_limit(request, run)
    return redirect(back)


def _meant(request: HttpRequest, run: RetierRun, query: QueryDict, action: str) -> list[int]:
    """Ids of the rows the person means; what is no number is left out, the service looks at the rest."""
    if request.POST.get("all") == "1":
        tab = query.get("show", "")
        if tab not in HELD:
            return []
        found = filter_of_tab(query, run=run, user=request.user, tab=tab)
        # Filters that cannot be read would mean "all rows" here.
        return list(_rows(found, action)) if found.is_valid() else []
    given = [int(text) for text in request.POST.getlist("row") if text.isdecimal() and len(text) < 20]
    return [pk for pk in given if pk <= BIGGEST_ID]


def _rows(found: Any, action: str) -> Any:
    rows = found.qs.filter(status=BEFORE[action]).changes()
    return rows.order_by("pk").select_related(None).values_list("pk", flat=True)


def _act(action: str, run: RetierRun, ids: list[int], request: HttpRequest) -> int:
    who: Any = request.user
    if action == "accept":
        return retiering.accept_rows(run_id=run.pk, decision_ids=ids, actor=who, at=timezone.now())
    words = request.POST.get("words", "")
    return retiering.refuse_rows(run_id=run.pk, decision_ids=ids, actor=who, words=words, at=timezone.now())


def _say(request: HttpRequest, action: str, changed: int, asked: int) -> None:
    rows = wording.counted(changed, "row")
    if not changed:
        what = "refused already, or changes nothing" if action == "refuse" else "was not refused"
        messages.info(request, f"Nothing was changed: what you ticked is {what}.")
        return
    done = (
        f"{rows} refused: {'this customer keeps its tier' if changed == 1 else 'these customers keep their tier'} "
        "when the run is applied."
        if action == "refuse"
        else f"{rows} accepted again."
    )
    rest = asked - changed
    left = f" {wording.counted(rest, 'row')} did not need it." if rest else ""
    messages.success(request, done + left)


def _say_limit(request: HttpRequest, before: RetierRun) -> None:
    """Refusing may bring a run under the change limit, accepting over it: say so, it decides what comes next."""
    now = RetierRun.objects.only("status", "over_limit").get(pk=before.pk)
    if before.status == now.status:
        return
    if now.over_limit:
        messages.warning(
            request,
            "The run is over the change limit now: a manager has to approve it before it can be applied.",
        )
    else:
        messages.success(
            request,
            "The run is within the change limit now: CS ops can apply it without an approval. "
            "Nothing is applied before they do.",
        )


def _address(run: RetierRun, query: QueryDict) -> str:
    kept = query.urlencode()
    return reverse("run", args=[run.pk]) + (f"?{kept}" if kept else "") + "#rows"
