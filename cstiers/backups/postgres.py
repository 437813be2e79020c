"""PostgreSQL: pg_dump of one snapshot, and pg_restore's script inside one transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any

from django.db import connection, transaction

from cstiers.backups.files import CHUNK, LEFT_OUT, Manifest, UnableToBackUp, UnableToRestore, payload
from cstiers.logs import discreet
from cstiers.processes import die_with_parent

DUMP = (
    "pg_dump",
    "--format=custom",
    "--no-owner",
    "--no-privileges",
    *(f"--exclude-table-data=*.{table}" for table in LEFT_OUT),
)
# The comment of an extension that an administrator made is not ours to write.
SCRIPT = ("pg_restore", "--no-owner", "--no-privileges", "--no-comments", "--file=-")
TALK = ("psql", "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--file=-")
# What is not part of an extension goes; the script makes everything anew, triggers and their functions as well.
EMPTIED = """
BEGIN;
SET LOCAL lock_timeout = '30s';
DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
             WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'i', 'a'))
      ORDER BY c.relkind = 'S' LOOP
    EXECUTE format('DROP %s IF EXISTS %s CASCADE', one.kind, one.name);
  END LOOP;
  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name);
  END LOOP;
END $$;
"""


def _environment() -> dict[str, str]:
    """Where the server is and who we are: in the environment, since everybody sees a command line."""
    given: dict[str, Any] = connection.settings_dict
    options: dict[str, Any] = given.get("OPTIONS", {})
    named = {
        "PGHOST": given["HOST"],
        "PGPORT": given["PORT"],
        "PGUSER": given["USER"],
        "PGPASSWORD": given["PASSWORD"],
        "PGDATABASE": given["NAME"],
        "PGSSLMODE": options.get("sslmode"),
        "PGSSLROOTCERT": options.get("sslrootcert"),
        "PGCONNECT_TIMEOUT": options.get("connect_timeout"),
    }
    return {**os.environ, **{name: str(value) for name, value in named.items() if value}}


def _start(command: tuple[str, ...], faults: IO[bytes], **pipes: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=_environment(),
        stderr=faults,
        preexec_fn=die_with_parent,  # no thread was started before
        **pipes,
    )


def _first_fault(faults: IO[bytes]) -> str:
    """The first line that a program said, without values of rows."""
    faults.seek(0)
    lines = discreet(faults.read().decode(errors="replace")).splitlines()
    return next(
        (line for line in lines if "rror" in line or "ERROR" in line), lines[0] if lines else "no word why"
    )


def _missing(names: Iterable[str]) -> str:
    return next((name for name in names if shutil.which(name) is None), "")


@contextmanager
def whole_database(*, beside: Path) -> Iterator[tuple[dict[str, int], Iterator[bytes]]]:
    """Rows by table and pg_dump's bytes, both of one snapshot; people may write meanwhile. Raises UnableToBackUp."""
    if missing := _missing(["pg_dump"]):
        raise UnableToBackUp(
            f"{missing} is not here: install PostgreSQL's client (Debian: postgresql-client)."
        )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot: str = cursor.fetchone()[0]
        counts = {}
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 (ours)
            counts[table] = cursor.fetchone()[0]
        counts |= dict.fromkeys(LEFT_OUT, 0)
        yield counts, _dumped(snapshot)


def _dumped(snapshot: str) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as faults:
        child = _start((*DUMP, f"--snapshot={snapshot}"), faults, stdout=subprocess.PIPE)
        with child:
            assert child.stdout is not None  # noqa: S101 (asked for above)
            while chunk := child.stdout.read(CHUNK):
                yield chunk
        if child.returncode:
            raise UnableToBackUp(f"pg_dump failed ({_first_fault(faults)}); no file was written.")


def put_back(path: Path, manifest: Manifest) -> None:
    """Empty the database, run the dump's script, count, commit: one transaction. Raises UnableToRestore."""
    if missing := _missing(["pg_restore", "psql"]):
        raise UnableToRestore(
            f"{missing} is not here: install PostgreSQL's client (Debian: postgresql-client)."
        )
    connection.close()  # an open transaction of ours would be waited for
    with tempfile.TemporaryFile() as faults, tempfile.TemporaryFile() as words:
        talk = _start(TALK, words, stdin=subprocess.PIPE)
        script = _start(SCRIPT, faults, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            whole = _hand_over(path, manifest, script, talk)
        finally:
            for child in (script, talk):
                child.kill()  # has ended, unless something went wrong: without the COMMIT nothing has happened
                child.wait()
        if not whole:
            raise UnableToRestore(f"pg_restore failed ({_first_fault(faults)}); nothing was changed.")
        if talk.returncode:
            raise UnableToRestore(f"PostgreSQL refused it ({_first_fault(words)}); nothing was changed.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _hand_over(path: Path, manifest: Manifest, script: Any, talk: Any) -> bool:
    """Lead the dump through pg_restore into psql. COMMIT is said last and only when all came: False, when not."""
    feeding = Thread(target=_feed, args=(script.stdin, payload(path)), daemon=True)
    feeding.start()
    with suppress(BrokenPipeError):  # psql ended over an error; its words say which
        talk.stdin.write(EMPTIED.encode())
        while chunk := script.stdout.read(CHUNK):
            say(talk.stdin, chunk)
        if script.wait():
            return False
        talk.stdin.write(_counted(manifest).encode() + b"COMMIT;\n")
        talk.stdin.close()
    talk.wait()
    return True


def say(to: IO[bytes], chunk: bytes) -> None:
    """One piece of the script."""
    to.write(chunk)


def _feed(to: IO[bytes], chunks: Iterator[bytes]) -> None:
    with suppress(BrokenPipeError):
        for chunk in chunks:
            to.write(chunk)
        to.close()


def _counted(manifest: Manifest) -> str:
    """Ends the transaction with an error where a table has other rows than the file's head says."""
    wrong = " OR ".join(
        f'(SELECT count(*) FROM public."{table}") <> {int(count)}'  # noqa: S608 (names looked at in the head)
        for table, count in manifest.counts.items()
    )
    return f"DO $$ BEGIN IF {wrong} THEN RAISE EXCEPTION 'other rows than the file says'; END IF; END $$;\n"
