"""Filters of a book: those of the customer list, and what only a book shows: sentiment and touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Tier
from allocation.filters.customers import CustomerFilter
from allocation.models import Touch
from allocation.selectors.book_facts import BookFacts

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

    def __init__(self, *args: Any, facts: BookFacts, csm_ids: Collection[int], **kwargs: Any) -> None:
        """facts: read already, so that the choices need not be asked for again. csm_ids: whose customers the page shows."""
        self.facts, self.csm_ids = facts, csm_ids
        super().__init__(*args, in_book=True, today=facts.on, **kwargs)

    def _tiers(self) -> QuerySet[Tier]:
        return Tier.objects.filter(pk__in=[tier.pk for tier in self.facts.tiers])

    @property
    def form(self) -> Any:
        """With the choices that the facts of the book hold; what is chosen is looked up in the scope as ever."""
        if hasattr(self, "_form"):
            return self._form
        form = super().form
        choices: dict[str, Iterable[tuple[int, str]]] = {
            "tier": [(tier.pk, str(tier)) for tier in self.facts.tiers],
            "goal": self.facts.kinds,
        }
        if not self.user.is_ops:
            choices |= {name: self._of_customers(name) for name in ("vertical", "region")}
        for name, found in choices.items():
            form.fields[name].widget.choices = [("", form.fields[name].empty_label), *found]
        return form

    def _of_customers(self, name: str) -> list[tuple[int, str]]:
        """The words that the customers of the page hold, those who have left too."""
        rows = self.facts.everybody(csm_ids=self.csm_ids)
        found = {row[f"{name}_id"]: row[f"{name}__name"] for row in rows if row[f"{name}_id"] is not None}
        return sorted(found.items(), key=lambda item: (item[1], item[0]))

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
