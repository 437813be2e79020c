"""What a plan says of itself, checked by code of its own, and the laws that hold between plans."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from allocation.engine.books import propose_books
from allocation.engine.facts.books import BookFacts, BookPolicy, BookProposal
from tests.engine.books_cast import company, csm, customers
from tests.engine.books_checker import Answer, Question, faults
from tests.engine.books_exact import least_points, most_well_served, well_served
from tests.engine.proof_cast import applied, case
from tests.engine.test_books import row_of

LARGE, SMALL = range(60), range(1000, 1016)


@cache
def planned(seed: int, small: bool = False) -> tuple[BookFacts, BookPolicy, BookProposal]:
    facts, policy = case(seed, small=small)
    return facts, policy, propose_books(facts=facts, policy=policy, seed=1)


def answer_of(facts: BookFacts, policy: BookPolicy, proposal: BookProposal) -> Answer:
    question = Question(facts, policy)
    return Answer(question, question.seats(proposal.assignment), proposal)


@pytest.mark.parametrize("seed", LARGE)
def test_points_limits_and_proof_of_a_random_company_are_what_the_plan_says(seed: int) -> None:
    facts, policy, proposal = planned(seed)
    assert faults(facts, policy, proposal) == []


@pytest.mark.parametrize("seed", SMALL)
def test_the_bound_is_no_more_than_the_least_and_the_plan_no_less(seed: int) -> None:
    facts, policy, proposal = planned(seed, small=True)
    assert faults(facts, policy, proposal) == []
    answer = answer_of(facts, policy, proposal)
    assert proposal.bound is not None
    least = least_points(answer)
    assert proposal.bound <= least + 1e-6
    assert least <= proposal.objective + 2e-6  # the objective is rounded to six decimals
    if not [note for note in proposal.notes if "proven" in note]:
        well = sum(well_served(answer, i, j) for i, j in enumerate(answer.seat))
        assert well == most_well_served(answer)


def test_the_random_companies_have_what_makes_planning_hard() -> None:
    plans = [planned(seed) for seed in LARGE]
    lines = [[line for line in proposal.proof if line.customers] for _, _, proposal in plans]
    assert sum(len(groups) > 1 for groups in lines) >= 10
    assert sum(proposal.unassigned != () for _, _, proposal in plans) >= 10
    assert sum(proposal.breaches != () for _, _, proposal in plans) >= 10
    assert sum(proposal.fallbacks != () for _, _, proposal in plans) >= 5
    assert {line.how for groups in lines for line in groups} == {"relaxation", "search_tree"}
    names = {line.pools[0] for _, _, proposal in plans for line in proposal.proof if not line.customers}
    assert {"Move budget", "Customers without a CSM"} <= names


def test_false_proofs_are_caught() -> None:
    for seed in (3, 4, 8, 12):
        facts, policy, proposal = planned(seed)
        line = next(line for line in proposal.proof if line.customers)
        dearer = {**line.prices, "hours": [price + 1.0 for price in line.prices["hours"]]}
        assert faults(facts, policy, _with(proposal, line, prices=dearer))
        below = {**line.prices, "hours": [-1.0 for _ in line.prices["hours"]]}
        assert faults(facts, policy, _with(proposal, line, prices=below))
        beyond = {name: [1e3] * len(told) for name, told in line.prices["measures"].items()}
        assert faults(facts, policy, _with(proposal, line, prices={**line.prices, "measures": beyond}))
        roomy = {**line.prices, "capacity": [room * 2 + 1 for room in line.prices["capacity"]]}
        assert faults(facts, policy, _with(proposal, line, prices=roomy))
        assert faults(facts, policy, _with(proposal, line, bound=line.bound + 1.0))
        assert faults(facts, policy, _with(proposal, line, price_bound=line.price_bound + 0.01))
        higher = replace(
            _with(proposal, line, bound=line.objective + 1.0, how="search_tree"), bound=proposal.objective
        )
        assert faults(facts, policy, higher)
        assert faults(facts, policy, replace(proposal, proof=planned(seed + 20)[2].proof))
        assert faults(facts, policy, replace(proposal, proof=proposal.proof[1:]))
        assert faults(facts, policy, replace(proposal, gap_pct=(proposal.gap_pct or 0.0) + 0.01))
        assert faults(facts, policy, replace(proposal, objective=proposal.objective - 0.01))


def _with(proposal: BookProposal, line: Any, **changed: Any) -> BookProposal:
    proof = tuple(replace(one, **changed) if one is line else one for one in proposal.proof)
    return replace(proposal, proof=proof)


def test_an_assignment_over_a_cap_is_caught() -> None:
    facts = company([{"tier": "global", "minutes": 30}] * 8, [csm("ann"), csm("bob")])
    policy = BookPolicy()
    proposal = propose_books(facts=facts, policy=policy, seed=1)
    assert faults(facts, policy, proposal) == []
    broken = replace(proposal, assignment=dict.fromkeys(proposal.assignment, "ann"))
    assert "limit: ann is over the cap of global" in faults(facts, policy, broken)
    lost = replace(proposal, assignment=dict(list(proposal.assignment.items())[1:]))
    assert faults(facts, policy, lost)


@cache
def calm(seed: int) -> tuple[BookFacts, BookPolicy, BookProposal]:
    facts, policy = case(seed, calm=True)
    policy = replace(policy, max_moves_arr_pct=None, search_iterations=300)
    policy = replace(policy, max_moves_pct=(None, None, 0.0, 60.0)[seed // 3 % 4])
    return facts, policy, propose_books(facts=facts, policy=policy, seed=1)


def settled(seed: int) -> bool:
    """Nothing was left undone that a new budget, or more search, could do next time."""
    _, _, proposal = calm(seed)
    limit = proposal.budget.chosen_limit
    enough = not limit or proposal.budget.chosen < limit
    return enough and not (proposal.breaches or proposal.unassigned) and (proposal.gap_pct or 0.0) <= 0.5


CALM = range(200, 245)


def test_a_settled_plan_that_was_applied_moves_nobody_by_choice_when_planned_again() -> None:
    seeds = [seed for seed in CALM if settled(seed)]
    assert len(seeds) >= 10
    for seed in seeds:
        facts, policy, proposal = calm(seed)
        again = propose_books(facts=applied(facts, proposal), policy=policy, seed=1)
        assert [move.external_id for move in again.moves if move.kind == "chosen"] == [], seed


@pytest.mark.parametrize("seed", range(0, 24, 3))
def test_neither_order_nor_threads_change_a_plan(seed: int) -> None:
    facts, policy, proposal = planned(seed)
    order = np.random.default_rng(seed).permutation(len(facts.customers)).tolist()
    mixed = replace(
        facts, csms=facts.csms[::-1], customers=customers([row_of(facts.customers, row) for row in order])
    )
    assert propose_books(facts=mixed, policy=policy, seed=1) == proposal
    with ThreadPoolExecutor(2) as threads:
        assert propose_books(facts=facts, policy=policy, seed=1, spread=threads.map) == proposal


@pytest.mark.parametrize("top", [0, 1, 5, 30, 1000])
def test_moves_of_the_largest_need_approval_and_no_others(top: int) -> None:
    for seed in (1, 2, 5):
        facts, policy = case(seed)
        proposal = propose_books(facts=facts, policy=replace(policy, approve_top=top), seed=1)
        columns = facts.customers
        rows = [row for row, one in enumerate(columns.external_id) if one in proposal.assignment]
        rows.sort(key=lambda row: (-int(columns.arr_cents[row]), columns.external_id[row]))
        largest = {columns.external_id[row] for row in rows[:top]}
        marked = {move.external_id for move in proposal.moves if move.needs_approval}
        assert marked == {move.external_id for move in proposal.moves if move.from_csm} & largest


@pytest.mark.parametrize("seed", range(100, 150))
def test_the_heads_that_a_plan_asks_for_suffice(seed: int) -> None:
    facts, policy, proposal = planned(seed)
    if not proposal.shortages:
        return
    known = {vertical for one in facts.csms if one.leaving != "gone" for vertical in one.verticals}
    hired = []
    for at, line in enumerate(proposal.shortages):
        name, tier, *country = line.pool.split(" · ")
        slug = next(one.slug for one in facts.tiers if one.name == tier)
        hired += [
            csm(
                f"new{at}-{head}",
                contract_minutes=policy.full_time_minutes,
                capacity_minutes=line.head_minutes,
                verticals=[name] if name in known else [],
                countries=country or ["DE", "FR"],
                tiers=frozenset([slug]),
            )
            for head in range(line.heads)
        ]
    more = replace(facts, csms=(*facts.csms, *hired))
    then = propose_books(facts=more, policy=policy, seed=1)
    assert faults(more, policy, then) == []
    assert then.unassigned == ()
