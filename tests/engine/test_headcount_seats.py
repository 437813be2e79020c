"""Seats that are asked for suffice: the planner seats everybody with them, whatever was short."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from allocation.engine.books import propose_books
from allocation.engine.facts.books import BookFacts, BookPolicy, CsmFacts
from allocation.engine.headcount import EVERY_POOL, head_lines
from allocation.engine.headcount_seats import SeatAsked, SeatsAsked, seats_asked
from tests.engine.books_cast import check_laws, company, csm

HEAD = 128 * 60
VERTICALS = ("Telco", "Finance", "Retail", "")
COUNTRIES = ("Germany", "Spain", "Brazil")


def seat(asked: SeatAsked, number: int, *, head: int = HEAD) -> CsmFacts:
    """As the seat is entered: full time, with the net minutes of a head."""
    return csm(
        f"seat {number}",
        capacity_minutes=head,
        is_seat=True,
        verticals=asked.verticals,
        regions=asked.regions,
        countries=asked.countries,
        languages=asked.languages,
        products=asked.products,
    )


def with_seats(facts: BookFacts, found: SeatsAsked, *, head: int = HEAD) -> BookFacts:
    seats = tuple(seat(asked, number, head=head) for number, asked in enumerate(found.seats, start=1))
    return replace(facts, csms=(*facts.csms, *seats))


def asked_for(facts: BookFacts, policy: BookPolicy, *, head: int = HEAD) -> SeatsAsked:
    lines = head_lines(facts=facts, policy=policy, net_minutes_a_head={EVERY_POOL: head})
    return seats_asked(facts=facts, policy=policy, head_minutes=head, lines=lines)


def generated(seed: int, *, customers: int, csms: int, minutes: tuple[int, int], held: float) -> BookFacts:
    """A company whose people and customers differ in every skill. ``held``: the share of customers in somebody's book."""
    draw = random.Random(seed)
    people = [
        csm(
            f"csm{number}",
            contract_minutes=60 * draw.choice((80, 160, 160)),
            capacity_minutes=60 * draw.choice((40, 100, 128)),
            accepting=draw.random() > 0.1,
            leaving=draw.choice(("no",) * 8 + ("soon", "gone")),
            verticals=draw.choice(((), ("Telco",), ("Finance",), ("Telco", "Retail"))),
            regions=draw.choice(((), ("EMEA",), ("AMER",))),
            countries=draw.sample(COUNTRIES, k=draw.randint(1, 2)),
            languages=draw.choice(((), ("English",), ("English", "Spanish"))),
        )
        for number in range(csms)
    ]
    rows: list[dict[str, Any]] = [
        {
            "tier": draw.choices(("global", "enterprise", "scale", "self"), weights=(1, 3, 8, 1))[0],
            "csm": draw.choice(people).key if draw.random() < held else "",
            "minutes": draw.randint(*minutes),
            "arr": draw.randint(1, 500) * 1000,
            "vertical": draw.choice(VERTICALS),
            "region": draw.choice(("EMEA", "AMER", "")),
            "country": draw.choice((*COUNTRIES, "")),
            "language": draw.choice(("English", "Spanish", "")),
            "products": draw.sample(("Core", "Plus"), k=draw.randint(0, 2)),
            "hold": draw.choice(("",) * 9 + ("renewal",)),
        }
        for _ in range(customers)
    ]
    return company(rows, people)


SHORT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "of hours": ({"customers": 160, "csms": 6, "minutes": (120, 900), "held": 0.5}, {}),
    "of caps": ({"customers": 240, "csms": 4, "minutes": (5, 30), "held": 0.6}, {"vertical_fit": "soft"}),
    "of a vertical that is required": (
        {"customers": 140, "csms": 5, "minutes": (60, 400), "held": 0.4},
        {"vertical_fit": "hard", "region_fit": "hard", "language_fit": "hard", "product_fit": "hard"},
    ),
    "of a country": (
        {"customers": 150, "csms": 5, "minutes": (60, 400), "held": 0.4},
        {"country_law": True, "vertical_fit": "hard"},
    ),
    "of anybody": ({"customers": 90, "csms": 0, "minutes": (60, 400), "held": 0.0}, {"country_law": True}),
}


@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize("seed", range(4))
def test_with_the_seats_that_are_asked_for_the_plan_leaves_nobody_out(short: str, seed: int) -> None:
    shape, rules = SHORT[short]
    if not shape["csms"]:
        shape = {**shape}
    facts = _company(seed, shape)
    policy = BookPolicy(search_iterations=50, max_moves_pct=10, max_moves_arr_pct=10, **rules)
    before = propose_books(facts=facts, policy=policy, seed=seed)
    assert before.unassigned and before.shortages
    found = asked_for(facts, policy)
    assert found.seats and not found.no_help
    complete = with_seats(facts, found)
    after = propose_books(facts=complete, policy=policy, seed=seed)
    check_laws(complete, policy, after)
    assert (after.unassigned, after.shortages) == ((), ())
    assert after.assigned == after.customers


def _company(seed: int, shape: dict[str, Any]) -> BookFacts:
    if shape["csms"]:
        return generated(seed, **shape)
    facts = generated(seed, **{**shape, "csms": 1})
    return replace(facts, csms=())
