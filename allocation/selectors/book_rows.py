"""The rows of a book: which customers in which order, and each as strings, for the page and for the CSV alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts.models import Customer, Tier
from allocation.selectors import wording
from allocation.selectors.book_columns import CUSTOMER, BookColumn
from allocation.selectors.book_facts import BookFacts, Row
from allocation.selectors.book_figures import BookFigures, sort_value
from allocation.selectors.book_touches import touch_tone, touch_words
from allocation.selectors.customers import open_goals, ordered
from allocation.selectors.feelings import health_tone, health_word, sentiment_tone, sentiment_word
from allocation.selectors.thresholds import SOON
from allocation.selectors.touches import TouchLine

DEFAULT_SORT = "next"
OF_FIGURES = frozenset({"month", "base", "touch", "next", "goals"})


class BookEntry(NamedTuple):
    """One customer of a book as strings; the *_value are what a spreadsheet can reckon with. *_trace: how a number came.

    next_more: of the words of the next hour, what the next touch beside them does not say.
    """

    pk: int
    external_id: str
    name: str
    tier: Tier | None
    csm: str
    csm_id: int | None
    left: bool
    overridden: bool
    override_asked: bool
    goals: tuple[str, ...]
    health: Any
    health_word: str
    health_tone: str
    health_trace: str
    sentiment: int | None
    sentiment_word: str
    sentiment_tone: str
    sentiment_trace: str
    arr: str
    arr_value: Decimal | None
    currency: str
    renewal: str
    renewal_on: date | None
    renewal_words: str
    renewal_soon: bool
    hours: str
    base_minutes: int | None
    hours_trace: str
    done: str
    planned: str
    done_minutes: int
    planned_minutes: int | None
    month_trace: str
    touch: str
    touch_pk: int | None
    touch_on: date | None
    touch_words: str
    touch_tone: str
    next_rank: int | None
    next_action: str
    next_words: str
    next_more: str
    next_trace: str
    since: str
    since_on: date | None
    vertical: str


def ordered_ids(
    *,
    rows: Callable[[], QuerySet[Customer]],
    sort: str,
    figures: BookFigures,
    every: Sequence[int] | None = None,
    goals: Mapping[int, Any] | None = None,
) -> list[int]:
    """Ids of the rows in the order of a heading, "-" for descending; what is unknown stands last either way.

    rows: made only where the database is asked. every: the ids of all the rows by name, where they are read already. goals: the open ones by customer, where they are.
    """
    name, on = sort.lstrip("-"), figures.on
    if name not in OF_FIGURES and (sort != CUSTOMER.sort or every is None):
        return list(ordered(rows(), sort=sort, as_of=on, default="name").values_list("pk", flat=True))
    ids = list(rows().order_by("name", "pk").values_list("pk", flat=True)) if every is None else list(every)
    if sort == CUSTOMER.sort:
        return ids
    if goals is None:
        goals = open_goals(customer_ids=ids, on=on) if name == "goals" else {}
    values = {pk: sort_value(figures, name, goals, pk) for pk in ids}
    known = [pk for pk in ids if values[pk] is not None]
    known.sort(key=lambda pk: values[pk], reverse=sort.startswith("-"))
    return known + [pk for pk in ids if values[pk] is None]


def book_entries(
    *, ids: Sequence[int], facts: BookFacts, figures: BookFigures, goals: Mapping[int, tuple[str, ...]]
) -> list[BookEntry]:
    """The customers as rows, in the order of the ids, as far as they are of the book; no statement. goals: names of the kinds of
    the open ones.
    """
    rows = facts.row_of
    return [_entry(rows[pk], facts, goals.get(pk, ()), figures) for pk in ids if pk in rows]


def _entry(row: Row, facts: BookFacts, goals: tuple[str, ...], figures: BookFigures) -> BookEntry:
    pk, on = row["pk"], figures.on
    touch, hour = figures.touches.get(pk), figures.next.get(pk)
    planned, base = figures.planned(pk), figures.base.get(pk)
    health, sentiment, arr, renewal_on = row["health"], row["sentiment"], row["arr"], row["renewal_date"]
    set_by = row["sentiment_by__name"] or row["sentiment_by__email"]
    return BookEntry(
        pk=pk,
        external_id=row["external_id"],
        name=row["name"],
        tier=facts.every_tier.get(row["tier_id"]),
        csm=row["csm__name"] or "",
        csm_id=row["csm_id"],
        left=row["status"] == Customer.Status.LEFT,
        overridden=row["overridden"],
        override_asked=row["override_asked"],
        goals=goals,
        health=wording.trimmed(health) if health is not None else None,
        health_word=health_word(health),
        health_tone=health_tone(health),
        health_trace=_of_day("Imported or entered", row["health_on"]),
        sentiment=sentiment,
        sentiment_word=sentiment_word(sentiment),
        sentiment_tone=sentiment_tone(sentiment),
        sentiment_trace=_of_day(f"Set by {set_by}" if set_by else "Set", row["sentiment_on"]),
        arr=wording.amount(arr),
        arr_value=arr,
        currency=row["currency"] if arr is not None else "",
        renewal=wording.day(renewal_on),
        renewal_on=renewal_on,
        renewal_words=wording.days_from(renewal_on, today=on),
        renewal_soon=renewal_on is not None and on <= renewal_on <= on + SOON,
        hours=wording.hours_and_minutes(base),
        base_minutes=base,
        hours_trace=""
        if base is None
        else f"{wording.hours_and_minutes(base)} h: the touch plan's hours of a year ÷ 12.",
        done=wording.hours_and_minutes(figures.done.get(pk, 0)),
        planned=wording.hours_and_minutes(planned),
        done_minutes=figures.done.get(pk, 0),
        planned_minutes=planned,
        month_trace=figures.month_trace(pk),
        touch=touch.activity if touch else "",
        touch_pk=touch.touch_id if touch else None,
        touch_on=touch.due_on if touch else None,
        touch_words=touch_words(touch.due_on, on=on) if touch else "",
        touch_tone=touch_tone(touch.status) if touch else "",
        next_rank=hour.rank if hour else None,
        next_action=hour.action if hour else "",
        next_words=hour.words if hour else "",
        next_more=_beside_the_touch(hour.words, touch) if hour else "",
        next_trace=figures.next_trace(pk),
        since=wording.day(row["csm_since"]),
        since_on=row["csm_since"],
        vertical=row["vertical__name"] or "",
    )


def _beside_the_touch(words: str, touch: TouchLine | None) -> str:
    """Why the next hour, without the day of the next touch, which its own column says."""
    first, _, state = words.partition("; ")
    if touch is None or not first.lower().startswith(f"{touch.activity.lower()} is "):
        return words
    more = f"{touch.late - 1} more late" if touch.late > 1 else ""
    said = "; ".join(part for part in (more, state) if part)
    return said[:1].upper() + said[1:]


def _of_day(words: str, day: date | None) -> str:
    return f"{words} on {wording.day(day)}." if day else f"{words}; the day is not known."


def csv_heads(columns: Sequence[BookColumn]) -> list[str]:
    return [head for column in (CUSTOMER, *columns) for head in column.heads]


def csv_cells(entry: BookEntry, columns: Sequence[BookColumn]) -> list[Any]:
    """The cells of a row; numbers and days as a spreadsheet reads them, nothing for what is unknown."""
    cells: dict[str, tuple[Any, ...]] = {
        "name": (entry.name, entry.external_id),
        "tier": (entry.tier.name if entry.tier else "",),
        "goals": ("; ".join(entry.goals),),
        "health": (entry.health, entry.health_word),
        "sentiment": (entry.sentiment, entry.sentiment_word),
        "arr": (entry.arr_value, entry.currency),
        "renewal": (entry.renewal_on,),
        "month": (wording.exact_hours_of(entry.done_minutes), wording.exact_hours_of(entry.planned_minutes)),
        "touch": (entry.touch, entry.touch_on, entry.touch_words),
        "next": (entry.next_rank, entry.next_action, entry.next_words),
        "base": (wording.exact_hours_of(entry.base_minutes),),
        "since": (entry.since_on,),
        "vertical": (entry.vertical,),
        "csm": (entry.csm,),
    }
    return [cell for column in (CUSTOMER, *columns) for cell in cells[column.key]]
