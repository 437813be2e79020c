"""Goals on the customer's page and in the book: open, change, close. POST, one service call, a goals run, back to the page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.models import Customer, Goal
from allocation.forms.goals import Choices, GoalForm, OpenGoalForm
from allocation.models import RetierRun
from allocation.selectors.customer_detail import CustomerDetail, customer_in_scope
from allocation.selectors.goals import goal_kinds, goal_owners
from allocation.services import goals
from allocation.tasks.retiering import ask_for_goals_run
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.book_actions import UNPROCESSABLE, actions_page
from allocation.views.returning import asked_back, is_book


def goal_forms(*, customer: Customer, detail: CustomerDetail, user: Any) -> dict[str, Any]:
    """What the card of goals needs to be worked with: the form that opens one, and one for each open goal."""
    owners = _owners(customer, user)
    kinds: Choices = list(goal_kinds().values_list("pk", "name"))
    return {
        "open_goal": OpenGoalForm(kinds=kinds, owners=owners, auto_id="goal_%s") if kinds else None,
        "goals": [
            (
                line,
                GoalForm(
                    initial={"owner": line.owner_id, "words": line.words},
                    owners=_with(owners, line.owner_id, line.owner),
                    auto_id=f"goal_{line.pk}_%s",
                )
                if line.open
                else None,
            )
            for line in detail.goals
        ],
    }


def _owners(customer: Customer, user: Any) -> Choices:
    return [(person.pk, str(person)) for person in goal_owners(customer=customer, user=user)]


def _with(owners: Choices, pk: int | None, name: str) -> Choices:
    """The present owner stays a choice, whoever may be chosen anew."""
    return owners if pk is None or pk in dict(owners) else [(pk, name), *owners]


@require_POST
@for_everyone_with_a_role
def goal_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a goal of a customer in scope."""
    user: Any = request.user
    customer = customer_in_scope(user=user, pk=pk)
    if customer is None:
        raise Http404
    kinds: Choices = list(goal_kinds().values_list("pk", "name"))
    back = asked_back(request)
    form = OpenGoalForm(request.POST, kinds=kinds, owners=_owners(customer, user), auto_id="actions_goal_%s")
    if not form.is_valid():
        if is_book(back):
            return actions_page(request, customer, back=back, goal=form, status=UNPROCESSABLE)
        return _refused(request, pk, form)
    given = form.cleaned_data
    try:
        goal = goals.open_goal(
            customer_id=pk,
            kind_id=given["kind"],
            actor=user,
            on=today(),
            owner_id=given["owner"],
            words=given["words"],
        )
    except goals.UnableToOpenGoal as refusal:
        messages.error(request, str(refusal))
    else:
        say_what_follows(request, f"The goal “{goal.kind}” is open.", customer_id=pk)
    return redirect(back) if back else _back(pk)


@require_POST
@for_everyone_with_a_role
def goal_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another owner or other words; no rule reads either, so no run follows."""
    user: Any = request.user
    goal = _goal_or_404(user, pk)
    owners = _with(_owners(goal.customer, user), goal.owner_id, str(goal.owner or ""))
    form = GoalForm(request.POST, owners=owners)
    if not form.is_valid():
        return _refused(request, goal.customer_id, form)
    given = form.cleaned_data
    try:
        changed = goals.change_goal(
            goal_id=pk, actor=user, on=today(), owner_id=given["owner"], words=given["words"]
        )
    except goals.UnableToChangeGoal as refusal:
        messages.error(request, str(refusal))
    else:
        words = (
            f"The goal “{goal.kind}” is changed." if changed else f"The goal “{goal.kind}” was so already."
        )
        messages.success(request, words)
    return _back(goal.customer_id)


@require_POST
@for_everyone_with_a_role
def goal_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a goal; it stays in the history."""
    user: Any = request.user
    goal = _goal_or_404(user, pk)
    try:
        goals.close_goal(goal_id=pk, actor=user, on=today())
    except goals.UnableToCloseGoal as refusal:
        messages.error(request, str(refusal))
    else:
        say_what_follows(request, f"The goal “{goal.kind}” is closed.", customer_id=goal.customer_id)
    back = asked_back(request)
    return redirect(back) if back else _back(goal.customer_id)


def _goal_or_404(user: Any, pk: int) -> Goal:
    rows = Goal.objects.visible_to(user).select_related("customer__csm", "kind", "owner")
    found: Goal | None = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def say_what_follows(request: HttpRequest, done: str, *, customer_id: int) -> None:
    """Ask for a goals run and new touches; say what was done, and what follows from it."""
    run = ask_for_goals_run(
        as_of=today(), at=timezone.now(), actor_id=request.user.pk, customer_ids=[customer_id]
    )
    say_with_run(request, done, run)


def say_with_run(request: HttpRequest, done: str, run: RetierRun | None, *, place: str = "") -> None:
    """What was done, and which run proposes what follows, if one does. place: the card that says it (its tag)."""
    user: Any = request.user
    words = done if run is None else format_html("{} {}", done, _what_follows(run, user))
    messages.success(request, words, extra_tags=place)


def _what_follows(run: RetierRun, user: Any) -> Any:
    if not (user.is_ops or user.is_manager):
        return "Whether the tier follows is proposed to CS ops."
    link = format_html('<a href="{}">Run {}</a>', reverse("run", args=[run.pk]), run.pk)
    return format_html("{} proposes what follows for the tier.", link)


def _refused(request: HttpRequest, customer_id: int, form: Any) -> HttpResponse:
    for field, faults in form.errors.items():
        for fault in faults:
            messages.error(request, f"{form.fields[field].label}: {fault}")
    return _back(customer_id)


def _back(customer_id: int) -> HttpResponse:
    return redirect(reverse("customer", args=[customer_id]) + "#goals-heading")
