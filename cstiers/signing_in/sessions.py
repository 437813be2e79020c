"""How long a sign-in lasts: so many hours at most, and so many minutes without a request.

The end is written into the session's own row and cookie, so a session that ran out is none at every door, also those
that never look at it here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

BEGAN, SEEN = "signed_in_at", "seen_at"  # whole seconds
TOUCH_SECONDS = 60  # a session is written at most so often because it is used


def begin_session(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Called by Django whenever somebody signs in, by whichever door."""
    now = int(timezone.now().timestamp())
    request.session[BEGAN] = now
    _lasts_from(request.session, now)


def _lasts_from(session: Any, now: int) -> None:
    left = session[BEGAN] + settings.SESSION_COOKIE_AGE - now
    session[SEEN] = now
    session.set_expiry(max(1, min(settings.SESSION_IDLE_SECONDS, left)))


class SessionLimits:
    """Moves the end of a session that is used, once a minute; asks the database nothing of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 500:
            return response  # nor does Django store a session then, and the database may be away
        session = request.session
        if session.accessed and SESSION_KEY in session:
            now = int(timezone.now().timestamp())
            session.setdefault(BEGAN, now)  # opened before there was a limit
            if now - session.get(SEEN, 0) >= TOUCH_SECONDS:
                _lasts_from(session, now)
        return response
