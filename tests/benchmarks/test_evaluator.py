"""The independent evaluator: agrees with the formula written out, catches every broken limit, never proves too much."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from allocation.engine.books import propose_books
from benchmarks.companies import company
from benchmarks.evaluator import bound_of, broken_limits, chosen_moves, objective
from benchmarks.sheet import Sheet, UnknownRule
from tests.benchmarks import tiny
from tests.engine.books_cast import company as facts_of
from tests.engine.books_cast import csm


def written_out(sheet, seats):
    """Z customer by customer and CSM by CSM, as the document says it."""
    policy, (targets, scale) = sheet.policy, sheet.targets
    points = 0.0
    for measure, weight, band in ((0, policy.weight_hours, 0.05), (1, policy.weight_arr, 0.10)):
        for j in range(len(sheet.capacity)):
            held = sum(sheet.amounts[measure][i] for i, seat in enumerate(seats) if seat == j)
            points += weight * max(0.0, abs(held - targets[measure][j]) / scale[measure][j] - band)
    return points + sum(sheet.costs(np.array([i]))[0, seat] for i, seat in enumerate(seats) if seat >= 0)


def test_the_objective_is_the_formula_written_out():
    sheet = tiny.sheet()
    for seats in tiny.every_plan(sheet)[::7]:
        assert objective(sheet, seats) == pytest.approx(written_out(sheet, seats), abs=1e-9)


def test_points_of_a_pair_by_hand():
    sheet = tiny.sheet(seniority_follows_value=False)
    ann, bo, cy = 0, 1, 2
    # Global weighs 4. Bo is a generalist where Finance has a specialist: 0.5. A change by choice: 3. Ann and Bo differ in
    # verticals wholly, in regions by 1 − 1/2, not in languages and products, in seniority by 4/4: (1 + 0.5 + 1) ÷ 5 = 0.5.
    assert sheet.costs(np.array([0]))[0, [ann, bo]] == pytest.approx([0.0, 4 * (0.5 + 3 + 0.5)])
    # Enterprise weighs 2. Cy speaks no French: 1, change 3; Bo and Cy differ in regions 1, languages 1, seniority 2/4.
    assert sheet.costs(np.array([1]))[0, [bo, cy]] == pytest.approx([0.0, 2 * (1 + 3 + 2.5 / 5)])
    # Scale weighs 1 and this one has no CSM: only fit counts. Bo and Cy are generalists for Finance.
    assert sheet.costs(np.array([3]))[0, [bo, cy]] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("family", ["band", "no-band", "overlap"])
def test_planner_and_evaluator_give_a_plan_the_same_points(family):
    made = company(family=family, customers=240, csms=8, seed=1)
    sheet = Sheet(made.facts, made.policy)
    proposal = propose_books(facts=made.facts, policy=made.policy, seed=1)
    seats = sheet.seats(proposal.assignment)
    assert objective(sheet, seats) == pytest.approx(proposal.objective, abs=1e-4)
    assert len(chosen_moves(sheet, seats)) == proposal.budget.chosen
    assert broken_limits(sheet, seats) == []


@pytest.mark.parametrize(
    ("seats", "limits"),
    [
        ([0, 1, 1, 1, 2], set()),
        ([0, 1, 1, 1, -1], set()),  # nobody is no breach
        (
            [0, 1, 0, 1, 0],
            {"hours", "may not serve"},
        ),  # Ann: 150 + 60 + 200 of 400 minutes; the last is in the South
        ([0, 1, 3, 1, 2], {"hours", "may not serve"}),  # Di has left and has no hours
        ([0, 0, 1, 1, 2], {"may not serve"}),  # Ann does not serve the South
    ],
)
def test_limits_that_are_broken_are_named(seats, limits):
    assert {one.limit for one in broken_limits(tiny.sheet(), np.array(seats))} == limits


def test_a_cap_counts_the_share_of_full_time():
    rows = [{"tier": "global", "minutes": 1} for _ in range(4)]
    half = Sheet(facts_of(rows, [csm("bo", contract_minutes=80 * 60)]), tiny.POLICY)
    # Six for full time, three for half: the fourth is one too many.
    assert [
        (one.limit, one.held, one.allowed) for one in broken_limits(half, np.zeros(4, dtype=np.int64))
    ] == [("cap", 4, 3)]


def test_who_is_on_hold_may_neither_move_nor_be_left_alone():
    rows = [{"csm": "ann", "hold": "renewal"}]
    sheet = Sheet(facts_of(rows, [csm("ann"), csm("bo")]), tiny.POLICY)
    assert broken_limits(sheet, np.array([0])) == []
    assert {one.limit for one in broken_limits(sheet, np.array([1]))} == {"may not serve"}
    assert {one.limit for one in broken_limits(sheet, np.array([-1]))} == {"hold"}


def test_moves_beyond_the_budget_are_a_broken_limit():
    rows = [{"csm": "ann", "arr": 10 * (place + 1)} for place in range(10)]
    budget = replace(tiny.POLICY, max_moves_pct=10.0, max_moves_arr_pct=10.0)
    sheet = Sheet(facts_of(rows, [csm("ann"), csm("bo")]), budget)
    one = np.array([1, *[0] * 9])
    two = np.array([1, 1, *[0] * 8])
    largest = np.array([*[0] * 9, 1])  # 100 of 550
    assert broken_limits(sheet, one) == []
    assert [(found.limit, found.held, found.allowed) for found in broken_limits(sheet, two)] == [
        ("moves", 2, 1)
    ]
    assert {found.limit for found in broken_limits(sheet, largest)} == {"moved ARR"}


def prices(sheet, chance, scale):
    """Any prices within their range, of the three CSMs who are there."""
    csms = 3
    return {
        "csms": ["ann", "bo", "cy"],
        "hours": list(scale * 0.02 * chance.random(csms)),
        "caps": {slug: list(scale * 2 * chance.random(csms)) for slug in ("global", "enterprise", "scale")},
        "measures": {
            "hours": list(sheet.policy.weight_hours * scale * chance.uniform(-1, 1, csms)),
            "arr": list(sheet.policy.weight_arr * scale * chance.uniform(-1, 1, csms)),
        },
        "moves": scale * 3 * chance.random(),
        "moves_arr": scale * 1e-5 * chance.random(),
    }


@pytest.mark.parametrize("budget", [{}, {"max_moves_pct": 20.0}, {"max_moves_arr_pct": 30.0}])
def test_no_prices_prove_more_than_the_best_plan(budget):
    sheet = tiny.sheet(**budget)
    best = min(objective(sheet, seats) for seats in tiny.every_plan(sheet) if not broken_limits(sheet, seats))
    chance = np.random.Generator(np.random.PCG64(1))
    for scale in (0.0, 0.02, 0.1, 0.5, 1.0) * 20:
        found = bound_of(sheet, prices(sheet, chance, scale))
        assert found.points <= best + 1e-9
        assert found.flaws == ()


def relaxed(sheet):
    """Least value of the linear relaxation and its prices, by a solver that knows nothing of the evaluator."""
    customers, csms = len(sheet.ids), len(sheet.capacity)
    pairs = np.argwhere(sheet.everything_allowed)
    columns, (targets, scale) = len(pairs), sheet.targets
    excess = [(k, j) for k in (0, 1) for j in range(csms)]
    costs = [sheet.costs(np.array([i]))[0, j] for i, j in pairs] + [sheet.weights[k] for k, _ in excess]
    once = np.zeros((customers, columns + len(excess)))
    once[pairs[:, 0], range(columns)] = 1.0
    rows, limits = [], []
    for j in range(csms):
        rows.append([sheet.minutes[i] * (to == j) for i, to in pairs] + [0.0] * len(excess))
        limits.append(sheet.capacity[j])
    for j in range(csms):
        for t in range(len(sheet.facts.tiers)):
            rows.append([float(to == j and sheet.tier[i] == t) for i, to in pairs] + [0.0] * len(excess))
            limits.append(sheet.cap[j, t])
    for sign in (1.0, -1.0):
        for at, (k, j) in enumerate(excess):
            slack = [-float(at == other) for other in range(len(excess))]
            rows.append([sign * sheet.amounts[k][i] * (to == j) / scale[k, j] for i, to in pairs] + slack)
            limits.append(sheet.bands[k] + sign * targets[k, j] / scale[k, j])
    solved = linprog(
        costs, A_ub=np.array(rows), b_ub=limits, A_eq=once, b_eq=np.ones(customers), method="highs"
    )
    dual = -solved.ineqlin.marginals
    caps = dual[csms : csms * (1 + len(sheet.facts.tiers))].reshape(csms, -1)
    over, under = dual[csms * (1 + len(sheet.facts.tiers)) :].reshape(2, 2, csms)
    return solved.fun, {
        "csms": [one.key for one in sheet.facts.csms],
        "hours": list(dual[:csms]),
        "caps": {tier.slug: list(caps[:, t]) for t, tier in enumerate(sheet.facts.tiers)},
        "measures": {"hours": list(over[0] - under[0]), "arr": list(over[1] - under[1])},
    }


def test_the_best_prices_prove_the_value_of_the_relaxation():
    """Strong duality: only a bound with every sign and term right reaches it."""
    made = company(family="band", customers=120, csms=6, seed=1)
    sheet = Sheet(made.facts, made.policy)
    value, told = relaxed(sheet)
    assert value > 1.0
    assert bound_of(sheet, told).points == pytest.approx(value, rel=1e-7)


def test_prices_of_groups_add_up_to_those_of_all():
    made = company(family="band", customers=120, csms=6, seed=2)
    sheet = Sheet(made.facts, made.policy)
    value, told = relaxed(sheet)
    groups = {}
    for place, one in enumerate(sheet.facts.csms):
        groups.setdefault(one.team, []).append(place)
    parts = [
        {
            "csms": [told["csms"][at] for at in places],
            "hours": [told["hours"][at] for at in places],
            "caps": {slug: [of[at] for at in places] for slug, of in told["caps"].items()},
            "measures": {name: [of[at] for at in places] for name, of in told["measures"].items()},
        }
        for places in groups.values()
    ]
    assert len(parts) == 4
    assert sum(bound_of(sheet, part).points for part in parts) == pytest.approx(value, rel=1e-7)


def test_prices_outside_their_range_are_named_and_prove_nothing_false():
    sheet = tiny.sheet()
    best = min(objective(sheet, seats) for seats in tiny.every_plan(sheet) if not broken_limits(sheet, seats))
    wild = {"csms": ["ann", "bo", "cy"], "hours": [-1.0, 0, 0], "measures": {"arr": [0.0, 31.0, 0.0]}}
    found = bound_of(sheet, wild)
    assert set(found.flaws) == {"hours: below nought", "arr: beyond the weight"}
    assert found.points <= best


@pytest.mark.parametrize(
    "rule",
    [
        {"vertical_fit": "specialist_first"},
        {"product_fit": "soft"},
        {"country_law": True},
        {"keep_families_together": True},
    ],
)
def test_rules_that_the_evaluator_does_not_know_are_refused(rule):
    with pytest.raises(UnknownRule):
        tiny.sheet(**rule)
