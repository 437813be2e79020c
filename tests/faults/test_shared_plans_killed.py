"""A plan that several workers share, while its workers are killed, its messages lost: the plan that one process finds.

By turns the worker that has the plan is killed (kill -9), one that has a piece of it, and the broker is emptied.
`CSTIERS_ROUNDS` (default 3; `make prove` takes 100) gives the number of plans.
"""

import os
from collections import Counter
from typing import Any

import pytest
from redis import Redis as Broker

from tests.faults.fleet import PATIENCE_SECONDS, Fleet, Yard, until

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "3"))
CUSTOMERS = 1_000
PLAN = "allocation.BookPlan"
WORKERS = 3
SECONDS = 240.0  # a plan of some seconds, on a machine that does other things as well
DISTURBANCES = ("its worker", "a helper", "the messages")

pytestmark = [pytest.mark.journey, pytest.mark.postgres]


def busy(ours: Fleet, plan: int) -> dict[str, Any]:
    """Once others help with the plan; or once it is done."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(ours.call_shared("at_work", plan))
        return bool(found["helpers"]) or found["status"] not in ("queued", "computing")

    until(there, seconds=PATIENCE_SECONDS, what=lambda: f"{found} {ours.dead()}", pause=0.01)
    return found


def disturb(ours: Fleet, plan: int, what: str) -> bool:
    """False: it was done before anything could be done to it."""
    if what == "the messages":
        Broker.from_url(ours.redis_url).flushall()
        return True
    found = busy(ours, plan)
    if not found["helpers"]:
        return False
    name = found["claimed_by"] if what == "its worker" else found["helpers"][0]
    worker = ours.worker_of(int(name.split(":")[1]))
    if worker is None:
        return False
    ours.kill_worker(worker)
    ours.start_worker(worker)
    return True


def test_a_shared_plan_whose_workers_are_killed_is_that_of_one_process(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS, in_pools=True) as ours:
        wanted = ours.call_shared("calm_digest")
        calm = 1
        ours.call_shared("ended", calm)
        ours.begin(workers=WORKERS)
        hits: Counter[str] = Counter()
        for number in range(max(3, ROUNDS)):
            plan, what = ours.call_shared("queue_plan"), DISTURBANCES[number % len(DISTURBANCES)]
            hits[what] += disturb(ours, plan, what)
            ours.wait(PLAN, plan, ["proposed"], seconds=SECONDS)
            assert ours.call_shared("ended", plan) == {"digest": wanted, "repeatable": True, "pieces": 0}
        assert ours.dead() == []
        print(f"\n{CUSTOMERS} customers, {WORKERS} workers: hit {dict(hits)}\n  0 plans differ")
        assert hits["its worker"] and hits["a helper"]


def test_a_shared_plan_that_is_cancelled_leaves_nothing(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS, in_pools=True) as ours:
        ours.open_console()
        ours.begin(workers=WORKERS)
        plan = ours.call_shared("queue_plan")
        busy(ours, plan)
        ours.call_shared("cancel", plan)
        ours.wait(PLAN, plan, ["discarded"])
        until(
            lambda: not ours.call_shared("at_work", plan)["helpers"],
            seconds=PATIENCE_SECONDS,
            what=lambda: str(ours.call_shared("at_work", plan)),
        )
        assert ours.dead() == []
