"""Which limits a change of a plan would break, and who could take a customer. Expected numbers are derived in comments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allocation.engine.books import propose_books
from allocation.engine.books_review import (
    Broken,
    Desk,
    broken_limits,
    budget_use,
    candidates,
    in_words,
    newly_broken,
    review_desk,
)
from allocation.engine.facts.books import BookPolicy, CsmFacts, TierFacts
from tests.engine.books_cast import ALONE, SCALE, TIERS, company, csm

NAMES = {"ann": "Ann", "bob": "Bob", "cem": "Cem"}


def desk_of(
    rows: Sequence[Mapping[str, Any]],
    csms: Sequence[CsmFacts],
    tiers: Sequence[TierFacts] = TIERS,
    **policy: Any,
) -> Desk:
    return review_desk(facts=company(rows, csms, tiers), policy=BookPolicy(**policy))


def change(desk: Desk, before: Mapping[str, str], after: Mapping[str, str]) -> list[Broken]:
    return list(newly_broken(desk=desk, before=desk.seats(before), after=desk.seats({**before, **after})))


def kinds(found: Sequence[Broken]) -> list[str]:
    return [one.kind for one in found]


def said(broken: Broken) -> str:
    return in_words(broken=broken, csms=NAMES, customers={}, tiers={"scale": "Scale", "self": "Self-service"})


TWO = (csm("ann"), csm("bob"))


def test_a_change_within_every_limit_breaks_none() -> None:
    desk = desk_of([{"csm": "ann"}] * 3, TWO)
    assert change(desk, {}, {"c00000": "bob"}) == []


def test_a_refusal_is_over_the_cap_when_the_room_was_given_to_somebody_else() -> None:
    # The cap of Ann is 1: c0 leaves, c1 takes its place. If c0 stays, Ann holds two.
    desk = desk_of([{"csm": "ann"}, {"csm": "bob"}], TWO, [replace(SCALE, cap=1), ALONE])
    planned = {"c00000": "bob", "c00001": "ann"}
    found = change(desk, planned, {"c00000": "ann"})
    assert [said(one) for one in found] == ["Ann would hold 2 Scale customers; the cap is 1."]
    assert change(desk, planned, {"c00000": "ann", "c00001": "bob"}) == []  # both together are fine


def test_the_cap_shrinks_with_part_time() -> None:
    # 5 × 80 ÷ 160 hours of full time = 2 (rounded down from 2.5): the third is over it.
    half = csm("bob", contract_minutes=80 * 60)
    desk = desk_of([{"csm": "ann"}] * 3, [csm("ann"), half], [replace(SCALE, cap=5), ALONE])
    two = {"c00000": "bob", "c00001": "bob"}
    assert change(desk, {}, two) == []
    assert kinds(change(desk, two, {"c00002": "bob"})) == ["cap"]


def test_hours_bind_whatever_the_cap_says() -> None:
    # Bob has 119 minutes, a customer asks for 60.
    desk = desk_of([{"csm": "ann"}] * 2, [csm("ann"), csm("bob", capacity_minutes=119)])
    one = {"c00000": "bob"}
    found = change(desk, one, {"c00001": "bob"})
    assert [said(each) for each in found] == [
        "The book of Bob would ask for 2:00 hours a month; there are 1:59."
    ]
    assert change(desk, {}, one) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"accepting": False}, "Bob takes no new customers."),
        ({"leaving": "soon"}, "Bob leaves and takes nobody new."),
        ({"leaving": "gone"}, "Bob leaves and takes nobody new."),
        ({"capacity_minutes": 0}, "Bob has no hours this month."),
    ],
)
def test_who_takes_nobody_new_takes_nobody_by_a_review(given: dict[str, Any], words: str) -> None:
    desk = desk_of([{"csm": "ann", "minutes": 0}], [csm("ann"), csm("bob", **given)])
    assert [said(one) for one in change(desk, {}, {"c00000": "bob"})] == [words]


def test_ability_and_country_law_bind_a_review() -> None:
    rows = [{"csm": "ann", "vertical": "Finance", "country": "DE"}]
    ann = csm("ann", verticals=["Finance"], countries=["DE"])
    foreign = desk_of(rows, [ann, csm("bob", verticals=["Telco"], countries=["DE"])], country_law=True)
    assert [said(one) for one in change(foreign, {}, {"c00000": "bob"})] == [
        "Bob serves other verticals than Finance, so c00000 cannot be there."
    ]
    unlawful = desk_of(rows, [ann, csm("bob")], country_law=True)
    assert [said(one) for one in change(unlawful, {}, {"c00000": "bob"})] == [
        "Bob does not cover the country DE, so c00000 cannot be there."
    ]
    assert change(desk_of(rows, [ann, csm("bob")]), {}, {"c00000": "bob"}) == []


def test_a_csm_not_named_for_the_tier_cannot_be_given_it() -> None:
    bob = replace(csm("bob"), tiers=frozenset({"global"}))
    assert kinds(change(desk_of([{"csm": "ann"}], [csm("ann"), bob]), {}, {"c00000": "bob"})) == ["unable"]


def test_a_refusal_does_not_leave_a_customer_with_a_leaver_or_with_whom_it_may_not_be() -> None:
    leaver = desk_of([{"csm": "ann"}], [csm("ann", leaving="soon"), csm("bob")])
    assert [said(one) for one in change(leaver, {"c00000": "bob"}, {"c00000": "ann"})] == [
        "c00000 would stay with Ann, who leaves."
    ]
    rows = [{"csm": "ann", "vertical": "Finance"}]
    unable = desk_of(rows, [csm("ann", verticals=["Telco"]), csm("bob")])
    assert kinds(change(unable, {"c00000": "bob"}, {"c00000": "ann"})) == ["unable"]
    alone = desk_of([{"csm": "ann", "tier": "self"}], TWO)
    assert [said(one) for one in change(alone, {"c00000": ""}, {"c00000": "ann"})] == [
        "c00000 would stay with Ann, but the tier Self-service has no CSM."
    ]


def test_what_was_broken_before_stands_in_nobodys_way_as_long_as_it_does_not_grow() -> None:
    # Ann holds three, her cap is 1. To take one of two planned moves back makes it 2 instead of 1: worse.
    rows = [{"csm": "ann"}] * 3 + [{"csm": "bob"}] * 2
    desk = desk_of(rows, [*TWO, csm("cem")], [replace(SCALE, cap=1), ALONE])
    assert kinds(broken_limits(desk=desk, seats=desk.seats({}))) == ["cap", "cap"]
    assert change(desk, {}, {"c00000": "cem"}) == []
    assert kinds(change(desk, {"c00000": "cem"}, {"c00000": "ann"})) == ["cap"]


def test_a_book_over_a_limit_takes_nobody_new_of_whatever_tier() -> None:
    rows = [{"csm": "ann"}] * 2 + [{"csm": "bob", "tier": "global"}]
    desk = desk_of(rows, TWO, [*TIERS[:2], replace(SCALE, cap=1), ALONE])
    found = change(desk, {}, {"c00002": "ann"})
    assert [said(one) for one in found] == ["Ann is over a limit already and takes nobody new."]


def test_a_book_over_a_limit_is_no_candidate_for_whatever_tier() -> None:
    rows = [{"csm": "ann"}] * 2 + [{"csm": "bob", "tier": "global"}]
    desk = desk_of(rows, TWO, [*TIERS[:2], replace(SCALE, cap=1), ALONE])
    (ann,) = candidates(desk=desk, seats=desk.seats({}), external_id="c00002")
    assert ann.why_not is not None
    assert ann.why_not.kind == "full"


def test_country_law_outranks_a_hold() -> None:
    rows = [{"csm": "ann", "hold": "renewal", "country": "DE"}]
    crew = [csm("ann", countries=["FR"]), csm("bob", countries=["DE"])]
    assert change(desk_of(rows, crew, country_law=True), {}, {"c00000": "bob"}) == []


def test_a_held_customer_keeps_its_csm_but_not_one_who_goes() -> None:
    rows = [{"csm": "ann", "hold": "renewal on 2026-12-01"}]
    assert [said(one) for one in change(desk_of(rows, TWO), {}, {"c00000": "bob"})] == [
        "c00000 must keep its CSM for now: renewal on 2026-12-01."
    ]
    goes = desk_of(rows, [csm("ann", leaving="gone"), csm("bob")])
    assert change(goes, {}, {"c00000": "bob"}) == []


def test_the_move_budget_counts_changes_by_choice_and_their_arr() -> None:
    # 4 customers: 25 % = 1. ARR 10 000 each: 30 % of 40 000 = 12 000, so two are over it.
    rows = [{"csm": "ann"}] * 4
    one = {"c00000": "bob"}
    by_number = desk_of(rows, TWO, max_moves_pct=25)
    assert [said(each) for each in change(by_number, one, {"c00001": "bob"})] == [
        "2 customers would change CSM by choice; the move budget is 1."
    ]
    by_arr = desk_of(rows, TWO, max_moves_arr_pct=30)
    assert [said(each) for each in change(by_arr, one, {"c00001": "bob"})] == [
        "ARR of 20,000 would change CSM by choice; the move budget is 12,000."
    ]
    assert change(by_number, {}, one) == change(by_arr, {}, one) == []
    forced = desk_of([{}] * 2, TWO, max_moves_pct=0)  # no CSM yet: outside the budget
    assert change(forced, {}, {"c00000": "ann", "c00001": "bob"}) == []


def test_candidates_are_those_who_can_take_it_now_the_best_first_and_why_the_others_cannot() -> None:
    crew = [
        csm("ann"),  # has it
        csm("bob"),  # planned for it
        csm("cem"),  # one customer already
        csm("dot"),  # empty
        csm("eve", regions=["APAC"]),  # fits less
        csm("fay", accepting=False),
        csm("gus", capacity_minutes=30),
    ]
    rows = [{"csm": "ann", "region": "EMEA"}, {"csm": "cem"}]
    desk = desk_of(rows, crew)
    found = candidates(desk=desk, seats=desk.seats({"c00000": "bob"}), external_id="c00000")
    assert [(one.csm, one.why_not.kind if one.why_not else "") for one in found] == [
        ("dot", ""),
        ("cem", ""),
        ("eve", ""),
        ("fay", "closed"),
        ("gus", "hours"),
    ]
    # Cem: 128 hours less two customers of an hour; the cap of Scale is 40.
    cem = found[1]
    assert (cem.minutes_left, cem.cap_left, cem.mismatch) == (126 * 60, 38, 0.0)
    assert cem.utilisation == pytest.approx(2 / 128)


def test_who_can_take_a_customer_is_who_breaks_no_limit() -> None:
    """The short list and the check agree, for every customer and CSM of a company full of limits."""
    crew = [
        csm("ann", capacity_minutes=5 * 60),
        csm("bob", verticals=["Finance"], contract_minutes=40 * 60),
        csm("cem", accepting=False),
        csm("dot", leaving="soon"),
        csm("eve", regions=["APAC"], countries=["DE"]),
        csm("fay"),
    ]
    rng = np.random.default_rng(7)
    rows = [
        {
            "csm": str(rng.choice(["ann", "bob", "cem", "dot", "eve", "fay", ""])),
            "tier": str(rng.choice(["global", "scale", "self"])),
            "vertical": str(rng.choice(["Finance", "Telco", ""])),
            "region": str(rng.choice(["APAC", "EMEA", ""])),
            "hold": str(rng.choice(["", "", "", "renewal"])),
        }
        for _ in range(60)
    ]
    facts = company(rows, crew, [replace(TIERS[0], cap=4), replace(SCALE, cap=9), ALONE])
    policy = BookPolicy(region_fit="hard", max_moves_pct=8, max_moves_arr_pct=8)
    desk = review_desk(facts=facts, policy=policy)
    proposal = propose_books(facts=facts, policy=policy, seed=1)
    planned = {move.external_id: move.to_csm for move in proposal.moves}
    before, seen = desk.seats(planned), set()
    for external_id in desk.customers.external_id:
        if not desk.served[desk.row[external_id]]:
            continue
        for one in candidates(desk=desk, seats=before, external_id=external_id):
            broken = change(desk, planned, {external_id: one.csm})
            assert (one.why_not is None) == (broken == []), (external_id, one, broken)
            seen |= {one.why_not.kind if one.why_not else ""}
    assert seen >= {"", "cap", "hours", "closed", "unable", "hold"}


def test_the_figures_are_those_of_the_planner_as_long_as_nobody_changed_the_plan() -> None:
    rows = [{"csm": "ann"}] * 20 + [{}] * 4 + [{"csm": "ann", "tier": "self"}]
    facts, policy = company(rows, TWO), BookPolicy(weight_continuity=0, max_moves_pct=50)
    proposal = propose_books(facts=facts, policy=policy, seed=1)
    desk = review_desk(facts=facts, policy=policy)
    seats = desk.seats({move.external_id: move.to_csm for move in proposal.moves})
    assert budget_use(desk=desk, seats=seats) == proposal.budget
    assert broken_limits(desk=desk, seats=seats) == ()
    assert proposal.budget.chosen > 0
