"""What can be done for a customer without leaving the book: a drawer of forms, or a page of its own without scripts.

Each form names the book's address in `next` and is sent to where it is sent from the customer's page as well; what has a fault
comes back here with everything that was typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Customer
from allocation.forms.goals import OpenGoalForm
from allocation.forms.sentiment import SentimentForm
from allocation.forms.touches import LogForm
from allocation.selectors.book_touches import next_touches_of
from allocation.selectors.customer_detail import customer_in_scope
from allocation.selectors.feelings import sentiment_word
from allocation.selectors.goals import goal_kinds, goal_owners, open_goals_of
from allocation.selectors.overrides import customer_overrides
from allocation.selectors.touch_card import activities_to_log
from allocation.services import sentiment
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.override_card import NO_FAULT, Faulty, override_card
from allocation.views.returning import asked_back, at_row, is_book

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class FaultyTouch:
    """A form about touches that was sent and refused: what it is about, where it goes, and the word on its button."""

    form: Any
    title: str
    url: str
    verb: str


@require_safe
@for_everyone_with_a_role
def book_actions(request: HttpRequest, pk: int) -> HttpResponse:
    """The forms for one customer in scope."""
    customer = customer_in_scope(user=request.user, pk=pk)
    if customer is None:
        raise Http404
    return actions_page(request, customer, back=asked_back(request))


def actions_page(
    request: HttpRequest,
    customer: Customer,
    *,
    back: str,
    feeling: SentimentForm | None = None,
    goal: OpenGoalForm | None = None,
    override: Faulty = NO_FAULT,
    touch: FaultyTouch | None = None,
    status: int = 200,
) -> HttpResponse:
    """feeling, goal, override, touch: what was sent and refused. A script asks for the forms alone, without the page around them."""
    user: Any = request.user
    day = today()
    back = at_row(back, customer.pk) if is_book(back) else back or reverse("customer", args=[customer.pk])
    kinds = list(goal_kinds().values_list("pk", "name"))
    owners = [(person.pk, str(person)) for person in goal_owners(customer=customer, user=user)]
    context = {
        "customer": customer,
        "active": customer.status == Customer.Status.ACTIVE,
        "back": back,
        "to_book": is_book(back),
        "today": day,
        "touch_fault": touch,
        "touches": next_touches_of(customer=customer, on=day),
        "log_form": LogForm(
            initial={"done_on": day, "minutes": 30},
            activities=activities_to_log(customer=customer),
            auto_id="actions_log_%s",
        ),
        "feeling": feeling
        or SentimentForm(initial={"sentiment": customer.sentiment}, auto_id="actions_sentiment_%s"),
        "feeling_word": sentiment_word(customer.sentiment),
        "goals": open_goals_of(customer=customer, on=day),
        "open_goal": goal
        or (OpenGoalForm(kinds=kinds, owners=owners, auto_id="actions_goal_%s") if kinds else None),
        "goal_faulty": goal is not None,
        **override_card(
            customer=customer,
            found=customer_overrides(customer=customer, today=day),
            explanation=None,
            user=user,
            day=day,
            asking=False,
            back=back,
            faulty=override,
        ),
    }
    alone = request.headers.get("HX-Request") == "true"
    return render(request, "pages/_actions.html" if alone else "pages/actions.html", context, status=status)


@require_POST
@for_everyone_with_a_role
def sentiment_set(request: HttpRequest, pk: int) -> HttpResponse:
    """How the CSM judges the mood of a customer in scope."""
    user: Any = request.user
    customer = customer_in_scope(user=user, pk=pk)
    if customer is None:
        raise Http404
    back = asked_back(request)
    form = SentimentForm(request.POST, auto_id="actions_sentiment_%s")
    if not form.is_valid():
        return actions_page(request, customer, back=back, feeling=form, status=UNPROCESSABLE)
    try:
        found = sentiment.set_sentiment(
            customer_id=pk, sentiment=form.cleaned_data["sentiment"], actor=user, on=today()
        )
    except sentiment.UnableToSetSentiment as refusal:
        messages.error(request, str(refusal))
    else:
        word = sentiment_word(found.sentiment)
        messages.success(request, f"The sentiment of {found} is {found.sentiment} of 5, {word}.")
    return redirect(back or reverse("customer", args=[pk]))
