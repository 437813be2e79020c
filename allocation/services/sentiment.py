"""How a CSM judges the mood of a customer: set by whoever serves or leads it."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from accounts.changes import note_change
from accounts.models import Customer, User

LOWEST, HIGHEST = 1, 5


class UnableToSetSentiment(ValueError):
    """The sentiment cannot be set; the message says why."""


def set_sentiment(*, customer_id: int, sentiment: int, actor: User, on: date) -> Customer:
    """Write the sentiment (1 to 5) with its day and its author; the same one again is as of the new day.

    CS ops may for every customer, a manager for those of the own teams, a CSM for those of the own book and of books covered
    today. Kept in the log of changes. Counts as an edit by people (`version`), so that a stale save in the admin is found. Raises UnableToSetSentiment.
    """
    if not LOWEST <= sentiment <= HIGHEST:
        raise UnableToSetSentiment(f"Sentiment is {LOWEST} (very poor) to {HIGHEST} (very good).")
    with transaction.atomic():
        rows = Customer.objects.visible_to(actor).select_for_update(of=("self",)).select_related("csm")
        customer: Customer | None = rows.filter(pk=customer_id).first()
        if customer is None:
            raise UnableToSetSentiment("This customer is unknown, or outside what you may change.")
        if customer.status != Customer.Status.ACTIVE:
            raise UnableToSetSentiment(f"{customer} has left: how it feels is no longer asked.")
        before = customer.sentiment
        customer.sentiment, customer.sentiment_on, customer.sentiment_by = sentiment, on, actor
        customer.version += 1
        customer.save(update_fields=["sentiment", "sentiment_on", "sentiment_by", "version"])
        note_change(customer, {"sentiment": (before, sentiment)})
        return customer
