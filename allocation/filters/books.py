"""Filters of a book: those of the customer list, and what only a book shows: sentiment and touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Tier
from allocation.filters.customers import CustomerFilter
from allocation.models import Touch
from allocation.selectors.book_facts import BookFacts, Row

SENTIMENTS = (
    ("poor", "1 or 2 of 5: poor"),
    ("mixed", "3 of 5: mixed"),
    ("good", "4 or 5 of 5: good"),
    ("unset", "not set"),
)
SENTIMENT_BOUNDS = {"poor": (1, 2), "mixed": (3, 3), "good": (4, 5)}
DUE = (("late", "late"), ("due", "due this week"), ("open", "planned"), ("none", "none planned"))


Choices = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class BookChoices:
    """What the page has read already: id and words each. verticals, regions: None where every word is a choice."""

    tiers: Choices
    kinds: Choices
    verticals: Choices | None = None
    regions: Choices | None = None

    @classmethod
    def of(cls, *, facts: BookFacts, csm_ids: Collection[int], every_word: bool) -> BookChoices:
        """Of words those that the customers of these CSMs hold, those who have left too. every_word: for CS ops."""
        tiers = tuple((tier.pk, str(tier)) for tier in facts.tiers)
        if every_word:
            return cls(tiers, facts.kinds)
        rows = facts.everybody(csm_ids=csm_ids)
        return cls(tiers, facts.kinds, _held(rows, "vertical"), _held(rows, "region"))


def _held(rows: Iterable[Row], name: str) -> Choices:
    found = {row[f"{name}_id"]: row[f"{name}__name"] for row in rows if row[f"{name}_id"] is not None}
    return tuple(sorted(found.items(), key=lambda item: (item[1], item[0])))


class BookFilter(CustomerFilter):
    """`in_book` is meant here; the rest is that of the list."""

    sentiment = django_filters.ChoiceFilter(
        label="Sentiment", choices=SENTIMENTS, method="by_sentiment", empty_label="Any sentiment"
    )
    due = django_filters.ChoiceFilter(
        label="Next touch", choices=DUE, method="by_due", empty_label="Any touch"
    )

    FIRST = ("q", "tier", "goal", "due")

    def __init__(self, *args: Any, choices: BookChoices, **kwargs: Any) -> None:
        """choices: read already, so that they need not be asked for again."""
        self.choices = choices
        super().__init__(*args, in_book=True, **kwargs)

    def _tiers(self) -> QuerySet[Tier]:
        return Tier.objects.filter(pk__in=[pk for pk, _ in self.choices.tiers])

    @property
    def form(self) -> Any:
        """With the choices that the facts of the book hold; what is chosen is looked up in the scope as ever."""
        if hasattr(self, "_form"):
            return self._form
        form = super().form
        choices: dict[str, Choices] = {"tier": self.choices.tiers, "goal": self.choices.kinds}
        if self.choices.verticals is not None and self.choices.regions is not None:
            choices |= {"vertical": self.choices.verticals, "region": self.choices.regions}
        for name, found in choices.items():
            form.fields[name].widget.choices = [("", form.fields[name].empty_label), *found]
        return form

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
