"""The rows of a book: {% load book %}{% book_rows %}.

Written here and not as a template: fifty rows of a dozen cells are most of what the page of a book is made of, and a template
takes several times as long over them. One customer a row, the chosen columns only: a first line, and below it in small what
belongs to it. On a phone the row is a card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from django import template
from django.utils.safestring import SafeString

from accounts.admin import badges
from accounts.admin.shapes import Shape, joined
from allocation.selectors.book_rows import BookEntry
from cstiers.templatetags.lists import around
from cstiers.templatetags.ui import next_number

register = template.Library()
Cell = Callable[["Rows", BookEntry], SafeString]
UNKNOWN = Shape('<span class="quiet small nowrap">not known</span>')()
UNSET = Shape('<span class="quiet small nowrap">not set</span>')()
OVERRIDDEN = Shape(
    '<span class="override-way" title="Overridden">{}<span class="visually-hidden">overridden</span></span>'
)(badges.icon("override"))
ASKED = Shape(
    '<span class="override-way warn" title="An override is asked for">{}<span class="visually-hidden">asked for</span></span>'
)(badges.icon("approval"))
ROW = Shape(
    '<tr id="row-{}">\n<th scope="row"><a class="row-name" href="{}" title="{}">{}</a>\n'
    '<span class="row-foot"><a class="row-actions" id="act-{}" href="{}" hx-get="{}" '
    'hx-target="#book-drawer-body" hx-swap="innerHTML" data-drawer>Actions<span class="visually-hidden"> for {}</span>'
    '</a><span class="quiet small" title="{}{}">{}{}{}</span></span></th>\n{}</tr>\n'
)
QUIET = Shape('<span class="quiet">{}</span>')


@register.simple_tag(takes_context=True)
def book_rows(context: dict[str, Any]) -> SafeString:
    """The rows of the page under the headings; what is shown of each is as allocation/views/book_list.py gives it."""
    rows = Rows(context)
    return joined(map(rows.row, context["rows"]))


BEST = Shape(
    '<li class="card best-card">\n<span class="best-rank">{}</span>\n<h3>{}</h3>\n'
    '<a class="btn btn-sm{}" id="best-{}" href="{}" hx-get="{}" hx-target="#book-drawer-body" hx-swap="innerHTML" data-drawer>Do it'
    '<span class="visually-hidden">: {}</span></a>\n<p><a href="{}">{}</a> <span class="quiet">· {}</span></p>\n</li>'
)


@register.simple_tag(takes_context=True)
def best_cards(context: dict[str, Any]) -> SafeString:
    """The best uses of the next hour, each with a button that does the first step."""
    rows = Rows(context)
    return joined(map(rows.best, context["best"]))


class Rows:
    """What all rows have in common."""

    def __init__(self, context: Any) -> None:
        self.request = context["request"]
        self.csm_id = context["csm"].pk if context.get("covered") else None
        self.goals_within, self.shows_touch = context["goals_within"], context["shows_touch"]
        self.cells = [CELLS[column.key] for column in context["cells"]]
        self.customer = around("customer")
        self.actions = around("book_actions")
        self.back = quote(context["back"], safe="")
        self.tiers: dict[int | None, SafeString] = {}
        self.cards = 0

    def row(self, entry: BookEntry) -> SafeString:
        pk, name = str(entry.pk), entry.name
        whose = entry.csm if self.csm_id is not None and entry.csm_id != self.csm_id else ""
        actions = f"{pk.join(self.actions)}?next={self.back}"
        return ROW(
            pk,
            pk.join(self.customer),
            name,
            name,
            pk,
            actions,
            actions,
            name,
            entry.external_id,
            f", for {whose}" if whose else "",
            "left · " if entry.left else "",
            f"for {whose} · " if whose else "",
            entry.external_id,
            joined([cell(self, entry) for cell in self.cells], "\n"),
        )

    def best(self, entry: BookEntry) -> SafeString:
        pk = str(entry.pk)
        actions = f"{pk.join(self.actions)}?next={self.back}"
        self.cards += 1
        return BEST(
            self.traced(f"{entry.next_rank:,}", entry.next_trace, "place"),
            entry.next_action,
            " btn-primary" if self.cards == 1 else "",
            pk,
            actions,
            actions,
            entry.name,
            pk.join(self.customer),
            entry.name,
            entry.next_words,
        )

    def traced(self, value: str, words: str, label: str) -> str:
        """As {% traced %}."""
        if not words:
            return value
        return badges.traced(value=value, words=words, label=label, number=next_number(self.request))

    def tier_mark(self, entry: BookEntry) -> SafeString:
        tier = entry.tier
        key = tier.pk if tier else None
        if key not in self.tiers:
            self.tiers[key] = badges.tier_mark(
                name=tier.name if tier else "",
                rank=tier.shown_rank if tier else None,  # type: ignore[attr-defined]
            )
        return self.tiers[key]


TIER = Shape(
    '<td class="tier-cell"><span class="two-lines"><span class="first-line">{}{}{}</span>{}</span></td>'
)
GOALS_WITHIN = Shape('<span class="small quiet cut phone-more" title="{}">{}</span>')


def _tier(rows: Rows, row: BookEntry) -> SafeString:
    goals: str = ""
    if rows.goals_within:
        names = ", ".join(row.goals)
        goals = GOALS_WITHIN(names, names or "no open goal")
    return TIER(
        rows.tier_mark(row),
        OVERRIDDEN if row.overridden else "",
        ASKED if row.override_asked else "",
        goals,
    )


GOAL = Shape('<span class="badge">{}</span> ')
GOALS = Shape('<td class="goal-badges phone-more" data-label="Open goals">{}</td>')


def _goals(rows: Rows, row: BookEntry) -> SafeString:
    return GOALS(joined(map(GOAL, row.goals)) or QUIET("none"))


FEELING = (
    '<span class="two-lines feeling feeling-{}"><span class="first-line">{}</span><span class="small">'
    '<span class="visually-hidden">· </span>{}</span></span>'
)
HEALTH = '<td data-label="Health">{}</td>'
SENTIMENT = '<td class="phone-more" data-label="Sentiment">{}</td>'
SAID_HEALTH, NO_HEALTH = Shape(HEALTH.format(FEELING)), Shape(HEALTH)(UNKNOWN)
SAID_SENTIMENT, NO_SENTIMENT = Shape(SENTIMENT.format(FEELING)), Shape(SENTIMENT)(UNSET)


def _health(rows: Rows, row: BookEntry) -> SafeString:
    if not row.health_word:
        return NO_HEALTH
    traced = rows.traced(f"{row.health}", row.health_trace, "health")
    return SAID_HEALTH(row.health_tone, traced, row.health_word)


def _sentiment(rows: Rows, row: BookEntry) -> SafeString:
    if not row.sentiment_word:
        return NO_SENTIMENT
    traced = rows.traced(f"{row.sentiment} of 5", row.sentiment_trace, "sentiment")
    return SAID_SENTIMENT(row.sentiment_tone, traced, row.sentiment_word)


NO_ARR = Shape('<td class="num phone-more" data-label="ARR">{}</td>')(QUIET("not known"))
ARR = Shape(
    '<td class="num phone-more" data-label="ARR"><span class="two-lines"><span class="first-line">{}</span>'
    '<span class="small quiet">{}</span></span></td>'
)


def _arr(rows: Rows, row: BookEntry) -> SafeString:
    return ARR(row.arr, row.currency) if row.currency else NO_ARR


RENEWAL = Shape(
    '<td class="phone-more" data-label="Renewal"><span class="two-lines"><span class="first-line nowrap">{}</span>'
    '<span class="small nowrap {}">{}</span></span></td>'
)


def _renewal(rows: Rows, row: BookEntry) -> SafeString:
    return RENEWAL(row.renewal, "warn" if row.renewal_soon else "quiet", row.renewal_words)


MONTH = Shape(
    '<td class="num phone-more" data-label="Hours this month"><span class="two-lines"><span class="first-line">{}</span>'
    '<span class="small quiet">of {} h</span></span></td>'
)


def _month(rows: Rows, row: BookEntry) -> SafeString:
    return MONTH(rows.traced(row.done, row.month_trace, "hours this month"), row.planned)


NO_TOUCH = Shape('<td class="next-touch" data-label="Next touch">{}</td>')(QUIET("none planned"))
TOUCH = Shape(
    '<td class="next-touch" data-label="Next touch"><span class="two-lines"><span class="first-line cut" title="{}">'
    '{}</span><span class="small nowrap touch-{}">{}</span></span></td>'
)


def _touch(rows: Rows, row: BookEntry) -> SafeString:
    return TOUCH(row.touch, row.touch, row.touch_tone, row.touch_words) if row.touch else NO_TOUCH


NO_NEXT = Shape('<td class="wide next-hour phone-hide" data-label="Best use of the next hour">{}</td>')(
    QUIET("nothing asks for it")
)
NEXT = Shape(
    '<td class="wide next-hour" data-label="Best use of the next hour"><span class="count">{}</span>'
    '<span class="hour-words" title="{}. {}">{}{}</span></td>'
)
MORE = Shape(' <span class="small quiet">{}</span>')


def _next(rows: Rows, row: BookEntry) -> SafeString:
    if not row.next_rank:
        return NO_NEXT
    more = row.next_more if rows.shows_touch else row.next_words
    return NEXT(
        rows.traced(f"{row.next_rank:,}", row.next_trace, "place of the next hour"),
        row.next_action,
        row.next_words,
        row.next_action,
        MORE(more) if more else "",
    )


BASE = Shape('<td class="num phone-more" data-label="Base hours a month">{}</td>')
SINCE = Shape('<td class="phone-more nowrap" data-label="In this book since">{}</td>')
VERTICAL = Shape('<td class="phone-more" data-label="Vertical">{}</td>')
CSM = Shape('<td class="phone-more" data-label="CSM">{}</td>')


def _base(rows: Rows, row: BookEntry) -> SafeString:
    return BASE(rows.traced(row.hours, row.hours_trace, "base hours"))


def _since(rows: Rows, row: BookEntry) -> SafeString:
    return SINCE(row.since)


def _vertical(rows: Rows, row: BookEntry) -> SafeString:
    return VERTICAL(row.vertical or "–")


def _csm(rows: Rows, row: BookEntry) -> SafeString:
    return CSM(row.csm)


CELLS: Mapping[str, Cell] = {
    "tier": _tier, "goals": _goals, "health": _health, "sentiment": _sentiment, "arr": _arr, "renewal": _renewal,
    "month": _month, "touch": _touch, "next": _next, "base": _base, "since": _since, "vertical": _vertical, "csm": _csm,
}  # fmt: skip
