"""A private PostgreSQL and a private Redis on the loopback, for the length of one test run."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import psycopg

from cstiers.processes import answers, free_port, start, stop, wait_until
from tests.rig.programs import ProgramMissing, find, install_with_apt

POSTGRES_FOLDERS = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
]
# Tests need no durability: the data is thrown away.
FAST = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=128MB",
    "max_connections=120",
]


def postgres_url(stack: ExitStack, folder: Path) -> str:
    """DATABASE_URL of a PostgreSQL: the one given, or one that is started here and stopped with `stack`."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        return given
    initdb = _initdb() or (install_with_apt(["postgresql"]) and _initdb())
    if not initdb:
        raise ProgramMissing(
            "PostgreSQL is not here: install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql), "
            "or give a DATABASE_URL of a server whose user may create databases."
        )
    return _start_postgres(stack, folder / "postgres", Path(initdb).parent)


def _initdb() -> str | None:
    """Path of an initdb that lies beside its server (Debian keeps both off the PATH)."""
    found = find(["initdb"], POSTGRES_FOLDERS)
    return str(Path(found).resolve()) if found else None


def _start_postgres(stack: ExitStack, folder: Path, programs: Path) -> str:
    folder.mkdir(mode=0o700)
    owner = _unprivileged_user()
    if owner:  # PostgreSQL refuses to run as root
        shutil.chown(folder, owner, owner)
    data, log, password = folder / "data", folder.parent / "postgres.log", secrets.token_hex(16)
    word = folder / "password"
    word.write_text(password)
    if owner:
        shutil.chown(word, owner, owner)
    as_owner = {"user": owner, "group": owner, "extra_groups": []} if owner else {}
    initdb = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "cstiers",
        f"--pwfile={word}",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
    ]
    made = subprocess.run(
        [*initdb, "--locale=C", "--no-sync"], capture_output=True, text=True, cwd="/", check=False, **as_owner
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr}")
    port = free_port()
    options = [part for setting in FAST for part in ("-c", setting)]
    command = [
        str(programs / "postgres"),
        "-D",
        str(data),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        str(folder),
        *options,
    ]
    child = start(command, log=log, user=owner)
    stack.callback(stop, child, first=signal.SIGINT)
    url = f"postgres://cstiers:{password}@127.0.0.1:{port}/postgres"
    wait_until(lambda: _lets_in(url), what="PostgreSQL", child=child, log=log)
    return url


def _lets_in(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _unprivileged_user() -> str | None:
    """Whom to start PostgreSQL as when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise ProgramMissing(
        "PostgreSQL refuses to run as root and there is no user 'postgres' or 'nobody': add one."
    )


def redis_url(stack: ExitStack, folder: Path) -> str:
    """REDIS_URL of a Redis: the one given, or one that is started here and stopped with `stack`."""
    given = os.environ.get("REDIS_URL", "")
    if given:
        return given
    names = ["redis-server", "valkey-server"]
    server = find(names)
    if server is None and install_with_apt(["redis-server"]):
        server = find(names)
    if server is None:
        raise ProgramMissing(
            "Redis is not here: install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), "
            "or give a REDIS_URL."
        )
    port, log = free_port(), folder / "redis.log"
    command = [
        server,
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    child = start(command, log=log)
    stack.callback(stop, child)
    wait_until(lambda: answers(port), what="Redis", child=child, log=log)
    return f"redis://127.0.0.1:{port}/0"
