"""The copies that databases of the tests begin as (tests/rig/migrated.py)."""

import os
import sqlite3
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.rig import migrated

LONG_AGO = "2020-01-01 00:00:00"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the rig makes it, with one schedule that counts since long ago."""
    table = (
        "CREATE TABLE allocation_schedule (since {kind}); INSERT INTO allocation_schedule VALUES ('{since}');"
    )
    folder = tmp_path / "made"
    folder.mkdir()
    with closing(sqlite3.connect(folder / migrated.SQLITE)) as link:
        link.executescript(table.format(kind="datetime", since=LONG_AGO))
    script = table.format(kind="timestamptz", since=LONG_AGO)
    (folder / migrated.POSTGRESQL).write_text(script)
    monkeypatch.setenv(migrated.VARIABLE, str(folder))
    return folder


def is_now(since: datetime) -> bool:
    return abs(datetime.now(UTC) - since) < timedelta(minutes=5)


def test_a_file_begins_as_the_copy_and_nothing_was_due_before(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "new" / "cstiers.sqlite3"
    migrated.fill(file)
    with closing(sqlite3.connect(file)) as link:
        ((since,),) = link.execute("SELECT since FROM allocation_schedule")
    assert is_now(datetime.fromisoformat(since).replace(tzinfo=UTC))
    with closing(sqlite3.connect(made / migrated.SQLITE)) as link:
        assert link.execute("SELECT since FROM allocation_schedule").fetchall() == [(LONG_AGO,)]


@pytest.mark.postgres
def test_a_database_of_postgresql_begins_as_the_copy(made: Path) -> None:
    with ExitStack() as stack:
        url = migrated.database_of_its_own(stack, os.environ["DATABASE_URL"], f"cstiers_copy_{os.getpid()}")
        migrated.fill(url)
        with psycopg.connect(url) as link:
            ((since,),) = link.execute("SELECT since FROM allocation_schedule").fetchall()
    assert is_now(since)


def test_where_nothing_was_made_everybody_migrates_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(migrated.VARIABLE, raising=False)
    migrated.fill(tmp_path / "cstiers.sqlite3")
    assert list(tmp_path.iterdir()) == []
    test: dict[str, str] = {}
    with migrated.beginning_of_tests(test, os.environ.get("DATABASE_URL", "")):
        assert test == {}


def test_the_rig_does_not_go_on_with_a_database_that_cannot_be_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrated, "ROOT", tmp_path)  # no manage.py there
    with pytest.raises(RuntimeError, match="cannot be migrated"):
        migrated.make(tmp_path / "migrated")
