"""Calling an address without leaving a trace, and seeing whether it wrote."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from tests.access.world import BOOKS, READS, digest

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b.*?\"(\w+)\"", re.IGNORECASE | re.DOTALL)
# Sessions come and go with signing in and with messages; the admin's log tells what somebody did.
NOT_DATA = {"django_session", "django_admin_log"}
CANARY = re.compile("|".join(BOOKS), re.IGNORECASE)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is rolled back at its end."""
    inside = transaction.atomic()
    inside._from_testcase = True
    with inside:
        yield
        transaction.set_rollback(True)


@contextmanager
def watched() -> Iterator[set[str]]:
    """The tables that statements wrote to meanwhile."""
    written: set[str] = set()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = WRITES.match(sql)
        if found and found[2] not in NOT_DATA:
            written.add(found[2])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield written


def changed(written: set[str], before: str) -> bool:
    """Whether rows differ from before; asked of the database only where a statement wrote at all."""
    return bool(written) and digest() != before


def text_of(response: Any) -> str:
    """Everything that left the house: headers with the redirect's target, body, the parts of a workbook."""
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    cookies = "\n".join(
        morsel.OutputString() for name, morsel in response.cookies.items() if name != "sessionid"
    )
    body = b"".join(response.streaming_content) if response.streaming else response.content
    parts = [body]
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = [part for name in archive.namelist() for part in (name.encode(), archive.read(name))]
    return "\n".join([headers, cookies, *(part.decode(errors="replace") for part in parts)])


def foreign_words(text: str, person: str) -> set[str]:
    """Words of books that this person may not read."""
    may = {book.lower() for book in READS.get(person, frozenset())}
    return {found for found in CANARY.findall(text) if found.lower() not in may}
