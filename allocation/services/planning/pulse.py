"""Signs of life and progress of a plan while it is computed, and what its runner hears meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import get_ident
from typing import TypeVar

from accounts.querysets.jobs import CancelAsked
from allocation.models import BookPlan

BEAT_SECONDS = 2.0

Stop = Callable[[], bool]
One = TypeVar("One")
Done = TypeVar("Done")


@dataclass(slots=True)
class Pulse:
    """Progress and heartbeat while the engine works; ``lost`` when another runner has the plan."""

    plan_id: int
    fence: int
    should_stop: Stop | None
    done: int = 0
    total: int = 0
    lost: bool = False
    cancelled: bool = False
    stopped: bool = False
    beaten: float = field(default_factory=time.monotonic)
    thread: int = field(default_factory=get_ident)

    def progress(self, done: int, total: int) -> None:
        """Say how far the search is."""
        self.done, self.total = done, total
        self.beat()

    def stop(self) -> bool:
        """Asked on the threads that work as well: there it looks, and leaves the database alone."""
        if get_ident() == self.thread:
            self.beat()
        return self.lost or self.stopped or bool(self.should_stop and self.should_stop())

    def beat(self) -> None:
        """Where it is time for it."""
        # Pacing only: how often it beats decides nothing about the plan.
        if not self.lost and time.monotonic() - self.beaten >= BEAT_SECONDS:
            self.look()

    def look(self) -> bool:
        """Beat, and hear what people want of the plan. False: the claim is lost, or the plan is not wanted any more."""
        self.beaten = time.monotonic()
        try:
            self.lost = self.lost or not BookPlan.objects.heartbeat(
                self.plan_id,
                fence=self.fence,
                done=self.done,
                total=self.total,
                message="Looking for a better plan",
            )
        except CancelAsked:
            # The search is told by its answer: a solver may be what asks, and swallows what is raised there.
            self.lost = self.cancelled = True
        asked = BookPlan.objects.filter(pk=self.plan_id, stop_asked_at__isnull=False)
        self.stopped = self.stopped or asked.exists()
        return not self.lost


def on_threads(
    threads: ThreadPoolExecutor, pulse: Pulse, function: Callable[[One], Done], items: Sequence[One]
) -> list[Done]:
    """Several groups of books at once (the solver lets go of the interpreter); this thread keeps the claim meanwhile."""
    jobs = [threads.submit(function, item) for item in items]
    waiting = set(jobs)
    while waiting:
        _, waiting = wait(waiting, timeout=BEAT_SECONDS / 2)
        pulse.beat()
    return [job.result() for job in jobs]
