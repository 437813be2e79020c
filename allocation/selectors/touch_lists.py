"""Touches as lists: what is late, due and coming, and what was done lately; in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.timezone import localtime

from allocation.models import Touch
from allocation.querysets.touches import DUE_DAYS, REOPEN_WITHIN
from allocation.selectors import wording
from allocation.selectors.touches import MINUTES, minutes_of

LATE, DUE, COMING, DONE = "late", "due", "coming", "done"
SHOWS = (LATE, DUE, COMING, DONE)
LATELY = timedelta(days=30)

HINTS = {
    LATE: "Open, and their day has passed.",
    DUE: f"Open, and due today or in the {DUE_DAYS - 1} days after it.",
    COMING: f"Open, and due in {DUE_DAYS} days or later. Touches are planned some months ahead.",
    DONE: f"Done, skipped or logged in the last {LATELY.days} days.",
}


@dataclass(frozen=True, slots=True)
class TouchRow:
    """One row of a list, as strings. day: when it is due, was done or was skipped; was_due: of a skipped one. minutes: what a form begins with. undo: whether it can still be taken back."""

    pk: int
    customer_id: int
    customer: str
    external_id: str
    csm: str
    name: str
    day: str
    was_due: str
    due_on: date
    when: str
    tone: str
    hours: str
    minutes: int
    trace: str
    channel: str
    status: str
    status_words: str
    words: str
    by: str
    undo: bool
    logged: bool
    move_to: date

    @property
    def key(self) -> str:
        """For ids on the page."""
        return str(self.pk)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many touches a list has, and their hours to the minute, as each row says its own; skipped ones take none."""

    count: int
    hours: str


def touches_in_scope(*, user: Any) -> QuerySet[Touch]:
    """Of customers that the person may see and that have not left."""
    rows: QuerySet[Touch] = Touch.objects.visible_to(user).of_active_customers()
    return rows


def touch_list(*, touches: Any, show: str, on: date, at: datetime) -> QuerySet[Touch]:
    """One of the lists: what is pressing first, what was done last first; with all that a row needs."""
    rows = _listed(touches, show, on, at).select_related("customer__csm", "activity", "done_by", "closed_by")
    if show == DONE:
        return rows.order_by("-closed_at", "-pk")
    return rows.order_by("due_on", "customer__name", "name", "pk")


def touch_tallies(*, touches: Any, on: date, at: datetime) -> dict[str, Tally]:
    """Of each list; four statements."""
    found = {}
    for show in SHOWS:
        rows = _listed(touches, show, on, at).order_by()
        taking_place = ~Q(status=Touch.Status.SKIPPED)
        counts = rows.aggregate(count=Count("pk"), minutes=Sum(MINUTES, filter=taking_place))
        found[show] = Tally(counts["count"], wording.hours_and_minutes(counts["minutes"] or 0))
    return found


def _listed(touches: Any, show: str, on: date, at: datetime) -> Any:
    match show:
        case "late":
            return touches.late_on(on)
        case "due":
            return touches.due_on(on)
        case "coming":
            return touches.coming_on(on)
        case _:
            return touches.closed_since(at - LATELY)


def touch_rows(*, touches: Iterable[Touch], user: Any, on: date, at: datetime) -> list[TouchRow]:
    """The rows; no statement where customer, CSM, activity, doer and writer are read already."""
    return [_row(touch, user, on, at) for touch in touches]


def _row(touch: Touch, user: Any, on: date, at: datetime) -> TouchRow:
    customer, is_open = touch.customer, touch.status == Touch.Status.PLANNED
    when, tone = when_of(touch.due_on, on=on)
    return TouchRow(
        pk=touch.pk,
        customer_id=customer.pk,
        customer=customer.name,
        external_id=customer.external_id,
        csm=customer.csm.name if customer.csm else "",
        name=touch.name,
        day=wording.day(_day_of(touch)),
        was_due=wording.day(touch.due_on) if touch.status == Touch.Status.SKIPPED else "",
        due_on=touch.due_on,
        when=when if is_open else "",
        tone=tone if is_open else "",
        hours=wording.DASH
        if touch.status == Touch.Status.SKIPPED
        else wording.hours_and_minutes(minutes_of(touch.hours)),
        minutes=minutes_of(touch.hours),
        trace=hours_trace(touch),
        channel=touch.activity.get_channel_display() if touch.activity else "Not planned",
        status=touch.status,
        status_words="Logged" if is_logged(touch) else touch.get_status_display(),
        words=touch.words,
        by=_by(touch),
        undo=can_undo(touch, user=user, at=at),
        logged=is_logged(touch),
        move_to=max(on, touch.due_on) + timedelta(days=DUE_DAYS),
    )


def _day_of(touch: Touch) -> date:
    """When it is due, was done or, of a skipped one, was skipped."""
    if touch.status == Touch.Status.SKIPPED and touch.closed_at is not None:
        return localtime(touch.closed_at).date()
    return touch.due_on if touch.done_on is None else touch.done_on


def is_logged(touch: Touch) -> bool:
    return touch.logged


def can_undo(touch: Touch, *, user: Any, at: datetime) -> bool:
    """Whether the person may take back what was written down (services.touches.reopen_touch says the same)."""
    if (
        touch.status == Touch.Status.PLANNED
        or touch.closed_at is None
        or touch.closed_at < at - REOPEN_WITHIN
    ):
        return False
    return touch.slot_on is not None or touch.closed_by_id == user.pk or user.is_ops or user.is_manager


def when_of(due_on: date, *, on: date) -> tuple[str, str]:
    """ "3 days late", "today", "in 5 days"; and the tone of it."""
    if due_on < on:
        return f"{wording.counted((on - due_on).days, 'day')} late", "bad"
    return wording.days_from(due_on, today=on), "warn" if due_on < on + timedelta(days=DUE_DAYS) else ""


def hours_trace(touch: Touch) -> str:
    """How the hours came."""
    if touch.status == Touch.Status.DONE:
        planned = (
            f" The touch plan has {wording.hours_and_minutes(minutes_of(touch.activity.hours_each))} hours for it."
            if touch.activity
            else ""
        )
        return f"What it took, as {touch.closed_by or 'somebody'} wrote it down.{planned}"
    if touch.activity is None or touch.status == Touch.Status.SKIPPED:
        return ""
    times = f"{touch.activity.times_a_year:f}".rstrip("0").rstrip(".")
    return f"From the touch plan: {touch.activity.name}, {times} a year, {wording.hours_and_minutes(minutes_of(touch.activity.hours_each))} hours each."


def _by(touch: Touch) -> str:
    """Who did it, or who wrote it down where that is somebody else."""
    if touch.status == Touch.Status.PLANNED:
        return ""
    doer = touch.done_by.name if touch.done_by else ""
    writer = str(touch.closed_by) if touch.closed_by else ""
    if doer and writer and doer != writer:
        return f"{doer}, written down by {writer}"
    return doer or writer


def pressing(*, user: Any, on: date) -> tuple[int, int]:
    """How many are late, and how many are due, in the person's scope. One statement."""
    week = on + timedelta(days=DUE_DAYS)
    counts = (
        Touch.objects.visible_to(user)
        .of_active_customers()
        .open()
        .order_by()
        .aggregate(
            late=Count("pk", filter=Q(due_on__lt=on)),
            due=Count("pk", filter=Q(due_on__gte=on, due_on__lt=week)),
        )
    )
    return counts["late"], counts["due"]
