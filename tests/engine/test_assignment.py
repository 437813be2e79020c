"""The search for one group against all its assignments, counted and weighed here by code of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog  # type: ignore[import-untyped]  # no stubs among our packages

from allocation.engine import assignment_search
from allocation.engine.assignment import Budget, Group, Prices, lawful, no_prices, price_bound
from allocation.engine.assignment_pricing import find_prices
from allocation.engine.assignment_search import Work, begin, deepen
from allocation.engine.assignment_solver import Grown, Stop
from allocation.engine.books_objective import Measures

NO_CAP = 10**15
BLOCKS = [range(first, first + 25) for first in range(0, 150, 25)]
"""Groups by number; a test looks at a block of them, since starting a test takes longer than a group."""


@dataclass(frozen=True)
class Case:
    """A group, an assignment that keeps its limits, and what brute force says about all of them."""

    number: int
    group: Group
    start: np.ndarray
    seats: np.ndarray
    points: np.ndarray
    fine: np.ndarray

    @property
    def best(self) -> float:
        return float(self.points[self.fine].min())


def random_group(dice: np.random.Generator) -> Group:
    csms = int(dice.integers(2, 5))
    n = int(dice.integers(3, 7 if csms == 4 else 9))
    tiers, kinds = int(dice.integers(1, 4)), int(dice.integers(1, 4))
    costs = np.round(dice.random((n, csms)) * 4 - dice.choice([0.0, 2.0]), int(dice.integers(0, 6)))
    costs[dice.random((n, csms)) < dice.choice([0.0, 0.25])] = np.inf
    needs = dice.integers(1, 20, (n, csms if dice.random() < 0.4 else 1)).astype(np.float64)
    capacity = np.round(needs.sum() / needs.shape[1] / csms * dice.uniform(0.8, 2.0, csms))
    capacity[dice.random(csms) < 0.15] = np.inf
    caps = dice.integers(1, n, (csms, tiers))
    caps[dice.random((csms, tiers)) < 0.4] = NO_CAP
    amounts = np.round(dice.random((kinds, n)) * 10, int(dice.integers(0, 4)))
    targets = amounts.sum(axis=1)[:, None] / csms * dice.uniform(0.5, 1.5, (kinds, csms))
    targets[dice.random((kinds, csms)) < 0.1] = 0.0
    measures = Measures(
        amounts=amounts,
        targets=targets,
        scale=np.where(targets > 0, targets, 3.0),
        weights=dice.choice([0.0, 1.0, 5.0, 20.0], kinds),
        bands=dice.choice([0.0, 0.05, 0.3], kinds),
    )
    budgets = []
    for _ in range(int(dice.integers(0, 3))):
        given = dice.choice([1.0, 2.5, 4.0], n)
        home = dice.integers(-1, csms, n)
        budgets.append(Budget(home, given, float(np.round(given.sum() * dice.uniform(0.2, 0.8), 1))))
    tier = dice.integers(0, tiers, n)
    return Group(costs, needs, capacity, tier, caps, measures, tuple(budgets))


def weigh(group: Group, seat: tuple[int, ...]) -> tuple[float, bool]:
    """Points of one assignment and whether it keeps the limits, the slow way."""
    points, fine = 0.0, True
    for csm in range(group.csms):
        book = [i for i in range(len(seat)) if seat[i] == csm]
        points += sum(float(group.costs[i, csm]) for i in book)
        column = csm if group.needs.shape[1] > 1 else 0
        fine &= sum(float(group.needs[i, column]) for i in book) <= group.capacity[csm]
        for tier in range(group.caps.shape[1]):
            fine &= sum(int(group.tier[i]) == tier for i in book) <= group.caps[csm, tier]
        scale = group.measures
        for k, weight in enumerate(scale.weights):
            load = sum(float(scale.amounts[k, i]) for i in book)
            off = abs(load - scale.targets[k, csm]) / scale.scale[k, csm]
            points += weight * max(0.0, off - scale.bands[k])
    for budget in group.budgets:
        gone = sum(budget.amounts[i] for i in range(len(seat)) if budget.home[i] not in (-1, seat[i]))
        fine &= gone <= budget.limit + 1e-9
    return points, bool(fine and np.isfinite(points))


def weigh_all(group: Group, seats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for many assignments at once."""
    sits = seats[:, :, None] == np.arange(group.csms)
    pairs = np.where(sits, group.costs, 0.0).sum(axis=(1, 2))
    fine = np.isfinite(pairs) & ((sits * group.needs).sum(axis=1) <= group.capacity).all(axis=1)
    for tier in range(group.caps.shape[1]):
        fine &= (sits[:, group.tier == tier].sum(axis=1) <= group.caps[:, tier]).all(axis=1)
    scale = group.measures
    for k, weight in enumerate(scale.weights):
        load = (sits * scale.amounts[k][:, None]).sum(axis=1)
        off = np.abs(load - scale.targets[k]) / scale.scale[k] - scale.bands[k]
        pairs = pairs + weight * np.where(off > 0, off, 0.0).sum(axis=1)
    for budget in group.budgets:
        gone = (budget.home >= 0) & (seats != budget.home)
        fine &= (gone * budget.amounts).sum(axis=1) <= budget.limit + 1e-9
    return pairs, fine


@cache
def case(number: int) -> Case:
    """Random groups until one can be assigned at all."""
    dice = np.random.default_rng([number, 77])
    while True:
        group = random_group(dice)
        seats = np.array(list(product(range(group.csms), repeat=group.customers)))
        points, fine = weigh_all(group, seats)
        if fine.any():
            start = seats[dice.choice(np.flatnonzero(fine))]
            return Case(number, group, start, seats, points, fine)


def random_prices(group: Group, dice: np.random.Generator) -> Prices:
    zero, size = no_prices(group), dice.choice([0.01, 0.3, 3.0])
    return lawful(
        group,
        Prices(
            hours=dice.normal(size=group.csms) * size,
            caps=np.where(dice.random(zero.caps.shape) < 0.5, dice.random(zero.caps.shape) * size, 0.0),
            balance=dice.normal(size=zero.balance.shape) * size * 5,
            budgets=dice.normal(size=len(group.budgets)) * size,
        ),
    )


def relaxed_value(group: Group) -> float:
    """Value of the linear relaxation of the whole model, all pairs in it."""
    n, m = group.costs.shape
    scale = group.measures
    kinds = len(scale.weights)
    width = n * m + kinds * m
    rows: list[np.ndarray] = []
    limits: list[float] = []

    def at_most(row: np.ndarray, limit: float) -> None:
        rows.append(row)
        limits.append(limit)

    for j in range(m):
        mine = np.arange(n) * m + j
        if np.isfinite(group.capacity[j]):
            row = np.zeros(width)
            row[mine] = group.needs[:, j if group.needs.shape[1] > 1 else 0]
            at_most(row, float(group.capacity[j]))
        for tier in range(group.caps.shape[1]):
            row = np.zeros(width)
            row[mine[group.tier == tier]] = 1.0
            at_most(row, float(min(group.caps[j, tier], n)))
        for k in range(kinds):
            for sign in (1.0, -1.0):
                row = np.zeros(width)
                row[mine] = sign * scale.amounts[k] / scale.scale[k, j]
                row[n * m + k * m + j] = -1.0
                at_most(row, float(sign * scale.targets[k, j] / scale.scale[k, j] + scale.bands[k]))
    for budget in group.budgets:
        row, there = np.zeros(width), np.flatnonzero(budget.home >= 0)
        row[there * m + budget.home[there]] = -budget.amounts[there]
        at_most(row, float(budget.limit - budget.amounts[there].sum()))
    people = np.zeros((n, width))
    for i in range(n):
        people[i, i * m : (i + 1) * m] = 1.0
    open_pairs = np.isfinite(group.costs).ravel()
    answer = linprog(
        np.concatenate([np.where(open_pairs, group.costs.ravel(), 0.0), np.repeat(scale.weights, m)]),
        A_ub=np.array(rows),
        b_ub=np.array(limits),
        A_eq=people,
        b_eq=np.ones(n),
        bounds=[(0, 1 if is_open else 0) for is_open in open_pairs] + [(0, None)] * (kinds * m),
    )
    assert answer.status == 0
    return float(answer.fun)


def searched(one: Case, *, rounds: int = 4, units: float = 400.0) -> Work:
    """``begin`` and a few rounds."""
    work = begin(one.group, one.start, stop=Stop())
    for _ in range(rounds):
        work = deepen(work, units=units, seed=5, stop=Stop())
    return work


def check_work(one: Case, work: Work) -> None:
    """Whatever was searched: an assignment within the limits, weighed rightly, no worse than the start; a true bound."""
    points, fine = weigh(one.group, tuple(work.seat.tolist()))
    assert fine, f"group {one.number}"
    assert work.points == pytest.approx(points, abs=1e-9)
    assert work.points <= weigh(one.group, tuple(one.start.tolist()))[0] + 1e-9
    assert work.bound <= one.best + 1e-9, f"group {one.number}"
    assert work.price_bound <= work.bound + 1e-12


@pytest.mark.parametrize("block", BLOCKS)
def test_points_and_limits_agree_with_a_slow_count(block: range) -> None:
    for number in block:
        one = case(number)
        dice = np.random.default_rng(number)
        some = (
            dice.integers(0, len(one.seats), 25).tolist() + dice.choice(np.flatnonzero(one.fine), 5).tolist()
        )
        for row in some:
            seat = one.seats[row]
            points, fine = weigh(one.group, tuple(seat.tolist()))
            assert fine == one.fine[row]
            assert one.group.keeps_limits(seat) == fine
            assert one.group.points(seat) == pytest.approx(points, abs=1e-9)


@pytest.mark.parametrize("block", BLOCKS)
def test_no_prices_prove_more_than_the_optimum(block: range) -> None:
    for number in block:
        one = case(number)
        dice = np.random.default_rng(number)
        for _ in range(8):
            assert price_bound(one.group, random_prices(one.group, dice)) <= one.best + 1e-9


@pytest.mark.parametrize("block", BLOCKS)
def test_the_prices_found_prove_what_the_relaxation_is_worth(block: range) -> None:
    for number in block:
        one = case(number)
        priced = find_prices(one.group, one.start, rounds=40, stop=Stop())
        value = relaxed_value(one.group)
        assert priced.bound == pytest.approx(value, rel=1e-6, abs=1e-6)
        assert priced.bound <= one.best + 1e-9
        assert price_bound(one.group, lawful(one.group, priced.prices)) == pytest.approx(
            priced.bound, abs=1e-9
        )


@pytest.mark.parametrize("block", BLOCKS)
def test_the_search_reaches_the_optimum_and_says_so(block: range) -> None:
    for number in block:
        one = case(number)
        work = searched(one)
        check_work(one, work)
        assert work.closed, f"group {number}"
        assert work.points <= one.best + 2e-6 * max(1.0, abs(one.best))
        if number % 4 == 0:
            again = searched(one)
            assert (again.seat == work.seat).all()
            assert (again.points, again.bound, again.units) == (work.points, work.bound, work.units)


@pytest.mark.parametrize("block", BLOCKS)
def test_with_customers_divided_and_little_looked_at_nothing_false_is_said(
    block: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in block:
        one = case(number)
        for name, value in {"_CORE": 1, "_PROVABLE": 2, "_TREE_STEPS": 0, "_NEIGHBOURHOOD": 2}.items():
            monkeypatch.setattr(assignment_search, name, value)
        work = begin(one.group, one.start, stop=Stop())
        for _ in range(2):
            before = work
            work = deepen(work, units=30.0, seed=number, stop=Stop())
            check_work(one, work)
            assert work.points <= before.points
            assert work.bound >= before.bound
            if work.closed:
                assert work.points <= one.best + 2e-6 * max(1.0, abs(one.best))


@pytest.mark.parametrize("block", BLOCKS)
def test_a_part_counts_like_the_whole(block: range) -> None:
    for number in block:
        one, dice = case(number), np.random.default_rng(number)
        group = one.group
        csms = np.sort(dice.choice(group.csms, int(dice.integers(1, group.csms + 1)), replace=False))
        customers = np.flatnonzero(np.isin(one.start, csms))
        part = group.part(customers, csms, one.start)
        place = {int(csm): at for at, csm in enumerate(csms)}
        inside = np.array([place[int(csm)] for csm in one.start[customers]], dtype=np.int64)
        constant = group.points(one.start) - part.points(inside)
        for _ in range(12):
            again = dice.integers(0, len(csms), len(customers))
            whole = one.start.copy()
            whole[customers] = csms[again]
            points, fine = weigh(group, tuple(whole.tolist()))
            assert part.keeps_limits(again) == fine
            assert part.points(again) + constant == pytest.approx(points, abs=1e-8)
            for mine, all_of_it in zip(part.budgets, group.budgets, strict=True):
                left = all_of_it.limit - all_of_it.used(whole)
                assert mine.limit - mine.used(again) == pytest.approx(left, abs=1e-9)


@pytest.mark.parametrize("number", range(20))
def test_who_is_stopped_at_once_gives_the_start_back(number: int) -> None:
    one, stop = case(number), Stop(lambda: True)
    work = deepen(begin(one.group, one.start, stop=stop), units=400.0, seed=1, stop=stop)
    check_work(one, work)
    if not work.closed:
        assert (work.seat == one.start).all()
        assert stop.halted
        assert not stop.repeatable


@pytest.mark.parametrize("number", range(20))
def test_who_is_stopped_while_prices_are_looked_for_still_has_a_share_for_each_pair(number: int) -> None:
    one = case(number)
    for patience in range(1, 12):
        asked = iter(range(patience))
        stop = Stop(lambda asked=asked: next(asked, None) is None)
        priced = find_prices(one.group, one.start, rounds=40, stop=stop)
        assert len(priced.shares) == len(priced.columns.customer) == len(priced.columns.csm)
        asked = iter(range(patience))
        check_work(one, begin(one.group, one.start, stop=Stop(lambda asked=asked: next(asked, None) is None)))


def test_unlawful_prices_are_brought_into_their_range() -> None:
    group = replace(case(0).group, capacity=np.full(case(0).group.csms, np.inf))
    zero = no_prices(group)
    far: dict[str, Any] = {"hours": zero.hours + 9, "caps": zero.caps - 9, "balance": zero.balance - 99}
    prices = lawful(group, Prices(**far, budgets=zero.budgets - 9))
    assert not prices.hours.any()
    assert not prices.caps.any()
    assert not prices.budgets.any()
    assert (prices.balance == -group.measures.weights[:, None]).all()


@pytest.mark.parametrize("number", range(12))
def test_what_the_solver_says_is_looked_at_again(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proposal over a limit is not taken, and the solver's tolerance is taken off its bound."""
    one = case(number)
    work = begin(one.group, one.start, stop=Stop())
    if work.closed or one.fine.all():
        return
    wrong = one.seats[~one.fine][np.argmin(one.points[~one.fine])]

    def lies(*_: Any, **__: Any) -> Grown:
        return Grown(seat=wrong, bound=one.best, closed=True, steps=1)

    monkeypatch.setattr(assignment_search, "grow", lies)
    work = deepen(work, units=400.0, seed=1, stop=Stop())
    assert (work.seat == one.start).all()
    assert work.bound <= max(work.price_bound, one.best - 1e-6 * max(1.0, abs(one.best)))
