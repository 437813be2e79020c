"""Books as groups that share neither customers nor CSMs: each can be planned, and its bound proven, by itself.

Who may serve whom is a graph of customers and CSMs; its connected components are the groups. In a group that cannot serve
everybody one more place, *nobody*, holds exactly as many customers as are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation.engine.assignment import Budget, Group
from allocation.engine.books_objective import Measures
from allocation.engine.books_pairs import components
from allocation.engine.books_state import NO_CAP, NOBODY, Books
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn


@dataclass(frozen=True, slots=True)
class Part:
    """A group and where it lies: positions of its customers and CSMs. ``nobody``: its last column is the place of who is
    left out. ``seat`` = the assignment it begins with.
    """

    customers: IntColumn
    csms: IntColumn
    nobody: bool
    group: Group
    seat: IntColumn

    def places(self, seat: IntColumn) -> IntColumn:
        """Positions of CSMs (−1 = nobody) of an assignment of the group."""
        names = np.append(self.csms, NOBODY) if self.nobody else self.csms
        places: IntColumn = names[seat]
        return places

    def local(self, places: IntColumn) -> IntColumn:
        """The assignment of the group in positions of CSMs of all customers; the reverse of :meth:`places`."""
        return _numbered(self.csms, int(self.csms.max()) + 1, self.nobody)[places[self.customers]]


def who_may_have_whom(books: Books, allowed: BoolColumn) -> BoolColumn:
    """``allowed``, but a book over a limit takes nobody, and who sits with somebody may stay."""
    problem = books.problem
    table = allowed.copy()
    closed = np.flatnonzero(books.breached())
    table[:, closed] = False
    at_home = np.flatnonzero(problem.home)
    table[at_home, problem.current[at_home]] = True
    seated = np.flatnonzero(books.seat >= 0)
    table[seated, books.seat[seated]] = True
    fixed = np.flatnonzero(problem.fixed)
    table[fixed] = False
    table[fixed, problem.current[fixed]] = True
    return table


def parts_of(books: Books, table: BoolColumn) -> list[Part]:
    """The groups, those with the first customer first. Customers whom nobody may serve are in none."""
    customers, csms = components(table)
    return [
        part_of(books, table, np.flatnonzero(customers == label), np.flatnonzero(csms == label))
        for label in dict.fromkeys(customers[customers >= 0].tolist())
    ]


def part_of(books: Books, table: BoolColumn, customers: IntColumn, csms: IntColumn) -> Part:
    """The group of these customers and CSMs, with all that limits it. Budgets are left to whoever plans all groups."""
    problem = books.problem
    left_out = books.seat[customers] == NOBODY
    nobody = bool(left_out.any())
    pairs = table[np.ix_(customers, csms)]
    costs = np.where(pairs, problem.costs.table(customers, csms), np.inf)
    closed = books.breached()[csms]
    capacity = np.where(closed, np.maximum(problem.capacity[csms], books.load[csms]), problem.capacity[csms])
    caps = np.where(closed[:, None], np.maximum(problem.cap[csms], books.count[csms]), problem.cap[csms])
    needs = problem.minutes[customers].astype(np.float64)[:, None]
    measures = _measures(problem.measures, customers, csms, nobody)
    if nobody:
        may = left_out | ~(problem.home | problem.must_move)[customers]
        costs = np.column_stack([costs, np.where(may, left_out_points(books, customers), np.inf)])
        needs = np.column_stack([np.repeat(needs, len(csms), axis=1), np.ones(len(customers))])
        capacity = np.append(capacity, int(left_out.sum()))
        caps = np.vstack([caps, np.full((1, caps.shape[1]), NO_CAP)])
    return Part(
        customers=customers,
        csms=csms,
        nobody=nobody,
        group=Group(
            costs=costs,
            needs=needs,
            capacity=capacity.astype(np.float64),
            tier=problem.tier[customers],
            caps=caps,
            measures=measures,
        ),
        seat=_numbered(csms, problem.csms, nobody)[books.seat[customers]],
    )


def _numbered(csms: IntColumn, count: int, nobody: bool) -> IntColumn:
    """Column of a group for each position of a CSM; the last entry (position −1) is the place of who is left out."""
    place = np.full(count + 1, -1, dtype=np.int64)
    place[csms] = np.arange(len(csms))
    place[NOBODY] = len(csms) if nobody else -1
    return place


def left_out_points(books: Books, customers: IntColumn) -> FloatColumn:
    """Who is left out costs its ARR as a share of a mean book's, in the weight of ARR: among equals the larger is served."""
    scale = books.problem.measures
    mean = float(scale.targets[1].mean()) if scale.targets.size else 0.0
    if mean <= 0:
        return np.zeros(len(customers))
    points: FloatColumn = scale.weights[1] * scale.amounts[1, customers] / mean
    return points


def _measures(scale: Measures, customers: IntColumn, csms: IntColumn, nobody: bool) -> Measures:
    used = np.flatnonzero(scale.weights > 0)
    targets, scales = scale.targets[np.ix_(used, csms)], scale.scale[np.ix_(used, csms)]
    if nobody:  # whatever lies there is off no target
        targets = np.column_stack([targets, np.zeros(len(used))])
        scales = np.column_stack([scales, np.full(len(used), np.inf)])
    return Measures(
        amounts=scale.amounts[np.ix_(used, customers)],
        targets=targets,
        scale=scales,
        weights=scale.weights[used],
        bands=scale.bands[used],
    )


def budgets_of(books: Books, part: Part) -> dict[str, Budget]:
    """The move budgets by name ("moves" in customers, "moves_arr" in money) as they bind a part that holds all customers."""
    problem, who = books.problem, part.customers
    at_home = problem.home[who]
    home = np.where(at_home, _numbered(part.csms, problem.csms, False)[problem.current[who]], -1)
    budgets = {}
    if problem.max_moves is not None:
        limit = float(max(problem.max_moves, books.chosen))
        budgets["moves"] = Budget(home, at_home.astype(np.float64), limit)
    if problem.max_arr_cents is not None:
        arr = np.where(at_home, problem.arr_cents[who], 0) / 100.0
        limit = max(problem.max_arr_cents, books.chosen_arr_cents) / 100.0
        budgets["moves_arr"] = Budget(home, arr.astype(np.float64), limit)
    return budgets
