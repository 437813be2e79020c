"""Ability, holds, inherited breaches, shortages and the companies that cannot be planned."""

from dataclasses import replace
from typing import Any

import pytest

from allocation.engine.books_shortage import heads_needed
from tests.engine.books_cast import ALONE, GLOBAL, SCALE, company, counts, csm, plan

FINANCE = {"vertical": "Finance", "tier": "global", "minutes": 60}


def test_specialists_come_first_and_generalists_are_a_marked_fallback() -> None:
    crew = [csm("fin", verticals=["Finance"]), csm("all"), csm("tel", verticals=["Telco"])]
    proposal = plan(company([FINANCE] * 8, crew))
    assert counts(proposal) == {"fin": 6, "all": 2, "tel": 0}
    assert len(proposal.fallbacks) == 2
    marked = [move for move in proposal.moves if move.fallback]
    assert {move.to_csm for move in marked} == {"all"}
    assert "generalist stands in" in marked[0].reason


@pytest.mark.parametrize(
    ("fit", "served"), [("specialist_first", 6), ("hard", 6), ("soft", 12), ("ignore", 12)]
)
def test_a_specialist_of_another_vertical_serves_only_where_the_policy_is_soft(fit: Any, served: int) -> None:
    crew = [csm("fin", verticals=["Finance"]), csm("tel", verticals=["Telco"])]
    assert plan(company([FINANCE] * 14, crew), vertical_fit=fit).assigned == served


def test_a_vertical_without_specialist_belongs_to_everyone_else() -> None:
    crew = [csm("fin", verticals=["Finance"]), csm("all", capacity_minutes=60)]
    proposal = plan(company([{"vertical": "Retail"}] * 2, crew))
    assert [line.pool for line in proposal.shortages] == ["everyone else · Scale"]
    assert proposal.fallbacks == ()


@pytest.mark.parametrize(
    ("setting", "row", "one"),
    [
        ("region_fit", {"region": "EMEA"}, {"regions": ["APAC"]}),
        ("language_fit", {"language": "German"}, {"languages": ["French"]}),
        ("product_fit", {"products": ["Core", "Plus"]}, {"products": ["Core"]}),
    ],
)
def test_a_fit_may_be_ignored_preferred_or_required(
    setting: str, row: dict[str, Any], one: dict[str, Any]
) -> None:
    misfit, generalist = csm("aaa", **one), csm("zed")
    assert plan(company([row], [misfit]), **{setting: "hard"}).assigned == 0
    assert plan(company([row], [misfit]), **{setting: "soft"}).assigned == 1
    assert plan(company([row], [misfit, generalist]), **{setting: "soft"}).assignment["c00000"] == "zed"
    assert plan(company([row], [misfit, generalist]), **{setting: "ignore"}).assignment["c00000"] == "aaa"


def test_with_country_law_only_who_lists_the_country_serves_it_even_against_a_hold() -> None:
    rows = [
        {"id": "de", "country": "DE", "csm": "any", "hold": "renewal"},
        {"id": "fr", "country": "FR", "csm": "any"},
        {"id": "nowhere", "csm": "any"},
    ]
    crew = [csm("any"), csm("berlin", countries=["DE"])]
    proposal = plan(company(rows, crew), country_law=True)
    assert proposal.assignment == {"de": "berlin", "fr": "", "nowhere": "any"}
    (line,) = proposal.shortages
    assert (line.pool, line.customers, line.minutes, line.heads) == ("everyone else · Scale · FR", 1, 60, 1)
    assert line.external_ids == ("fr",)
    assert line.reason == "No CSM covers the country FR."
    assert plan(company(rows, crew), weight_hours=0.0, weight_arr=0.0).moves == ()


def test_a_held_customer_stays_and_a_misfit_under_hold_is_listed() -> None:
    rows = [{**FINANCE, "csm": "tel", "hold": "renewal on 2026-12-01"}]
    crew = [csm("tel", verticals=["Telco"]), csm("fin", verticals=["Finance"])]
    held = plan(company(rows, crew))
    assert held.moves == ()
    assert [(breach.kind, breach.external_id) for breach in held.breaches] == [("fit", "c00000")]
    free = plan(company([{**rows[0], "hold": ""}], crew), max_moves_pct=0)
    assert [(move.code, move.kind, move.to_csm) for move in free.moves] == [("unable", "forced", "fin")]


def test_a_hold_that_contradicts_a_cap_wins_and_is_listed() -> None:
    rows = [{"tier": "global", "csm": "ann", "hold": "manual"}] * 8
    proposal = plan(company(rows, [csm("ann"), csm("bob")]))
    assert proposal.moves == ()
    assert [(one.kind, one.held, one.limit) for one in proposal.breaches] == [("cap", 8, 6)]


def test_a_held_customer_of_somebody_who_is_gone_moves_all_the_same() -> None:
    rows = [{"csm": "ann", "hold": "manual"}]
    assert plan(company(rows, [csm("ann", leaving="gone"), csm("bob")])).assignment["c00000"] == "bob"


def test_an_inherited_breach_is_repaired_within_the_budget_and_else_stays_and_takes_nobody() -> None:
    rows = [{"tier": "global", "csm": "ann"}] * 9 + [{"id": "new", "tier": "scale"}]
    crew = [csm("ann"), csm("bob", accepting=False)]
    stuck = plan(company(rows, crew))
    assert [(one.kind, one.held, one.limit) for one in stuck.breaches] == [("cap", 9, 6)]
    assert stuck.assignment["new"] == ""
    crew = [csm("ann"), csm("bob")]
    mended = plan(company(rows, crew), weight_hours=0.0, weight_arr=0.0)
    assert mended.breaches == ()
    assert {move.code for move in mended.moves} == {"over_cap", "no_csm"}
    part = plan(company(rows, crew), max_moves_pct=20)
    assert [(one.held, one.limit) for one in part.breaches] == [(7, 6)]


def test_a_book_over_its_hours_is_relieved_with_few_moves() -> None:
    rows = [{"csm": "ann", "minutes": size} for size in (600, 60, 60, 60)]
    crew = [csm("ann", capacity_minutes=240), csm("bob", capacity_minutes=900)]
    proposal = plan(company(rows, crew), weight_hours=0.0, weight_arr=0.0)
    assert [(move.external_id, move.code) for move in proposal.moves] == [("c00000", "over_hours")]
    assert proposal.breaches == ()


def test_the_worst_breach_is_relieved_first() -> None:
    rows = [{"csm": "ann"}] * 4 + [{"csm": "bob"}] * 9
    crew = [csm("ann", capacity_minutes=180), csm("bob", capacity_minutes=180), csm("cy")]
    proposal = plan(company(rows, crew), max_moves_pct=8)
    assert [move.from_csm for move in proposal.moves] == ["bob"]


def test_a_shortage_names_customers_hours_and_heads_by_pool_and_those_heads_suffice() -> None:
    rows = [{**FINANCE, "minutes": 25 * 60}] * 14
    crew = [csm("fin", verticals=["Finance"], capacity_minutes=100 * 60)]
    first = plan(company(rows, crew))
    (line,) = first.shortages
    # Four of 25 h fit into 100 h; ten are left with 250 h, four to a head.
    assert (line.pool, line.customers, line.minutes, line.heads) == ("Finance · Global", 10, 250 * 60, 3)
    hired = [csm(f"new{n}", verticals=["Finance"], capacity_minutes=100 * 60) for n in range(line.heads)]
    assert plan(company(rows, [*crew, *hired])).unassigned == ()


@pytest.mark.parametrize(
    ("minutes", "head", "cap", "heads"),
    [
        ([], 100, 6, 0),
        ([50] * 2, 100, None, 1),
        ([50] * 3, 100, None, 2),  # 1.5 by hours
        ([1] * 7, 100, 6, 2),  # by cap
        ([60] * 3, 100, None, 3),  # 1.8 by hours, but two do not fit one head
        ([150], 100, 6, 2),  # larger than a head: the hours say two
        ([50], 100, 0, 1),  # a cap of 0 cannot be hired away
    ],
)
def test_heads_are_whole_and_rounded_up(minutes: list[int], head: int, cap: int | None, heads: int) -> None:
    assert heads_needed(minutes=minutes, head_minutes=head, cap=cap) == heads


def test_no_csm_is_a_plan_with_a_sentence() -> None:
    proposal = plan(company([{"csm": "ghost"}, {}], []))
    assert (proposal.assigned, len(proposal.unassigned)) == (0, 2)
    assert proposal.unassigned[0].reason == "There is no CSM."
    assert proposal.notes == ("There is no CSM: nobody can be served.",)
    # Full time of 160 hours is all that is known of a head.
    assert [(line.heads, line.head_minutes) for line in proposal.shortages] == [(1, 9600)]


def test_no_customer_is_a_plan_as_well() -> None:
    proposal = plan(company([], [csm("ann")]))
    assert (proposal.assignment, proposal.objective) == ({}, 0.0)
    assert "nothing to plan" in proposal.notes[0]


def test_zero_capacity_takes_nobody_but_keeps_and_lists_the_book() -> None:
    proposal = plan(company([{"csm": "ann"}, {}], [csm("ann", capacity_minutes=0)]))
    assert proposal.assignment == {"c00000": "ann", "c00001": ""}
    assert [breach.kind for breach in proposal.breaches] == ["hours"]
    assert proposal.after[0].utilisation is None


def test_a_cap_of_zero_means_nobody_may_hold_such_a_customer() -> None:
    tiers = (replace(GLOBAL, cap=0), SCALE, ALONE)
    proposal = plan(company([{"tier": "global"}, {}], [csm("ann")], tiers))
    assert [one.external_id for one in proposal.unassigned] == ["c00000"]
    assert "cap of tier Global is 0" in proposal.notes[0]


def test_nobody_able_says_why() -> None:
    crew = [csm("fin", verticals=["Finance"]), csm("tel", verticals=["Telco"])]
    (one,) = plan(company([{"vertical": "Retail"}], crew)).unassigned
    assert one.reason == "Nobody is able: 2 × serves other verticals than Retail."


def test_a_full_company_says_what_is_full() -> None:
    (one,) = plan(company([{"tier": "global"}] * 7, [csm("ann")])).unassigned
    assert one.reason == "No room with the 1 who may take it: 1 at their Global cap, 0 out of hours."
