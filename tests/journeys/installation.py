"""A whole installation for the length of a test run: its database, broker, worker and site as real processes.

Nothing here imports Django: what the tests know, they know as a person or a script would, by pages and commands.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cstiers.embedded import Embedded, open_port, site_command
from cstiers.processes import free_port, start, stop
from tests.rig import migrated

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Installation:
    """`folder` is its VAR_DIR; SQLite and the embedded broker unless PostgreSQL and Redis are named."""

    folder: Path
    database_url: str = ""
    redis_url: str = ""
    processes: Embedded = field(init=False)
    console: subprocess.Popen[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.processes = Embedded(var=self.folder, port=open_port(free_port()), env=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "VAR_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "only-for-tests",
            "DEBUG": "0",
            "SWEEP_SECONDS": "3",
            "SESSION_IDLE_MINUTES": "240",  # people signed in at the start act again at the end of a slow run
        }
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))
        }
        return {**kept, **own}

    def command(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        """The JSON answer of `manage.py …`; fails with what it said when it does not end with `exit_code`."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *arguments, "--format", "json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert ended.returncode == exit_code, f"{' '.join(arguments)}: {ended.stderr[-3000:]}"
        return json.loads(ended.stdout) if ended.stdout.strip() else {}

    def open_console(self) -> None:
        """Start the console that `python` speaks to."""
        self.console = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.console"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def python(self, code: str) -> list[str]:
        """Lines that `code` prints, run inside the installation's Django."""
        assert self.console is not None
        assert self.console.stdin is not None
        assert self.console.stdout is not None
        self.console.stdin.write(json.dumps({"code": code}) + "\n")
        self.console.stdin.flush()
        answer = json.loads(self.console.stdout.readline())
        assert not answer["error"], answer["error"][-3000:]
        lines: list[str] = answer["lines"]
        return lines

    def migrate(self) -> None:
        """Tables as in any installation; where there is a copy of them, it is the beginning (tests/rig/migrated.py)."""
        migrated.fill(self.database_url or self.folder / "cstiers.sqlite3")
        self.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")

    def answer_of(self, *words: str) -> dict[str, Any]:
        """The JSON answer of one of our commands, called in the console."""
        code = f"""
import io
from django.core.management import call_command
out = io.StringIO()
call_command(*{words!r}, format="json", stdout=out)
print(out.getvalue())
"""
        found: dict[str, Any] = json.loads("".join(self.python(code)))
        return found

    def begin_site(self) -> None:
        """Start the site alone, and wait for it: nothing works in the background, so every page keeps its rows."""
        log = self.processes.log("site")
        log.write_bytes(b"")
        command = site_command(self.processes.port)
        self.processes.children["site"] = start(command, log=log, env=self.environment)
        self.processes.wait()

    def close(self) -> None:
        """End every process of the installation."""
        self.processes.end()
        if self.console is not None:
            with self.console:  # closes both pipes; the console ends when it has nobody to listen to
                stop(self.console)
