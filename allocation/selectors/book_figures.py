"""What a book's page says of each customer beside its facts: attention and hours done, next touch, best next hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from allocation.engine.facts.attention import CareShare
from allocation.engine.facts.next_hour import NextHour
from allocation.selectors import wording
from allocation.selectors.attention import BookCare, book_care
from allocation.selectors.book_facts import BookFacts
from allocation.selectors.book_touches import touches_of_book
from allocation.selectors.next_hours import next_hours
from allocation.selectors.touches import TouchLine


@dataclass(frozen=True, slots=True)
class BookFigures:
    """Of the active customers of a book on a day, by customer id. Hours are in minutes.

    attention: of the month, empty where another CSM covers the book; basis: what it is shared by. done: since the first of the
    month. next: what the next hour is best used for; who asks for nothing is not in it. problem: which rates are missing.
    care: how the hours of the book were shared, for who shows more of it. served_done: as done, with
    everybody whom the CSM serves, on the page or not.
    """

    on: date
    base: Mapping[int, int]
    attention: Mapping[int, CareShare] = field(default_factory=dict)
    done: Mapping[int, int] = field(default_factory=dict)
    touches: Mapping[int, TouchLine] = field(default_factory=dict)
    next: Mapping[int, NextHour] = field(default_factory=dict)
    basis: str = ""
    problem: str = ""
    care: BookCare | None = None
    served_done: Mapping[int, int] = field(default_factory=dict)

    @property
    def first(self) -> date:
        """The first of the month: from it on hours are counted as done."""
        return self.on.replace(day=1)

    def planned(self, pk: int) -> int | None:
        """Minutes of the month for a customer: the attention, or the base where no attention is shared."""
        share = self.attention.get(pk)
        return self.base.get(pk) if share is None else share.minutes

    @property
    def done_minutes(self) -> int:
        return sum(self.done.values())

    @property
    def planned_minutes(self) -> int:
        return sum(self.planned(pk) or 0 for pk in self.base)

    @property
    def late(self) -> int:
        """Open touches whose day has passed."""
        return sum(line.late for line in self.touches.values())

    @property
    def late_customers(self) -> int:
        """Customers who have one that is late: their next is."""
        return sum(line.status == "late" for line in self.touches.values())

    def next_trace(self, pk: int) -> str:
        """How the place of the next hour came; empty for who asks for nothing."""
        hour = self.next.get(pk)
        if hour is None:
            return ""
        return (
            f"Place {hour.rank} among the {wording.grouped(len(self.base))} customers here, by what an hour is worth: how urgent the "
            f"work is, × the customer's place by {self.basis}. Because: {hour.words}. Planned: {wording.hours_and_minutes(hour.minutes)} h."
        )

    def month_trace(self, pk: int) -> str:
        """How the hours of the month came."""
        share, first = self.attention.get(pk), wording.day(self.first)
        done = f"Done since {first}: {wording.hours_and_minutes(self.done.get(pk, 0))} h, as written down in touches."
        if share is None:
            base = self.base.get(pk)
            if base is None:
                return done
            return (
                f"{done}\nBase: {wording.hours_and_minutes(base)} h, the touch plan's hours of a year ÷ 12."
            )
        return (
            f"{done}\nAttention of the thirty days from today: {wording.hours_and_minutes(share.minutes)} h = {wording.hours_and_minutes(share.base_minutes)} h base "
            f"(the touch plan's hours of a year ÷ 12) + {wording.hours_and_minutes(share.share_minutes)} h of what is left, shared by {self.basis}. {self.problem}".strip()
        )


def book_figures(*, facts: BookFacts, base: Mapping[int, int]) -> BookFigures:
    """base: minutes of the active customers of the page, whoever's book they are in; no statement. facts: read for the page."""
    on, csm = facts.on, facts.csm
    care = book_care(csm=csm, as_of=on, facts=facts)
    shares = {share.external_id: share for share in care.found.shares}
    served = {one.pk for one in care.customers}
    touches = touches_of_book(rows=facts.touches, on=on)
    done = touches.done
    return BookFigures(
        on=on,
        base=base,
        attention={one.pk: shares[one.facts.external_id] for one in care.customers},
        basis=_as_words(care.policy.get_basis_display()),
        done={pk: minutes for pk, minutes in done.items() if pk in base},
        touches={pk: line for pk, line in touches.next.items() if pk in base},
        next=_that_ask(next_hours(csm=csm, on=on, care=care, done=done, touches=touches.near), set(base)),
        problem=care.problem,
        care=care,
        served_done={pk: minutes for pk, minutes in done.items() if pk in served},
    )


def _as_words(label: str) -> str:
    """ "Return on CSM time" within a sentence."""
    return label[:1].lower() + label[1:]


def _that_ask(found: Mapping[int, NextHour], keys: set[int]) -> Mapping[int, NextHour]:
    return {pk: hour for pk, hour in found.items() if pk in keys and hour.reason != "nothing"}


def sort_value(figures: BookFigures, key: str, goals: Mapping[int, Any], pk: int) -> Any:
    """By what a heading sorts that the database does not know; None (unknown) stands last either way."""
    match key:
        case "month":
            return figures.planned(pk)
        case "base":
            return figures.base.get(pk)
        case "touch":
            touch = figures.touches.get(pk)
            return touch.due_on if touch else None
        case "next":
            hour = figures.next.get(pk)
            return hour.rank if hour else None
        case _:
            return len(goals[pk]) if pk in goals else None
