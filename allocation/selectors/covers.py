"""Leave and cover as people read them: marks in lists, lines on a book's page, what waits on the home page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import CSM, Customer, Leave
from allocation.selectors import wording
from allocation.selectors.book_facts import BookFacts
from allocation.selectors.thresholds import LOW_HEALTH, SOON
from allocation.selectors.todo import Todo
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Away, Covers
from allocation.snapshots.held import active_on, csms_on, tiers_on

HIDDEN = "someone in another team"


def leave_marks(*, covers: Covers, seen: frozenset[str]) -> dict[str, tuple[str, str]]:
    """A few words and their tone by CSM key, for who is away or covers on the day. seen: keys that may be named.

    Whose book is in scope, that one's cover is named too.
    """
    found: dict[str, tuple[str, str]] = {}
    whose: dict[str, list[str]] = {}
    for one in covers.away.values():
        until = f"away, back on {wording.day(one.ends_before)}"
        words = f"{one.cover_name} covers" if one.cover_id else "nobody covers"
        found[one.key] = (f"{until}: {words}", "info" if one.cover_id else "warn")
        if one.cover_id:
            whose.setdefault(one.cover_key, []).append(one.name if one.key in seen else HIDDEN)
    for key, names in whose.items():
        found[key] = (f"covers {', '.join(sorted(set(names)))}", "info")
    return found


@dataclass(frozen=True, slots=True)
class CoveredBook:
    """What one covered book asks of the cover. minutes_of: base minutes by customer."""

    away: Away
    customers: int
    minutes: int
    renewals_soon: int
    low_health: int
    minutes_of: Mapping[int, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What stands beside the name."""
        parts = [
            f"back on {wording.day(self.away.ends_before)}",
            wording.counted(self.customers, "customer"),
            f"{wording.hours_and_minutes(self.minutes)} hours a month",
            f"{wording.counted(self.renewals_soon, 'renewal')} in 90 days" if self.renewals_soon else "",
            f"{self.low_health} with health below {LOW_HEALTH}" if self.low_health else "",
        ]
        return ", ".join(part for part in parts if part)


def covered_books(*, facts: BookFacts) -> tuple[CoveredBook, ...]:
    """The books that a CSM serves on the day beside the own one."""
    as_of = facts.on
    found = []
    for one in facts.covers.covers_of(facts.csm.pk):
        own = facts.active(csm_ids={one.csm_id})
        minutes = facts.minutes_of(own)
        renewals, health = [row["renewal_date"] for row in own], [row["health"] for row in own]
        found.append(
            CoveredBook(
                away=one,
                customers=len(own),
                minutes=sum(minutes.values()),
                renewals_soon=sum(day is not None and as_of <= day <= as_of + SOON for day in renewals),
                low_health=sum(value is not None and value < LOW_HEALTH for value in health),
                minutes_of=minutes,
            )
        )
    return tuple(found)


def past_covered_minutes(*, covers: Covers, csm_id: int, day: date, user: Any) -> int:
    """Base minutes that a CSM carried for others on a past day, of the customers that the person may see today."""
    whose = {one.csm_id for one in covers.covers_of(csm_id)}
    if not whose:
        return 0
    there = active_on(day=day).filter(pk__in=Customer.objects.visible_to(user).order_by().values("pk"))
    holders = csms_on(day=day)
    ids = [pk for pk in there.values_list("pk", flat=True) if holders.get(pk) in whose]
    tiers, plans = tiers_on(day=day, customer_ids=ids), TouchPlans(as_of=day, among=ids)
    return sum(plans.minutes(customer_id=pk, tier_id=tiers.get(pk)) for pk in ids)


@dataclass(frozen=True, slots=True)
class LeaveLine:
    """One leave that concerns a book's page: of the CSM (`own`), or one the CSM covers."""

    pk: int
    title: str
    words: str
    tone: str
    own: bool
    book: int
    leave: Leave


def leave_lines(*, csm: CSM, user: Any, on: date, leaves: Iterable[Leave] | None = None) -> list[LeaveLine]:
    """Leave of today and to come, of the CSM and of those the CSM covers, the earliest first; three queries at most.

    Who is away and is not in the person's scope is not named, but to the cover, whom it concerns.
    leaves: where they are read already (`book_facts`), whoever else they are of.
    """
    if leaves is None:
        leaves = (
            Leave.objects.filter(Q(csm=csm) | Q(covered_by=csm), ends_before__gt=on)
            .with_cover(on)
            .select_related("csm", "covered_by")
            .order_by("starts_on", "pk")
        )
    rows = [row for row in leaves if csm.pk in {row.csm_id, row.covered_by_id}]
    others = {row.csm_id for row in rows if row.csm_id != csm.pk}
    own_page = csm.user_id is not None and csm.user_id == user.pk
    seen = (
        set(CSM.objects.visible_to(user).filter(pk__in=others).values_list("pk", flat=True)) if others else ()
    )
    lacking = lacking_cover_ids(rows, on=on) if any(row.csm_id == csm.pk for row in rows) else set()
    return [
        _own_line(row, on=on, lacking=row.pk in lacking, reader_covers=_is(row.covered_by, user))
        if row.csm_id == csm.pk
        else _covering_line(
            row, on=on, named=own_page or row.csm_id in seen, seen=row.csm_id in seen, you=own_page
        )
        for row in rows
    ]


def _is(csm: CSM | None, user: Any) -> bool:
    return csm is not None and csm.user_id is not None and csm.user_id == user.pk


def lacking_cover_ids(rows: list[Leave], *, on: date) -> set[int]:
    """Which of these leaves nobody covers on some of the days still to come; one query."""
    found = Leave.objects.lacking_cover(on).filter(pk__in=[row.pk for row in rows])
    return set(found.values_list("pk", flat=True))


def _own_line(row: Leave, *, on: date, lacking: bool, reader_covers: bool) -> LeaveLine:
    who = "you cover" if reader_covers else f"{row.covered_by} covers" if row.covered_by else ""
    if row.covered_by and lacking:
        words = f"{row.covered_by} is named, but is not there on all of these days: name another cover."
    elif row.covered_by:
        words = f"{'You see' if reader_covers else f'{row.covered_by} sees'} and serve{'' if reader_covers else 's'} this book until then, and the hours count there."
    else:
        words = "Nobody covers: the hours stay here, and nobody else sees this book."
    title = f"{row.csm.name} {days_words(row, on=on)}"
    return LeaveLine(
        pk=row.pk,
        title=f"{title}: {who}" if who and not lacking else title,
        words=words,
        tone="warn" if lacking else "info",
        own=True,
        book=row.csm_id,
        leave=row,
    )


def _covering_line(row: Leave, *, on: date, named: bool, seen: bool, you: bool) -> LeaveLine:
    name = row.csm.name if named else HIDDEN
    who = "You cover" if you else f"{row.covered_by} covers"
    holds = row.starts_on <= on
    when = (
        f"back on {wording.day(row.ends_before)}"
        if holds
        else f"from {wording.day(row.starts_on)} until {wording.day(row.ends_before)}"
    )
    words = "The customers of that book are served from here, and its hours count here."
    if holds and not row.is_covered:  # type: ignore[attr-defined]  # annotated by with_cover
        words = "Not at present: who is away covers nobody."
    elif not holds:
        words = "From that day on the customers of that book are served from here."
    return LeaveLine(
        pk=row.pk,
        title=f"{who} for {name}{',' if holds else ''} {when}",
        words=words,
        tone="info",
        own=False,
        book=row.csm_id if seen else 0,
        leave=row,
    )


def days_words(row: Leave, *, on: date) -> str:
    """ "is away, back on 3 Mar 2027", or with the first day where that is to come."""
    back = f"back on {wording.day(row.ends_before)}"
    return f"is away, {back}" if row.starts_on <= on else f"is away from {wording.day(row.starts_on)}, {back}"


def warned_of_until(*, on: date) -> date:
    """Leave that begins by this day is spoken of."""
    return on + timedelta(days=settings.LEAVE_WARNING_DAYS)


def uncovered(*, on: date) -> QuerySet[Leave]:
    """Leave of today and of the next days that nobody covers although customers would need it, the earliest first."""
    owners = Customer.objects.active().filter(csm__isnull=False).order_by().values("csm_id")
    rows = Leave.objects.lacking_cover(on).filter(starts_on__lte=warned_of_until(on=on), csm__in=owners)
    return rows.select_related("csm", "covered_by").order_by("starts_on", "pk")


def uncovered_todos(*, user: Any, on: date) -> list[Todo]:
    """Who of the person's scope is away now or soon with customers and without a cover; one query."""
    return [
        Todo(
            "uncovered",
            "warn",
            f"{row.csm.name} {days_words(row, on=on)}, and nobody covers",
            f"{row.covered_by.name} is named, but is not there on all of these days: name another cover."
            if row.covered_by
            else "Name a cover: the customers are served by nobody in these days.",
            row.csm_id,
        )
        for row in uncovered(on=on).visible_to(user)
    ]


def cover_todos(*, csm: CSM, covered: tuple[CoveredBook, ...], on: date) -> list[Todo]:
    """What the cover reads each morning: whose books, until when, and those soon to come; one query."""
    now = [
        Todo("covering", "accent", f"You cover for {one.away.name}", one.words, one.away.csm_id)
        for one in covered
    ]
    coming = Leave.objects.filter(covered_by=csm, starts_on__gt=on, starts_on__lte=warned_of_until(on=on))
    return now + [
        Todo(
            "cover_soon",
            "info",
            f"You cover for {row.csm.name} from {wording.day(row.starts_on)} until {wording.day(row.ends_before)}",
            "Talk about the customers before. You see the book from that day on.",
        )
        for row in coming.select_related("csm").order_by("starts_on", "pk")
    ]
