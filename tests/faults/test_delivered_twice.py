"""The same message twice, to two workers, one after the other and at once: the work is done once.

Without PostgreSQL there is one worker and its messages come one after the other; with it two real workers get the two
messages at the same moment. `CSTIERS_ROUNDS` repeats them.
"""

import os
from collections import Counter

import pytest

from tests.faults.fleet import Yard

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "3"))
CUSTOMERS = 400
RUN, PLAN, IMPORT = "allocation.RetierRun", "allocation.BookPlan", "accounts.ImportBatch"
TWICE, THRICE = 2, 3

pytestmark = pytest.mark.journey


def test_a_run_whose_messages_come_twice_is_computed_and_applied_once(yard: Yard) -> None:
    """The fence counts the claims: one for computing, one for applying. The second message to come found nothing to do."""
    with yard.fleet(customers=CUSTOMERS) as ours:
        ours.begin(workers=2)
        heard: Counter[int] = Counter()
        for number in range(1, ROUNDS + 1):
            ours.call("edit", number)
            run = ours.call("queue_run", TWICE)
            assert ours.wait(RUN, run, ["proposed"])["fence"] == 1
            ours.call("apply_run", run, TWICE)
            found = ours.wait(RUN, run, ["applied"])
            assert (found["fence"], found["attempts"]) == (2, 1)
            assert ours.call("doubled_holdings", run) == 0
            ours.call("messages_are_gone")
            assert ours.call("state", RUN, run)["fence"] == found["fence"]
            heard[ours.call("ledger_rows_of", run)] += 1
        assert ours.call("wrong") == []
        assert ours.dead() == []
        print(
            f"\n{ROUNDS} runs, each message twice: computed once, applied once; "
            f"{sum(rows * times for rows, times in heard.items())} ledger rows, none double"
        )


@pytest.mark.proof
def test_files_plans_and_undoings_whose_messages_come_twice_are_done_once(yard: Yard) -> None:
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        calm.call("calm_file", 1)
        batch = ours.call("send_file", 1, TWICE)
        ours.wait(IMPORT, batch, ["staged"])
        ours.call("confirm_file", batch, TWICE)
        assert ours.wait(IMPORT, batch, ["applied"])["fence"] == 2
        ours.wait(RUN, ours.call("goals_run_after_file"), ["proposed"])
        calm.call("calm_plan")
        plan = ours.call("queue_plan", TWICE)
        ours.wait(PLAN, plan, ["proposed"])
        ours.call("apply_plan", plan, TWICE)
        ours.wait(PLAN, plan, ["applied"])
        calm.call("calm_plan_undo", plan)
        ours.call("undo_plan", plan, TWICE)
        assert ours.wait(PLAN, plan, ["undone"])["fence"] == THRICE
        assert ours.call("wrong") == []
        assert ours.call("outcome") == calm.call("outcome")


@pytest.mark.postgres
@pytest.mark.proof
def test_control_without_the_claim_two_workers_compute_the_same_run_twice(yard: Yard) -> None:
    """Two messages do reach two workers at the same moment: with a claim that everybody gets, both do the work."""
    with yard.fleet(customers=CUSTOMERS) as ours:
        ours.app = "tests.faults.unclaimed"
        ours.begin(workers=2)
        ours.call("edit", 1)
        run = ours.call("queue_run", TWICE)
        ours.call("messages_are_gone")
        state = ours.call("state", RUN, run)
        print(f"\nControl: without the claim a run was begun {state['fence']} times")
        assert state["fence"] > 1
