"""The list of a book: filter, order, columns and saved views from the address; the same rows as CSV."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse, QueryDict

from accounts.importing.escaping import mark_formula
from allocation.models import SavedView
from allocation.selectors.book_columns import CUSTOMER, USUAL, BookColumn, apart, chosen_columns
from allocation.selectors.book_facts import BookFacts
from allocation.selectors.book_figures import BookFigures
from allocation.selectors.book_rows import (
    DEFAULT_SORT,
    BookEntry,
    book_entries,
    csv_cells,
    csv_heads,
    ordered_ids,
)
from allocation.selectors.customers import open_goals
from allocation.views.book_filters import BookFilters, book_filters, column_choices
from allocation.views.lists import Column, headings

ALL = "0"
BEST = 3
WITH_LEFT = frozenset({"left", "all"})
"""What the filter by status may say to show customers who have left."""


@dataclass(frozen=True, slots=True)
class BookList:
    """What the address asks for: ids of all rows in order, and the columns. goals: open ones, of all rows."""

    filter: BookFilters
    ids: list[int]
    sort: str
    columns: tuple[BookColumn, ...]
    figures: BookFigures
    goals: Mapping[int, tuple[str, ...]]
    facts: BookFacts


@dataclass(frozen=True, slots=True)
class Chip:
    """A saved view above the list. pk 0: the whole book."""

    pk: int
    name: str
    url: str
    current: bool
    default: bool = False


def book_list(
    *, data: QueryDict, facts: BookFacts, csm_ids: Collection[int], figures: BookFigures, user: Any
) -> BookList:
    """The rows that the address asks for; a statement only where a filter or an order asks the database. csm_ids: whose customers."""
    found = book_filters(data=data, facts=facts, csm_ids=csm_ids, user=user)
    sort = data.get("sort") or DEFAULT_SORT
    every = None if found.in_use else [row["pk"] for row in facts.active(csm_ids=csm_ids)]
    goals = None if found.status in WITH_LEFT else facts.goals
    ids = ordered_ids(rows=found.rows, sort=sort, figures=figures, every=every, goals=goals)
    return BookList(
        filter=found,
        ids=ids,
        sort=sort,
        columns=chosen_columns(data.getlist("columns")),
        figures=figures,
        goals=open_goals(customer_ids=ids, on=facts.on) if goals is None else goals,
        facts=facts,
    )


def list_context(
    request: HttpRequest,
    found: BookList,
    *,
    page: Page[Any],
    views: Sequence[SavedView],
) -> dict[str, Any]:
    """What the template of the list needs."""
    data = request.GET
    kept = kept_query(data, names=found.filter.names)
    shown = frozenset(column.key for column in found.columns)
    first, more = found.filter.fields()
    return {
        "first_filters": first,
        "more_filters": more,
        "more_in_use": found.filter.more_in_use,
        "filtered": found.filter.in_use > 0,
        "columns": _headings(found.columns, found.sort),
        "column_choices": column_choices(shown),
        "own_columns": shown != set(USUAL),
        "shown_columns": found.columns,
        "cells": apart(found.columns),
        "goals_within": {"tier", "goals"} <= shown,
        "shows_touch": "touch" in shown,
        "sort": found.sort,
        "page": page,
        "rows": entries(found, list(page.object_list)),
        "chips": _chips(views, data, kept),
        "views": views,
        "kept": kept,
        "view_in_use": next((view for view in views if str(view.pk) == data.get("view")), None),
        "csv_query": f"?{kept}" if kept else "",
        "all_query": f"?view={ALL}",
        "back": _back(request),
    }


@lru_cache(maxsize=256)
def _headings(chosen: tuple[BookColumn, ...], sort: str) -> tuple[Column, ...]:
    return tuple(headings(_columns(chosen), sort=sort))


def _columns(chosen: Sequence[BookColumn]) -> list[Column]:
    """The headings: one a cell; what stands in the cell of another is named and sorted beside it."""

    def heading(column: BookColumn) -> Column:
        return Column(column.short or column.label, column.sort, column.class_, hint=column.hint)

    second = {column.within: heading(column) for column in chosen if column.within}
    return [replace(heading(column), second=second.get(column.key)) for column in (CUSTOMER, *apart(chosen))]


def best_ids(figures: BookFigures) -> list[int]:
    """The customers with whom the next hours are worth most, whatever the list shows."""
    ranked = sorted(figures.next.items(), key=lambda item: (item[1].rank, item[0]))[:BEST]
    return [pk for pk, _ in ranked]


def entries(found: BookList, ids: Sequence[int]) -> list[BookEntry]:
    """These customers as rows."""
    return book_entries(ids=ids, facts=found.facts, figures=found.figures, goals=found.goals)


def kept_query(data: Mapping[str, Any], *, names: frozenset[str]) -> str:
    """Filters, order and columns of an address, as a view keeps them: nothing unknown, nothing empty, no page."""
    pairs = [(name, data[name]) for name in sorted(names) if data.get(name)]
    if data.get("sort"):
        pairs.append(("sort", data["sort"]))
    keys = [column.key for column in chosen_columns(data.getlist("columns"))]  # type: ignore[attr-defined]
    if set(keys) != set(USUAL):
        pairs += [("columns", key) for key in keys]
    return urlencode(pairs)


def default_address(request: HttpRequest, views: Sequence[SavedView]) -> str:
    """Where the own book leads when it is opened without a query: the person's default view; empty when there is none. Other
    people's books open whole: a view kept for one book would hide customers of another.
    """
    if request.GET:
        return ""
    default = next((view for view in views if view.is_default), None)
    return request.path + _query(default) if default else ""


def _chips(views: Sequence[SavedView], data: QueryDict, kept: str) -> list[Chip]:
    if not views:
        return []
    asked = data.get("view")
    whole = Chip(0, "Whole book", f"?view={ALL}", not kept and asked in (None, ALL))
    return [
        whole,
        *(
            Chip(
                view.pk,
                view.name,
                _query(view),
                str(view.pk) == asked and view.query == kept,
                view.is_default,
            )
            for view in views
        ),
    ]


def _query(view: SavedView) -> str:
    return "?" + "&".join(part for part in (view.query, f"view={view.pk}") if part)


def _back(request: HttpRequest) -> str:
    """This page, for the forms of a row to come back to; never to the default view instead."""
    return request.get_full_path() if request.GET else f"{request.path}?view={ALL}"


def as_csv(found: BookList, *, name: str) -> HttpResponse:
    """All rows that the address asks for, in its order, with its columns; a book is a few thousand rows at most."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-internal-{found.figures.on}.csv"'
    writer = csv.writer(response)
    writer.writerow(csv_heads(found.columns))
    for entry in entries(found, found.ids):
        cells = csv_cells(entry, found.columns)
        writer.writerow([mark_formula(cell) if isinstance(cell, str) else cell for cell in cells])
    return response
