"""Book planning: who gets whom. Every plan made here is also checked against the laws in `books_cast.check_laws`."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from allocation.engine.books import propose_books
from allocation.engine.facts.books import BookPolicy, TierFacts
from tests.engine.books_cast import ALONE, GLOBAL, SCALE, company, counts, csm, customers, plan

HEAVY = 16 * 60  # minutes a month of a Global customer


def test_everybody_gets_one_csm_and_equal_books_stay_even() -> None:
    proposal = plan(company([{}] * 12, [csm("ann"), csm("bob"), csm("cy")]))
    assert counts(proposal) == {"ann": 4, "bob": 4, "cy": 4}
    assert (proposal.customers, proposal.assigned, proposal.unassigned) == (12, 12, ())


def test_self_service_customers_are_in_nobodys_book() -> None:
    rows = [{"tier": "self", "csm": "ann"}, {"tier": "self"}, {}]
    proposal = plan(company(rows, [csm("ann")]))
    assert proposal.assignment == {"c00002": "ann"}
    release = next(move for move in proposal.moves if move.external_id == "c00000")
    assert (release.to_csm, release.kind, release.code) == ("", "forced", "self_service")


def test_customers_without_a_tier_stay_where_they_are() -> None:
    proposal = plan(company([{"tier": "", "csm": "ann"}, {"tier": ""}], [csm("ann"), csm("bob")]))
    assert (proposal.moves, proposal.assignment) == ((), {})
    assert counts(proposal) == {"ann": 1, "bob": 0}
    assert "2 customers have no tier yet" in proposal.notes[0]


def test_current_csms_are_kept() -> None:
    rows = [{"csm": "ann"}] * 3 + [{"csm": "bob"}] * 3
    proposal = plan(company(rows, [csm("ann"), csm("bob")]))
    assert proposal.moves == ()


def test_a_balanced_company_moves_nobody_and_a_second_plan_changes_nothing() -> None:
    facts = random_company(seed=5, held=False)
    first = plan(facts)
    again = replace(
        facts,
        customers=replace(
            facts.customers, csm=tuple(first.assignment[one] for one in facts.customers.external_id)
        ),
    )
    assert plan(again).moves == ()


def test_uneven_books_are_evened_out_within_the_budget() -> None:
    rows = [{"csm": "ann", "minutes": 120}] * 20 + [{"csm": "bob", "minutes": 120}] * 2
    crew = [csm("ann"), csm("bob")]
    free = plan(company(rows, crew), weight_continuity=0.1)
    assert abs(counts(free)["ann"] - counts(free)["bob"]) <= 2
    assert {move.code for move in free.moves} == {"balance"}
    tight = plan(company(rows, crew), weight_continuity=0.1, max_moves_pct=10)
    assert (len(tight.moves), tight.budget.chosen, tight.budget.chosen_limit) == (2, 2, 2)
    assert plan(company(rows, crew), weight_continuity=0.1, max_moves_pct=0).moves == ()


def test_the_arr_budget_binds_as_well() -> None:
    rows = [{"csm": "ann", "minutes": 120, "arr": 1000}] * 10
    proposal = plan(company(rows, [csm("ann"), csm("bob")]), weight_continuity=0.1, max_moves_arr_pct=20)
    assert proposal.budget.chosen == 2


def test_caps_hold_per_csm_and_tier_and_scale_with_part_time() -> None:
    half = csm("ann", contract_minutes=80 * 60, capacity_minutes=64 * 60)
    rows = [{"tier": "global", "minutes": 60}] * 9
    proposal = plan(company(rows, [half, csm("bob")]))
    assert counts(proposal) == {"ann": 3, "bob": 6}
    assert plan(company([{"tier": "global", "minutes": 60}] * 10, [half, csm("bob")])).assigned == 9


@pytest.mark.parametrize(("contract", "held"), [(159, 5), (160, 6), (200, 6), (26, 0), (27, 1)])
def test_part_time_caps_are_rounded_down_and_overtime_adds_nothing(contract: int, held: int) -> None:
    # 6 × contract ÷ 160 hours, at most 6: 159 → 5.96, 26 → 0.975, 27 → 1.01
    one = csm("ann", contract_minutes=contract * 60)
    assert plan(company([{"tier": "global", "minutes": 1}] * 7, [one])).assigned == held


@pytest.mark.parametrize(("capacity", "held"), [(179, 2), (180, 3)])
def test_hours_bind_to_the_minute(capacity: int, held: int) -> None:
    assert plan(company([{}] * 4, [csm("ann", capacity_minutes=capacity)])).assigned == held


def test_whoever_does_not_accept_keeps_the_book_and_takes_nobody() -> None:
    rows = [{"csm": "ann"}, {}, {}]
    proposal = plan(company(rows, [csm("ann", accepting=False), csm("bob")]))
    assert proposal.assignment == {"c00000": "ann", "c00001": "bob", "c00002": "bob"}


@pytest.mark.parametrize("leaving", ["soon", "gone"])
def test_a_leavers_book_is_spread_outside_the_budget(leaving: Any) -> None:
    rows = [{"csm": "ann"}] * 4 + [{"csm": "bob"}] * 2 + [{"csm": "cy"}] * 2
    crew = [csm("ann", leaving=leaving), csm("bob"), csm("cy")]
    proposal = plan(company(rows, crew), max_moves_pct=0)
    assert [(move.kind, move.code) for move in proposal.moves] == [("forced", "leaver")] * 4
    assert {key: size for key, size in counts(proposal).items() if key != "ann"} == {"bob": 4, "cy": 4}


def test_a_leavers_customers_go_to_the_most_similar_csm() -> None:
    rows = [{"csm": "ann", "region": "East"}, {"csm": "bob"}, {"csm": "cy"}]
    crew = [
        csm("ann", leaving="gone", languages=["German"], seniority=5),
        csm("bob", languages=["French"], seniority=1),
        csm("cy", languages=["German"], seniority=5),
    ]
    assert plan(company(rows, crew)).assignment["c00000"] == "cy"


def test_when_nobody_has_room_the_customers_of_a_leaver_stay_until_the_last_day() -> None:
    crew = [csm("ann", leaving="soon"), csm("bob", capacity_minutes=60)]
    rows = [{"csm": "ann"}, {"csm": "bob"}]
    soon = plan(company(rows, crew))
    assert (soon.moves, [breach.kind for breach in soon.breaches]) == ((), ["leaver"])
    gone = plan(company(rows, [replace(crew[0], leaving="gone"), crew[1]]))
    assert gone.assignment["c00000"] == ""
    assert [line.customers for line in gone.shortages] == [1]


def test_an_unassigned_customer_is_placed_by_moving_others() -> None:
    # Only ann may take the Finance customer; she is full, but her Retail customer can go to bob, whose can go to cy.
    rows = [
        {"id": "new", "vertical": "Finance", "tier": "global"},
        *[{"id": f"a{n}", "csm": "ann", "vertical": "Retail", "tier": "global"} for n in range(6)],
        *[{"id": f"b{n}", "csm": "bob", "vertical": "Telco", "tier": "global"} for n in range(6)],
    ]
    crew = [
        csm("ann", verticals=["Finance", "Retail"]),
        csm("bob", verticals=["Retail", "Telco"]),
        csm("cy", verticals=["Telco"]),
    ]
    proposal = plan(company(rows, crew), weight_hours=0.0, weight_arr=0.0)
    assert proposal.assignment["new"] == "ann"
    assert proposal.unassigned == ()
    assert [(move.from_csm, move.to_csm, move.code) for move in proposal.moves if move.kind == "chosen"] == [
        ("ann", "bob", "makes_room"),
        ("bob", "cy", "makes_room"),
    ]


def test_with_no_budget_nobody_is_moved_out_of_the_way() -> None:
    rows = [
        {"id": "new", "vertical": "Finance", "tier": "global"},
        *[{"id": f"a{n}", "csm": "ann", "tier": "global"} for n in range(6)],
    ]
    crew = [csm("ann", verticals=["Finance"]), csm("bob", verticals=["Telco"])]
    proposal = plan(company(rows, crew), max_moves_pct=0)
    assert [one.external_id for one in proposal.unassigned] == ["new"]


def test_chains_use_fragments_of_hours() -> None:
    # Both have 60 minutes left; the new one needs 120: a 60-minute customer changes sides and makes room.
    rows = [
        {"id": "new", "minutes": 120},
        *[{"id": f"a{n}", "csm": "ann"} for n in range(3)],
        *[{"id": f"b{n}", "csm": "bob"} for n in range(3)],
    ]
    crew = [csm("ann", capacity_minutes=240), csm("bob", capacity_minutes=240)]
    proposal = plan(company(rows, crew))
    assert proposal.unassigned == ()
    assert proposal.budget.chosen == 1


def test_as_many_as_possible_are_served_not_the_largest() -> None:
    rows = [{"id": "big", "minutes": 300}, *[{"id": f"s{n}", "minutes": 60} for n in range(5)]]
    proposal = plan(company(rows, [csm("ann", capacity_minutes=300)]))
    assert [one.external_id for one in proposal.unassigned] == ["big"]


def test_without_hours_the_most_are_served_as_matching_can() -> None:
    """Beside a brute-force count on small random companies: caps and abilities, no hours."""
    chance = random.Random(7)
    for _ in range(25):
        crew = [csm(f"u{j}", countries=chance.sample("ABCD", 2)) for j in range(3)]
        rows = [{"tier": "global", "minutes": 0, "country": chance.choice("ABCDE")} for _ in range(8)]
        tiers = (replace(GLOBAL, cap=2), ALONE)
        proposal = plan(company(rows, crew, tiers), country_law=True)
        able = [[j for j, one in enumerate(crew) if row["country"] in one.countries] for row in rows]
        assert proposal.assigned == most_served(able, [2] * 3)


def most_served(able: list[list[int]], room: list[int]) -> int:
    if not able:
        return 0
    best = most_served(able[1:], room)
    for j in able[0]:
        if room[j]:
            room[j] -= 1
            best = max(best, 1 + most_served(able[1:], room))
            room[j] += 1
    return best


def test_order_of_input_does_not_matter_and_the_same_seed_gives_the_same_plan() -> None:
    facts = random_company(seed=3, held=True)
    first = propose_books(facts=facts, policy=BookPolicy(), seed=4)
    assert first == propose_books(facts=facts, policy=BookPolicy(), seed=4)
    order = list(range(len(facts.customers)))
    random.Random(1).shuffle(order)
    shuffled = replace(
        facts,
        csms=facts.csms[::-1],
        customers=customers([row_of(facts.customers, row) for row in order]),
    )
    assert propose_books(facts=shuffled, policy=BookPolicy(), seed=4) == first


def test_a_plan_that_was_stopped_breaks_no_limit_and_says_so() -> None:
    facts = random_company(seed=3, held=True)
    proposal = propose_books(facts=facts, policy=BookPolicy(), seed=1, should_stop=lambda: True)
    assert not proposal.repeatable
    calls: list[tuple[int, int]] = []
    whole = propose_books(
        facts=facts, policy=BookPolicy(), seed=1, on_progress=lambda done, total: calls.append((done, total))
    )
    assert whole.repeatable
    done, total = zip(*calls, strict=True)
    assert list(done) == sorted(done)
    assert set(total) == {2000 * (1 + len(facts.customers) // 4000)} or len(set(total)) == 1
    assert done[-1] == whole.iterations


def test_the_objective_is_the_sum_of_its_parts_and_a_bound_is_proven_below_it() -> None:
    proposal = plan(random_company(seed=2, held=True))
    assert proposal.objective == pytest.approx(sum(proposal.objective_parts.values()), abs=1e-4)
    assert proposal.bound is not None and proposal.gap_pct is not None
    assert 0.999 * proposal.objective <= proposal.bound <= proposal.objective
    assert proposal.gap_pct <= 0.1


def test_totals_are_the_same_before_and_after() -> None:
    facts = random_company(seed=9, held=True)
    proposal = plan(facts, max_moves_pct=100)
    assert proposal.assigned == len(facts.customers)
    assert sum(row.arr_cents for row in proposal.after) == int(facts.customers.arr_cents.sum())


def test_a_move_names_the_runner_up_and_what_it_would_cost_more() -> None:
    proposal = plan(company([{}], [csm("ann"), csm("bob")]))
    (move,) = proposal.moves
    assert (move.to_csm, move.runner_up) == ("ann", "bob")
    assert move.runner_up_cost is not None
    assert move.runner_up_cost >= 0
    assert plan(company([{}], [csm("ann")])).moves[0].runner_up == ""


def test_an_even_split_differs_by_at_most_one() -> None:
    one_tier = (TierFacts(slug="all", name="All", touch_level="mid", cap=None), ALONE)
    even = {"weight_customers": 60.0, "weight_arr": 0.0, "weight_continuity": 0.1, "hours_tolerance_pct": 0.0}
    rows = [{"tier": "all", "minutes": 50} for _ in range(50)]
    first = plan(company(rows, [csm(key) for key in "abcd"], one_tier), **even)
    assert max(counts(first).values()) - min(counts(first).values()) <= 1
    held = [{**row, "csm": first.assignment[f"c{n:05d}"]} for n, row in enumerate(rows)]
    more = plan(company(held, [csm(key) for key in "abcde"], one_tier), **even)
    # The fifth takes its even share of ten; nobody else moves.
    assert counts(more)["e"] == 10
    assert {move.to_csm for move in more.moves} == {"e"}


def test_seniority_follows_value_where_the_policy_says() -> None:
    rows = [{"arr": 1000 * (n + 1)} for n in range(30)]
    crew = [csm("junior", seniority=1), csm("middle", seniority=3), csm("senior", seniority=5)]
    proposal = plan(company(rows, crew), seniority_follows_value=True, weight_arr=0.0, weight_fit=10.0)
    arr = {row.csm: row.arr_cents for row in proposal.after}
    assert arr["junior"] < arr["middle"] < arr["senior"]


def test_the_family_of_a_csm_who_is_gone_goes_together_too() -> None:
    gone = csm("ann", leaving="gone")
    rows = [{"csm": "ann", "family": "f", "arr": 100}, {"csm": "ann", "family": "f", "arr": 10}]
    proposal = plan(
        company(rows, [gone, csm("bob"), csm("cy")]),
        keep_families_together=True, vertical_fit="ignore", weight_hours=1, weight_arr=0, weight_fit=10,
    )  # fmt: skip
    assert len(set(proposal.assignment.values())) == 1


def test_families_go_together_where_the_policy_says() -> None:
    rows = [{"id": "mother", "csm": "bob", "family": "mother", "arr": 9}, {"id": "child", "family": "mother"}]
    crew = [csm("ann"), csm("bob")]
    together = plan(company(rows, crew), keep_families_together=True, weight_hours=0.0, weight_arr=0.0)
    assert together.assignment["child"] == "bob"


def random_company(*, seed: int, held: bool) -> Any:
    chance = random.Random(seed)
    crew = [
        csm(
            f"u{j}",
            verticals=["Finance"] if j % 3 == 0 else [],
            capacity_minutes=chance.choice([128, 96, 64]) * 60,
            seniority=1 + j % 5,
        )
        for j in range(6)
    ]
    rows = [
        {
            "tier": chance.choices(["global", "enterprise", "scale"], [1, 3, 6])[0],
            "minutes": chance.randrange(60, 400),
            "arr": chance.randrange(1000, 200_000),
            "vertical": chance.choice(["Finance", "Retail", "Telco"]),
            "csm": chance.choice(crew).key if held and chance.random() < 0.8 else "",
        }
        for _ in range(80)
    ]
    return company(rows, crew)


def row_of(columns: Any, row: int) -> dict[str, Any]:
    return {
        "id": columns.external_id[row],
        "arr": int(columns.arr_cents[row]) // 100,
        "minutes": int(columns.minutes[row]),
        **{
            name: getattr(columns, name)[row]
            for name in (
                "tier",
                "csm",
                "vertical",
                "region",
                "country",
                "language",
                "products",
                "family",
                "hold",
            )
        },
    }


row = some.fixed_dictionaries(
    {
        "tier": some.sampled_from(["global", "scale", "self", ""]),
        "csm": some.sampled_from(["", "a", "b", "c", "stranger"]),
        "minutes": some.integers(0, 400),
        "arr": some.integers(0, 1000),
        "vertical": some.sampled_from(["", "Finance", "Retail"]),
        "country": some.sampled_from(["", "DE", "FR"]),
        "hold": some.sampled_from(["", "", "renewal"]),
    }
)
person = some.fixed_dictionaries(
    {
        "contract_minutes": some.sampled_from([0, 4800, 9600]),
        "capacity_minutes": some.sampled_from([0, 300, 900, 2000]),
        "accepting": some.booleans(),
        "leaving": some.sampled_from(["no", "no", "soon", "gone"]),
        "verticals": some.sampled_from([[], ["Finance"], ["Retail"]]),
        "countries": some.sampled_from([[], ["DE"], ["DE", "FR"]]),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    some.lists(row, max_size=14),
    some.lists(person, max_size=3),
    some.sampled_from([0.0, 10.0, 100.0, None]),
    some.sampled_from(["ignore", "soft", "specialist_first", "hard"]),
    some.booleans(),
)
def test_no_company_breaks_a_law(
    rows: list[dict[str, Any]], people: list[dict[str, Any]], budget: float | None, fit: str, law: bool
) -> None:
    crew = [csm(key, **given) for key, given in zip("abc", people, strict=False)]
    tiers = (GLOBAL, replace(SCALE, cap=4), ALONE)
    proposal = plan(
        company(rows, crew, tiers),
        max_moves_pct=budget,
        vertical_fit=fit,
        country_law=law,
        search_iterations=200,
    )
    assert proposal.assigned + len(proposal.unassigned) == proposal.customers
    assert sum(line.customers for line in proposal.shortages) == len(proposal.unassigned)
    assert all(line.heads >= 1 for line in proposal.shortages)
    assert np.isfinite(proposal.objective)
