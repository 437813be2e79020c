"""Days that CSMs are on leave in the month that capacity is counted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from accounts.models import Leave

MONTH_DAYS = 30
"""The month that capacity is counted for: the thirty days from the as-of date."""
LONG_LEAVE_DAYS = 30
"""Shorter leave is covered by colleagues and changes no book."""


def days_away(*, as_of: date, at_least: int) -> dict[int, int]:
    """Days of leave in the month from ``as_of`` by CSM; leave shorter than ``at_least`` days in all is left out."""
    end = as_of + timedelta(days=MONTH_DAYS)
    found = Leave.objects.filter(starts_on__lt=end, ends_before__gt=as_of)
    leaves = found.values_list("csm_id", "starts_on", "ends_before")
    return days_away_among(leaves, as_of=as_of, at_least=at_least)


def days_away_among(
    leaves: Iterable[tuple[int, date, date]], *, as_of: date, at_least: int
) -> dict[int, int]:
    """The same, of leaves that are read already: CSM, first day, day of return; of other months they count nothing."""
    end = as_of + timedelta(days=MONTH_DAYS)
    days: dict[int, set[date]] = defaultdict(set)
    for csm_id, starts_on, ends_before in leaves:
        if starts_on < end and ends_before > as_of and (ends_before - starts_on).days >= at_least:
            first, last = max(starts_on, as_of), min(ends_before, end)
            days[csm_id].update(first + timedelta(days=n) for n in range((last - first).days))
    return {csm_id: len(found) for csm_id, found in days.items()}
