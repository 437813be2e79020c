"""Killing a fleet's workers at random moments of a piece of work, and keeping count of where it hit."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.fleet import PATIENCE_SECONDS, Fleet, until

KILLS_OF_A_PIECE = 3  # the sweep gives up after five attempts
COLD = 0.15  # share of kills that do not wait for the work to begin


def same(ours: Fleet, calm: Fleet, *, but: Collection[str] = ()) -> None:
    """Nothing is wrong, and all tables tell the same as in the undisturbed installation; nobody died by himself."""
    assert ours.call("wrong") == []
    found, wanted = ours.call("outcome"), calm.call("outcome")
    differ = [
        f"{name}: {rows} instead of {wanted[name]}"
        for name, rows in found.items()
        if rows != wanted[name] and name not in but
    ]
    assert differ == [], differ
    assert ours.dead() == []


@dataclass
class Killer:
    """Kills by turns the whole worker (all its processes) and only the process that works."""

    fleet: Fleet
    seed: int
    hits: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def disturb(self, model: str, pk: int, *, piece: str, ends: str, seconds: float, kills: int) -> None:
        """Kill `kills` times at moments within `seconds` of the begin of the work; return when it came to its end."""
        for _ in range(min(kills, KILLS_OF_A_PIECE)):
            self._wait_for_a_moment(model, pk, ends, seconds)
            self._kill(model, pk, piece)
        self.fleet.wait(model, pk, [ends])

    def _wait_for_a_moment(self, model: str, pk: int, ends: str, seconds: float) -> None:
        if self.chance.random() >= COLD:
            state = self.fleet.call("state", model, pk)
            fence = state["fence"]

            def begun() -> bool:
                now = self.fleet.call("state", model, pk)
                return bool(now["status"] == ends or (now["working"] and self._is_alive(now, fence)))

            until(
                begun,
                seconds=PATIENCE_SECONDS,
                what=lambda: f"{self.fleet.call('state', model, pk)} {self.fleet.dead()}",
                pause=0.005,
            )
        time.sleep(self.chance.uniform(0, seconds))

    def _is_alive(self, state: dict, fence: int) -> bool:
        """Somebody works on it now: a process of ours has it, or (imports keep no process) it was claimed since."""
        return self.fleet.runner(state) is not None or state["fence"] > fence

    def _kill(self, model: str, pk: int, piece: str) -> None:
        self.killed += 1
        state = self.fleet.call("state", model, pk)
        runner = self.fleet.runner(state)
        moment = f"{piece}: {state['status']}"
        if self.killed % 2 and runner is not None:
            with suppress(ProcessLookupError):
                os.kill(runner, signal.SIGKILL)
            self.hits[f"{moment}, its process"] += 1
            return
        name = (runner and self.fleet.worker_of(runner)) or self.chance.choice(sorted(self.fleet.workers))
        self.fleet.kill_worker(name)
        self.fleet.start_worker(name)
        self.hits[f"{moment}, a worker"] += 1

    def told(self) -> str:
        """The count of hits, for people."""
        lines = "\n".join(f"  {count:4d}  {what}" for what, count in sorted(self.hits.items()))
        return f"seed {self.seed}: {self.killed} kills\n{lines}"
