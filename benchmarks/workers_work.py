"""The child of the workers benchmark: the same plan by real worker processes, and by this process alone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.filled import installed
from benchmarks.isolation import Emit, clock
from benchmarks.planning_work import digest_of_stored
from cstiers.processes import start, stop, wait_until

ALONE = 0
LOOK_SECONDS = 0.05
ROOT = Path(__file__).resolve().parents[1]


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``plans``: worker processes (0: none, in this process), seconds, digest, and how many processes had a part in it."""
    os.environ |= {"REDIS_URL": job["redis_url"], "PLAN_THREADS": "1"}
    installed(job)
    turns = (ALONE, *job["processes"]) * job["rounds"]
    with clock(emit):
        plans = [_alone() if processes == ALONE else _by_workers(job, processes) for processes in turns]
    return {"plans": plans, "faults": faults_of(plans)}


def faults_of(plans: list[dict[str, Any]]) -> list[str]:
    """Each plan that is another one than that of this process."""
    wanted = plans[0]["digest"]
    return [
        f"{plan['processes']} worker processes: another plan than that of one process."
        for plan in plans
        if plan["digest"] != wanted
    ]


def _alone() -> dict[str, Any]:
    from django.utils import timezone

    from allocation.services import planning

    today = timezone.localdate()
    plan = planning.queue_plan(as_of=today, seed=1, actor=None)
    begun = time.perf_counter()
    cpu = time.process_time()
    planning.propose_plan(plan_id=plan.pk, owner="bench", on=today, at=timezone.now())
    return _told(ALONE, plan.pk, time.perf_counter() - begun, [time.process_time() - cpu])


def _by_workers(job: Mapping[str, Any], processes: int) -> dict[str, Any]:
    """As the page does: the row is written, the bell rung, and any of the processes takes it up."""
    from django.utils import timezone

    from allocation.models import BookPlan, PlanPiece
    from allocation.services import planning
    from allocation.tasks.bell import ring
    from allocation.tasks.planning import propose_book_plan

    with _workers(Path(job["folder"]), processes):
        plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=None)
        seen: set[str] = set()
        begun, ends = time.perf_counter(), time.perf_counter() + job["limit"]
        ring(propose_book_plan, plan_id=plan.pk)
        while (status := BookPlan.objects.values_list("status", flat=True).get(pk=plan.pk)) in (
            "queued",
            "computing",
        ):
            if time.perf_counter() > ends:
                raise TimeoutError(f"The plan is still {status} after {job['limit']:.0f} s.")
            seen |= set(PlanPiece.objects.exclude(claimed_by="").values_list("claimed_by", flat=True))
            time.sleep(LOOK_SECONDS)
            seen |= set(
                BookPlan.objects.filter(pk=plan.pk)
                .exclude(claimed_by="")
                .values_list("claimed_by", flat=True)
            )
        seconds = time.perf_counter() - begun
        worked = [processor_seconds(pid) for pid in {int(name.split(":")[1]) for name in seen}]
    return _told(processes, plan.pk, seconds, worked)


@contextmanager
def _workers(folder: Path, processes: int) -> Iterator[None]:
    """One worker with so many processes of its own, ready for work; ended afterwards."""
    from django.utils import timezone

    from allocation.models import Pulse

    log = folder / f"worker-{processes}.log"
    command = [sys.executable, "-m", "celery", "--app", "cstiers", "--workdir", str(ROOT), "worker"]
    begun = timezone.now()
    child = start(
        [*command, "--concurrency", str(processes), "--without-gossip", "--without-mingle"], log=log
    )
    try:
        wait_until(
            lambda: Pulse.objects.filter(part="worker", at__gt=begun).exists(),
            what="The worker",
            child=child,
            log=log,
            seconds=120,
        )
        yield
    finally:
        stop(child)


def processor_seconds(pid: int) -> float:
    """Of a process of this machine since it began; 0 where that is not told, or it is gone."""
    with suppress(OSError):
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _told(processes: int, plan_id: int, seconds: float, worked: list[float]) -> dict[str, Any]:
    """``worked``: processor seconds of each process that had a part."""
    from allocation.services import planning

    digest = digest_of_stored(plan_id)
    planning.discard_plan(plan_id=plan_id, actor=None)
    return {
        "processes": processes,
        "seconds": seconds,
        "digest": digest,
        "at_work": len(worked),
        "cpu": sum(worked),
        "busiest": max(worked, default=0.0),
    }
