"""Two beats, eight schedulers: each time at which work is due is written once and asks for one run.

`CSTIERS_ROUNDS` (default 5; `make prove` takes 100) gives the number of slots.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.fleet import Fleet, Yard, until

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
PROVING = ROUNDS >= 20
SCHEDULERS = 8 if PROVING else 4
SLOTS = 100 if PROVING else 20
EVERY_SECONDS = 0.3  # from slot to slot
TICKS = 3
FIRST = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

pytestmark = [pytest.mark.journey, pytest.mark.postgres]


@contextmanager
def schedulers(ours: Fleet) -> Iterator[list[Fleet]]:
    """Processes of the same installation, each with Django up."""
    heads = [
        Fleet(folder=ours.folder, database_url=ours.database_url, redis_url=ours.redis_url)
        for _ in range(SCHEDULERS)
    ]
    try:
        for head in heads:
            head.open_console()
        for head in heads:
            head.call_timetable("slots")
        yield heads
    finally:
        for head in heads:
            head.close()


def at_once(heads: list[Fleet], function: str, *arguments: object) -> list[int]:
    """What each scheduler gives, all of them begun in the same moment (the last arguments: when, and how fast)."""
    begin = time.time() + 0.5
    with ThreadPoolExecutor(len(heads)) as pool:
        calls = [
            pool.submit(head.call_timetable, function, *arguments, SLOTS, begin, EVERY_SECONDS)
            for head in heads
        ]
        return [call.result() for call in calls]


@pytest.mark.proof
def test_of_many_schedulers_at_once_each_slot_is_written_once_and_asks_for_one_run(yard: Yard) -> None:
    """Where the machine is too slow for this pace a slot is open while the next falls due: that one is marked as missed."""
    with yard.fleet(customers=400) as ours, schedulers(ours) as heads:
        ours.call_timetable("make_hourly", (FIRST - timedelta(minutes=30)).isoformat())
        noted = at_once(heads, "keep_slots", FIRST.isoformat())
        last = FIRST + timedelta(hours=SLOTS - 1)
        noted.append(ours.call_timetable("keep_slots", last.isoformat(), 1, 0.0, 0.0))
        found = ours.call_timetable("slots")
        done = found["done"]
        assert (found["slots"], done + found["missed"]) == (SLOTS, SLOTS)
        assert (sum(noted), found["runs"], found["asked"]) == (done, done, done)
        assert done > SLOTS / 2
        assert ours.call_timetable("refuses_a_second_slot")
        print(f"\n{SCHEDULERS} schedulers at once, {SLOTS} slots: {found}; noted by each: {noted}")


@pytest.mark.proof
def test_control_schedulers_that_look_before_they_write_ask_twice(yard: Yard) -> None:
    with yard.fleet(customers=400) as ours, schedulers(ours) as heads:
        rows = max(at_once(heads, "keep_slots_naively"))
        print(f"\nControl: {SCHEDULERS} schedulers that look first wrote {rows} runs for {SLOTS} slots")
        assert rows > SLOTS


def test_two_real_beats_and_two_workers_ask_for_one_run_an_hour(yard: Yard) -> None:
    """The first look finds two hours or more due: the newest is done, the others are marked as missed."""
    with yard.fleet(customers=400) as ours:
        ours.call_timetable("make_hourly", (datetime.now(UTC) - timedelta(hours=2, minutes=1)).isoformat())
        ours.begin(workers=2, beats=2)
        for tick in range(1, TICKS + 1):

            def done(tick: int = tick) -> bool:
                found = ours.call_timetable("slots")
                return bool(found["done"] >= tick and not found["open"])

            until(done, seconds=60, what=lambda: f"{ours.call_timetable('slots')} {ours.dead()}")
            time.sleep(2.5)  # both beats ring a few times more
            found = ours.call_timetable("slots")
            assert (found["done"], found["runs"], found["asked"]) == (tick, tick, tick)
            assert found["missed"] >= 1
            assert found["failed"] == 0
            if tick < TICKS:
                ours.call_timetable("an_hour_passes")
        assert ours.dead() == []
        print(f"\nTwo beats, two workers, {TICKS} hours: {found}")
