"""Which day a page shows: today, or one in the past that the address names with `?as_of=`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest

from allocation.selectors import wording
from allocation.selectors.ledger import books_known_since
from allocation.views.access import today

NAME = "as_of"
# What one of these pages takes from the ledgers, and what nobody keeps.
OF_THE_DAY = "Who held which tier and which CSM, who had left, and which goals were open are as the ledgers say for that day"
OF_TODAY = "amounts, health, renewals, names, teams, touch plans and working hours are today's"


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day to show. asked: as the address has it, to be shown in the field; problem: why it is not that day."""

    day: date
    today: date
    asked: str = ""
    problem: str = ""
    known_since: date | None = None

    @property
    def is_past(self) -> bool:
        return self.day < self.today

    @property
    def banner(self) -> str:
        """A sentence about what the page shows; empty for today."""
        if not self.is_past:
            return ""
        said = f"As it stood on {wording.day(self.day)}. {OF_THE_DAY}; {OF_TODAY}."
        if self.known_since is not None and self.day < self.known_since:
            said += f" The ledgers begin on {wording.day(self.known_since)}: who had which customer before is not known."
        return said

    @property
    def query(self) -> str:
        """What links to other such pages end with."""
        return f"?{NAME}={self.day.isoformat()}" if self.is_past else ""


def as_of(request: HttpRequest) -> AsOf:
    """A day that cannot be shown is answered with today and a sentence."""
    now, asked = today(), request.GET.get(NAME, "").strip()
    if not asked:
        return AsOf(now, now)
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        return AsOf(
            now, now, problem="This is no day of the calendar, so today is shown. Write it as 2026-03-31."
        )
    if day > now:
        said = f"{wording.day(day)} is still to come, so today is shown. Choose a day that has been."
        return AsOf(now, now, problem=said)
    known_since = books_known_since() if day < now else None
    return AsOf(day, now, asked=day.isoformat(), known_since=known_since)
