"""SQLite: copied by its own backup interface, in both directions one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from cstiers.backups.files import CHUNK, LEFT_OUT, Manifest, UnableToRestore, payload

PAGES = 4096  # copied between two looks at the clock
PATIENCE_SECONDS = 30


@contextmanager
def whole_database(*, beside: Path) -> Iterator[tuple[dict[str, int], Iterator[bytes]]]:
    """Rows by table and the file's bytes, as of one moment; people may write meanwhile."""
    with TemporaryDirectory(dir=beside, prefix=".cstiers-backup-") as folder:  # for the owner alone
        copy = Path(folder) / "copy.sqlite3"
        with closing(sqlite3.connect(_path())) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            target.execute("PRAGMA secure_delete=ON")
            for table in LEFT_OUT:
                target.execute(f"DELETE FROM {table}")  # noqa: S608 (ours)
            target.commit()
            counts = _counts(target)
        yield counts, _bytes_of(copy)


def _path() -> str:
    return str(connection.settings_dict["NAME"])


def _bytes_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _counts(link: sqlite3.Connection) -> dict[str, int]:
    named = link.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    )
    tables = [row[0] for row in named.fetchall()]
    return {
        table: link.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608 (of the file itself)
        for table in tables
    }


def put_back(path: Path, manifest: Manifest) -> None:
    """Look at the dump as a database of its own, then copy it over ours. Raises UnableToRestore."""
    ours = Path(_path())
    with TemporaryDirectory(dir=ours.parent, prefix=".cstiers-restore-") as folder:
        copy = Path(folder) / "copy.sqlite3"
        with copy.open("wb") as file:
            file.writelines(payload(path))
        connection.close()
        with closing(sqlite3.connect(copy)) as source:
            _look_through(source, manifest)
            with closing(sqlite3.connect(ours, timeout=PATIENCE_SECONDS)) as target:
                try:
                    # Over the file and not instead of it: who has it open goes on with the new content.
                    source.backup(target, pages=PAGES, progress=_Patience())
                except sqlite3.Error as fault:
                    raise UnableToRestore(f"SQLite refused it ({fault}); nothing was changed.") from fault


def _look_through(source: sqlite3.Connection, manifest: Manifest) -> None:
    try:
        whole = source.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        torn = source.execute("PRAGMA foreign_key_check").fetchone() is not None
        counts = _counts(source)
    except sqlite3.DatabaseError:
        whole, torn, counts = False, True, {}
    if not whole or torn or counts != manifest.counts:
        raise UnableToRestore("The database in the file is not what its head says: take another one.")


class _Patience:
    """Python's copying waits for ever while another process writes; this ends it."""

    def __init__(self) -> None:
        self.ends = time.monotonic() + PATIENCE_SECONDS

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > self.ends:
            raise UnableToRestore("Others write to the database: stop the site and the worker first.")
