"""A plain 503 in place of "something went wrong" where the database was busy, full or away.

Called by Django for whatever reached the top, in a view or around it, and asks no database: the page is one file
without navigation or name. Any other fault is the usual 500.
"""

import sys
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.defaults import server_error as something_went_wrong

from cstiers.middleware import page_above


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is the matter, in words for the person who waits, and after how many seconds it is worth another try."""

    title: str
    words: str
    seconds: int


BUSY = Trouble(
    "Busy just now",
    "Others are writing at this moment and your turn did not come in time. Try again in a few seconds.",
    5,
)
FULL = Trouble(
    "The storage is full",
    "Nothing can be written until whoever runs this installation makes room: tell CS ops. "
    "What waits in the background goes on by itself then.",
    300,
)
AWAY = Trouble(
    "The database cannot be reached",
    "It may be starting again. Try again in a minute; what waits in the background goes on by itself.",
    30,
)

# Primary result codes of SQLite. An OperationalError may also be a fault of ours (no such column): that is no matter of waiting.
OF_SQLITE = {5: BUSY, 6: BUSY, 13: FULL, 8: AWAY, 10: AWAY, 14: AWAY}
# SQLSTATE of PostgreSQL, the longest beginning first.
OF_POSTGRESQL = (
    ("53100", FULL),  # disk full
    ("55P03", BUSY),  # a lock was not had in time
    ("57014", BUSY),  # a statement took too long
    ("40", BUSY),  # deadlock, serialisation
    ("53", AWAY),  # too many connections, out of memory
    ("57", AWAY),  # shut down, starting up
    ("08", AWAY),  # connection broken
)


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Why the database did not answer; None when the error is about something else."""
    if isinstance(error, InterfaceError):
        return AWAY  # the connection was closed under us
    if not isinstance(error, OperationalError):
        return None
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return OF_SQLITE.get(code & 0xFF)
    if not hasattr(cause, "sqlstate"):
        return None
    state = cause.sqlstate
    if state is None:
        return AWAY  # there was no server to give one
    return next((trouble for begins, trouble in OF_POSTGRESQL if state.startswith(begins)), None)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for what reached the top (`handler500`): 503 with Retry-After while waiting helps, 500 otherwise."""
    trouble = trouble_of(sys.exception())
    if trouble is None:
        return something_went_wrong(request)
    reads = request.method in ("GET", "HEAD")
    back = request.get_full_path() if reads else page_above(request.path_info)
    page = render(None, "503.html", {"trouble": trouble, "reads": reads, "back": back}, status=503)
    page["Retry-After"] = str(trouble.seconds)
    add_never_cache_headers(page)
    return page
