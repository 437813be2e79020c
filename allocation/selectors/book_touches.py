"""The open touches of a book, those that its drawer offers to be done, and what a touch's day means in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from accounts.models import Customer
from allocation.engine.facts.next_hour import OpenTouch
from allocation.engine.next_hour import RENEWAL_DAYS
from allocation.models import Touch
from allocation.selectors import wording
from allocation.selectors.next_hours import open_touch
from allocation.selectors.touches import TouchLine, TouchStanding, minutes_of, state_of_touch

OFFERED = 3
DONE = str(Touch.Status.DONE)
TONES = {"late": "bad", "due": "warn"}


@dataclass(frozen=True, slots=True)
class OfferedTouch:
    """minutes: as planned."""

    pk: int
    name: str
    when: str
    tone: str
    minutes: int


def next_touches_of(*, customer: Customer, on: date) -> list[OfferedTouch]:
    """The open ones with the earliest days, three at most."""
    rows = Touch.objects.open().filter(customer=customer).order_by("due_on", "name", "pk")[:OFFERED]
    return [
        OfferedTouch(
            row.pk,
            row.name,
            touch_words(row.due_on, on=on),
            touch_tone(state_of_touch(status=row.status, due_on=row.due_on, on=on)),
            round(row.hours * 60),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class BookTouches:
    """Touches by customer. next: the open one with the earliest day, however far away. near: those that the next hour is ranked by.
    done: minutes that those done took, from the first of the month to the day; who has none has no entry.
    """

    next: Mapping[int, TouchLine]
    near: Mapping[int, list[OpenTouch]]
    done: Mapping[int, int]


def touches_of_book(*, rows: Iterable[tuple[Any, ...]], on: date) -> BookTouches:
    """Of the rows of a book that `book_facts` read for its page; no statement."""
    until = on + timedelta(days=RENEWAL_DAYS)
    first: dict[int, tuple[Any, ...]] = {}
    near: dict[int, list[OpenTouch]] = defaultdict(list)
    late: dict[int, int] = defaultdict(int)
    done: dict[int, int] = defaultdict(int)
    for customer_id, pk, name, slot_on, due_on, hours, status, channel in rows:
        if status == DONE:
            done[customer_id] += minutes_of(hours)
            continue
        if customer_id not in first:
            standing = state_of_touch(status=status, due_on=due_on, on=on)
            first[customer_id] = (pk, name, slot_on, due_on, hours, standing)
        if due_on <= until:
            near[customer_id].append(
                open_touch(name=name, due_on=due_on, hours=hours, channel=channel, on=on)
            )
        if due_on < on:
            late[customer_id] += 1
    return BookTouches({pk: TouchLine(*line, late[pk]) for pk, line in first.items()}, near, done)


def touch_words(due_on: date, *, on: date) -> str:
    """ "3 days late", "due today", "due tomorrow", "in 12 days"."""
    away = (due_on - on) // timedelta(days=1)
    if away < 0:
        return f"{wording.counted(-away, 'day')} late"
    if away < 2:
        return "due tomorrow" if away else "due today"
    return f"in {wording.counted(away, 'day')}"


def touch_tone(standing: TouchStanding) -> str:
    return TONES.get(standing, "quiet")
