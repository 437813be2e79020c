"""The touches of one customer, as its page shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.models import Customer, TouchActivity
from allocation.models import Touch
from allocation.selectors import wording
from allocation.selectors.touch_lists import TouchRow, touch_rows
from allocation.selectors.touch_plan import touch_plan
from allocation.selectors.touches import TouchLine, minutes_of

SHOWN_OPEN = 4
SHOWN_DONE = 5


@dataclass(frozen=True, slots=True)
class YearLine:
    """An activity in the coming twelve months: how often, its hours, and the next day."""

    name: str
    times: int
    hours: str
    next_day: str
    trace: str


@dataclass(frozen=True, slots=True)
class TouchCard:
    """open: late before due before coming. more: open ones that are not listed. activities: of the plan, to log one."""

    open: list[TouchRow]
    more: int
    late: int
    done: list[TouchRow]
    year: list[YearLine]
    activities: list[tuple[int, str]]

    @property
    def late_words(self) -> str:
        return f"{self.late} late"


def touch_card(*, customer: Customer, user: Any, on: date, at: datetime) -> TouchCard:
    """Of a customer the person may see; a fixed number of statements."""
    rows = Touch.objects.filter(customer=customer)
    joined = rows.select_related("customer__csm", "activity", "done_by", "closed_by")
    coming = list(joined.open().order_by("due_on", "name", "pk"))
    done = joined.exclude(status=Touch.Status.PLANNED).order_by("-done_on", "-closed_at", "-pk")
    shown = touch_rows(touches=coming[:SHOWN_OPEN], user=user, on=on, at=at)
    return TouchCard(
        open=shown,
        more=len(coming) - len(shown),
        late=sum(touch.due_on < on for touch in coming),
        done=touch_rows(touches=done[:SHOWN_DONE], user=user, on=on, at=at),
        year=_year(touch_plan(customers=[customer.pk], on=on).get(customer.pk, ()), on),
        activities=activities_to_log(customer=customer),
    )


def activities_to_log(*, customer: Customer) -> list[tuple[int, str]]:
    """The lines of the touch plan that the customer's tier has."""
    rows = TouchActivity.objects.filter(tier=customer.tier_id)
    return list(rows.order_by("name", "pk").values_list("pk", "name"))


def _year(lines: Iterable[TouchLine], on: date) -> list[YearLine]:
    """By name; what is still to come of each activity, with what is late. The most frequent first."""
    found: dict[str, list[TouchLine]] = defaultdict(list)
    for line in lines:
        if line.status in {"planned", "due", "late"}:
            found[line.activity].append(line)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_year_line(name, of_it, on) for name, of_it in ordered]


def _year_line(name: str, lines: list[TouchLine], on: date) -> YearLine:
    minutes = [minutes_of(line.hours) for line in lines]
    each = {wording.hours_and_minutes(one) for one in minutes}
    how = (
        f"{len(lines)} × {each.pop()} hours"
        if len(each) == 1
        else f"{len(lines)} touches of different length"
    )
    first = min(line.due_on for line in lines)
    return YearLine(
        name=name,
        times=len(lines),
        hours=wording.hours_and_minutes(sum(minutes)),
        next_day=wording.day(first),
        trace=f"{how}, from {wording.day(on)} for 12 months: planned ones, and what the touch plan goes on with.",
    )
