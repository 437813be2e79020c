"""Touches as people read them: how one stands on a day, the next of each customer, the hours that touches took."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from django.db.models import F, IntegerField, Sum
from django.db.models.functions import Cast, Round

from allocation.models import Source, TierHolding, Touch
from allocation.querysets.touches import DUE_DAYS

TouchStanding = Literal["planned", "due", "late", "done", "skipped"]
LINE = ("pk", "name", "slot_on", "due_on", "hours", "status")


MINUTES: Any = Cast(Round(F("hours") * 60), IntegerField())
"""Of a touch: hours have two decimals, so none lies half way, and sums over customers, activities and people agree."""


@lru_cache(maxsize=1_024)  # touches take the same few times over and over
def minutes_of(hours: Decimal) -> int:
    """As MINUTES, of a touch that is read."""
    return round(hours * 60)


@dataclass(frozen=True, slots=True)
class TouchLine:
    """One touch of a customer. touch_id None: not stored yet. status: how it stands on the day that was asked for.
    late: how many open ones of the customer are late, where it is the next one.
    """

    touch_id: int | None
    activity: str
    slot_on: date | None
    due_on: date
    hours: Decimal
    status: TouchStanding
    late: int = 0


def state_of_touch(*, status: str, due_on: date, on: date) -> TouchStanding:
    """How a touch stands on a day: done, skipped, or open: late after its day, due in the week before it, else planned."""
    match status:
        case Touch.Status.DONE:
            return "done"
        case Touch.Status.SKIPPED:
            return "skipped"
        case _ if due_on < on:
            return "late"
        case _:
            return "due" if due_on < on + timedelta(days=DUE_DAYS) else "planned"


def hours_done(*, customer_ids: Collection[int], first: date, before: date) -> Mapping[int, int]:
    """Minutes that touches took, by customer id, done from `first` to the day before `before`. One query.

    Who has none has no entry.
    """
    done = Touch.objects.done().filter(customer_id__in=customer_ids, done_on__gte=first, done_on__lt=before)
    totals = done.order_by().values("customer_id").annotate(minutes=Sum(MINUTES))
    return dict(totals.values_list("customer_id", "minutes"))


def customers_of_run(*, run_id: int) -> list[int]:
    """Ids of those to whom a re-tiering run, or the undoing of it, gave the tier they hold now; by id."""
    held = TierHolding.objects.current().filter(source__in=(Source.RUN, Source.UNDO), source_id=run_id)
    return list(held.order_by("customer_id").values_list("customer_id", flat=True))
