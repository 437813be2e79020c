"""Serving as many as possible, against an integer program over single customers, written here without the planner's code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]  # no stubs among our packages

from allocation.engine.books import propose_books
from allocation.engine.facts.books import BookFacts, BookPolicy, BookProposal, CsmFacts, TierFacts
from tests.engine.books_cast import company, csm, plan

TIERS = (
    TierFacts(slug="global", name="Global", touch_level="high", cap=3),
    TierFacts(slug="scale", name="Scale", touch_level="low", cap=7),
    TierFacts(slug="tail", name="Tail", touch_level="low", cap=None),
)
NOT_PROVEN = "It is not proven that no more customers could be served."


@dataclass(frozen=True)
class Company:
    facts: BookFacts
    policy: dict[str, Any]


def random_company(number: int) -> Company:
    """Too little room: hours for about two thirds; some CSMs closed, going or gone, some books over their hours."""
    dice = np.random.default_rng([number, 41])
    count, heads = int(dice.integers(8, 22)), int(dice.integers(2, 6))
    minutes = dice.choice([30, 50, 70, 110, 240], count)
    room = minutes.sum() * dice.uniform(0.5, 0.9) / heads
    crew: list[CsmFacts] = []
    for at in range(heads):
        given: dict[str, Any] = {"capacity_minutes": int(room * dice.uniform(0.5, 1.5))}
        if dice.random() < 0.4:
            given["regions"] = dice.choice(["EMEA", "APAC", "AMER"], 2).tolist()
        if dice.random() < 0.3:
            given["tiers"] = frozenset(dice.choice(["global", "scale", "tail"], 2).tolist())
        if dice.random() < 0.3:
            given["contract_minutes"] = 80 * 60
        state = dice.random()
        given |= {"accepting": False} if state < 0.1 else {"leaving": "gone"} if state < 0.2 else {}
        given |= {"leaving": "soon"} if 0.2 <= state < 0.3 else {}
        crew.append(csm(f"m{at}", **given))
    share = dice.choice([0.3, 0.8])
    rows: list[dict[str, Any]] = []
    left = {one.key: one.capacity_minutes for one in crew}
    for i in range(count):
        row: dict[str, Any] = {
            "minutes": int(minutes[i]),
            "tier": str(dice.choice(["global", "scale", "tail"])),
            "region": str(dice.choice(["EMEA", "APAC", "AMER"])),
            "arr": int(dice.integers(1, 40)) * 500,
        }
        now = str(dice.choice([one.key for one in crew]))
        held = sum(row["tier"] == other["tier"] and other.get("csm") == now for other in rows)
        if dice.random() < share and left[now] >= minutes[i] and held < (1 if row["tier"] == "global" else 3):
            row["csm"] = now
            left[now] -= int(minutes[i])
            row["hold"] = "renewal" if dice.random() < 0.2 else ""
        rows.append(row)
    over = crew[0]
    if dice.random() < 0.4:  # a book over its hours that nobody may relieve
        rows += [
            {"minutes": over.capacity_minutes, "tier": "tail", "csm": over.key, "hold": "renewal"}
            for _ in range(2)
        ]
        rows = [row | {"hold": "renewal"} if row.get("csm") == over.key else row for row in rows]
    policy: dict[str, Any] = {"region_fit": "hard", "search_iterations": 100}
    if dice.random() < 0.5:
        policy["max_moves_pct"] = float(dice.choice([0.0, 5.0, 12.5, 30.0]))
    if dice.random() < 0.4:
        policy["max_moves_arr_pct"] = float(dice.choice([2.0, 6.0, 15.0]))
    return Company(company(rows, crew, TIERS), policy)


def able(facts: BookFacts, row: int, one: CsmFacts) -> bool:
    """By region and tier."""
    columns = facts.customers
    region = not one.regions or columns.region[row] in one.regions or not columns.region[row]
    return region and (not one.tiers or columns.tier[row] in one.tiers)


def most_served(this: Company, *, lose: bool) -> int:
    """The most customers with a CSM who may have them. ``lose``: who sits where it may not stay may end with nobody."""
    facts, columns = this.facts, this.facts.customers
    crew, count = facts.csms, len(facts.customers)
    minutes = [int(value) for value in columns.minutes]
    caps = {tier.slug: tier.cap for tier in facts.tiers}
    holds = {one.key: [i for i in range(count) if columns.csm[i] == one.key] for one in crew}
    over = {
        one.key
        for one in crew
        if one.leaving != "gone" and sum(minutes[i] for i in holds[one.key]) > one.capacity_minutes
    }
    pairs: dict[tuple[int, str], int] = {}
    home = {}
    stays = set()
    for i in range(count):
        for one in crew:
            mine = columns.csm[i] == one.key
            good = able(facts, i, one)
            is_home = mine and one.leaving == "no" and (good or bool(columns.hold[i]))
            new = good and one.accepting and one.leaving == "no" and one.key not in over
            if is_home:
                home[i] = one.key
            if mine and not is_home and one.leaving != "gone":
                stays.add((i, one.key))
            if is_home or new or (i, one.key) in stays:
                pairs[i, one.key] = len(pairs)
    for i in list(home):
        if columns.hold[i]:
            pairs = {pair: 0 for pair in pairs if pair[0] != i or pair[1] == home[i]}
    pairs = {pair: at for at, pair in enumerate(pairs)}
    if not pairs:
        return 0
    rows, lower, upper = [], [], []

    def limit(terms: dict[tuple[int, str], float], low: float, high: float) -> None:
        row = np.zeros(len(pairs))
        for pair, value in terms.items():
            row[pairs[pair]] = value
        rows.append(row)
        lower.append(low)
        upper.append(high)

    for i in range(count):
        sits = i in home or (not lose and any((i, one.key) in stays for one in crew))
        limit({pair: 1.0 for pair in pairs if pair[0] == i}, 1.0 if sits else 0.0, 1.0)
    for one in crew:
        mine_too = [pair for pair in pairs if pair[1] == one.key]
        if one.key in over or one.leaving != "no":
            continue  # its own customers only, and fewer of them break nothing
        limit({pair: float(minutes[pair[0]]) for pair in mine_too}, 0.0, float(one.capacity_minutes))
        for slug, cap in caps.items():
            if cap is not None:
                some = {pair: 1.0 for pair in mine_too if columns.tier[pair[0]] == slug}
                limit(some, 0.0, float(cap * one.contract_minutes // (160 * 60)))
    stay = dict.fromkeys(home.items(), 1.0)
    if "max_moves_pct" in this.policy:
        most = int(this.policy["max_moves_pct"] * count // 100)
        limit(stay, len(stay) - most, np.inf)
    if "max_moves_arr_pct" in this.policy:
        arr = {pair: float(columns.arr_cents[pair[0]]) / 100 for pair in stay}
        most_arr = int(this.policy["max_moves_arr_pct"] * int(columns.arr_cents.sum()) // 100) / 100
        limit(arr, sum(arr.values()) - most_arr, np.inf)
    well = np.array([0.0 if pair in stays else -1.0 for pair in pairs])
    answer = milp(
        well,
        constraints=LinearConstraint(np.array(rows), np.array(lower), np.array(upper)),
        integrality=np.ones(len(pairs)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    assert answer.status == 0
    return round(-float(answer.fun))


def served_well(this: Company, proposal: BookProposal) -> int:
    """Customers with a CSM who may have them; who still sits with a leaver or an unable CSM is not well served."""
    by_key = {one.key: one for one in this.facts.csms}
    columns, total = this.facts.customers, 0
    for i, external_id in enumerate(columns.external_id):
        key = proposal.assignment[external_id]
        if key and by_key[key].leaving == "no":
            total += able(this.facts, i, by_key[key]) or bool(columns.hold[i])
    return total


HARD = (67, 76, 86, 88, 106, 147, 157, 174, 184, 186, 202, 233, 238, 253, 261)
"""Companies in which seats and chains alone do not find the most."""


@pytest.mark.parametrize("number", [*range(28), *HARD])
def test_nobody_more_could_be_served(number: int) -> None:
    this = random_company(number)
    proposal = plan(this.facts, **this.policy)
    served = served_well(this, proposal)
    assert served <= most_served(this, lose=True)
    assert served >= most_served(this, lose=False) or NOT_PROVEN in proposal.notes


@pytest.mark.parametrize("number", [6, 35, 37, 42])
def test_who_has_nowhere_to_go_leaves_nothing_unproven(number: int) -> None:
    this = random_company(number)
    assert NOT_PROVEN not in plan(this.facts, **this.policy).notes


def test_a_plan_stopped_before_it_asked_says_that_the_number_is_not_proven() -> None:
    this = random_company(67)
    policy = BookPolicy(**this.policy)
    assert (
        NOT_PROVEN in propose_books(facts=this.facts, policy=policy, seed=1, should_stop=lambda: True).notes
    )


@pytest.mark.parametrize("number", [*range(6), *HARD])
def test_who_may_stay_does_not_lose_the_seat(number: int) -> None:
    this = random_company(number)
    proposal, columns = plan(this.facts, **this.policy), this.facts.customers
    by_key = {one.key: one for one in this.facts.csms}
    for i, external_id in enumerate(columns.external_id):
        now = by_key.get(columns.csm[i])
        if now and now.leaving == "no" and (columns.hold[i] or able(this.facts, i, now)):
            assert proposal.assignment[external_id]
