"""A person's own notices and wishes, for the page of mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import NoticePreference, User
from allocation.models import Notice
from allocation.querysets.notices import ATTEMPTS
from allocation.selectors import wording

LATEST = 50


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One line of the list: what it said, when it was written, what became of it (a badge) and when or why (note)."""

    subject: str
    written: str
    state: str
    tone: str
    icon: str
    note: str = ""


def preference_of(*, user: User) -> NoticePreference:
    """What the person chose, or what holds for who chose nothing (not stored)."""
    return NoticePreference.objects.filter(user=user).first() or NoticePreference(user=user)


def own_notices(*, user: User, at: datetime) -> list[NoticeLine]:
    """The latest fifty to this person, also for CS ops; two queries."""
    rows = Notice.objects.filter(to=user).select_related("told_in").defer("body", "told_in__body")
    held = set(Notice.objects.held_back(at=at).filter(to=user).values_list("pk", flat=True))
    return [_line(row, row.pk in held) for row in rows.order_by("-created_at", "-pk")[:LATEST]]


def _line(row: Notice, held: bool) -> NoticeLine:
    written = wording.moment(row.created_at)
    if row.sent_at is not None:
        return NoticeLine(row.subject, written, "Sent", "good", "check", wording.moment(row.sent_at))
    if row.told_in is not None:
        day = wording.moment(row.told_in.created_at)
        return NoticeLine(row.subject, written, "In a digest", "good", "check", day)
    if held:
        return NoticeLine(row.subject, written, "Held back", "neutral", "clock", "for the next digest")
    if row.attempts >= ATTEMPTS:
        return NoticeLine(row.subject, written, "Not sent", "bad", "alert", "CS ops see why")
    return NoticeLine(row.subject, written, "To be sent", "info", "clock")
