"""Planning by hand: within every limit, keeping owners, each by its own rule."""

import numpy as np
import pytest

from benchmarks.companies import FAMILIES, company
from benchmarks.evaluator import broken_limits, objective
from benchmarks.references import REFERENCES, greedy, least_busy, round_robin
from benchmarks.sheet import Sheet
from tests.benchmarks import tiny
from tests.engine.books_cast import company as facts_of
from tests.engine.books_cast import csm


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", REFERENCES)
def test_references_break_no_limit_and_keep_every_owner(family, name):
    made = company(family=family, customers=400, csms=12, seed=2)
    sheet = Sheet(made.facts, made.policy)
    seats = REFERENCES[name](sheet)
    assert broken_limits(sheet, seats) == []
    assert np.array_equal(seats[sheet.home], sheet.current[sheet.home])
    assert (seats >= 0).all()


def test_greedy_takes_the_seat_where_the_objective_rises_least():
    sheet = tiny.sheet()
    seats = greedy(sheet)
    # Its last customer is its smallest: no other seat for it would have been better.
    last = 2
    for csm_at in range(3):
        other = seats.copy()
        other[last] = csm_at
        if not broken_limits(sheet, other):
            assert objective(sheet, seats) <= objective(sheet, other) + 1e-9


def three(minutes):
    """Three CSMs with 600, 300 and 300 minutes, the first holding 300 already."""
    rows = [{"csm": "a", "minutes": 300}, *({"minutes": asked} for asked in minutes)]
    csms = [csm("a", capacity_minutes=600), csm("b", capacity_minutes=300), csm("c", capacity_minutes=300)]
    return Sheet(facts_of(rows, csms), tiny.POLICY)


def test_least_busy_goes_by_the_share_of_hours_taken():
    # 90 to b (0 %), 80 to c (0 %); now a 50 %, b 30 %, c 27 %: 70 to c (50 %), 60 to b (50 %), then a is first.
    assert list(least_busy(three([90, 80, 70, 60, 50]))) == [0, 1, 2, 2, 1, 0]


def test_round_robin_goes_on_where_it_stopped_and_passes_who_is_full():
    # 280 to a, 270 to b, 260 to c, all full but for 20, 30 and 40: 40 only fits c, 25 then b (after c comes a, who is full).
    assert list(round_robin(three([280, 270, 260, 40, 25]))) == [0, 0, 1, 2, 2, 1]


def test_who_finds_no_room_stays_with_nobody():
    for plan in REFERENCES.values():
        assert list(plan(three([301, 301]))) == [0, -1, -1]
