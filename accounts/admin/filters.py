"""List filters with fixed choices: no SELECT DISTINCT over a long table, and only what the person may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

NONE = "none"
AT_MOST = 60
LONGEST_PK = 18  # digits that every database takes


def pk_of(chosen: str) -> int | None:
    """The id in an address; None where it is none, such as "²", which Python calls a digit and cannot read."""
    good = chosen.isascii() and chosen.isdigit() and len(chosen) <= LONGEST_PK
    return int(chosen) if good else None


class FixedFilter(admin.SimpleListFilter):
    """Base of every filter here: choices written down, conditions on a queryset."""


class RowsFilter(FixedFilter):
    """Choices are the rows of a small table (tiers, teams, regions), in order, plus "none"."""

    model: type[Model]
    offered: Callable[[], QuerySet] | None = None
    path: str
    order: tuple[str, ...] = ("name",)
    none_words: str = "None"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        rows: QuerySet = (
            type(self).offered() if self.offered else self.model._default_manager.order_by(*self.order)
        )
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(request.user)
        found = [(str(row.pk), str(row)) for row in rows[:AT_MOST]]
        return [*found, (NONE, self.none_words)] if self.none_words else found

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if chosen is None:
            return queryset
        if chosen == NONE:
            return queryset.filter(**{f"{self.path}__isnull": True})
        pk = pk_of(chosen)
        return queryset.none() if pk is None else queryset.filter(**{self.path: pk})


def rows_filter(
    model: type[Model],
    path: str,
    *,
    title: str,
    order: tuple[str, ...] = ("name",),
    none_words: str = "None",
    offered: Callable[[], QuerySet] | None = None,
) -> type[RowsFilter]:
    """A RowsFilter class for `path` of the listed model; `none_words` empty when the field is required.

    offered: the rows to choose from, in their order, where not all of the table are.
    """
    return type(
        f"{model.__name__}Filter",
        (RowsFilter,),
        {
            "model": model,
            "path": path,
            "title": title,
            "parameter_name": path.replace("__", "_"),
            "order": order,
            "offered": staticmethod(offered) if offered else None,
            "none_words": none_words,
        },
    )
