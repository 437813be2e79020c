"""Moves that wait for open seats, and those that need the room which they would have made."""

from __future__ import annotations

from typing import Any

import pytest

from allocation.engine.books import propose_books
from allocation.engine.books_review import newly_broken, review_desk
from allocation.engine.books_waiting import Waiting, waiting_for_seats
from allocation.engine.facts.books import BookPolicy
from tests.engine.books_cast import company, csm
from tests.engine.test_headcount_seats import asked_for, generated, with_seats

POLICY = BookPolicy()


def waiting(rows: list[dict[str, Any]], csms: list[Any], moves: dict[str, str]) -> tuple[Waiting, ...]:
    return waiting_for_seats(desk=review_desk(facts=company(rows, csms), policy=POLICY), moves=moves)


def test_a_move_to_a_seat_waits_and_one_to_somebody_who_is_there_does_not() -> None:
    rows = [{"id": "a"}, {"id": "b"}]
    found = waiting(rows, [csm("ada"), csm("seat", is_seat=True)], {"a": "seat", "b": "ada"})
    assert found == (Waiting("a", seat="Seat"),)


def test_who_needs_the_room_waits_too_along_the_chain() -> None:
    """Each book is full: a goes from Ada to the seat, b from Ben to Ada, c from Cy to Ben, d to Cy."""
    full = {"minutes": 100 * 60}
    rows = [
        {"id": "a", "csm": "ada", **full},
        {"id": "b", "csm": "ben", **full},
        {"id": "c", "csm": "cy", **full},
        {"id": "d", **full},
    ]
    csms = [csm("ada"), csm("ben"), csm("cy"), csm("seat", is_seat=True)]
    found = waiting(rows, csms, {"a": "seat", "b": "ada", "c": "ben", "d": "cy"})
    assert found == (
        Waiting("a", seat="Seat"),
        Waiting("b", csm="Ada"),
        Waiting("c", csm="Ben"),
        Waiting("d", csm="Cy"),
    )


def test_who_finds_room_all_the_same_goes() -> None:
    rows = [{"id": "a", "csm": "ada"}, {"id": "b", "csm": "ben"}]
    found = waiting(rows, [csm("ada"), csm("ben"), csm("seat", is_seat=True)], {"a": "seat", "b": "ada"})
    assert [one.external_id for one in found] == ["a"]


def test_who_has_nobody_is_the_last_to_wait() -> None:
    rows = [
        {"id": "a", "csm": "ada", "minutes": 100 * 60},
        {"id": "new", "minutes": 28 * 60},
        {"id": "b", "csm": "ben", "minutes": 20 * 60},
    ]
    csms = [csm("ada"), csm("ben"), csm("seat", is_seat=True)]
    found = waiting(rows, csms, {"a": "seat", "new": "ada", "b": "ada"})
    assert [one.external_id for one in found] == ["a", "b"]


def test_without_a_seat_nothing_waits() -> None:
    rows = [{"id": "a", "csm": "ada"}]
    assert waiting(rows, [csm("ada"), csm("ben")], {"a": "ben"}) == ()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_left_of_a_plan_breaks_no_limit(seed: int) -> None:
    facts = generated(seed, customers=150, csms=6, minutes=(100, 800), held=0.7)
    policy = BookPolicy(search_iterations=50, max_moves_pct=20, max_moves_arr_pct=100)
    complete = with_seats(facts, asked_for(facts, policy))
    plan = propose_books(facts=complete, policy=policy, seed=seed)
    desk = review_desk(facts=complete, policy=policy)
    moves = {move.external_id: move.to_csm for move in plan.moves}
    found = {one.external_id for one in waiting_for_seats(desk=desk, moves=moves)}
    seats = {one.key for one in complete.csms if one.is_seat}
    assert {name for name, to in moves.items() if to in seats} <= found
    left = desk.seats({name: to for name, to in moves.items() if name not in found})
    assert not {desk.csms[seat].key for seat in left if seat >= 0} & seats
    broken = newly_broken(desk=desk, before=desk.current, after=left)
    assert not [one for one in broken if one.kind in ("cap", "hours", "full")]
