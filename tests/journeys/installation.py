"""A whole installation for the length of a test run: its database, broker, worker and site as real processes.

Nothing here imports Django: what the tests know, they know as a person or a script would, by pages and commands.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from cstiers.embedded import Embedded, open_port
from cstiers.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Installation:
    """`folder` is its VAR_DIR; SQLite and the embedded broker unless PostgreSQL and Redis are named."""

    folder: Path
    database_url: str = ""
    redis_url: str = ""
    processes: Embedded = field(init=False)

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

    def python(self, code: str) -> list[str]:
        """Lines that `code` prints, run inside the installation's Django."""
        ended = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]
        return ended.stdout.splitlines()

    def migrate(self) -> None:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input"],
            cwd=ROOT,
            env=self.environment,
            check=True,
            timeout=180,
        )


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
