"""What every list page does the same way: filters and sort from the address, pages of fifty."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.selectors.paging import CappedPaginator

PAGE_SIZE = 50


@dataclass(frozen=True)
class Column:
    """A heading. `sort`: the name in the address, empty when the column does not sort. second: what stands in the same cell
    below the first, with an order of its own.
    """

    label: str
    sort: str = ""
    class_: str = ""
    next_sort: str = ""
    aria_sort: str = ""
    hint: str = ""
    second: "Column | None" = None

    @property
    def sorted_as(self) -> str:
        """How the rows stand by this column, by either of its two."""
        other = self.second.aria_sort if self.second else ""
        return other if other and self.aria_sort == "none" else self.aria_sort


class Pages(Paginator):
    """With what the template of page numbers asks of a list that may be cut off (`CappedPaginator`): this one never is."""

    total_words = shown_words = ""
    is_more = False


def page_of(request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], *, size: int = PAGE_SIZE) -> Page[Any]:
    """The page asked for by ?page=; a number that is no page gives the nearest one."""
    return Pages(rows, size).get_page(request.GET.get("page"))


def capped_page_of(request: HttpRequest, rows: QuerySet[Any], *, known: int | None = None) -> Page[Any]:
    """As `page_of`, of a list that may be long: counted no further than some thousand rows. known: how many there are, if known."""
    pages = CappedPaginator(rows, PAGE_SIZE)
    pages.known = known
    return pages.get_page(request.GET.get("page"))


def headings(columns: Sequence[Column], *, sort: str) -> list[Column]:
    """The columns with what a click on each gives next: ascending, then descending."""
    shown = []
    for column in columns:
        if not column.sort:
            shown.append(column)
            continue
        ascending, descending = sort == column.sort, sort == f"-{column.sort}"
        shown.append(
            replace(
                column,
                next_sort=f"-{column.sort}" if ascending else column.sort,
                aria_sort="ascending" if ascending else "descending" if descending else "none",
                second=headings([column.second], sort=sort)[0] if column.second else None,
            )
        )
    return shown


def has_filters(request: HttpRequest) -> bool:
    """Whether the address narrows the list (page and sort do not)."""
    return any(value for key, value in request.GET.items() if key not in {"page", "sort"})
