"""Filters of a book: those of the customer list, and what only a book shows: sentiment and touches."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from allocation.filters.customers import CustomerFilter
from allocation.models import Touch

SENTIMENTS = (
    ("poor", "1 or 2 of 5: poor"),
    ("mixed", "3 of 5: mixed"),
    ("good", "4 or 5 of 5: good"),
    ("unset", "not set"),
)
SENTIMENT_BOUNDS = {"poor": (1, 2), "mixed": (3, 3), "good": (4, 5)}
DUE = (("late", "late"), ("due", "due this week"), ("open", "planned"), ("none", "none planned"))


class BookFilter(CustomerFilter):
    """`in_book` is meant here; the rest is that of the list."""

    sentiment = django_filters.ChoiceFilter(
        label="Sentiment", choices=SENTIMENTS, method="by_sentiment", empty_label="Any sentiment"
    )
    due = django_filters.ChoiceFilter(
        label="Next touch", choices=DUE, method="by_due", empty_label="Any touch"
    )

    FIRST = ("q", "tier", "goal", "due")

    def by_sentiment(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "unset":
            return rows.filter(sentiment__isnull=True)
        low, high = SENTIMENT_BOUNDS[value]
        return rows.filter(sentiment__gte=low, sentiment__lte=high)

    def by_due(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        of_this = Touch.objects.filter(customer=OuterRef("pk"))
        if value == "none":
            return rows.filter(~Exists(of_this.open()))
        late = Exists(of_this.late_on(self.today))
        match value:
            case "late":
                return rows.filter(late)
            case "due":  # the next touch is: one that is late comes before it
                return rows.filter(~late, Exists(of_this.due_on(self.today)))
            case _:
                return rows.filter(Exists(of_this.open()))

    @property
    def names(self) -> frozenset[str]:
        """What the address may narrow the list by."""
        return frozenset(self.filters)
