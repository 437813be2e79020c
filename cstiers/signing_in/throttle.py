"""How many passwords are tried: so many a person and address, so many an address, in a while.

A *place* is taken before a password is looked at and given back when it was right, so guesses that come at once cannot
all pass a look at the counter before any of them is counted. A place is one conditional UPDATE of a row; the rows are
django-axes' own table, with our two kinds of counter told apart by `user_agent`. What was typed as a password is never
seen here, and what was typed as a person is kept only where it has the form of an e-mail address.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.base import AxesHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Case, F, Q, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User
from cstiers.signing_in.address import client_address

PERSON, ADDRESS = "person", "address"
# Rows of counters that ran out lie about for this long, for CS ops to look at.
KEPT = timedelta(days=1)
# Others make, empty or remove the row between two statements of ours; more often than this in a row never happens.
TRIES = 5
LONGEST_NAME = 254  # of an e-mail address, and of what the form takes


class TooManyGuesses(Exception):
    """No place is free; `whose` says which counter is full (PERSON, ADDRESS), `until` when there is one again."""

    def __init__(self, *, whose: str, until: datetime) -> None:
        super().__init__(f"Too many wrong passwords. Try again at {timezone.localtime(until):%H:%M}.")
        self.whose, self.until = whose, until


@dataclass(frozen=True)
class Place:
    """Taken for one look at a password; give it back when the password was right."""

    person: str
    address: str


def take_place(*, person: str, address: str, at: datetime) -> Place:
    """A place for one look at the password of `person`, tried from `address`; raises TooManyGuesses.

    At most SIGN_IN_GUESSES places are out or used up for a person and address, and SIGN_IN_GUESSES_OF_ADDRESS for an
    address, in SIGN_IN_MINUTES; a person who is switched off or unknown counts like any other.
    """
    name = name_to_count(person)
    _take(whose=PERSON, name=name, address=address, places=settings.SIGN_IN_GUESSES, at=at)
    try:
        _take(whose=ADDRESS, name="", address=address, places=settings.SIGN_IN_GUESSES_OF_ADDRESS, at=at)
    except TooManyGuesses:
        _give_back(whose=PERSON, name=name, address=address)  # nothing was tried
        raise
    return Place(person=name, address=address)


def give_place_back(place: Place) -> None:
    """The password was right: the person's counter starts anew, the address has its place again."""
    _rows(whose=PERSON, name=place.person, address=place.address).update(failures_since_start=0)
    _give_back(whose=ADDRESS, name="", address=place.address)


def name_to_count(person: str) -> str:
    """One name for every spelling that finds the same person, and none for what may be a password typed too early.

    The database compares e-mails in any case, which takes `ſ` for `s` and `ı` for `i`; so does this.
    """
    folded = unicodedata.normalize("NFKC", person.strip()).upper().casefold()[:LONGEST_NAME]
    try:
        validate_email(folded)
    except ValidationError:
        return f"no e-mail address ({salted_hmac('cstiers.throttle', folded).hexdigest()[:16]})"
    return folded


def _rows(*, whose: str, name: str, address: str) -> Any:
    return AccessAttempt.objects.filter(username=name, ip_address=address, user_agent=whose)


def _take(*, whose: str, name: str, address: str, places: int, at: datetime) -> None:
    """A person's counter ends so long after its last place, an address' so long after its first.

    The first is the stricter: never more than `places` in any such time. An office of many people would never come to
    the end of it, so the address has a plain window.
    """
    lasts = timedelta(minutes=settings.SIGN_IN_MINUTES)
    over = Q(attempt_time__lte=at - lasts) | Q(failures_since_start=0)
    moved = at if whose == PERSON else Case(When(over, then=at), default=F("attempt_time"))
    rows = _rows(whose=whose, name=name, address=address)
    for _ in range(TRIES):
        # Read first: under a storm of guesses the refused ones then take no lock of SQLite's one writer.
        row = rows.order_by("pk").first()
        if row is None:
            _make_row(whose=whose, name=name, address=address, at=at)
        elif row.failures_since_start >= places and row.attempt_time > at - lasts:
            raise TooManyGuesses(whose=whose, until=row.attempt_time + lasts)
        taken = rows.filter(over | Q(failures_since_start__lt=places)).update(
            failures_since_start=Case(When(over, then=1), default=F("failures_since_start") + 1),
            attempt_time=moved,
        )
        if taken:
            return
    raise TooManyGuesses(whose=whose, until=at + lasts)


def _make_row(*, whose: str, name: str, address: str, at: datetime) -> None:
    AccessAttempt.objects.filter(attempt_time__lte=at - KEPT).delete()
    new = AccessAttempt(
        username=name,
        ip_address=address,
        user_agent=whose,
        failures_since_start=0,
        http_accept="",
        path_info="",
    )
    AccessAttempt.objects.bulk_create([new], ignore_conflicts=True)


def _give_back(*, whose: str, name: str, address: str) -> None:
    used = _rows(whose=whose, name=name, address=address).filter(failures_since_start__gt=0)
    used.update(failures_since_start=F("failures_since_start") - 1)


def places_of(row: AccessAttempt) -> int:
    """How many places this counter has."""
    places: int = (
        settings.SIGN_IN_GUESSES if row.user_agent == PERSON else settings.SIGN_IN_GUESSES_OF_ADDRESS
    )
    return places


def locked_until(row: AccessAttempt, *, at: datetime) -> datetime | None:
    """When this counter has a place again; None when it has one."""
    ends: datetime = row.attempt_time + timedelta(minutes=settings.SIGN_IN_MINUTES)
    return ends if row.failures_since_start >= places_of(row) and ends > at else None


class PlaceBeforeCheck(AxesHandler):
    """What django-axes asks before a password is looked at, and tells afterwards (AXES_HANDLER).

    Its own handler counts a guess after the look, so of fifty at once fifty are looked at.
    """

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        given = credentials or {}
        if given.get("password") is None:  # no password is looked at
            return True
        person = given.get("username") or given.get(User.USERNAME_FIELD) or ""
        try:
            request.sign_in_place = take_place(  # type: ignore[attr-defined]
                person=str(person), address=client_address(request), at=timezone.now()
            )
        except TooManyGuesses as full:
            request.too_many_guesses = full  # type: ignore[attr-defined]
            return False
        return True

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        place = getattr(request, "sign_in_place", None)
        if place is not None:
            give_place_back(place)

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return getattr(request, "too_many_guesses", None) is not None

    def post_save_access_attempt(self, instance: AccessAttempt, **kwargs: Any) -> None:
        """Nothing to do; django-axes calls it."""

    def post_delete_access_attempt(self, instance: AccessAttempt, **kwargs: Any) -> None:
        """Nothing to do; django-axes calls it."""
