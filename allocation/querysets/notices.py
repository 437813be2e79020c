"""Querysets of notices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import NoticePreference

ATTEMPTS = 5
# A digest that does not come may cost this long, and no mail: longer than the week between two Mondays.
HELD_AT_MOST = timedelta(days=8)
# Mail that is never held back: the digest itself, and that the installation does not do its work.
AT_ONCE_ALWAYS = ("digest", "failed")


class Letter(NamedTuple):
    """What some people are told. about: what makes it one of a kind for each of them."""

    about: str
    to: Iterable[int]
    subject: str
    body: str


class NoticeQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> NoticeQuerySet:
        """Everybody the own ones, CS ops all: they look for mail that did not go out."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        return self.all() if user.is_ops else self.filter(Q(to=user))

    def unsent(self) -> NoticeQuerySet:
        """Neither sent nor a line of a digest."""
        return self.filter(sent_at__isnull=True, told_in__isnull=True)

    def given_up(self) -> NoticeQuerySet:
        """Tried as often as a notice is."""
        return self.unsent().filter(attempts__gte=ATTEMPTS)

    def held_back(self, *, at: datetime) -> NoticeQuerySet:
        """Those that wait for a digest, since their person wants no mail at once. Where there is no digest to wait for, or
        none came for longer than a week, a notice is held back no longer: it is sent by itself.
        """
        return self.unsent().filter(_held(at=at))

    def to_send(self, *, at: datetime) -> NoticeQuerySet:
        """Not sent, not given up and not held back."""
        return self.unsent().filter(~_held(at=at), attempts__lt=ATTEMPTS)

    def leave(
        self, *, to: Iterable[int], kind: str, about: str, subject: str, body: str, at: datetime
    ) -> int:
        """Write a mail down for each of these people, in the transaction of what it is about; `allocation.tasks` sends it.

        about: what it is about, such as "override-7-asked": a second notice of the same to the same person is dropped.
        Returns to how many it is new.
        """
        return self.leave_each([Letter(about, to, subject, body)], kind=kind, at=at)

    def leave_each(self, letters: Iterable[Letter], *, kind: str, at: datetime) -> int:
        """As `leave`, for many letters in one reading and one writing."""
        rows = {
            f"{letter.about}-to-{pk}": self.model(
                to_id=pk, kind=kind, subject=letter.subject, body=letter.body, created_at=at
            )
            for letter in letters
            for pk in sorted(set(letter.to))
        }
        known = set(self.model._default_manager.filter(key__in=rows).values_list("key", flat=True))
        new = []
        for key, row in rows.items():
            if key not in known:
                row.key = key
                new.append(row)
        self.bulk_create(new, ignore_conflicts=True)  # somebody else may write one in this moment
        return len(new)


def _held(*, at: datetime) -> Q:
    """One that was tried already is no longer held: it was due before the person chose otherwise."""
    wishes = NoticePreference.objects.filter(user=OuterRef("to"), at_once=False).exclude(digest="never")
    young = Q(created_at__gt=at - HELD_AT_MOST, attempts=0)
    return Q(Exists(wishes)) & young & ~Q(kind__in=AT_ONCE_ALWAYS)
