"""Parts that lists share, written here and not as templates where a page has many of them: {% load lists %}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.http import QueryDict
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from accounts.admin import badges
from accounts.admin.shapes import Shape, joined
from cstiers.templatetags.ui import next_number, trace_number

register = template.Library()

HEADING = Shape('<th scope="col"{}{}>{}</th>\n')
CLASS = Shape(' class="{}"')
SORTED = Shape(' aria-sort="{}"')
SORTS = Shape('<span class="heading">{}{}{}</span>')
SORT_LINK = Shape(
    '<a class="sort-link{}" href="{}">{}<span class="sort-mark" aria-hidden="true">{}</span></a>'
)
BESIDE = Shape('<span class="quiet" aria-hidden="true">·</span>{}')
MARKS = {"ascending": "↑", "descending": "↓"}


@register.simple_tag(takes_context=True)
def column_headings(context: Any, columns: Sequence[Any]) -> SafeString:
    """{% column_headings columns %}: a heading that sorts is a link and says how it is sorted; beside it a mark that says on a
    click how its figures came.
    """
    request = context["request"]
    return joined([_heading(column, request) for column in columns])


def _heading(column: Any, request: Any) -> SafeString:
    said = _sorting(column, request) if column.sort else _explained(column.label, column, request, mark=False)
    return HEADING(
        CLASS(column.class_) if column.class_ else "",
        SORTED(column.sorted_as) if column.aria_sort else "",
        said,
    )


def _sorting(column: Any, request: Any) -> SafeString:
    second = column.second
    explained = column if column.hint or second is None else second
    return SORTS(
        _sort_link(column, request.GET),
        BESIDE(_sort_link(second, request.GET)) if second else "",
        _explained("?", explained, request, mark=True) if explained.hint else "",
    )


def _explained(shown: str, column: Any, request: Any, *, mark: bool) -> str:
    if not column.hint:
        return shown
    number = next_number(request)
    return badges.traced(
        value=shown, words=column.hint, label=column.label if mark else "", number=number, mark=mark
    )


def _sort_link(column: Any, query: QueryDict) -> SafeString:
    return SORT_LINK(
        " is-sorted" if column.aria_sort != "none" else "",
        _sorted_by(query, column.next_sort),
        column.label,
        MARKS.get(column.aria_sort, "↕"),
    )


def _sorted_by(query: QueryDict, sort: str) -> str:
    """As {% with_query sort=… page='' %}."""
    asked: Mapping[str, list[Any]] = {**dict(query.lists()), "sort": [sort]}
    return "?" + urlencode({name: values for name, values in asked.items() if name != "page"}, doseq=True)


def around(name: str) -> tuple[str, str]:
    """What stands before and after the id in the addresses of a kind of page; asked for by every row of a list."""
    return _around(name, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())


@lru_cache(maxsize=64)
def _around(name: str, urlconf: str, prefix: str) -> tuple[str, str]:
    """prefix: of the site, which stands in the address."""
    before, _, after = reverse(name, urlconf, args=[0]).rpartition("0")
    return before, after


RENEWAL = Shape(
    '<tr>\n<th scope="row"><span class="two-lines"><a href="{}">{}</a><span class="small">{}</span></span></th>\n{}'
    '<td data-label="Renewal"><span class="two-lines"><span class="nowrap">{}</span><span class="quiet small">{}</span></span></td>\n'
    '<td class="num" data-label="ARR">{}</td>\n<td data-label="Health">{}</td>\n</tr>'
)
RENEWAL_CSM = Shape('<td data-label="CSM">{}</td>\n')


@register.simple_tag
def renewal_rows(lines: Sequence[Any], with_csm: bool = False) -> SafeString:
    """{% renewal_rows renewals with_csm %}: customers whose contract ends soon; rows of a list of customers fit too."""
    customer = around("customer")
    return joined(
        [
            RENEWAL(
                str(line.pk).join(customer),
                line.name,
                badges.tier_mark(
                    name=line.tier.name if line.tier else "", rank=line.tier.shown_rank if line.tier else None
                ),
                RENEWAL_CSM(line.csm or "–") if with_csm else "",
                line.renewal,
                line.renewal_words,
                line.arr,
                badges.meter(value=line.health),
            )
            for line in lines
        ]
    )


TILE = Shape('<div class="kpi{}">\n{}\n</div>')
LINKED_TILE = Shape('<a class="kpi{}" href="{}">\n{}\n</a>')
TONE = Shape(" is-{}")
INSIDE = Shape('<span class="kpi-label">{}{}</span>\n<span class="kpi-value">{}</span>\n{}')
NOTE = Shape('<span class="kpi-note">{}</span>')
LINK = Shape('<a href="{}">{}</a>')


@register.simple_tag(takes_context=True)
def kpi_tiles(context: Any, tiles: Sequence[Any]) -> SafeString:
    """{% kpi_tiles kpis %}: figure tiles as components/kpi.html shows them one by one; all they say is text already."""
    return joined([_tile(tile, context) for tile in tiles])


def _tile(tile: Any, context: Any) -> SafeString:
    value: str = tile.value
    if tile.trace:
        value = badges.traced(value=value, words=tile.trace, label=tile.label, number=trace_number(context))
    inside = INSIDE(
        badges.icon(tile.icon) if tile.icon else "",
        LINK(tile.url, tile.label) if tile.url and tile.trace else tile.label,
        value,
        NOTE(tile.note) if tile.note else "",
    )
    tone = TONE(tile.tone) if tile.tone else ""
    return LINKED_TILE(tone, tile.url, inside) if tile.url and not tile.trace else TILE(tone, inside)
