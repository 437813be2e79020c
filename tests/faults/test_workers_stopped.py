"""Workers that are told to end (a deploy), and workers that stand still: the run is whole in the end.

A frozen worker loses its claim; when it wakes up, whatever it still writes changes nothing.
`CSTIERS_ROUNDS` (default 5; `make prove` takes 100) gives the number of rounds.
"""

import os
import random
import signal
import time

import pytest

from tests.faults.fleet import Fleet, Yard, until
from tests.faults.killing import same

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PROVING = ROUNDS >= 20
CUSTOMERS = 10_000 if PROVING else 400
DEPLOYS = ROUNDS // 10 if PROVING else 1
FREEZES = ROUNDS // 10 if PROVING else 2
AWAKE_SECONDS = 2.0  # time for a worker that wakes up to do harm
RUN = "allocation.RetierRun"

pytestmark = pytest.mark.journey


def proposed(ours: Fleet, calm: Fleet, number: int) -> tuple[int, dict[str, float]]:
    """A run that is proposed in ours, and applied already in the undisturbed installation."""
    for fleet in (ours, calm):
        fleet.call("edit", number)
    took = calm.call("calm_run", number)
    run: int = ours.call("queue_run")
    ours.wait(RUN, run, ["proposed"])
    ours.call("edit_after_snapshot", number)
    return run, took


def begun(ours: Fleet, run: int) -> int:
    """The process that works on the run, once there is one; 0 when the run was applied before anybody could look."""
    found = [0]

    def there() -> bool:
        state = ours.call("state", RUN, run)
        found[0] = ours.runner(state) or 0
        return bool(found[0] or state["status"] == "applied")

    until(there, seconds=60, what=lambda: f"{ours.call('state', RUN, run)} {ours.dead()}", pause=0.005)
    return found[0]


@pytest.mark.proof
def test_a_worker_told_to_end_while_it_applies_leaves_a_run_that_goes_on(yard: Yard) -> None:
    """By turns only the worker is told, and everything it started as well (as service managers do)."""
    chance, states = random.Random(81), []
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=1)
        for number in range(1, DEPLOYS + 1):
            run, took = proposed(ours, calm, number)
            ours.call("apply_run", run)
            begun(ours, run)
            time.sleep(chance.uniform(0, took["apply"]))
            worker = ours.workers.pop("w1")
            if number % 2:
                os.killpg(worker.pid, signal.SIGTERM)
            else:
                worker.send_signal(signal.SIGTERM)
            worker.wait(45)
            states.append(ours.call("state", RUN, run)["status"])
            ours.start_worker("w1")
            ours.wait(RUN, run, ["applied"])
            same(ours, calm)
        print(f"\n{CUSTOMERS} customers, seed 81: {DEPLOYS} deploys left runs {states}; afterwards 0 differ")


@pytest.mark.postgres
def test_a_frozen_worker_that_wakes_up_changes_nothing_of_what_another_took_over(yard: Yard) -> None:
    chance, pieces = random.Random(82), []
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        number = 0
        while len(pieces) < FREEZES:
            number += 1
            run, took = proposed(ours, calm, number)
            ours.call("apply_run", run)
            runner = begun(ours, run)
            name = ours.worker_of(runner) if runner else None
            assert name is not None or ours.call("state", RUN, run)["status"] == "applied"
            time.sleep(chance.uniform(0, took["apply"] / 2))
            if name is None:
                continue
            ours.signal_worker(name, signal.SIGSTOP)
            try:
                frozen = ours.call("state", RUN, run)
                after = ours.wait(RUN, run, ["applied"])
                taken_over = after["fence"] > frozen["fence"]
            finally:
                ours.signal_worker(name, signal.SIGCONT)
            if taken_over:
                pieces.append(f"{frozen['status']} {frozen['done']}")
            time.sleep(AWAKE_SECONDS)
            assert ours.call("state", RUN, run) == after
            same(ours, calm)
        print(
            f"\n{CUSTOMERS} customers, seed 82: {len(pieces)} of {number} frozen workers were overtaken "
            f"({', '.join(pieces)} customers done); 0 differ after they woke up"
        )
