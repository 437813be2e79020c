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
from tests.engine.books_cast import GLOBAL, SCALE, check_laws, company, csm

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


def test_nobody_is_asked_for_where_everybody_has_a_place() -> None:
    facts = company([{"csm": "ada"}, {"minutes": 60}], [csm("ada")])
    found = asked_for(facts, BookPolicy())
    assert (found.seats, found.waiting, found.placed) == ((), 1, 1)


def test_an_empty_company_asks_for_nobody() -> None:
    assert asked_for(company([], []), BookPolicy()).seats == ()


def test_seats_that_are_open_already_are_not_asked_for_again() -> None:
    facts = generated(1, customers=160, csms=6, minutes=(120, 900), held=0.5)
    policy = BookPolicy(country_law=True)
    found = asked_for(facts, policy)
    assert found.seats
    assert asked_for(with_seats(facts, found), policy).seats == ()


def test_a_cap_of_0_and_more_hours_than_a_head_has_are_helped_by_no_seat() -> None:
    shut = replace(GLOBAL, cap=0)
    rows = [
        {"id": "shut", "tier": "global"},
        {"id": "huge", "minutes": HEAD + 1},
        {"id": "large", "minutes": HEAD},
    ]
    facts = company(rows, [], [shut, SCALE])
    found = seats_asked(facts=facts, policy=BookPolicy(), head_minutes=HEAD)
    assert [(one.customers, one.minutes) for one in found.seats] == [(1, HEAD)]
    assert {one.external_id: one.reason for one in found.no_help} == {
        "shut": "The cap of tier Global is 0: nobody may hold it, however many are hired.",
        "huge": "It asks 128.0 hours a month, more than the 128.0 net hours of a whole head.",
    }


def test_customers_do_not_divide_so_more_seats_are_asked_for_than_hours_say() -> None:
    # Three of 70 hours each: 210 ÷ 128 = 1.64 heads, but no two of them share one.
    rows = [{"minutes": 70 * 60} for _ in range(3)]
    assert len(asked_for(company(rows, []), BookPolicy()).seats) == 3


def test_a_cap_bounds_a_seat_tier_by_tier() -> None:
    # Six Global (cap 6) and forty Scale (cap 40) fit one seat; one Global more does not.
    rows = [{"tier": "global", "minutes": 60}] * 6 + [{"tier": "scale", "minutes": 60}] * 40
    policy = BookPolicy()
    assert len(asked_for(company(rows, []), policy).seats) == 1
    assert len(asked_for(company([*rows, {"tier": "global", "minutes": 60}], []), policy).seats) == 2


def test_half_empty_seats_become_one_and_countries_only_where_somebody_covers_them_together() -> None:
    people = [
        csm("tel", verticals=["Telco"], capacity_minutes=1),
        csm("ban", verticals=["Bank"], capacity_minutes=1),
    ]
    rows = [{"vertical": "Telco", "country": "Spain"}, {"vertical": "Bank", "country": "Spain"}]
    (one,) = asked_for(company(rows, people), BookPolicy(vertical_fit="hard")).seats
    assert (one.label, one.verticals, one.countries) == ("Bank, Telco", ("Bank", "Telco"), ())
    rows[1]["country"] = "Brazil"
    law = BookPolicy(vertical_fit="hard", country_law=True)
    apart = asked_for(company(rows, people), law).seats
    assert [(one.label, one.countries) for one in apart] == [
        ("Bank · Brazil", ("Brazil",)),
        ("Telco · Spain", ("Spain",)),
    ]
    people[0] = replace(people[0], countries=frozenset({"Spain", "Brazil", "Chile"}), accepting=False)
    (both,) = asked_for(company(rows, people), law).seats
    assert (both.label, both.countries) == ("Bank, Telco · Brazil · Spain", ("Brazil", "Spain"))


def test_a_seat_is_able_for_what_its_customers_need_under_the_policy() -> None:
    rows = [
        {"region": "EMEA", "language": "Spanish", "products": {"Core"}, "country": "Spain"},
        {"region": "", "language": "English", "products": {"Plus"}, "country": "Spain"},
    ]
    (one,) = asked_for(company(rows, []), BookPolicy(product_fit="hard")).seats
    assert (one.verticals, one.regions, one.languages, one.products, one.countries) == (
        (), ("EMEA",), ("English", "Spanish"), ("Core", "Plus"), (),
    )  # fmt: skip
    ignoring = BookPolicy(region_fit="ignore", language_fit="ignore")
    (one,) = asked_for(company(rows, []), ignoring).seats
    assert (one.regions, one.languages, one.products) == ((), (), ())


def test_from_a_book_over_its_limits_so_many_wait_as_it_takes_and_never_one_that_is_held() -> None:
    # 128 hours there; 3 × 50 asked. The held one stays, one of the others waits.
    rows = [
        {"id": name, "minutes": 3000, "csm": "ada", "hold": hold}
        for name, hold in (("a", ""), ("b", "x"), ("c", ""))
    ]
    found = asked_for(company(rows, [csm("ada")]), BookPolicy())
    assert (found.waiting, [one.customers for one in found.seats]) == (1, [1])
    # Seven Global at a cap of six: the smallest waits, though the hours are there.
    over = [{"id": f"g{n}", "tier": "global", "minutes": 10 + n, "csm": "ada"} for n in range(7)]
    found = asked_for(company(over, [csm("ada")]), BookPolicy())
    assert [(one.customers, one.minutes) for one in found.seats] == [(1, 10)]


def test_the_book_of_who_leaves_needs_a_place() -> None:
    rows = [{"csm": "lea"}] * 3
    assert asked_for(company(rows, [csm("lea", leaving="soon")]), BookPolicy()).waiting == 3


def test_hours_that_all_books_lack_ask_for_seats_where_most_is_lacking() -> None:
    """Half a head works 160 hours' worth: nobody waits, and yet heads are lacking."""
    rows = [{"vertical": "Telco", "minutes": 60 * 60, "csm": f"t{n}", "tier": "scale"} for n in range(6)] + [
        {"vertical": "Bank", "minutes": 60, "csm": "bank"}
    ]
    people = [
        csm(f"t{n}", verticals=["Telco"], contract_minutes=40 * 60, capacity_minutes=64 * 60)
        for n in range(6)
    ]
    facts = company(rows, [*people, csm("bank", verticals=["Bank"])])
    found = asked_for(facts, BookPolicy())
    # 361 ÷ 128 = 2.8 heads asked; 1.5 + 1 there.
    assert found.waiting == 0
    assert [(one.label, one.customers) for one in found.seats] == [("Telco", 0)]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_company_asks_for_the_same_seats_in_any_order(seed: int) -> None:
    facts = generated(seed, customers=140, csms=5, minutes=(60, 400), held=0.4)
    policy = BookPolicy(country_law=True)
    turned = replace(facts, csms=facts.csms[::-1])
    assert asked_for(facts, policy).seats == asked_for(turned, policy).seats
