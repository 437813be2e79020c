"""kill -9 of real workers at random moments: what was begun ends as if nobody had been killed.

The same work is done in two copies of one company: in one by workers that are killed, by turns the whole worker and only
the process that works; in the other by nobody's hindrance. Afterwards nobody can tell the two apart.
`CSTIERS_ROUNDS` (default 5; `make prove` takes 100) gives the number of kills and the size of the company.
"""

import os
import random
import sys
import time

import pytest

from cstiers.processes import start
from tests.faults.fleet import Fleet, Yard, until
from tests.faults.killing import Killer, same

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PROVING = ROUNDS >= 20
CUSTOMERS = 10_000 if PROVING else 400
CUSTOMERS_OF_PLANS = 400  # a plan of 10 000 takes half a minute
MOST_KILLS_OF_CONTROL = 30
KILLS = 2 if PROVING else 1  # of a piece of work
KILLS_OF_RUNS = ROUNDS // 2 if PROVING else 2
KILLS_OF_OTHERS = ROUNDS // 10 if PROVING else 1
SLOWER = 1.3  # a worker beside another, against the undisturbed one
RUN, PLAN, IMPORT = "allocation.RetierRun", "allocation.BookPlan", "accounts.ImportBatch"

pytestmark = pytest.mark.journey


def disturbed_run(ours: Fleet, calm: Fleet, killer: Killer, *, number: int, kills: int) -> int:
    """One run, proposed and applied with `kills` kills in each of the two; gives its id."""
    for fleet in (ours, calm):
        fleet.call("edit", number)
    took = calm.call("calm_run", number)
    run: int = ours.call("queue_run")
    span = took["propose"] * SLOWER
    killer.disturb(RUN, run, piece="propose", ends="proposed", seconds=span, kills=kills)
    ours.call("edit_after_snapshot", number)
    ours.call("apply_run", run)
    killer.disturb(RUN, run, piece="apply", ends="applied", seconds=took["apply"] * SLOWER, kills=kills)
    return run


def test_runs_whose_workers_are_killed_end_like_undisturbed_ones(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        killer, number = Killer(ours, seed=61), 0
        while killer.killed < KILLS_OF_RUNS:
            number += 1
            run = disturbed_run(ours, calm, killer, number=number, kills=KILLS)
            same(ours, calm)
            assert ours.call("doubled_holdings", run) == 0
        rows = ours.call("outcome")["tier ledger"][0]
        print(f"\n{CUSTOMERS} customers, {number} runs, {rows} ledger rows, {killer.told()}\n  0 runs differ")


@pytest.mark.proof
def test_undoing_whose_workers_are_killed_gives_back_like_undisturbed(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        killer, number = Killer(ours, seed=62), 0
        while killer.killed < KILLS_OF_OTHERS:
            number += 1
            run = disturbed_run(ours, calm, killer, number=number, kills=0)
            took = calm.call("calm_undo", run)["undo"] * SLOWER
            ours.call("undo_run", run)
            killer.disturb(RUN, run, piece="undo", ends="undone", seconds=took, kills=KILLS)
            same(ours, calm)
        print(f"\n{CUSTOMERS} customers, {number} undone, {killer.told()}\n  0 differ")


@pytest.mark.proof
def test_book_plans_whose_workers_are_killed_end_like_undisturbed_ones(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS_OF_PLANS) as ours, yard.fleet(customers=CUSTOMERS_OF_PLANS) as calm:
        ours.begin(workers=2)
        killer, number = Killer(ours, seed=63), 0
        while killer.killed < KILLS_OF_OTHERS:
            number += 1
            for fleet in (ours, calm):
                fleet.call("leave_without_csm", number)
            took = calm.call("calm_plan")
            plan = ours.call("queue_plan")
            span = took["propose"] * SLOWER
            killer.disturb(PLAN, plan, piece="propose", ends="proposed", seconds=span, kills=KILLS - 1)
            ours.call("apply_plan", plan)
            killer.disturb(
                PLAN, plan, piece="apply", ends="applied", seconds=took["apply"] * SLOWER, kills=KILLS
            )
            same(ours, calm)
            undo = calm.call("calm_plan_undo", plan)["undo"] * SLOWER
            ours.call("undo_plan", plan)
            killer.disturb(PLAN, plan, piece="undo", ends="undone", seconds=undo, kills=KILLS)
            same(ours, calm)
        moves = ours.call("outcome")["moves"][0]
        assert moves > 0
        print(
            f"\n{CUSTOMERS_OF_PLANS} customers, {number} plans, {moves} moves, {killer.told()}\n  0 plans differ"
        )


def test_imports_whose_workers_are_killed_end_like_undisturbed_ones(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        killer, number = Killer(ours, seed=64), 0
        while killer.killed < KILLS_OF_OTHERS:
            number += 1
            took = calm.call("calm_file", number)
            batch = ours.call("send_file", number)
            span = took["stage"] * SLOWER
            killer.disturb(IMPORT, batch, piece="read", ends="staged", seconds=span, kills=KILLS - 1)
            ours.call("confirm_file", batch)
            killer.disturb(
                IMPORT, batch, piece="apply", ends="applied", seconds=took["apply"] * SLOWER, kills=KILLS
            )
            ours.wait(RUN, ours.call("goals_run_after_file"), ["proposed"])
            # Chunks name customers by their ids, and a writing that was killed used some up.
            same(ours, calm, but=("chunks",))
        print(f"\n{CUSTOMERS} customers, {number} files, {killer.told()}\n  0 files differ")


def test_control_an_applier_without_transaction_and_claim_leaves_customers_half_changed(yard: Yard) -> None:
    """The same kind of kill finds the fault in what is not protected, so the tests above can fail."""
    with yard.fleet(customers=CUSTOMERS_OF_PLANS) as ours:
        ours.call("edit", 1)
        run = ours.call("calm_proposal")
        chance, kills = random.Random(65), 0
        while kills < MOST_KILLS_OF_CONTROL and not ours.call("wrong"):
            child = start(
                [sys.executable, "-m", "tests.faults.naive", str(run)],
                log=ours.folder / "naive.log",
                env=ours.environment,
            )
            before = ours.call("ledger_rows_of", run)
            until(
                lambda before=before, child=child: (
                    child.poll() is not None or ours.call("ledger_rows_of", run) > before
                ),
                seconds=30,
                what=(ours.folder / "naive.log").read_text,
                pause=0.005,
            )
            time.sleep(chance.uniform(0, 0.2))
            assert child.poll() is None, (ours.folder / "naive.log").read_text()
            child.kill()
            child.wait(10)
            kills += 1
        wrong = ours.call("wrong")
        print(f"\nControl, seed 65: after {kills} kills the naive applier left: {wrong}")
        assert wrong
