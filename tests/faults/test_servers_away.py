"""Redis stopped, emptied or frozen, PostgreSQL cut off in the middle: work resumes by itself, nothing is lost or doubled.

Nobody starts a worker or a beat again here: they have to come through by themselves. `CSTIERS_ROUNDS` (default 5;
`make prove` takes 100) gives how often PostgreSQL is cut off and Redis is stopped.
"""

import math
import os
import random
import time

import pytest

from benchmarks.servers import Postgres, Redis
from tests.faults.fleet import SWEEP_SECONDS, Fleet, Yard, until
from tests.faults.killing import same

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PROVING = ROUNDS >= 20
CUSTOMERS = 10_000 if PROVING else 400
CUTS = ROUNDS // 5 if PROVING else 2  # in all
CUTS_OF_A_PIECE = 2  # the runner gives up after five attempts, and each rests longer
STOPS = ROUNDS // 10 if PROVING else 1
MARGIN_SECONDS = 30.0
PAGE_SECONDS, PAGE_SECONDS_FROZEN = 3, 5
SMALL = 400
RUN = "allocation.RetierRun"

pytestmark = [pytest.mark.journey, pytest.mark.postgres]

Servers = tuple[Postgres, Redis]


def test_a_run_started_while_redis_is_away_waits_and_is_done_when_it_is_back(
    yard: Yard, servers: Servers
) -> None:
    _, redis = servers
    with yard.fleet(customers=SMALL) as ours:
        ours.begin(workers=1)
        worst = 0.0
        for _ in range(STOPS):
            redis.stop()
            try:
                answer = ours.call("press_start")
                assert (answer["status"], ours.call("state", RUN, answer["run"])["status"]) == (302, "queued")
                assert answer["seconds"] < PAGE_SECONDS
            finally:
                redis.start()
            ours.wait(RUN, answer["run"], ["proposed"], seconds=SWEEP_SECONDS + MARGIN_SECONDS)
            worst = max(worst, answer["seconds"])
        assert ours.dead() == []
        print(f"\n{STOPS} times without Redis: the page answered within {worst:.2f} s, all runs done")


@pytest.mark.proof
def test_a_frozen_redis_holds_no_page_up(yard: Yard, servers: Servers) -> None:
    _, redis = servers
    with yard.fleet(customers=SMALL) as ours:
        ours.begin(workers=1)
        ours.wait(RUN, ours.call("queue_run"), ["proposed"])  # the worker is up
        redis.freeze()
        try:
            answer = ours.call("press_start")
            assert answer["status"] == 302
            assert answer["seconds"] < PAGE_SECONDS_FROZEN
        finally:
            redis.thaw()
        ours.wait(RUN, answer["run"], ["proposed"], seconds=SWEEP_SECONDS + MARGIN_SECONDS)
        assert ours.dead() == []
        print(f"\nWith Redis frozen the page answered within {answer['seconds']:.2f} s")


@pytest.mark.proof
def test_five_pieces_of_work_that_redis_forgot_are_all_done(yard: Yard, servers: Servers) -> None:
    _, redis = servers
    with yard.fleet(customers=SMALL) as ours:
        five = ours.call("queue_five")
        assert ours.call("waiting_messages") >= len(five)
        redis.stop()
        redis.start()
        assert ours.call("waiting_messages") == 0
        ours.begin(workers=2)
        for model, pk, ends in five:
            ours.wait(model, pk, [ends])
        assert ours.call("wrong") == []
        print(f"\n{len(five)} of {len(five)} pieces of work done after Redis forgot them")


def cut_off(ours: Fleet, postgres: Postgres, chance: random.Random, pk: int, ends: str, span: float) -> str:
    """Cut PostgreSQL off at a moment of the work, and start it again; gives what it hit."""

    def begun() -> bool:
        state = ours.call("state", RUN, pk)
        return bool(state["status"] == ends or (state["working"] and ours.runner(state)))

    def hurry() -> bool:
        ours.call("end_rests")
        return begun()

    until(hurry, seconds=MARGIN_SECONDS * 2, what=lambda: f"{ours.call('state', RUN, pk)}", pause=0.02)
    time.sleep(chance.uniform(0, span))
    status: str = ours.call("state", RUN, pk)["status"]
    postgres.stop(at_once=True)
    time.sleep(chance.uniform(0, 1.5))
    postgres.start()
    return status


def finish(ours: Fleet, pk: int, ends: str) -> None:
    """The run comes to its end by itself, but for the minutes it would rest."""

    def ended() -> bool:
        ours.call("end_rests")
        state = ours.call("state", RUN, pk)
        assert state["status"] != "failed", state
        return bool(state["status"] == ends)

    until(
        ended,
        seconds=MARGIN_SECONDS * 3,
        what=lambda: f"{ours.call('state', RUN, pk)} {ours.dead()}",
        pause=0.1,
    )


def test_runs_go_on_where_postgresql_was_cut_off_and_came_back(yard: Yard, servers: Servers) -> None:
    postgres, _ = servers
    chance, hits = random.Random(71), []
    with yard.fleet(customers=CUSTOMERS) as ours, yard.fleet(customers=CUSTOMERS) as calm:
        ours.begin(workers=2)
        each = min(CUTS_OF_A_PIECE, math.ceil(CUTS / 2))
        number = 0
        while len(hits) < CUTS:
            number += 1
            for fleet in (ours, calm):
                fleet.call("edit", number)
            took = calm.call("calm_run", number)
            run = ours.call("queue_run")
            hits += [cut_off(ours, postgres, chance, run, "proposed", took["propose"]) for _ in range(each)]
            finish(ours, run, "proposed")
            ours.call("edit_after_snapshot", number)
            ours.call("apply_run", run)
            hits += [cut_off(ours, postgres, chance, run, "applied", took["apply"]) for _ in range(each)]
            finish(ours, run, "applied")
            assert ours.call("doubled_holdings", run) == 0
            same(ours, calm)
        print(
            f"\n{CUSTOMERS} customers, seed 71: PostgreSQL cut off {len(hits)} times "
            f"({', '.join(f'{hits.count(hit)} {hit}' for hit in sorted(set(hits)))}) in {number} runs: 0 differ"
        )
