"""A CSM's calendar: touches and renewals of the customers the CSM serves, as days, and as an iCalendar file.

It is read outside the house. It says customer, kind of contact, hours and a link to the page that asks for a sign-in; nothing
of how a customer is judged or why (selectors.calendar_words).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from icalendar import vText
from icalendar.parser import Contentline

from accounts.models import CSM, Customer, TouchActivity
from allocation.models import CalendarFeed, Touch
from allocation.selectors import wording
from allocation.selectors.calendar_words import OutsideWords
from allocation.selectors.notice_words import one_line
from allocation.selectors.touch_plan import touch_plan
from allocation.selectors.touches import TouchLine
from allocation.snapshots.covers import covers_on

AHEAD = timedelta(days=365)
BACK = timedelta(days=30)
DAY = timedelta(days=1)
ASK_AGAIN_HOURS = 4
NAME = "Customer touches and renewals"
CHANNELS = dict(TouchActivity.Channel.choices)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One event of a whole day. uid: the same for the same touch whenever it is asked for, moved or done."""

    uid: str
    day: date
    summary: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """What is in the calendar on a day, and a mark that changes with it."""

    on: date
    days: Sequence[CalendarDay]

    @property
    def etag(self) -> str:
        told = repr((self.on, [(day.uid, day.day, day.summary, day.words) for day in self.days]))
        return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def calendar_answer(*, csm: CSM, on: date) -> CalendarAnswer:
    """From 30 days back to 12 months ahead, of customers of the own book and of those covered on the day; a fixed number of
    statements. Planned touches beyond what is stored are those that planning would add.
    """
    served = [csm.pk, *(one.csm_id for one in covers_on(on=on).covers_of(csm.pk))]
    customers = Customer.objects.active().filter(csm__in=served)
    days = [*_touches(customers, on), *_renewals(customers, on)]
    days.sort(key=lambda day: (day.day, day.uid))
    return CalendarAnswer(on, days)


def calendar_file(*, answer: CalendarAnswer) -> bytes:
    """The iCalendar file. The library escapes each text and folds each line; its objects for events would take ten times as long."""
    line = cache(_line)  # a customer's touches say the same again and again
    stamp = f"{answer.on:%Y%m%d}T000000Z"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//cstiers//calendar//EN",
        f"X-WR-CALNAME:{NAME}",
        f"X-PUBLISHED-TTL:PT{ASK_AGAIN_HOURS}H",
    ]
    for day in answer.days:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{day.uid}",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{day.day:%Y%m%d}",
            f"DTEND;VALUE=DATE:{day.day + DAY:%Y%m%d}",
            line("SUMMARY", day.summary),
            line("DESCRIPTION", day.words),
            line("URL", day.url),
            "TRANSP:TRANSPARENT",  # it takes no hour of the day away
            "CLASS:PRIVATE",
            "END:VEVENT",
        ]
    lines += ["END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def _line(name: str, value: str) -> str:
    """A property, folded. An address is none of the types that are escaped."""
    text = value if name == "URL" else vText(value).to_ical().decode()
    return Contentline(f"{name}:{text}").to_ical().decode()


def _touches(customers: QuerySet[Customer], on: date) -> Iterator[CalendarDay]:
    rows = customers.order_by("pk").values_list("pk", "name", "tier_id")
    named = {pk: (one_line(name), tier_id) for pk, name, tier_id in rows}
    plan = touch_plan(customers=customers, on=on, days=AHEAD.days)
    channels = _channels()
    outside, logged = OutsideWords(), _logged(customers, on)
    used: set[str] = set()
    for pk, lines in {**plan, **_with_recent(customers, plan, on)}.items():
        if pk not in named:  # it came to the book in this moment
            continue
        (name, tier_id), link = named[pk], _link(pk)
        for line in lines:
            if line.status == "skipped" or not on - BACK <= line.due_on <= on + AHEAD:
                continue
            channel = channels.get((tier_id, line.activity), "") if line.slot_on else ""
            uid = _uid(pk, line, used)
            name_of_it = line.activity if line.touch_id is None else logged.get(line.touch_id, line.activity)
            what = outside.words_of(name_of_it, channel)
            yield _touch_day(uid, f"{what} with {name}", channel, line, link)


def _with_recent(
    customers: QuerySet[Customer], plan: Mapping[int, Sequence[TouchLine]], on: date
) -> dict[int, list[TouchLine]]:
    """The lines of those customers for whom something was done in the days before, with it."""
    known = {line.touch_id for lines in plan.values() for line in lines}
    rows = Touch.objects.done().filter(
        customer__in=customers.order_by().values("pk"), due_on__gte=on - BACK, due_on__lt=on
    )
    found: dict[int, list[TouchLine]] = {}
    for customer_id, pk, name, slot_on, due_on, hours in rows.order_by("pk").values_list(
        "customer_id", "pk", "name", "slot_on", "due_on", "hours"
    ):
        if pk not in known:
            lines = found.setdefault(customer_id, list(plan.get(customer_id, ())))
            lines.append(TouchLine(pk, name, slot_on, due_on, hours, "done"))
    return found


def _logged(customers: QuerySet[Customer], on: date) -> Mapping[int, str]:
    """The activity of each touch that was logged, "" where there is none: what people called it stays in the house."""
    rows = Touch.objects.filter(
        customer__in=customers.order_by().values("pk"), logged=True, due_on__gte=on - BACK
    )
    return {pk: name or "" for pk, name in rows.order_by("pk").values_list("pk", "activity__name")}


def _channels() -> Mapping[tuple[int, str], str]:
    """By tier and activity."""
    rows = TouchActivity.objects.order_by("pk").values_list("tier_id", "name", "channel")
    return {(tier_id, name): channel for tier_id, name, channel in rows}


def _uid(customer_id: int, line: TouchLine, used: set[str]) -> str:
    """By customer, activity and place in the rhythm, so that it is the same before and after the row is stored."""
    if line.slot_on is None:
        return f"touch-{line.touch_id}@{_host()}"
    name = hashlib.sha256(line.activity.encode()).hexdigest()[:12]
    uid = f"touch-{customer_id}-{line.slot_on:%Y%m%d}-{name}@{_host()}"
    while uid in used:  # two lines of a plan with one name, for two goal kinds
        uid = f"another-{uid}"
    used.add(uid)
    return uid


def _host() -> str:
    host: str = settings.SITE_URL.partition("://")[2].partition("/")[0].partition(":")[0]
    return host or "cstiers"


def _touch_day(uid: str, what: str, channel: str, line: TouchLine, link: str) -> CalendarDay:
    state = {"done": "Done: ", "late": "Late: "}.get(line.status, "")
    about = [
        f"{wording.hours(line.hours)} hours" + (f", {CHANNELS[channel].lower()}" if channel else ""),
        {"done": "Done.", "late": "Its day has passed."}.get(line.status, ""),
    ]
    return CalendarDay(uid, line.due_on, f"{state}{what}", _words(about, link), link)


def _renewals(customers: QuerySet[Customer], on: date) -> Iterator[CalendarDay]:
    rows = customers.filter(renewal_date__gte=on - BACK, renewal_date__lte=on + AHEAD)
    for pk, name, day in rows.order_by("pk").values_list("pk", "name", "renewal_date"):
        uid = f"renewal-{pk}-{day:%Y%m%d}@{_host()}"
        yield CalendarDay(
            uid,
            day,
            f"Renewal of {one_line(name)}",
            _words(["The contract is to be renewed."], _link(pk)),
            _link(pk),
        )


def _words(lines: Iterable[str], link: str) -> str:
    return "\n".join([*(line for line in lines if line), link])


def _link(pk: int) -> str:
    return f"{settings.SITE_URL}{reverse('customer', args=[pk])}"


def standing_calendars(*, user: Any) -> list[CalendarFeed]:
    """Addresses that stand and that the person may revoke, by the name of the CSM; one statement."""
    rows = CalendarFeed.objects.standing().revocable_by(user).select_related("csm__team")
    return list(rows.order_by("csm__name", "pk"))
