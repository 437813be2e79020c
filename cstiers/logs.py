"""What a line of the logs says: time, level, logger, process, message, and whose request or which task it belongs to.

Logs are read by more people than the pages are, so a line names rows by their numbers: no customer, no figure, no e-mail
address, no search that somebody typed. What a database says about a row it refuses is cut off, and of what a line is given
as `extra` only ids and a few plain words are kept.
"""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery._state import get_current_task
from pythonjsonlogger.json import JsonFormatter

FORMATS = ("text", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HEADER = "X-Request-ID"
# In request.META, for lines that are written when the answer is made already.
ID, USER = "cstiers.request_id", "cstiers.user_id"
SAID = ("method", "path")  # in the message of the site's own line
PLAIN = ("bytes", "count", "method", "milliseconds", "path", "seconds", "status", "task")
# An error of the database in a traceback: what follows its first line (DETAIL, LINE, CONTEXT) holds values of rows.
IN_TRACEBACK = re.compile(
    r"^((?:psycopg\.errors|django\.db\.utils|sqlite3)\.\w+: [^\n]*).*?(?=\n\n(?:The above|During)|\Z)",
    re.DOTALL | re.M,
)
# The same in one line, as a worker says it of a task that failed.
IN_A_LINE = re.compile(r"(?:\\n|\n)(?:DETAIL|CONTEXT|HINT|LINE \d+):[^\n]*")
# The address of a calendar opens it to whoever knows it (allocation.services.calendars).
CALENDAR = re.compile(r"(/calendar/)[^/\s\"?]+(\.ics)")
REFUSED_VALUE = re.compile(r"((?:invalid|out of range|too long)[^\n\"]*: )\"[^\n]*")

# Id and request of what is being answered; cstiers.middleware.RequestIds sets it.
request_of_log: ContextVar[tuple[str, Any] | None] = ContextVar("request_of_log", default=None)


def user_id_of(request: Any) -> int | None:
    """Who is signed in, where something has asked already: a line of a log is no reason to ask the database."""
    return getattr(getattr(request, "_cached_user", None), "pk", None)


def where(record: logging.LogRecord) -> dict[str, Any]:
    """What is going on around the line: ids of the request and its user, or name and id of the task."""
    found: dict[str, Any] = {}
    current = request_of_log.get()
    answered = getattr(
        getattr(record, "request", None), "META", {}
    )  # Django's line about an answer of 400 or more
    if current is not None:
        found |= {"request_id": current[0], "user_id": user_id_of(current[1])}
    elif ID in answered:
        found |= {"request_id": answered[ID], "user_id": answered.get(USER)}
    task = get_current_task()
    if task is not None and task.request.id:
        found |= {"task": task.name, "task_id": task.request.id}
    return {name: value for name, value in found.items() if value is not None}


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says besides its message: where it belongs, then the ids it was given."""
    given = {
        name: value
        for name, value in record.__dict__.items()
        if (name.endswith(("_id", "_ids")) or name in PLAIN)
        and isinstance(value, str | int | float | list | tuple)
    }
    return {**where(record), **given}


def discreet(text: str) -> str:
    """Without what a database tells about the values of rows, and without the secret of a calendar's address."""
    first_lines = IN_A_LINE.sub("", IN_TRACEBACK.sub(r"\1", text))
    return without_secret(REFUSED_VALUE.sub(r"\1(not shown)", first_lines))


def without_secret(text: str) -> str:
    """/calendar/….ics → /calendar/(secret).ics"""
    return CALENDAR.sub(r"\1(secret)\2", text)


def moment(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


class TextLines(logging.Formatter):
    """`2026-11-27T07:30:00.123Z WARNING allocation.tasks.bell [4711] The broker … request_id=… user_id=7`"""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        head, _, rest = discreet(text).partition("\n")
        ids = "".join(f" {name}={value}" for name, value in facts(record).items() if name not in SAID)
        return f"{moment(record)} {record.levelname} {record.name} [{record.process}] {head}{ids}" + (
            f"\n{rest}" if rest else ""
        )


class JsonLines(JsonFormatter):
    """One JSON object a line, with the same facts."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": discreet(record.getMessage()),
            "process": record.process,
            **facts(record),
        }
        if record.exc_info:
            line["exception"] = discreet(self.formatException(record.exc_info))
        return self.serialize_log_record(line)


def formatter(named: str) -> logging.Formatter:
    """The formatter of LOG_FORMAT."""
    return JsonLines(json_ensure_ascii=False) if named == "json" else TextLines()


def logging_settings(*, level: str, named: str) -> dict[str, Any]:
    """Django's LOGGING: everything to stderr once, in one format.

    Only our own parts say more than INFO, however low the level: what the database layer, the templates and the clients
    of other servers tell then has values of rows in it.
    """
    others = max(level, "INFO", key=LEVELS.index)
    ours = {name: {"level": level} for name in ("accounts", "allocation", "cstiers")}
    # Django's own logging mails and prints beside ours; the root's handler has all of it.
    django = {"django": {"handlers": [], "level": others, "propagate": True}}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "cstiers.logs.formatter", "named": named}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {**django, **ours},
        "root": {"handlers": ["stderr"], "level": others},
    }
