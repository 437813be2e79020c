"""The units of deploy/ as they stand, on PostgreSQL and Redis: they come up, do the main job, are watched, and log no name."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cstiers.embedded import open_port
from cstiers.processes import free_port, start, stop, wait_until
from tests.house.source import ROOT
from tests.rig.migrated import database_of_its_own

pytestmark = [pytest.mark.journey, pytest.mark.postgres]

PARTS = ("site", "worker", "beat")
FOUR = {"database": "ok", "broker": "ok", "worker": "ok", "beat": "ok"}
CURRENT = "/opt/cstiers/current"


def unit(name: str) -> list[tuple[str, str]]:
    """Settings of the unit's file, in order."""
    lines = (ROOT / f"deploy/systemd/cstiers-{name}.service").read_text().splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines) if value]


class Deployed:
    """What the units start, with the settings of env.example but for addresses, names and figures of this test."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        self.folder, self.port = folder, open_port(free_port())
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        own = {
            "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
            "DATABASE_URL": database,
            "REDIS_URL": f"{broker.rpartition('/')[0]}/7",  # the other journeys' worker listens on 0
            "ALLOWED_HOSTS": "localhost",
            "EMAIL_URL": "dummymail://",
            "VAR_DIR": str(folder / "var"),
            "LOG_LEVEL": "DEBUG",
            "PULSE_SECONDS": "1",
            "SWEEP_SECONDS": "1",
        }
        example = (ROOT / "deploy/env.example").read_text()
        for name, value in own.items():
            line = rf"(?m)^#?{name}=.*$"
            assert re.search(line, example), name
            example = re.sub(line, lambda _, n=name, v=value: f"{n}={shlex.quote(v)}", example)
        self.settings = folder / "env"
        self.settings.write_text(example)

    @property
    def environment(self) -> dict[str, str]:
        """As systemd reads the file: over an environment that has nothing of ours."""
        lines = (
            line
            for line in self.settings.read_text().splitlines()
            if "=" in line and not line.startswith("#")
        )
        given = {
            name: "".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **given}

    def manage(self, *words: str, exit_code: int = 0) -> str:
        ended = subprocess.run(
            [ROOT / "deploy/manage", *words],
            env={"PATH": os.environ["PATH"], "CSTIERS_ENV": str(self.settings)},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert ended.returncode == exit_code, ended.stderr[-3000:]
        return ended.stdout

    def begin(self, name: str) -> None:
        given = unit(name)
        own = [pair.partition("=") for key, value in given if key == "Environment" for pair in value.split()]
        line = dict(given)["ExecStart"].replace("%%", "%").replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        programs = str(Path(sys.executable).parent)
        words = [word.replace(f"{CURRENT}/.venv/bin", programs) for word in shlex.split(line)]
        # What is in the file counts more than what the unit says.
        environment = {**{key: value for key, _, value in own}, **self.environment}
        command = [
            sys.executable,
            "-c",
            f"import os; os.chdir({str(ROOT)!r}); os.execv({words[0]!r}, {words!r})",
        ]
        self.children[name] = start(command, log=self.log(name), env=environment)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def end(self) -> None:
        for child in self.children.values():
            stop(child)

    def health(self, cookie: str = "") -> tuple[int, str]:
        asked = urllib.request.Request(  # as nginx hands it on
            f"http://127.0.0.1:{self.port}/healthz",
            headers={"X-Forwarded-Proto": "https", "Host": "localhost", "Cookie": cookie},
        )
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except OSError as fault:
            return 0, str(fault)

    def parts(self, cookie: str) -> dict[str, str]:
        status, words = self.health(cookie)
        return json.loads(words) if status == 200 and words.startswith("{") else {"site": words}


MAIN_JOB = """
import time
from django.conf import settings
from django.test import Client
from django.utils import timezone
from accounts.models import CSM, Customer, User
from allocation.models import RetierRun
from allocation.services import retiering
from allocation.services.accepting import accept_run

ops = User.objects.filter(groups__name="CS ops").order_by("pk").first()
run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=ops.pk)

def wait(status):
    ends = time.monotonic() + 90
    while run.status != status and time.monotonic() < ends:
        time.sleep(0.2); run.refresh_from_db()
    assert run.status == status, run.message

wait("proposed")
accept_run(run_id=run.pk, actor=ops)
wait("applied")
browser = Client(); browser.force_login(ops)
print(f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}")
"""
CONFIDENTIAL = """
import json
from accounts.models import CSM, Customer, User
print(json.dumps([
    *Customer.objects.values_list("name", flat=True), *Customer.objects.values_list("external_id", flat=True),
    *User.objects.values_list("email", flat=True), *User.objects.values_list("name", flat=True),
    *(str(int(arr)) for arr in Customer.objects.filter(arr__gte=100000).values_list("arr", flat=True)),
]))
"""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    with ExitStack() as stack:
        name = f"cstiers_deployed_{os.getpid()}"
        database = database_of_its_own(stack, os.environ["DATABASE_URL"], name)
        ours = Deployed(folder, database, os.environ["REDIS_URL"])
        stack.callback(ours.end)
        ours.manage("migrate", "--verbosity=0")
        ours.manage("seed_demo", "--customers=80", "--csms=6")
        ours.manage("load_playbook", "three-axis", "--publish")
        for part in PARTS:
            ours.begin(part)
        wait_until(
            lambda: ours.health() == (200, "ok"),
            what="The site",
            child=ours.children["site"],
            log=ours.log("site"),
            seconds=60,
        )
        yield ours


@pytest.fixture(scope="module")
def cookie(deployed: Deployed) -> str:
    """Of CS ops, once the worker has done the main job by itself: the sweep of beat found the rows."""
    return deployed.manage("shell", "--verbosity=0", "-c", MAIN_JOB).strip()


def logged(deployed: Deployed) -> str:
    return "\n".join(deployed.log(part).read_text() for part in PARTS)


def test_the_units_of_deploy_come_up_and_ops_see_four_parts_that_are_well(deployed, cookie):
    wait_until(lambda: deployed.parts(cookie) == FOUR, what="The four parts", seconds=20)
    assert json.loads(deployed.manage("health", "--format=json")) == FOUR


def test_a_page_a_person_asks_for_is_in_the_log_with_its_id_and_the_persons_number(deployed, cookie):
    request_id = "4f0c8b2e5a6d4b8e"
    name = json.loads(deployed.manage("shell", "--verbosity=0", "-c", CONFIDENTIAL))[0]
    search = urllib.request.Request(
        f"http://127.0.0.1:{deployed.port}/customers/?q={urllib.request.quote(name)}",
        headers={
            "X-Forwarded-Proto": "https",
            "Host": "localhost",
            "Cookie": cookie,
            "X-Request-ID": request_id,
        },
    )
    with urllib.request.urlopen(search, timeout=20) as answer:
        assert answer.headers["X-Request-ID"] == request_id
        assert name in answer.read().decode()

    def lines():
        of_request = [line for line in deployed.log("site").read_text().splitlines() if request_id in line]
        return [line for line in map(json.loads, of_request) if line["logger"] == "gunicorn.access"]

    wait_until(lambda: bool(lines()), what="The line about the answer", seconds=5)
    (line,) = lines()
    assert (line["method"], line["path"], line["status"]) == ("GET", "/customers/", 200)
    assert isinstance(line["user_id"], int)


def test_the_lines_of_a_worker_are_json_once_each_and_name_their_task(deployed, cookie):
    lines = [line for line in deployed.log("worker").read_text().splitlines() if line.startswith("{")]
    ended = [json.loads(line) for line in lines if "succeeded" in line]
    assert {"time", "level", "logger", "process", "message", "task", "task_id"} <= set(ended[0])
    assert len({line["task_id"] for line in ended}) == len(ended)
    assert any(line["task"] == "allocation.apply_retier_run" for line in ended)


def test_no_line_names_a_customer_a_person_or_an_amount(deployed, cookie):
    """At DEBUG, over the main job and the pages above; the control: the ids are there."""
    said = logged(deployed)
    words = set(json.loads(deployed.manage("shell", "--verbosity=0", "-c", CONFIDENTIAL))) - {""}
    assert len(words) > 150
    assert [word for word in words if re.search(rf"\b{re.escape(word)}\b", said)] == []
    assert '"task_id"' in said


def test_a_worker_that_is_killed_is_told_to_ops_and_to_the_probe(deployed, cookie):
    stop(deployed.children["worker"], first=signal.SIGKILL)  # and its pool with it
    wait_until(lambda: deployed.parts(cookie)["worker"] != "ok", what="The silence of the worker", seconds=30)
    assert re.fullmatch(r"not heard of for \d+ seconds", deployed.parts(cookie)["worker"])
    assert deployed.health() == (200, "ok")
    deployed.manage("health", "--part=worker", exit_code=1)
    deployed.manage("health", "--part=beat")
    deployed.begin("worker")
    wait_until(lambda: deployed.parts(cookie) == FOUR, what="The worker", seconds=30)


def test_each_unit_ends_as_systemd_ends_it_before_its_time_is_up(deployed, cookie):
    for part in reversed(PARTS):
        given = dict(unit(part))
        asked = time.monotonic()
        deployed.children[part].send_signal(getattr(signal, given.get("KillSignal", "SIGTERM")))
        deployed.children[part].wait(int(given["TimeoutStopSec"]))
        assert time.monotonic() - asked < int(given["TimeoutStopSec"])
