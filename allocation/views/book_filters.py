"""The filters of a book as its page shows them, with what they leave of the customers.

Thirteen fields are most of what an unfiltered page would have to make of forms. Without a filter in the address they are the same
for the same choices, so they are made once for these and kept as HTML; with one they are made anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string

from accounts.models import Customer
from allocation.filters.books import BookChoices, BookFilter
from allocation.selectors.book_columns import COLUMNS
from allocation.selectors.book_facts import BookFacts


@dataclass(frozen=True, slots=True)
class BookFilters:
    """csm_ids: whose customers the page shows. names: what the address may narrow the list by. in_use: how many of them do; more_in_use:
    of those behind "More filters". status: as the address says it. form: None where the address has no filter.
    """

    csm_ids: Collection[int]
    names: frozenset[str]
    choices: BookChoices
    form: BookFilter | None = None
    status: str = ""
    in_use: int = 0
    more_in_use: int = 0

    def rows(self) -> QuerySet[Customer]:
        """What the filters leave."""
        if self.form is None:
            return Customer.objects.filter(csm__in=self.csm_ids, status=Customer.Status.ACTIVE)
        return self.form.qs

    def fields(self) -> tuple[str, str]:
        """As HTML: those in sight and those behind "More filters"; CS ops' ask the database for words."""
        if self.form is None:
            return _unfiltered(self.choices)
        return _html(self.form.first), _html(self.form.more)


def book_filters(*, data: QueryDict, facts: BookFacts, csm_ids: Collection[int], user: Any) -> BookFilters:
    """What the address asks for. csm_ids: whose customers the page shows."""
    several = len(csm_ids) > 1
    names = _names(several=several)
    choices = BookChoices.of(facts=facts, csm_ids=csm_ids, every_word=user.is_ops)
    if not several and not user.is_ops and names.isdisjoint(data):
        return BookFilters(csm_ids, names, choices)
    customers = Customer.objects.filter(csm__in=csm_ids)
    found = BookFilter(data, queryset=customers, user=user, choices=choices, today=facts.on, several=several)
    return BookFilters(
        csm_ids=csm_ids,
        names=names,
        choices=choices,
        form=found,
        status=data.get("status", ""),
        in_use=found.in_use,
        more_in_use=found.more_in_use,
    )


@lru_cache(maxsize=2)
def _names(*, several: bool) -> frozenset[str]:
    left_out = {"team"} if several else {"team", "csm"}
    return frozenset(BookFilter.base_filters) - left_out


@lru_cache(maxsize=256)
def _unfiltered(choices: BookChoices) -> tuple[str, str]:
    """The fields with nothing filled in, for who is no CS ops and sees one book: all that they show is in the choices."""
    anybody = SimpleNamespace(is_ops=False, is_manager=False, is_authenticated=False)
    found = BookFilter(
        QueryDict(), queryset=Customer.objects.none(), user=anybody, choices=choices, today=None
    )
    return _html(found.first), _html(found.more)


@lru_cache(maxsize=256)
def column_choices(shown: frozenset[str]) -> str:
    """As HTML: every column, with those shown marked."""
    choices = [(column, column.key in shown) for column in COLUMNS]
    return render_to_string("pages/_book_columns.html", {"choices": choices})


def _html(fields: Collection[Any]) -> str:
    context: Mapping[str, Any] = {"fields": fields}
    return render_to_string("pages/_book_fields.html", context)
