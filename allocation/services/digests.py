"""Digests by mail: one a person and day, written down like every notice and sent by whoever sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery

from allocation.models import Notice
from allocation.selectors.digest_people import about
from allocation.selectors.digests import DigestMail, digests
from allocation.selectors.wording import counted


def write_digests(*, on: date, at: datetime) -> str:
    """Write a digest down for everybody who is to have one on the day and has something to be told; says how many.

    Repeating it, or two at once, gives nobody a second one: person and day are the key. What is told of notices that wait
    for it is marked in the same transaction, so that each of them is told once. Raises nothing of its own.
    """
    mails = digests(on=on, at=at)
    with transaction.atomic():
        written = _write(mails, on, at) if mails else 0
    if not written:
        return "Nobody who wants a digest today had anything to be told, or they were told already."
    return f"{counted(written, 'digest')} written."


def _write(mails: Sequence[DigestMail], on: date, at: datetime) -> int:
    keys = {f"{about(on)}-to-{mail.to}": mail for mail in mails}
    before = set(Notice.objects.filter(key__in=keys).values_list("key", flat=True))
    Notice.objects.bulk_create(
        [
            Notice(
                to_id=mail.to,
                kind=Notice.Kind.DIGEST,
                key=key,
                subject=mail.subject,
                body=mail.body,
                created_at=at,
            )
            for key, mail in keys.items()
            if key not in before
        ],
        ignore_conflicts=True,
    )
    stored = (
        Notice.objects.filter(key__in=keys.keys() - before).order_by("pk").values_list("pk", "key", "body")
    )
    # Another writer may have been first, with another text: what that one does not tell waits for the next.
    mine = {pk: keys[key] for pk, key, body in stored if keys[key].body == body}
    _mark_as_told(mine, at)
    return len(mine)


def _mark_as_told(mine: Mapping[int, DigestMail], at: datetime) -> None:
    """The notices that these digests tell become lines of them, each of the one to its own person."""
    told = [pk for mail in mine.values() for pk in mail.tells]
    if not told:
        return
    digest = Notice.objects.filter(pk__in=list(mine), to=OuterRef("to")).order_by().values("pk")[:1]
    Notice.objects.held_back(at=at).filter(pk__in=told).order_by().update(told_in=Subquery(digest))
