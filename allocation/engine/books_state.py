"""The books while they are being planned: who sits where, what room is left, what the budget still allows.

Every change goes through :meth:`Books.move`, which keeps loads, counts and the move budget right. Nothing here decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocation.engine.books_objective import Measures
from allocation.engine.books_pairs import PairCosts
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn, MoveCode

NO_CAP = np.iinfo(np.int64).max // 4
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Problem:
    """The fixed part, in canonical order (customers by external id, CSMs by key).

    ``allowed``: the CSM may hold the customer (able, and either open for new ones or its CSM now). ``home``: the customer
    may stay where it is. ``fixed``: it must. ``must_move``: it sits where it should not, but better than nowhere, so that it
    is never left out. ``cap`` CSMs × tiers. Budgets: None = no budget.
    """

    minutes: IntColumn
    arr_cents: IntColumn
    tier: IntColumn
    current: IntColumn
    home: BoolColumn
    fixed: BoolColumn
    must_move: BoolColumn
    allowed: BoolColumn
    costs: PairCosts
    measures: Measures
    capacity: IntColumn
    cap: IntColumn
    max_moves: int | None
    max_arr_cents: int | None

    @property
    def customers(self) -> int:
        """How many customers are planned."""
        return len(self.minutes)

    @property
    def csms(self) -> int:
        """How many CSMs there are."""
        return len(self.capacity)


@dataclass(slots=True)
class Books:
    """The changing part. ``seat`` = position of the CSM each customer sits with (−1 nobody)."""

    problem: Problem
    seat: IntColumn
    load: IntColumn = field(init=False)
    count: IntColumn = field(init=False)
    measured: FloatColumn = field(init=False)
    chosen: int = field(init=False, default=0)
    chosen_arr_cents: int = field(init=False, default=0)
    cause: dict[int, MoveCode] = field(init=False, default_factory=dict)
    version: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        problem, seated = self.problem, np.flatnonzero(self.seat >= 0)
        places = self.seat[seated]
        self.load = np.zeros(problem.csms, dtype=np.int64)
        np.add.at(self.load, places, problem.minutes[seated])
        self.count = np.zeros(problem.cap.shape, dtype=np.int64)
        np.add.at(self.count, (places, problem.tier[seated]), 1)
        self.measured = np.zeros(problem.measures.targets.shape, dtype=np.float64)
        for k, amounts in enumerate(problem.measures.amounts):
            np.add.at(self.measured[k], places, amounts[seated])
        away = problem.home & (self.seat != problem.current)
        self.chosen = int(away.sum())
        self.chosen_arr_cents = int(problem.arr_cents[away].sum())

    def copy(self) -> Books:
        """An independent copy, for trying another order."""
        twin = Books(problem=self.problem, seat=self.seat.copy())
        twin.cause = dict(self.cause)
        return twin

    def move(self, customer: int, csm: int, cause: MoveCode) -> None:
        """Seat ``customer`` with ``csm`` (−1 = nobody). The caller has checked room and budget."""
        problem, old = self.problem, int(self.seat[customer])
        for place, sign in ((old, -1), (csm, 1)):
            if place >= 0:
                self.load[place] += sign * problem.minutes[customer]
                self.count[place, problem.tier[customer]] += sign
                self.measured[:, place] += sign * problem.measures.amounts[:, customer]
        if problem.home[customer]:
            step = int(csm != problem.current[customer]) - int(old != problem.current[customer])
            self.chosen += step
            self.chosen_arr_cents += step * int(problem.arr_cents[customer])
        self.seat[customer] = csm
        self.cause.setdefault(customer, cause)
        if csm == problem.current[customer]:
            self.cause.pop(customer, None)
        self.version += 1

    def breached(self) -> BoolColumn:
        """CSMs over their hours or over a cap: they take nobody new."""
        over: BoolColumn = (self.load > self.problem.capacity) | (self.count > self.problem.cap).any(axis=1)
        return over

    def seats_for(self, customers: IntColumn) -> BoolColumn:
        """Customers × CSMs: allowed, and room for this one more (hours, cap, no breach)."""
        problem = self.problem
        fits = self.load[None, :] + problem.minutes[customers, None] <= problem.capacity[None, :]
        below = (self.count + 1 <= problem.cap)[:, problem.tier[customers]].T
        room: BoolColumn = problem.allowed[customers] & fits & below & ~self.breached()[None, :]
        return room

    def added_points(self, customer: int) -> FloatColumn:
        """Change of the balance penalty of each CSM if the customer were added to it."""
        scale = self.problem.measures
        more: FloatColumn = scale.penalty(self.measured + scale.amounts[:, customer, None]) - scale.penalty(
            self.measured
        )
        return more

    def away_steps(self, customers: IntColumn, csm: int) -> IntColumn:
        """Change of the number of chosen moves if each of ``customers`` went to ``csm``: −1, 0 or 1."""
        problem = self.problem
        after = problem.home[customers] & (problem.current[customers] != csm)
        before = problem.home[customers] & (problem.current[customers] != self.seat[customers])
        steps: IntColumn = after.astype(np.int64) - before.astype(np.int64)
        return steps

    def affordable(self, steps: IntColumn, arr_steps: IntColumn) -> BoolColumn:
        """Whether the budget bears these changes; a change that spends nothing is always borne."""
        problem = self.problem
        fine: BoolColumn = np.ones(np.shape(steps), dtype=np.bool_)
        if problem.max_moves is not None:
            fine &= (steps <= 0) | (self.chosen + steps <= problem.max_moves)
        if problem.max_arr_cents is not None:
            fine &= (arr_steps <= 0) | (self.chosen_arr_cents + arr_steps <= problem.max_arr_cents)
        return fine

    def may_move(self, customer: int, csm: int) -> bool:
        """Whether the budget allows this one move."""
        steps = self.away_steps(np.array([customer]), csm)
        return bool(self.affordable(steps, steps * self.problem.arr_cents[customer])[0])

    def unseated(self) -> list[int]:
        """Customers with nobody, in canonical order."""
        return [int(i) for i in np.flatnonzero(self.seat == NOBODY)]

    def points(self) -> float:
        """Z of what is seated now."""
        seated = np.flatnonzero(self.seat >= 0)
        pairs = self.problem.costs[seated, self.seat[seated]].sum()
        return float(self.problem.measures.penalty(self.measured).sum() + pairs)
