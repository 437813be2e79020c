"""Digests of a day: for each person one mail of all that concerns the roles held, worked out for everybody at once.

The number of queries does not grow with people or customers: each part is read once, then handed out in Python by the
scope that `visible_to` gives (docs/notices.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from allocation.models import Notice
from allocation.selectors import digest_words
from allocation.selectors.digest_books import book_news
from allocation.selectors.digest_ops import ops_news
from allocation.selectors.digest_people import Reader, readers_on
from allocation.selectors.digest_teams import team_news

Held = tuple[int, str, str]  # id, subject and text of a notice that waits for a digest


@dataclass(frozen=True, slots=True)
class DigestMail:
    """What one person is to be told. tells: ids of notices that are lines of it and are not sent by themselves."""

    to: int
    subject: str
    body: str
    tells: tuple[int, ...]


def digests(*, on: date, at: datetime) -> list[DigestMail]:
    """For each person who is to have one on the day, has none of it yet, and has something to be told."""
    readers = readers_on(on=on)
    if not readers:
        return []
    held = _held(readers, at)
    teams = team_news(readers=readers, on=on)
    ops = ops_news(readers=readers, on=on)
    books = book_news(readers=readers, on=on)
    mails = []
    for reader in readers:
        own: list[Held] = held.get(reader.pk, [])
        parts = [digest_words.held_part(notices=[(subject, body) for _, subject, body in own])]
        if reader.pk in teams:
            parts.append(digest_words.team_part(news=teams[reader.pk]))
        if reader.pk in ops:
            parts.append(digest_words.ops_part(news=ops[reader.pk]))
        if reader.csm_id in books:
            parts.append(digest_words.book_part(news=books[reader.csm_id]))
        if any(part.lines for part in parts):
            subject, body = digest_words.digest_mail(parts=parts, on=on)
            mails.append(DigestMail(reader.pk, subject, body, tuple(pk for pk, _, _ in own)))
    return mails


def _held(readers: Iterable[Reader], at: datetime) -> Mapping[int, list[Held]]:
    rows = Notice.objects.held_back(at=at).filter(to__in=[reader.pk for reader in readers])
    found: dict[int, list[Held]] = defaultdict(list)
    for to, *held in rows.order_by("created_at", "pk").values_list("to_id", "pk", "subject", "body"):
        found[to].append((held[0], held[1], held[2]))
    return found
