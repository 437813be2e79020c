"""kill -9 of real workers at random moments: what was begun ends as if nobody had been killed.

The same work is done in two copies of one company: in one by workers that are killed, by turns the whole worker and only
the process that works; in the other by nobody's hindrance. Afterwards nobody can tell the two apart.
`CSTIERS_ROUNDS` (default 5; `make prove` takes 100) gives the number of kills and the size of the company.
"""

import math
import os

import pytest

from tests.faults.fleet import Fleet, Yard
from tests.faults.killing import KILLS_OF_A_PIECE, Killer

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PROVING = ROUNDS > 20
CUSTOMERS = 10_000 if PROVING else 1_200
CUSTOMERS_OF_PLANS = 400  # a plan of 10 000 takes half a minute
KILLS = ROUNDS // 2 if PROVING else 4
SLOWER = 1.3  # a worker beside another, against the undisturbed one

pytestmark = pytest.mark.journey


def same(ours: Fleet, calm: Fleet) -> None:
    """Nothing is wrong, and all tables tell the same as in the undisturbed installation."""
    assert ours.call("wrong") == []
    assert ours.call("outcome") == calm.call("outcome")
    assert ours.dead() == []


def test_runs_whose_workers_are_killed_end_like_undisturbed_ones(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        killer = Killer(ours, seed=61)
        for number in range(1, math.ceil(KILLS / (2 * KILLS_OF_A_PIECE - 2)) + 1):
            for fleet in (ours, calm):
                fleet.call("edit", number)
            took = calm.call("calm_run", number)
            for piece in took:
                took[piece] *= SLOWER
            run = ours.call("queue_run")
            half = KILLS_OF_A_PIECE - 1
            killer.disturb(
                "allocation.RetierRun",
                run,
                piece="propose",
                ends="proposed",
                seconds=took["propose"],
                kills=half,
            )
            ours.call("edit_after_snapshot", number)
            ours.call("apply_run", run)
            killer.disturb(
                "allocation.RetierRun", run, piece="apply", ends="applied", seconds=took["apply"], kills=half
            )
            same(ours, calm)
            assert ours.call("doubled_holdings", run) == 0
        print(
            f"\n{CUSTOMERS} customers, {number} runs, {killer.told()}\n  0 runs differ from undisturbed ones"
        )
        assert killer.killed >= KILLS
