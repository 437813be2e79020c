"""An installation of real processes whose parts a test kills, freezes and starts again: database, broker, workers, beats.

Embedded (SQLite, files as broker, one worker that keeps the timetable as well), or PostgreSQL and Redis with any number of
workers and beats. Leases and sweeps are short, so that a test does not wait a minute for a dead claim to lapse.
Only processes that were started here are ever sent a signal.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis as Broker

from cstiers.embedded import worker_command
from cstiers.processes import start, stop
from tests.journeys.installation import ROOT, Installation

LEASE_SECONDS = 3
SWEEP_SECONDS = 1
PATIENCE_SECONDS = 60.0
SQLITE = "cstiers.sqlite3"


@dataclass
class Fleet(Installation):
    """`folder` is its VAR_DIR. `workers` and `beats` by name, as they run now."""

    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    beats: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    app: str = "cstiers"  # the Celery application that workers serve

    @property
    def environment(self) -> dict[str, str]:
        short = {"LEASE_SECONDS": LEASE_SECONDS, "SWEEP_SECONDS": SWEEP_SECONDS, "DATABASE_IDLE_SECONDS": 10}
        return super().environment | {name: str(seconds) for name, seconds in short.items()}

    @property
    def is_embedded(self) -> bool:
        return not self.redis_url

    def call(self, function: str, *arguments: Any) -> Any:
        """What `tests.faults.inside.<function>` gives, called in the console."""
        return self._call("inside", function, arguments)

    def call_timetable(self, function: str, *arguments: Any) -> Any:
        """What `tests.faults.inside_timetable.<function>` gives."""
        return self._call("inside_timetable", function, arguments)

    def call_shared(self, function: str, *arguments: Any) -> Any:
        """What `tests.faults.inside_shared.<function>` gives."""
        return self._call("inside_shared", function, arguments)

    def _call(self, module: str, function: str, arguments: Sequence[Any]) -> Any:
        if self.console is None:
            self.open_console()
        code = f"""
import json
from django.db import connection
from tests.faults import {module}
connection.close_if_unusable_or_obsolete()  # the server may have been away
print(json.dumps({module}.{function}(*json.loads({json.dumps(arguments)!r}))))
"""
        return json.loads(self.python(code)[-1])

    def close_console(self) -> None:
        if self.console is not None:
            with self.console:
                stop(self.console)
            self.console = None

    def begin(self, *, workers: int = 1, beats: int = 1) -> None:
        """Start them. The embedded one has one worker, which keeps the timetable.

        Fleets share a Redis, one after the other: what the one before left there is dropped.
        """
        if self.is_embedded:
            self.start_worker("w1")
            return
        Broker.from_url(self.redis_url).flushall()
        for number in range(1, workers + 1):
            self.start_worker(f"w{number}")
        for number in range(1, beats + 1):
            self.start_beat(f"b{number}")

    def start_worker(self, name: str) -> None:
        command = [*worker_command(self.folder, beat=self.is_embedded), "--hostname", f"{name}@fleet"]
        command[command.index("cstiers")] = self.app
        self.workers[name] = start(command, log=self.folder / f"{name}.log", env=self.environment)

    def start_beat(self, name: str) -> None:
        celery = [sys.executable, "-m", "celery", "--app", "cstiers", "--workdir", str(ROOT)]
        command = [*celery, "beat", "--pidfile=", "--schedule", str(self.folder / f"{name}-schedule")]
        self.beats[name] = start(command, log=self.folder / f"{name}.log", env=self.environment)

    def kill_worker(self, name: str) -> None:
        """kill -9 of the worker with everything it started."""
        child = self.workers.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)

    def signal_worker(self, name: str, what: signal.Signals) -> None:
        """Freeze or thaw a worker with everything it started."""
        os.killpg(self.workers[name].pid, what)

    def worker_of(self, pid: int) -> str | None:
        """The worker of ours in whose group this process is."""
        with suppress(ProcessLookupError):
            group = os.getpgid(pid)
            return next((name for name, child in self.workers.items() if child.pid == group), None)
        return None

    def runner(self, state: dict[str, Any]) -> int | None:
        """The process of ours that holds the claim of a row, by the name it left there."""
        parts = str(state["claimed_by"]).split(":")
        pid = int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else None
        return pid if pid is not None and self.worker_of(pid) else None

    def dead(self) -> list[str]:
        """Workers and beats that ended by themselves, with the end of their log."""
        everybody = {**self.workers, **self.beats}
        logs = {name: (self.folder / f"{name}.log") for name in everybody}
        return [
            f"{name}: {logs[name].read_text(errors='replace')[-2000:]}"
            for name, child in everybody.items()
            if child.poll() is not None
        ]

    def wait(
        self, model: str, pk: int, statuses: Sequence[str], *, seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """The state of the row once it is in one of `statuses`; fails with what it is in when it takes too long."""
        found: dict[str, Any] = {}

        def there() -> bool:
            found.update(self.call("state", model, pk))
            return found["status"] in statuses

        until(there, seconds=seconds, what=lambda: f"{model} {pk} is {found}; {self.dead()}")
        return found

    def close(self) -> None:
        for child in (*self.workers.values(), *self.beats.values()):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)
        super().close()


def until(there: Callable[[], bool], *, seconds: float, what: Callable[[], str], pause: float = 0.05) -> None:
    """Wait for `there`; an assertion with `what` when it takes too long."""
    ends = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends, what()
        time.sleep(pause)


def copy_sqlite(source: Path, target: Path) -> None:
    """A whole copy, with what still lies in the log of the writer."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@dataclass
class Yard:
    """Where fleets are made: the servers they share, and the seeded databases they are copied from."""

    folder: Path
    server_url: str = ""
    redis_url: str = ""
    seeded: dict[tuple[int, bool], str] = field(default_factory=dict)
    made: int = 0

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _say(self, sql: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as link:
            link.execute(sql)

    def _seeded(self, customers: int, in_pools: bool) -> str:
        """Name of the database (SQLite: folder) of a company of this size; made at the first asking."""
        if (customers, in_pools) not in self.seeded:
            name = f"pools_{customers}" if in_pools else f"seeded_{customers}"
            fleet = Fleet(folder=self._folder(name), database_url=self._database(name, template="template0"))
            fleet.open_console()
            fleet.migrate()
            if in_pools:
                fleet.call_shared("seed_in_pools", customers)
            else:
                fleet.call("seed", customers)
            fleet.close_console()
            self.seeded[customers, in_pools] = name
        return self.seeded[customers, in_pools]

    def _database(self, name: str, *, template: str) -> str:
        if not self.server_url:
            return ""
        self._say(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"{self.server_url.rsplit('/', 1)[0]}/{name}"

    @contextmanager
    def fleet(self, *, customers: int, in_pools: bool = False) -> Iterator[Fleet]:
        """A fleet on a fresh copy of the company; nothing is started yet. Ended and dropped afterwards.

        in_pools: the company of the planning benchmark, whose books take a search in several groups.
        """
        template = self._seeded(customers, in_pools)
        self.made += 1
        name = f"fleet_{self.made}"
        folder = self._folder(name)
        if not self.server_url:
            copy_sqlite(self.folder / template / SQLITE, folder / SQLITE)
        database = self._database(name, template=template)
        made = Fleet(folder=folder, database_url=database, redis_url=self.redis_url)
        try:
            yield made
        finally:
            made.close()
            if self.server_url:
                self._say(f'DROP DATABASE "{name}" WITH (FORCE)')
