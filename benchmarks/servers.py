"""A private PostgreSQL and a private Redis on the loopback, for the length of one test run.

Either can be stopped and started again, so that a test sees what happens while it is away.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.programs import ProgramMissing, find, install_with_apt
from cstiers.processes import answers, free_port, start, stop, wait_until

POSTGRES_FOLDERS = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
]
# Tests need no durability: the data is thrown away.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "120",
    "jit": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# Commits of the last moment may be lost when the server is stopped at once: for whoever never does that.
CARELESS = {"synchronous_commit": "off"}


@dataclass
class Postgres:
    """A PostgreSQL of its own under `folder`; made with `make`."""

    folder: Path
    programs: Path
    settings: dict[str, str]
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = field(default_factory=free_port)
    child: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, folder: Path, **settings: str) -> "Postgres":
        """Initialised and started. Raises ProgramMissing."""
        initdb = _initdb() or (install_with_apt(["postgresql"]) and _initdb())
        if not initdb:
            raise ProgramMissing(
                "PostgreSQL is not here: install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql), "
                "or give a DATABASE_URL of a server whose user may create databases."
            )
        made = cls(folder, Path(initdb).parent, {**FAST, **settings})
        made._initialise()
        made.start()
        return made

    @property
    def url(self) -> str:
        return f"postgres://cstiers:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> Path:
        return self.folder.parent / "postgres.log"

    def _initialise(self) -> None:
        self.folder.mkdir(mode=0o700)
        owner, word = _unprivileged_user(), self.folder / "password"
        word.write_text(self.password)
        if owner:  # PostgreSQL refuses to run as root
            for path in (self.folder, word):
                shutil.chown(path, owner, owner)
        as_owner: dict[str, Any] = {"user": owner, "group": owner, "extra_groups": []} if owner else {}
        command = [
            *(self.programs / "initdb", "-D", self.folder / "data", "-U", "cstiers"),
            *(f"--pwfile={word}", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"),
        ]
        made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **as_owner)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")

    def start(self) -> None:
        """Start it, again where it was stopped, on the same port; returns when it lets people in."""
        command = [
            *(str(self.programs / "postgres"), "-D", str(self.folder / "data")),
            *("-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)),
            *(part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")),
        ]
        self.child = start(command, log=self.log, user=_unprivileged_user())
        wait_until(lambda: _lets_in(self.url), what="PostgreSQL", child=self.child, log=self.log)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it. `at_once`: as if the machine failed; every session is cut, and the next start recovers."""
        if self.child is not None:
            stop(self.child, first=signal.SIGQUIT if at_once else signal.SIGINT)


def postgres_url(stack: ExitStack, folder: Path) -> str:
    """DATABASE_URL of a PostgreSQL: the one given, or one that is started here and stopped with `stack`."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        return given
    server = Postgres.make(folder / "postgres", **CARELESS)
    stack.callback(server.stop)
    return server.url


def _initdb() -> str | None:
    """Path of an initdb that lies beside its server (Debian keeps both off the PATH)."""
    found = find(["initdb"], POSTGRES_FOLDERS)
    return str(Path(found).resolve()) if found else None


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


@dataclass
class Redis:
    """A Redis of its own that keeps nothing on disk; made with `make`."""

    folder: Path
    program: str
    port: int = field(default_factory=free_port)
    child: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, folder: Path) -> "Redis":
        """Started. Raises ProgramMissing."""
        names = ["redis-server", "valkey-server"]
        program = find(names)
        if program is None and install_with_apt(["redis-server"]):
            program = find(names)
        if program is None:
            raise ProgramMissing(
                "Redis is not here: install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), "
                "or give a REDIS_URL."
            )
        made = cls(folder, program)
        made.start()
        return made

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it on the same port as before; what it held is gone."""
        command = [
            *(self.program, "--bind", "127.0.0.1", "--port", str(self.port)),
            *("--save", "", "--appendonly", "no", "--dir", str(self.folder)),
        ]
        log = self.folder / "redis.log"
        self.child = start(command, log=log)
        wait_until(lambda: answers(self.port), what="Redis", child=self.child, log=log)

    def stop(self) -> None:
        if self.child is not None:
            self.thaw()
            stop(self.child)

    def freeze(self) -> None:
        """It accepts connections and answers nothing, until `thaw`."""
        if self.child is not None:
            self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)


def redis_url(stack: ExitStack, folder: Path) -> str:
    """REDIS_URL of a Redis: the one given, or one that is started here and stopped with `stack`."""
    given = os.environ.get("REDIS_URL", "")
    if given:
        return given
    server = Redis.make(folder)
    stack.callback(server.stop)
    return server.url
