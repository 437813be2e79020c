"""Sessions in the database, as Django keeps them, but for what is said when it does not answer (SESSION_ENGINE)."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import InterfaceError, OperationalError


class SessionStore(db.SessionStore):
    def save(self, must_create: bool = False) -> None:
        """Raises what the database said where it was busy or away: Django would say that the session was deleted."""
        try:
            super().save(must_create)
        except UpdateError as error:
            said = error.__context__
            if isinstance(said, OperationalError | InterfaceError):
                raise said from said.__cause__
            raise
