"""The card "Touches" of the customer's page: what comes and is late, what was done, the coming year, and a form to log one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.urls import reverse

from accounts.models import Customer
from allocation.forms.touches import LogForm
from allocation.selectors.touch_card import touch_card as card_of

# The tag of messages that the card says.
PLACE = "touches"


def touch_card(*, customer: Customer, user: Any, on: date, at: datetime) -> dict[str, Any]:
    """What the card needs; the form only for a customer that has not left."""
    card = card_of(customer=customer, user=user, on=on, at=at)
    active = customer.status == Customer.Status.ACTIVE
    initial = {"done_on": on, "minutes": 30}
    return {
        "touch_card": card,
        "log_form": LogForm(initial=initial, activities=card.activities, auto_id="log_%s")
        if active
        else None,
        "touches_back": reverse("customer", args=[customer.pk]) + "#touches-heading",
        "today": on,
    }
