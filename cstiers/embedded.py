"""The embedded installation: the site and one worker as children of one command. Needs no server."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen

from cstiers.processes import answers, start, stop, wait_until

THREADS = 4
PORTS_TO_TRY = 50


class NoPortFree(Exception):
    """Every port that was tried is taken."""


def open_port(first: int) -> int:
    """`first`, or the next port of the loopback that nobody listens on."""
    for port in range(first, min(first + PORTS_TO_TRY, 65536)):
        if not answers(port):
            return port
    raise NoPortFree(f"Ports {first} to {first + PORTS_TO_TRY - 1} are taken: choose another with PORT=….")


def site_command(port: int) -> list[str]:
    """gunicorn with one process and a few threads: SQLite has one writer."""
    return [
        *(sys.executable, "-m", "gunicorn", "cstiers.wsgi:application"),
        *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", str(THREADS)),
        *("--log-level", "warning", "--no-control-socket"),
    ]


def worker_command(var: Path, *, beat: bool = True) -> list[str]:
    """A Celery worker; with `beat` it also keeps the timetable (only one worker of an installation may)."""
    timetable = ["--beat"] if beat else []
    return [
        *(sys.executable, "-m", "celery", "--app", "cstiers", "--workdir", str(Path(__file__).parents[1])),
        *("worker", "--concurrency", "1", "--loglevel", "WARNING", *timetable),
        *("--without-gossip", "--without-mingle"),
    ]


class Embedded:
    """Starts the worker and the site (`begin`, `wait`), tells when one of them `ended`, stops both (`end`)."""

    def __init__(self, *, var: Path, port: int, env: Mapping[str, str] | None = None) -> None:
        self.var, self.port = var, port
        self.env = dict(os.environ if env is None else env)
        self.children: dict[str, Popen[bytes]] = {}

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/"

    def log(self, name: str) -> Path:
        return self.var / f"{name}.log"

    def begin(self) -> None:
        """Start both; they take seconds to come up, so there is time for other things before `wait`."""
        for name, command in (("worker", worker_command(self.var)), ("site", site_command(self.port))):
            self.log(name).write_bytes(b"")
            self.children[name] = start(command, log=self.log(name), env=self.env)

    def wait(self) -> None:
        """Wait until the site answers; raises RuntimeError with the end of its log when it does not."""
        site, log = self.children["site"], self.log("site")
        wait_until(self.is_well, what="The site", child=site, log=log, seconds=60)

    def is_well(self) -> bool:
        """The health check answers ok."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def ended(self) -> str | None:
        """Name of a child that ended by itself, if one did."""
        return next((name for name, child in self.children.items() if child.poll() is not None), None)

    def end(self) -> None:
        for child in reversed(self.children.values()):
            # What is cut off here stays a row in the database and is taken up at the next start.
            stop(child, patience=4)
