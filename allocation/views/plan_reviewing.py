"""Reviewing the moves of a plan: POST, one service call, back to the same moves; and the page of one move.

Refuse, accept again, approve, decline: moves that are ticked, all that fit the filter, or the one whose button was
pressed. Another CSM is named on the page of the move, which says who can take the customer now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from allocation.filters.runs import MoveFilter
from allocation.models import BookPlan, Move, RowStatus
from allocation.selectors import plans as selector
from allocation.selectors import wording
from allocation.selectors.freezes import refusal_while_frozen
from allocation.selectors.objections import answerable_moves, objections_of, refusal_to_apply
from allocation.selectors.plan_rows import move_rows
from allocation.selectors.plan_standing import offers, read_table
from allocation.services import planning
from allocation.snapshots.money import UnknownRate
from allocation.tasks.bell import ring
from allocation.tasks.planning import apply_book_plan
from allocation.views.access import for_leads, today
from allocation.views.plans import can_review, decided_ids, plan_or_404, seen_csms
from allocation.views.refusals import refusals_shown

BIGGEST_ID = 2**63 - 1
# What a move must be for an action to mean something.
BEFORE = {
    "refuse": RowStatus.PROPOSED,
    "accept": RowStatus.REFUSED,
    "approve": RowStatus.PROPOSED,
    "decline": RowStatus.PROPOSED,
    "keep": RowStatus.PROPOSED,
}
NOTHING_TICKED = "Tick the moves that are meant, or all that fit the filter."
REFUSALS = (
    planning.UnableToReviewPlan,
    planning.UnableToApproveMoves,
    planning.UnableToAnswerObjections,
)
WITH_WHAT_WAS_SEEN = {
    "approve": planning.approve_moves,
    "decline": planning.decline_moves,
    "keep": planning.answer_objections,
}


@require_POST
@for_leads
def plan_rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse moves, accept them again, approve or decline them, keep them in spite of an objection."""
    plan = plan_or_404(user=request.user, pk=pk)
    query = QueryDict(request.POST.get("query", "")[:2000], mutable=True)
    action, ids = _asked(request)
    back = _address(request, plan, query)
    if action not in BEFORE:
        messages.error(
            request, "Say whether the moves are refused, accepted again, approved, declined or kept."
        )
        return redirect(back)
    if request.POST.get("all") == "1" and not request.POST.get("one"):
        ids = _all_that_fit(request, plan, query, action)
    if not ids:
        messages.error(request, NOTHING_TICKED)
        return redirect(back)
    with refusals_shown(request, REFUSALS):
        changed = _act(action, plan, ids, request)
        _say(request, action, changed, ids)
        _after(request, plan)
    return redirect(back)


@require_safe
@for_leads
def plan_move(request: HttpRequest, pk: int, move: int) -> HttpResponse:
    """One move: what was planned and why, what people made of it, and which CSMs can take the customer now."""
    user: Any = request.user
    plan = plan_or_404(user=user, pk=pk)
    row = _move_or_404(plan, move, user)
    reviewing = can_review(plan) and row.status in (RowStatus.PROPOSED, RowStatus.REFUSED)
    can, cannot, hidden, lacking = [], [], 0, ""
    if reviewing:
        try:
            table = read_table(plan=plan)
        except UnknownRate as unknown:
            lacking = str(unknown)
        else:
            can, cannot, hidden = offers(table=table, move_id=row.pk, user=user)
            lacking = "Policy, tiers or books changed since: plan again." if table.is_stale else ""
    seen = seen_csms(user)
    shown = move_rows(
        [row],
        seen=seen,
        decides=decided_ids(plan, user),
        answers=answerable_moves(plan=plan, user=user),
        objections=objections_of([row.pk], seen=seen),
    )
    context = {
        "plan": plan,
        "row": shown[0],
        "reviewing": reviewing and not lacking,
        "lacking": lacking,
        "can": can,
        "cannot": cannot,
        "hidden": hidden,
    }
    return render(request, "pages/plan_move.html", context)


@require_POST
@for_leads
def plan_repoint(request: HttpRequest, pk: int, move: int) -> HttpResponse:
    """Another CSM than the planner named."""
    user: Any = request.user
    plan = plan_or_404(user=user, pk=pk)
    row = _move_or_404(plan, move, user)
    here = redirect("plan_move", pk=pk, move=move)
    csm_id = _number(request.POST.get("csm", ""))
    if csm_id is None:
        messages.error(request, "Choose one of the CSMs that are offered.")
        return here
    words = request.POST.get("words", "")
    try:
        planning.repoint_move(
            plan_id=pk, move_id=move, csm_id=csm_id, actor=user, words=words, at=timezone.now()
        )
    except planning.UnableToReviewPlan as refusal:
        messages.error(request, str(refusal))
        return here
    now = Move.objects.select_related("to_csm").get(pk=move)
    back = "" if now.repointed_by_id else ", as the planner proposed"
    messages.success(request, f"{row.customer.name} goes to {now.to_csm}{back}; no limit is broken.")
    _after(request, plan)
    return redirect(reverse("plan", args=[pk]) + f"#move-{move}")


def _move_or_404(plan: BookPlan, move: int, user: Any) -> Move:
    if move > BIGGEST_ID:
        raise Http404
    found: Move | None = selector.with_joins(selector.moves(plan=plan, user=user)).filter(pk=move).first()
    if found is None:
        raise Http404
    return found


def _number(text: str) -> int | None:
    number = int(text) if text.isdecimal() and len(text) < 20 else None
    return number if number is not None and number <= BIGGEST_ID else None


def _asked(request: HttpRequest) -> tuple[str, list[int]]:
    """What is to be done with which moves: a button of its own names both, as "refuse:17"."""
    action, _, one = request.POST.get("one", "").partition(":")
    given = [one] if action else request.POST.getlist("row")
    ids = [number for text in given if (number := _number(text)) is not None]
    return action or request.POST.get("action", ""), ids


def _all_that_fit(request: HttpRequest, plan: BookPlan, query: QueryDict, action: str) -> list[int]:
    """Filters that cannot be read would mean "all moves" here."""
    rows = selector.moves(plan=plan, user=request.user)
    found = MoveFilter(query, queryset=rows, user=request.user)
    if not found.is_valid():
        return []
    return list(found.qs.filter(status=BEFORE[action]).order_by("pk").values_list("pk", flat=True))


def _act(action: str, plan: BookPlan, ids: list[int], request: HttpRequest) -> int:
    said: dict[str, Any] = {
        "plan_id": plan.pk,
        "move_ids": ids,
        "actor": request.user,
        "words": request.POST.get("words", ""),
        "at": timezone.now(),
    }
    if action == "refuse":
        return planning.refuse_moves(**said)
    if action == "accept":
        return planning.accept_moves(plan_id=plan.pk, move_ids=ids, actor=request.user)
    decide: Callable[..., int] = WITH_WHAT_WAS_SEEN[action]
    version = _number(request.POST.get("version", ""))
    if version is None:
        raise planning.UnableToApproveMoves(
            "Open the plan's page and decide there, so that what you decide on is what you saw."
        )
    return decide(**said, seen_version=version)


NOTHING_DONE = {
    "refuse": "Nothing was changed: what you ticked is refused already.",
    "accept": "Nothing was changed: what you ticked was not refused.",
}


def _say(request: HttpRequest, action: str, changed: int, ids: list[int]) -> None:
    if not changed:
        messages.info(request, NOTHING_DONE.get(action, "Nothing was changed."))
        return
    moves = wording.counted(changed, "move")
    left = len(ids) - changed
    rest = f" {wording.counted(left, 'move')} did not need it, or not from you." if left > 0 else ""
    done = {
        "refuse": f"{moves} refused: {_who_stays(ids, changed)}",
        "accept": f"{moves} accepted again.",
        "approve": f"{moves} approved.",
        "keep": f"{moves} stay as planned; who objected is told why."
        if changed > 1
        else "1 move stays as planned; who objected is told why.",
        "decline": f"{moves} declined: {_who_stays(ids, changed)}",
    }[action]
    messages.success(request, done + rest)


def _who_stays(ids: list[int], changed: int) -> str:
    if changed != 1:
        return "these customers stay where they are."
    refused = Move.objects.filter(pk__in=ids, status=RowStatus.REFUSED).order_by("-refused_at")
    row = refused.select_related("customer", "from_csm").first()
    if row is None:
        return "the customer stays where it is."
    return f"{row.customer.name} stays {f'with {row.from_csm}' if row.from_csm else 'without a CSM'}."


def _after(request: HttpRequest, before: BookPlan) -> None:
    """A review may begin or end the waiting for an approval; an approval may let a wish to apply come true."""
    now = BookPlan.objects.get(pk=before.pk)
    if BookPlan.objects.filter(pk=now.pk).wished(on=today()).exists():
        messages.success(request, f"Plan {now.pk} is being applied, as was asked for.")
        ring(apply_book_plan, plan_id=now.pk)
    elif before.status != now.status and now.status == "awaiting_approval":
        messages.warning(request, "A manager has to approve or decline this move before the plan is applied.")
    elif before.status != now.status:
        why_not = (
            refusal_to_apply(plan=now, on=today())
            or refusal_while_frozen(on=today(), wished=now.apply_when_proposed)
            or "CS ops can apply the plan."
        )
        messages.success(request, f"Nothing waits for an approval any more: {why_not}")


def _address(request: HttpRequest, plan: BookPlan, query: QueryDict) -> str:
    move = _number(request.POST.get("back", ""))
    if move is not None:
        return reverse("plan_move", args=[plan.pk, move])
    kept = query.urlencode()
    return reverse("plan", args=[plan.pk]) + (f"?{kept}" if kept else "") + "#moves"
