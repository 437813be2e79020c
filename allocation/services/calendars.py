"""The secret address of a CSM's calendar: made, renewed, revoked, and read by programs that know it.

Of an address only a digest is kept, so it is shown once; one stands for a CSM at a time. It opens nothing but the calendar,
and nothing any more once it is revoked, the CSM has left or lost the role, or the sign-in is switched off or linked to another
CSM: who made it must be the one whose calendar it is.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts import roles
from accounts.models import CSM, User
from allocation.models import CalendarFeed

TOKEN_BYTES = 32
LONGEST_TOKEN = 100
READ_AGAIN = timedelta(hours=1)


class UnableToMakeCalendar(ValueError):
    """No address can be made; the message says why."""


class UnableToRevokeCalendar(ValueError):
    """The address cannot be revoked; the message says why."""


def make_calendar(*, actor: User, on: date, at: datetime) -> str:
    """A new secret for the calendar of the CSM that `actor` is; the one before stops working. Raises UnableToMakeCalendar.

    What is returned stands nowhere else. Of two who renew at once the later one's works.
    """
    with transaction.atomic():
        csm = CSM.objects.select_for_update(of=("self",)).filter(user=actor).first() if actor.is_csm else None
        if csm is None:
            raise UnableToMakeCalendar("Only a CSM has a calendar: ask CS ops to link your sign-in to a CSM.")
        if _has_left(csm, on):
            raise UnableToMakeCalendar("Your time as a CSM is over: there is no calendar to read.")
        CalendarFeed.objects.standing().filter(csm=csm).update(revoked_at=at)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        CalendarFeed.objects.create(csm=csm, digest=_digest(token), created_at=at, created_by=actor)
        return token


def revoke_calendar(*, feed_id: int, actor: User, at: datetime) -> CalendarFeed:
    """The address opens nothing from now on. By its CSM, by a manager of that CSM, or by CS ops. Raises UnableToRevokeCalendar."""
    feed = CalendarFeed.objects.revocable_by(actor).select_related("csm").filter(pk=feed_id).first()
    if feed is None:
        raise UnableToRevokeCalendar("This address is unknown, or outside what you may change.")
    if CalendarFeed.objects.standing().filter(pk=feed_id).update(revoked_at=at) != 1:
        raise UnableToRevokeCalendar("This address is revoked already.")
    found: CalendarFeed = feed
    return found


def read_calendar(*, token: str, on: date, at: datetime) -> CSM | None:
    """Whose calendar this address opens now; None for every other. When it was read is written down once an hour at most."""
    if len(token) > LONGEST_TOKEN:
        return None
    feed = CalendarFeed.objects.standing().filter(digest=_digest(token)).select_related("csm__user").first()
    if feed is None:
        return None
    csm: CSM = feed.csm
    user = csm.user
    if (
        user is None or feed.created_by_id != user.pk
    ):  # the CSM is another person now, and has an own secret to make
        return None
    if not user.is_active or roles.CSM not in user.role_names or _has_left(csm, on):
        return None
    not_lately = Q(read_at__isnull=True) | Q(read_at__lte=at - READ_AGAIN)
    CalendarFeed.objects.filter(not_lately, pk=feed.pk).update(read_at=at)
    return csm


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _has_left(csm: CSM, on: date) -> bool:
    return csm.leaves_on is not None and csm.leaves_on <= on
