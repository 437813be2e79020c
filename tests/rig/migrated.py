"""One migrated database, from which those of a whole run are copied: migrating takes a dozen seconds, and a run would do it twenty times.

The rig makes it anew before its pytest runs start, one of each kind, and names the folder in the environment. In a plain `pytest`
nothing is named, and everybody migrates from nothing. A copy is only a beginning: whoever takes one migrates it like any other
database, which finds nothing to do and says by itself when a migration is missing (not when one was edited since: who names a
folder by hand makes it anew). A warning is an error there as in the tests. Tests about migrating take no copy.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.programs import ProgramMissing, find
from benchmarks.servers import POSTGRES_FOLDERS

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "CSTIERS_MIGRATED"
SQLITE, POSTGRESQL = "cstiers.sqlite3", "postgresql.sql"
IN_MEMORY = "file:cstiers_tests?mode=memory&cache=shared"
TALK = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1")
# Who begins with the copy begins now: what was due before is nobody's work.
BEGINS = "UPDATE allocation_schedule SET since = CURRENT_TIMESTAMP"


def make(folder: Path, *, url: str = "") -> dict[str, str]:
    """Migrate a SQLite file in `folder`, and beside it the empty PostgreSQL database `url`, whose script is kept.

    Gives what names them to pytest. Raises RuntimeError where migrating fails: then nothing else is worth trying.
    """
    folder.mkdir()
    own = {"VAR_DIR": str(folder), "REDIS_URL": "", "SECRET_KEY": "only-for-tests", "DEBUG": "0"}
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-W", "error", "manage.py", "migrate", "--verbosity=0"],
                    cwd=ROOT,
                    env={**os.environ, **own, "DATABASE_URL": one},
                )
            )
            for one in dict.fromkeys(("", url))
        ]
        if any(child.wait() for child in children):
            raise RuntimeError("An empty database cannot be migrated.")
    if url:
        _run_at(
            url, "pg_dump", "--no-owner", "--no-privileges", "--no-comments", f"--file={folder / POSTGRESQL}"
        )
    return {VARIABLE: str(folder)}


def fill(target: str | Path) -> None:
    """Copy into an empty database: `target` is the address of one of PostgreSQL, else what SQLite opens. Nothing where nothing was made."""
    if VARIABLE not in os.environ:
        return
    made = Path(os.environ[VARIABLE])
    if str(target).startswith("postgres"):
        _run_at(str(target), "psql", *TALK, f"--file={made / POSTGRESQL}")
        with psycopg.connect(str(target)) as link:
            link.execute(BEGINS)
        return
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(made / SQLITE)) as source,
        closing(sqlite3.connect(target, uri=True)) as copy,
    ):
        source.backup(copy)
        copy.execute(BEGINS)
        copy.commit()


def _run_at(url: str, program: str, *words: str) -> None:
    """One of PostgreSQL's programs at this database; everybody sees a command line, so it is named in the environment.

    Raises ProgramMissing.
    """
    if (found := find([program], POSTGRES_FOLDERS)) is None:
        raise ProgramMissing(f"{program} of PostgreSQL is not there: install PostgreSQL's client programs.")
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
    at = {f"PG{names[name]}": str(value) for name, value in conninfo_to_dict(url).items() if name in names}
    subprocess.run([found, *words], env={**os.environ, **at}, check=True)


@contextmanager
def beginning_of_tests(test: dict[str, str], url: str) -> Iterator[None]:
    """The test database of this process begins as a copy. `test`: DATABASES[…]["TEST"], before the database is made."""
    if VARIABLE not in os.environ:
        yield
        return
    with ExitStack() as stack:
        if url.startswith("postgres"):
            name = f"cstiers_beginning_{os.getpid()}"
            fill(database_of_its_own(stack, url, name))
            test["TEMPLATE"] = name
        else:
            # It is there as long as somebody has it open.
            stack.enter_context(closing(sqlite3.connect(IN_MEMORY, uri=True)))
            fill(IN_MEMORY)
            test["NAME"] = IN_MEMORY
        yield


def database_of_its_own(stack: ExitStack, url: str, name: str) -> str:
    """A fresh PostgreSQL database beside the one `url` names; dropped when `stack` closes. SQLite: a file in VAR_DIR."""
    if not url.startswith("postgres"):
        return ""

    def say(sql: str) -> None:
        with psycopg.connect(url, autocommit=True) as link:
            link.execute(sql)

    say(f'CREATE DATABASE "{name}"')
    stack.callback(say, f'DROP DATABASE "{name}" WITH (FORCE)')
    return f"{url.rsplit('/', 1)[0]}/{name}"
