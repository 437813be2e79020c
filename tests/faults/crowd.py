"""A company as real processes, and many people in it at once: one installation for each test, made from a template."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from cstiers.embedded import Embedded, open_port, site_command, worker_command
from cstiers.processes import free_port, start, stop
from tests.rig import migrated
from tests.rig.migrated import database_of_its_own

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
FULL = ROUNDS >= 50  # `make prove`: the figures that are promised; `make check` takes a small round
SMALL = 800  # customers of the template that every test but the largest shares
SIZE = 10_000 if FULL else SMALL
DAY = "2026-11-22"  # of the template: the same company and the same decisions on every day

BEGIN = f"""
import json, time
from datetime import date, timedelta
from django.utils import timezone
from accounts import roles
from accounts.models import Customer, Goal, GoalKind, ImportBatch, User
from allocation.models import BookPlan, Move, RetierRun, RunChunk, TierDecision
from allocation.services import goals, importing, planning, retiering
from allocation.services.accepting import accept_plan, accept_run
from allocation.tasks.bell import ring
from allocation.tasks.importing import apply_import, stage_import
from allocation.tasks.planning import apply_book_plan, propose_book_plan, undo_book_plan
from allocation.tasks.retiering import apply_retier_run, propose_retier_run, undo_retier_run
DAY = date.fromisoformat("{DAY}")
ops = User.objects.filter(groups__name=roles.OPS).order_by("pk").first()

def tell(**words):
    print(json.dumps(words))

def wait(row, *statuses, seconds=150):
    ends = time.monotonic() + seconds
    while row.status not in statuses and time.monotonic() < ends:
        time.sleep(0.1)
        row.refresh_from_db()
    assert row.status in statuses, (row, row.status, row.message)

def queue_run():
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=ops.pk)
    ring(propose_retier_run, run_id=run.pk)
    return run

def accept(run):
    # The test plays the manager who lets a run over the change limit pass.
    if run.status == "awaiting_approval":
        RetierRun.objects.filter(pk=run.pk).update(status="proposed")
    accept_run(run_id=run.pk, actor=ops)
    ring(apply_retier_run, run_id=run.pk)

def receive(text):
    batch = importing.receive_import(
        kind="customers", file_name="crowd.csv", data=text.encode(),
        wishes=importing.Wishes(mapping=None), all_or_nothing=False, user=ops,
    )
    ring(stage_import, batch_id=batch.pk)
    return batch

def confirm(batch):
    batch = importing.confirm_import(batch_id=batch.pk, user=ops)
    ring(apply_import, batch_id=batch.pk)
    return batch
"""

SEED = """
from django.core.management import call_command
call_command("migrate", verbosity=0)  # of a copy, where there is one
from datetime import date
from django.utils import timezone
from accounts.models import User
from allocation.services.demo import seed_demo
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, propose_run, queue_run
day = date.fromisoformat("{day}")
seed_demo(customers={customers}, csms={csms}, seed=1, today=day, base_currency="USD")
load_playbook(slug="three-axis", publish=True, at=timezone.now())
first = queue_run(as_of=day, at=timezone.now())
propose_run(run_id=first.pk, owner="template")
apply_run(run_id=first.pk, owner="template", at=timezone.now())
from django.db import connection
connection.close()  # SQLite brings the log of changes into the file that is copied
"""


class Console:
    """A Python of its own inside an installation; each thread of a test takes one."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.console"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def lines(self, code: str) -> list[str]:
        """What `code` prints; fails with its traceback."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(json.dumps({"code": code}) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        assert not answer["error"], answer["error"][-3000:]
        found: list[str] = answer["lines"]
        return found

    def told(self, code: str) -> list[dict[str, Any]]:
        """The JSON objects that `code` tells, with BEGIN's words known."""
        return [json.loads(line) for line in self.lines(BEGIN + code)]

    def close(self) -> None:
        with self.child:
            stop(self.child)


class Company:
    """One installation: its database and broker, its processes, and as many consoles as are asked for."""

    def __init__(self, *, folder: Path, database_url: str, redis_url: str, settings: str = "") -> None:
        self.folder, self.database_url, self.redis_url = folder, database_url, redis_url
        self.settings = settings or "cstiers.settings"
        self.processes = Embedded(var=folder, port=open_port(free_port()), env=self.environment)
        self.stack = ExitStack()
        self.stack.callback(self.processes.end)

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))
        }
        return {
            **kept,
            "VAR_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "only-for-tests",
            "DEBUG": "0",
            "SWEEP_SECONDS": "3",
            "SIGN_IN_GUESSES_OF_ADDRESS": "500",  # the whole crowd comes from one address
            "DJANGO_SETTINGS_MODULE": self.settings,
            "WRITE_LOCK_LOG": str(self.folder / "locks.jsonl"),
        }

    def console(self) -> Console:
        made = Console(self.environment)
        self.stack.callback(made.close)
        return made

    def lapse(self, console: Console) -> None:
        """As if the time had passed that a dead worker's claim lasts."""
        console.told(
            "for model in (RetierRun, BookPlan, ImportBatch):\n"
            "    model.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))"
        )

    def begin(self) -> None:
        """Site and worker are up."""
        self.start_worker()
        self.begin_site()

    def begin_site(self) -> None:
        log = self.processes.log("site")
        self.processes.children["site"] = start(
            site_command(self.processes.port), log=log, env=self.environment
        )
        self.processes.wait()

    def kill_worker(self) -> None:
        """kill -9 of the worker and of all it started: nothing is tidied up."""
        child = self.processes.children["worker"]
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)

    def start_worker(self, name: str = "worker", *, beat: bool = True) -> None:
        """One more worker; under another name it runs beside the first."""
        log = self.processes.log(name)
        self.processes.children[name] = start(
            worker_command(self.folder, beat=beat), log=log, env=self.environment
        )

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def locks(self) -> list[dict[str, Any]]:
        """Each transaction that took SQLite's write lock, where the settings measure it."""
        log = self.folder / "locks.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


_templates: dict[tuple[str, int], str] = {}
_kept = ExitStack()
atexit.register(_kept.close)  # the templates go when the tests' process does


def _template(folder: Path, *, customers: int, url: str) -> str:
    """Name of a database (SQLite: a file) that holds the company; made once a process."""
    key = ("postgresql" if url else "sqlite", customers)
    if key not in _templates:
        home = folder / f"template-{key[0]}-{customers}"
        home.mkdir()
        own = database_of_its_own(_kept, url, f"cstiers_crowd_{os.getpid()}_{customers}")
        migrated.fill(own or home / "cstiers.sqlite3")
        made = Company(folder=home, database_url=own, redis_url="")
        with made.stack:
            made.console().lines(SEED.format(customers=customers, csms=max(12, customers // 25), day=DAY))
        _templates[key] = own or str(home / "cstiers.sqlite3")
    return _templates[key]


@contextmanager
def company(folder: Path, *, customers: int, embedded: bool = False, settings: str = "") -> Iterator[Company]:
    """An installation with this many customers in their first tiers, on the database and broker of this run.

    `embedded`: on SQLite without Redis, whatever the run is on.
    """
    url = "" if embedded else os.environ.get("DATABASE_URL", "")
    url = url if url.startswith("postgres") else ""
    template = _template(folder.parents[1], customers=customers, url=url)
    with ExitStack() as stack:
        own = ""
        folder.mkdir(exist_ok=True)
        if url:
            name = f"{template.rsplit('/', 1)[1]}_{folder.name}"[-60:]
            own = f"{url.rsplit('/', 1)[0]}/{name}"
            _say(url, f'CREATE DATABASE "{name}" TEMPLATE "{template.rsplit("/", 1)[1]}"')
            stack.callback(_say, url, f'DROP DATABASE "{name}" WITH (FORCE)')
        else:
            shutil.copy(template, folder / "cstiers.sqlite3")
        redis = _redis_of_its_own(embedded=embedded)
        made = Company(folder=folder, database_url=own, redis_url=redis, settings=settings)
        stack.enter_context(made.stack)
        yield made


def _say(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(sql)


def _redis_of_its_own(*, embedded: bool) -> str:
    """The run's Redis under another number: few workers of other tests hear these bells, and one that does does no harm."""
    url = "" if embedded else os.environ.get("REDIS_URL", "")
    if not url:
        return ""
    number = 1 + os.getpid() % 15
    return f"{url.rsplit('/', 1)[0]}/{number}"
