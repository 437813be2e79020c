"""SQLite held by somebody else, and a disk that is full: a plain page for people, nothing half done, work goes on after."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.crowd import FULL, SMALL, Company, Console, company
from tests.faults.visitor import Answer, Visitor

pytestmark = pytest.mark.usefixtures("only_on_sqlite")

WHO = """
tell(
    email=ops.email, customer=Customer.objects.order_by("pk").first().pk,
    kinds=list(GoalKind.objects.order_by("pk").values_list("pk", flat=True)), goals=Goal.objects.count(),
)
"""
STANDING = """
from tests.oracle import faults
run = RetierRun.objects.filter(scope="full").order_by("-pk").first()
tell(
    goals=Goal.objects.count(), status=run.status, attempts=run.attempts,
    faults=faults(),
)
"""


@contextmanager
def locked(office: Company, *, seconds: float) -> Iterator[threading.Thread]:
    """Somebody outside holds the write lock for so long."""
    taken = threading.Event()

    def hold() -> None:
        link = sqlite3.connect(office.folder / "cstiers.sqlite3", isolation_level=None, timeout=30)
        link.execute("BEGIN IMMEDIATE")
        taken.set()
        time.sleep(seconds)
        link.execute("ROLLBACK")
        link.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(30)
    yield holder
    holder.join()


def signed_in(office: Company, console: Console) -> tuple[Visitor, dict]:
    (who,) = console.told(WHO)
    one = Visitor(office.processes.address, who["email"])
    one.sign_in()
    return one, who


def open_goal(one: Visitor, who: dict, kind: int, words: str = "busy") -> Answer:
    return one.send(
        f"/customers/{who['customer']}/goals/", ("kind", str(kind)), ("owner", ""), ("words", words)
    )


@pytest.mark.parametrize(
    ("settings", "held"),
    [
        ("tests.rig.impatient_settings", 6.0),
        *([("", 25.0)] if FULL else []),
    ],  # 20 s is the product's patience
)
def test_who_waits_too_long_for_the_lock_is_told_that_it_is_busy_and_nothing_is_half_done(
    tmp_path: Path, settings: str, held: float
) -> None:
    with company(tmp_path / "busy", customers=SMALL, embedded=True, settings=settings) as office:
        office.begin()
        console = office.console()
        one, who = signed_in(office, console)
        with locked(office, seconds=held) as holder:
            refused = open_goal(one, who, who["kinds"][0])
            read = one.see("/customers/")
            assert holder.is_alive()
        (standing,) = console.told(STANDING)
        with locked(office, seconds=1):  # shorter than the patience: only a wait
            done = open_goal(one, who, who["kinds"][0])
        logs = office.processes.log("site").read_text()
    print(
        f"Locked {held:.0f} s: refused after {refused.seconds:.1f} s, read beside it in {read.seconds:.2f} s"
    )
    assert (refused.status, read.status, done.status) == (503, 200, 200)
    assert done.seconds > 0.5
    assert "Busy just now" in refused.text
    assert refused.retry_after == "5"
    assert "Traceback" not in refused.text
    assert standing["goals"] == who["goals"]
    assert standing["faults"] == []
    assert "OperationalError" in logs  # whoever runs it can see it


def test_a_full_disk_is_said_so_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with company(tmp_path / "full", customers=SMALL, embedded=True) as office:
        console = office.console()
        console.told(
            "from django.db import connection; connection.cursor().execute('VACUUM')\n"
            "Customer.objects.filter(pk__lte=300).update(arr=900000)\n"
            "retiering.queue_run(as_of=timezone.localdate(), at=timezone.now())"
        )
        office.settings = "tests.rig.full_settings"
        office.begin_site()
        one, who = signed_in(office, console)
        refused = None
        for number in range(200):
            who["customer"] += 1
            answer = open_goal(one, who, who["kinds"][0], words=f"{number} " + "x" * 1900)
            if answer.status == 503:
                refused = answer
                break
        office.start_worker()
        read = one.see("/runs/")
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            (during,) = console.told(STANDING)
            if during["attempts"]:
                break
            time.sleep(0.3)
        time.sleep(1)
        (during,) = console.told(STANDING)
        office.kill_worker()
        # There is room again, and the claim of the worker that failed has lapsed.
        office.settings = "cstiers.settings"
        office.lapse(console)
        office.start_worker()
        (after,) = console.told(
            f"for run in RetierRun.objects.filter(pk__gt=1):\n    wait(run, 'proposed', 'awaiting_approval', 'stale')\n{STANDING}"
        )
    print(f"Full disk: during {during}, after {after}")
    assert refused is not None
    assert "The storage is full" in refused.text
    assert refused.retry_after == "300"
    assert read.status == 200
    assert (during["status"], during["attempts"]) == ("computing", 1)
    # Its claim lapses meanwhile, since nothing can be written to keep it; all else is as it should be.
    assert [fault for fault in during["faults"] if "without a live lease" not in fault] == []
    assert after["status"] in ("proposed", "awaiting_approval")
    assert after["faults"] == []
