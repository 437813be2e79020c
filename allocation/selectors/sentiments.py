"""How the sentiment of one customer went, from the log of changes, as lines of its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.timezone import localdate

from accounts.models import Customer
from accounts.selectors.changes import lines_of
from allocation.selectors.customer_events import Event
from allocation.selectors.feelings import sentiment_word

LONGEST = 24  # changes; older ones are in the log


def with_sentiments(
    events: Sequence[Event], *, customer: Customer, day: date | None = None
) -> tuple[Event, ...]:
    """The events and each change of the sentiment that a person made on the site, the newest first; one statement.

    day: as of its end. A file's sentiment is not in the log: it shows as what was there before the next change.
    """
    lines = lines_of(row=customer).filter(changes__has_key="sentiment")
    if day is not None:
        lines = lines.filter(timestamp__date__lte=day)
    found = [*events, *(_event(line) for line in lines[:LONGEST])]
    return tuple(sorted(found, key=lambda event: event.on, reverse=True))


def _event(line: Any) -> Event:
    before, after = line.changes["sentiment"]
    who = str(line.actor or line.actor_email or "")
    said = [f"set by {who}"] if who else []
    said.append(f"before: {_words(before)}" if before else "not set before")
    return Event(
        on=localdate(line.timestamp),
        until=None,
        what=f"Sentiment {_words(after)}",
        why=", ".join(said),
        words="",
        actor="",
        kind="sentiment",
        page="",
        page_id=None,
        over=False,
    )


def _words(value: Any) -> str:
    number = int(value)
    return f"{number} of 5 · {sentiment_word(number)}"
