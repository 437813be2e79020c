"""The rows of a book: {% load book %}{% book_rows %}.

Written here and not as a template: fifty rows of a dozen cells are most of what the page of a book is made of, and a template
takes ten times as long over them. One customer a row, the chosen columns only: a first line, and below it in small what belongs
to it. On a phone the row is a card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString

from accounts.admin import badges
from allocation.selectors.book_rows import BookEntry
from cstiers.templatetags.ui import trace_number

register = template.Library()
Cell = Callable[["Rows", BookEntry], str]
NOBODY = '<span class="quiet small nowrap">not known</span>'
OVERRIDDEN = f'<span class="override-way" title="Overridden">{badges.icon("override")}<span class="visually-hidden">overridden</span></span>'
ASKED = (
    f'<span class="override-way warn" title="An override is asked for">{badges.icon("approval")}'
    '<span class="visually-hidden">asked for</span></span>'
)


@register.simple_tag(takes_context=True)
def book_rows(context: dict[str, Any]) -> SafeString:
    """The rows of the page under the headings; what is shown of each is as allocation/views/book_list.py gives it."""
    rows = Rows(context)
    return SafeString("".join([rows.row(entry) for entry in context["rows"]]))


class Rows:
    """What all rows have in common."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self.context = context
        self.csm_id = context["csm"].pk if context.get("covered") else None
        self.goals_within, self.shows_touch = context["goals_within"], context["shows_touch"]
        self.cells = [CELLS[column.key] for column in context["cells"]]
        self.customer = _around(reverse("customer", args=[0]))
        self.actions = _around(reverse("book_actions", args=[0]))
        self.back = quote(context["back"], safe="")
        self.tiers: dict[int | None, str] = {}

    def row(self, entry: BookEntry) -> str:
        pk, name, external_id = entry.pk, escape(entry.name), escape(entry.external_id)
        actions = f"{pk}".join(self.actions)
        whose = escape(entry.csm) if self.csm_id is not None and entry.csm_id != self.csm_id else ""
        return (
            f'<tr id="row-{pk}">\n'
            f'<th scope="row"><a class="row-name" href="{f"{pk}".join(self.customer)}" title="{name}">{name}</a>\n'
            f'<span class="row-foot"><a class="row-actions" id="act-{pk}" href="{actions}?next={self.back}" '
            f'hx-get="{actions}?next={self.back}" hx-target="#book-drawer-body" hx-swap="innerHTML" data-drawer>Actions'
            f'<span class="visually-hidden"> for {name}</span></a><span class="quiet small" title="{external_id}'
            f'{f", for {whose}" if whose else ""}">{"left · " if entry.left else ""}{f"for {whose} · " if whose else ""}'
            f"{external_id}</span></span></th>\n{''.join([cell(self, entry) for cell in self.cells])}</tr>\n"
        )

    def traced(self, value: str, words: str, label: str) -> str:
        """As {% traced %}; value is text that needs no escaping."""
        if not words:
            return value
        return badges.traced(value=value, words=words, label=label, number=trace_number(self.context))

    def tier_mark(self, entry: BookEntry) -> str:
        tier = entry.tier
        key = tier.pk if tier else None
        if key not in self.tiers:
            self.tiers[key] = badges.tier_mark(
                name=tier.name if tier else "", rank=tier.shown_rank if tier else None
            )
        return self.tiers[key]


def _around(address: str) -> tuple[str, str]:
    """What stands before and after the id in an address."""
    before, _, after = address.rpartition("0")
    return before, after


def _tier(rows: Rows, row: BookEntry) -> str:
    marks = (OVERRIDDEN if row.overridden else "") + (ASKED if row.override_asked else "")
    goals = ""
    if rows.goals_within:
        names = escape(", ".join(row.goals))
        goals = f'<span class="small quiet cut phone-more" title="{names}">{names or "no open goal"}</span>'
    return (
        f'<td class="tier-cell"><span class="two-lines"><span class="first-line">{rows.tier_mark(row)}{marks}</span>'
        f"{goals}</span></td>\n"
    )


def _goals(rows: Rows, row: BookEntry) -> str:
    names = "".join(f'<span class="badge">{escape(goal)}</span> ' for goal in row.goals)
    return f'<td class="goal-badges phone-more" data-label="Open goals">{names or _quiet("none")}</td>\n'


def _quiet(words: str) -> str:
    return f'<span class="quiet">{words}</span>'


def _feeling(traced: str, words: str, tone: str) -> str:
    return (
        f'<span class="two-lines feeling feeling-{tone}"><span class="first-line">{traced}</span><span class="small">'
        f'<span class="visually-hidden">· </span>{words}</span></span>'
    )


def _health(rows: Rows, row: BookEntry) -> str:
    words = NOBODY
    if row.health_word:
        traced = rows.traced(f"{row.health}", row.health_trace, "health")
        words = _feeling(traced, row.health_word, row.health_tone)
    return f'<td data-label="Health">{words}</td>\n'


def _sentiment(rows: Rows, row: BookEntry) -> str:
    words = '<span class="quiet small nowrap">not set</span>'
    if row.sentiment_word:
        traced = rows.traced(f"{row.sentiment} of 5", row.sentiment_trace, "sentiment")
        words = _feeling(traced, row.sentiment_word, row.sentiment_tone)
    return f'<td class="phone-more" data-label="Sentiment">{words}</td>\n'


def _arr(rows: Rows, row: BookEntry) -> str:
    words = _quiet("not known")
    if row.currency:
        words = (
            f'<span class="two-lines"><span class="first-line">{row.arr}</span>'
            f'<span class="small quiet">{escape(row.currency)}</span></span>'
        )
    return f'<td class="num phone-more" data-label="ARR">{words}</td>\n'


def _renewal(rows: Rows, row: BookEntry) -> str:
    return (
        f'<td class="phone-more" data-label="Renewal"><span class="two-lines"><span class="first-line nowrap">{row.renewal}'
        f'</span><span class="small nowrap {"warn" if row.renewal_soon else "quiet"}">{row.renewal_words}</span></span></td>\n'
    )


def _month(rows: Rows, row: BookEntry) -> str:
    return (
        '<td class="num phone-more" data-label="Hours this month"><span class="two-lines"><span class="first-line">'
        f"{rows.traced(row.done, row.month_trace, 'hours this month')}</span>"
        f'<span class="small quiet">of {row.planned} h</span></span></td>\n'
    )


def _touch(rows: Rows, row: BookEntry) -> str:
    words = _quiet("none planned")
    if row.touch:
        name = escape(row.touch)
        words = (
            f'<span class="two-lines"><span class="first-line cut" title="{name}">{name}</span>'
            f'<span class="small nowrap touch-{row.touch_tone}">{row.touch_words}</span></span>'
        )
    return f'<td class="next-touch" data-label="Next touch">{words}</td>\n'


def _next(rows: Rows, row: BookEntry) -> str:
    if not row.next_rank:
        return (
            '<td class="wide next-hour phone-hide" data-label="Best use of the next hour">'
            f"{_quiet('nothing asks for it')}</td>\n"
        )
    action, words = escape(row.next_action), escape(row.next_words)
    more = escape(row.next_more) if rows.shows_touch else words
    beside = f' <span class="small quiet">{more}</span>' if more or not rows.shows_touch else ""
    place = rows.traced(f"{row.next_rank:,}", row.next_trace, "place of the next hour")
    return (
        f'<td class="wide next-hour" data-label="Best use of the next hour"><span class="count">{place}</span>'
        f'<span class="hour-words" title="{action}. {words}">{action}{beside}</span></td>\n'
    )


def _base(rows: Rows, row: BookEntry) -> str:
    return f'<td class="num phone-more" data-label="Base hours a month">{rows.traced(row.hours, row.hours_trace, "base hours")}</td>\n'


def _since(rows: Rows, row: BookEntry) -> str:
    return f'<td class="phone-more nowrap" data-label="In this book since">{row.since}</td>\n'


def _vertical(rows: Rows, row: BookEntry) -> str:
    return f'<td class="phone-more" data-label="Vertical">{escape(row.vertical) or "–"}</td>\n'


def _csm(rows: Rows, row: BookEntry) -> str:
    return f'<td class="phone-more" data-label="CSM">{escape(row.csm)}</td>\n'


CELLS: Mapping[str, Cell] = {
    "tier": _tier, "goals": _goals, "health": _health, "sentiment": _sentiment, "arr": _arr, "renewal": _renewal,
    "month": _month, "touch": _touch, "next": _next, "base": _base, "since": _since, "vertical": _vertical, "csm": _csm,
}  # fmt: skip
