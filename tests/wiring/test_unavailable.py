"""Where the database is busy, full or away a person gets a plain 503; any other fault is the usual 500."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import DataError, InterfaceError, OperationalError, connection
from django.test import Client
from django.urls import reverse

from allocation.models import RetierRun
from cstiers.unavailable import AWAY, BUSY, FULL, Trouble, trouble_of
from tests import factories


def of_sqlite(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("said by SQLite")
    cause.sqlite_errorcode = code
    return caused(OperationalError("said by SQLite"), cause)


def of_postgresql(cause: Exception) -> OperationalError:
    return caused(OperationalError("said by PostgreSQL"), cause)


def caused(error: Any, cause: Exception) -> Any:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY), BUSY),
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), BUSY),  # an extended code
        (of_sqlite(sqlite3.SQLITE_LOCKED), BUSY),
        (of_sqlite(sqlite3.SQLITE_FULL), FULL),
        (of_sqlite(sqlite3.SQLITE_CANTOPEN), AWAY),
        (of_sqlite(sqlite3.SQLITE_ERROR), None),  # no such table: ours to mend
        (of_postgresql(psycopg.errors.DiskFull()), FULL),
        (of_postgresql(psycopg.errors.LockNotAvailable()), BUSY),
        (of_postgresql(psycopg.errors.QueryCanceled()), BUSY),
        (of_postgresql(psycopg.errors.DeadlockDetected()), BUSY),
        (of_postgresql(psycopg.errors.AdminShutdown()), AWAY),
        (of_postgresql(psycopg.errors.TooManyConnections()), AWAY),
        (of_postgresql(psycopg.OperationalError("connection refused")), AWAY),
        (InterfaceError("connection already closed"), AWAY),
        (OperationalError("from nowhere"), None),
        (DataError("too long"), None),
        (ValueError("ours"), None),
        (None, None),
    ],
)
def test_what_the_database_says_is_busy_full_away_or_no_trouble_of_its(
    error: BaseException | None, trouble: Trouble | None
) -> None:
    assert trouble_of(error) is trouble


@contextmanager
def answering(error: Exception, *, to: Callable[[str], bool]) -> Iterator[None]:
    """The database says `error` to those statements."""

    def failing(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if to(sql):
            raise error
        return execute(sql, *rest)

    with connection.execute_wrapper(failing):
        yield


def signed_in(user: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.mark.parametrize("trouble_at", ["allocation_retierrun", "django_session", "accounts_user"])
def test_a_page_whose_database_is_away_is_a_plain_503(cast: SimpleNamespace, trouble_at: str) -> None:
    """In the view, while the session is read, and while the person is looked up."""
    client = signed_in(cast.ops)
    refused = of_postgresql(psycopg.OperationalError("connection refused"))
    with answering(refused, to=lambda sql: trouble_at in sql):
        page = client.get("/runs/", {"page": "2"})
    assert (page.status_code, page["Retry-After"]) == (503, "30")
    assert "no-store" in page["Cache-Control"]
    text = page.content.decode()
    assert AWAY.title in text
    assert 'href="/runs/?page=2"' in text  # "Try again" leads where the person was going
    assert "connection refused" not in text
    assert "Olga" not in text


def test_the_503_page_asks_the_database_nothing(cast: SimpleNamespace) -> None:
    client = signed_in(cast.ops)
    asked: list[str] = []

    def away(sql: str) -> bool:
        asked.append(sql)
        return True

    with answering(InterfaceError("connection already closed"), to=away):
        assert client.get("/runs/").status_code == 503
    assert len(asked) == 1  # the one that failed


def test_a_post_that_was_not_had_in_time_did_nothing_and_says_so(cast: SimpleNamespace) -> None:
    factories.TierFactory(slug="scale")
    from allocation.services.playbooks import load_playbook

    load_playbook(slug="three-axis", publish=True, at=factories.NOW)
    client = signed_in(cast.ops)
    busy = of_sqlite(sqlite3.SQLITE_BUSY)
    with answering(busy, to=lambda sql: sql.startswith('INSERT INTO "allocation_retierrun"')):
        page = client.post(reverse("retier_start"), {"as_of": factories.TODAY.isoformat(), "scope": "full"})
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "Go back in your browser" in page.content.decode()
    assert not RetierRun.objects.exists()


def test_a_session_that_cannot_be_written_is_busy_and_not_deleted(cast: SimpleNamespace) -> None:
    """Django alone would answer 400: "The request's session was deleted"."""
    client = signed_in(cast.ops)
    session = client.session
    session["seen_at"] -= 3600  # long ago enough to be written anew
    session.save()
    with answering(of_sqlite(sqlite3.SQLITE_BUSY), to=lambda sql: sql.startswith('UPDATE "django_session"')):
        assert client.get("/").status_code == 503
    assert Session.objects.count() == 1
    assert client.get("/").status_code == 200


def test_a_fault_of_ours_is_the_usual_500(cast: SimpleNamespace) -> None:
    client = signed_in(cast.ops)
    with answering(of_sqlite(sqlite3.SQLITE_ERROR), to=lambda sql: "allocation_retierrun" in sql):
        page = client.get("/runs/")
    assert page.status_code == 500
    assert "Something went wrong" in page.content.decode()


def test_who_is_not_signed_in_gets_it_too(db: None) -> None:
    full = of_sqlite(sqlite3.SQLITE_FULL)
    with answering(full, to=lambda sql: sql.startswith("INSERT")):
        page = Client(raise_request_exception=False).post(
            reverse("login"), {"username": "x@example.com", "password": "not this one"}
        )
    assert page.status_code == 503
    assert FULL.title in page.content.decode()


def test_a_lasting_sign_in_is_moved_on_where_the_page_was_answered(cast: SimpleNamespace) -> None:
    """The other side of not writing sessions under a 503."""
    client = signed_in(cast.ops)
    session = client.session
    before = session["seen_at"] - int(timedelta(hours=1).total_seconds())
    session["seen_at"] = before
    session.save()
    client.get("/")
    assert client.session["seen_at"] > before
