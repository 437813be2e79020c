"""The touches that the drawer of a book offers to be done, and what a touch's day means in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import Customer
from allocation.models import Touch
from allocation.selectors import wording
from allocation.selectors.touches import TouchStanding, state_of_touch

OFFERED = 3
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
