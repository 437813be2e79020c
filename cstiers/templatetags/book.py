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
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin import badges
from allocation.selectors.book_rows import BookEntry
from cstiers.templatetags.ui import trace_number

register = template.Library()
Cell = Callable[["Rows", BookEntry], SafeString]
UNKNOWN = format_html('<span class="{}">not known</span>', "quiet small nowrap")
UNSET = format_html('<span class="{}">not set</span>', "quiet small nowrap")
OVERRIDDEN = format_html(
    '<span class="override-way" title="Overridden">{}<span class="visually-hidden">overridden</span></span>',
    badges.icon("override"),
)
ASKED = format_html(
    '<span class="override-way warn" title="An override is asked for">{}<span class="visually-hidden">asked for</span></span>',
    badges.icon("approval"),
)


@register.simple_tag(takes_context=True)
def book_rows(context: dict[str, Any]) -> SafeString:
    """The rows of the page under the headings; what is shown of each is as allocation/views/book_list.py gives it."""
    rows = Rows(context)
    return format_html_join("", "{}", ((rows.row(entry),) for entry in context["rows"]))


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
        self.tiers: dict[int | None, SafeString] = {}

    def row(self, entry: BookEntry) -> SafeString:
        pk = str(entry.pk)
        whose = entry.csm if self.csm_id is not None and entry.csm_id != self.csm_id else ""
        return format_html(
            '<tr id="row-{pk}">\n<th scope="row"><a class="row-name" href="{url}" title="{name}">{name}</a>\n'
            '<span class="row-foot"><a class="row-actions" id="act-{pk}" href="{actions}" hx-get="{actions}" '
            'hx-target="#book-drawer-body" hx-swap="innerHTML" data-drawer>Actions<span class="visually-hidden"> for {name}</span>'
            '</a><span class="quiet small" title="{external_id}{title}">{left}{whose}{external_id}</span></span></th>\n{cells}</tr>\n',
            pk=pk,
            url=pk.join(self.customer),
            name=entry.name,
            actions=f"{pk.join(self.actions)}?next={self.back}",
            external_id=entry.external_id,
            title=f", for {whose}" if whose else "",
            left="left · " if entry.left else "",
            whose=f"for {whose} · " if whose else "",
            cells=format_html_join("\n", "{}", [(cell(self, entry),) for cell in self.cells]),
        )

    def traced(self, value: str, words: str, label: str) -> str:
        """As {% traced %}."""
        if not words:
            return value
        return badges.traced(value=value, words=words, label=label, number=trace_number(self.context))

    def tier_mark(self, entry: BookEntry) -> SafeString:
        tier = entry.tier
        key = tier.pk if tier else None
        if key not in self.tiers:
            self.tiers[key] = badges.tier_mark(
                name=tier.name if tier else "",
                rank=tier.shown_rank if tier else None,  # type: ignore[attr-defined]
            )
        return self.tiers[key]


def _around(address: str) -> tuple[str, str]:
    """What stands before and after the id in an address."""
    before, _, after = address.rpartition("0")
    return before, after


def _quiet(words: str) -> SafeString:
    return format_html('<span class="quiet">{}</span>', words)


def _tier(rows: Rows, row: BookEntry) -> SafeString:
    goals: str = ""
    if rows.goals_within:
        names = ", ".join(row.goals)
        goals = format_html(
            '<span class="small quiet cut phone-more" title="{}">{}</span>', names, names or "no open goal"
        )
    return format_html(
        '<td class="tier-cell"><span class="two-lines"><span class="first-line">{}{}{}</span>{}</span></td>',
        rows.tier_mark(row),
        OVERRIDDEN if row.overridden else "",
        ASKED if row.override_asked else "",
        goals,
    )


def _goals(rows: Rows, row: BookEntry) -> SafeString:
    names = format_html_join("", '<span class="badge">{}</span> ', ((goal,) for goal in row.goals))
    return format_html(
        '<td class="goal-badges phone-more" data-label="Open goals">{}</td>', names or _quiet("none")
    )


def _feeling(traced: str, words: str, tone: str) -> SafeString:
    return format_html(
        '<span class="two-lines feeling feeling-{}"><span class="first-line">{}</span><span class="small">'
        '<span class="visually-hidden">· </span>{}</span></span>',
        tone,
        traced,
        words,
    )


def _health(rows: Rows, row: BookEntry) -> SafeString:
    words = UNKNOWN
    if row.health_word:
        traced = rows.traced(f"{row.health}", row.health_trace, "health")
        words = _feeling(traced, row.health_word, row.health_tone)
    return format_html('<td data-label="Health">{}</td>', words)


def _sentiment(rows: Rows, row: BookEntry) -> SafeString:
    words = UNSET
    if row.sentiment_word:
        traced = rows.traced(f"{row.sentiment} of 5", row.sentiment_trace, "sentiment")
        words = _feeling(traced, row.sentiment_word, row.sentiment_tone)
    return format_html('<td class="phone-more" data-label="Sentiment">{}</td>', words)


def _arr(rows: Rows, row: BookEntry) -> SafeString:
    if not row.currency:
        return format_html('<td class="num phone-more" data-label="ARR">{}</td>', _quiet("not known"))
    return format_html(
        '<td class="num phone-more" data-label="ARR"><span class="two-lines"><span class="first-line">{}</span>'
        '<span class="small quiet">{}</span></span></td>',
        row.arr,
        row.currency,
    )


def _renewal(rows: Rows, row: BookEntry) -> SafeString:
    return format_html(
        '<td class="phone-more" data-label="Renewal"><span class="two-lines"><span class="first-line nowrap">{}</span>'
        '<span class="small nowrap {}">{}</span></span></td>',
        row.renewal,
        "warn" if row.renewal_soon else "quiet",
        row.renewal_words,
    )


def _month(rows: Rows, row: BookEntry) -> SafeString:
    return format_html(
        '<td class="num phone-more" data-label="Hours this month"><span class="two-lines"><span class="first-line">{}</span>'
        '<span class="small quiet">of {} h</span></span></td>',
        rows.traced(row.done, row.month_trace, "hours this month"),
        row.planned,
    )


def _touch(rows: Rows, row: BookEntry) -> SafeString:
    if not row.touch:
        return format_html('<td class="next-touch" data-label="Next touch">{}</td>', _quiet("none planned"))
    return format_html(
        '<td class="next-touch" data-label="Next touch"><span class="two-lines"><span class="first-line cut" title="{name}">'
        '{name}</span><span class="small nowrap touch-{tone}">{words}</span></span></td>',
        name=row.touch,
        tone=row.touch_tone,
        words=row.touch_words,
    )


def _next(rows: Rows, row: BookEntry) -> SafeString:
    if not row.next_rank:
        return format_html(
            '<td class="wide next-hour phone-hide" data-label="Best use of the next hour">{}</td>',
            _quiet("nothing asks for it"),
        )
    more = row.next_more if rows.shows_touch else row.next_words
    return format_html(
        '<td class="wide next-hour" data-label="Best use of the next hour"><span class="count">{place}</span>'
        '<span class="hour-words" title="{action}. {words}">{action}{more}</span></td>',
        place=rows.traced(f"{row.next_rank:,}", row.next_trace, "place of the next hour"),
        action=row.next_action,
        words=row.next_words,
        more=format_html(' <span class="small quiet">{}</span>', more) if more else "",
    )


def _base(rows: Rows, row: BookEntry) -> SafeString:
    return format_html(
        '<td class="num phone-more" data-label="Base hours a month">{}</td>',
        rows.traced(row.hours, row.hours_trace, "base hours"),
    )


def _since(rows: Rows, row: BookEntry) -> SafeString:
    return format_html('<td class="phone-more nowrap" data-label="In this book since">{}</td>', row.since)


def _vertical(rows: Rows, row: BookEntry) -> SafeString:
    return format_html('<td class="phone-more" data-label="Vertical">{}</td>', row.vertical or "–")


def _csm(rows: Rows, row: BookEntry) -> SafeString:
    return format_html('<td class="phone-more" data-label="CSM">{}</td>', row.csm)


CELLS: Mapping[str, Cell] = {
    "tier": _tier, "goals": _goals, "health": _health, "sentiment": _sentiment, "arr": _arr, "renewal": _renewal,
    "month": _month, "touch": _touch, "next": _next, "base": _base, "since": _since, "vertical": _vertical, "csm": _csm,
}  # fmt: skip
