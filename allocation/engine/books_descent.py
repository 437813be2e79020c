"""Making a plan better: single shifts and swaps of two, each accepted only when the objective falls.

Work is counted in iterations (one shift pass, or one pair of CSMs), never in seconds, so that the same input and seed
give the same plan on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from allocation.engine.books_state import Books
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn

Stop = Callable[[], bool]
Progress = Callable[[int, int], None]

_BETTER = -1e-7
_CHUNK = 4096
_SIDE = 200
"""A swap looks at no more than this many customers of each book: the cheapest to move."""


@dataclass(slots=True)
class Search:
    """Budget and state of one descent. ``stopped``: somebody outside said stop, the plan is not repeatable."""

    books: Books
    iterations: int
    seed: int
    stop: Stop
    progress: Progress
    used: int = field(init=False, default=0)
    stopped: bool = field(init=False, default=False)

    def may_go_on(self) -> bool:
        """Whether budget is left and nobody said stop; counts one iteration."""
        if self.used >= self.iterations or self.stopped:
            return False
        if self.stop():
            self.stopped = True
            return False
        self.used += 1
        self.progress(self.used, self.iterations)
        return True


def descend(*, search: Search) -> None:
    """Shifts until none helps, then swaps, until neither helps or the budget is spent."""
    if search.books.problem.csms < 2:
        return
    order = np.random.Generator(np.random.PCG64(search.seed))
    while True:
        while search.may_go_on() and _shift_pass(search.books):
            pass
        if not _swap_pass(search, order):
            return


def _movable(books: Books) -> IntColumn:
    return np.flatnonzero((books.seat >= 0) & ~books.problem.fixed)


def _shift_pass(books: Books) -> bool:
    """Find every customer's best shift at once, then apply them best first, each looked at again."""
    movable = _movable(books)
    if not len(movable):
        return False
    chunks = [movable[start : start + _CHUNK] for start in range(0, len(movable), _CHUNK)]
    gain = np.round(np.concatenate([_shift_gains(books, chunk).min(axis=1) for chunk in chunks]), 9)
    moved = False
    for row in np.lexsort((movable, np.round(gain / _prices(books, movable), 6))):
        if gain[row] >= _BETTER:
            break
        customer = int(movable[row])
        again = np.round(_shift_gains(books, movable[row : row + 1])[0], 9)
        best = int(np.argmin(again))
        if again[best] < _BETTER:
            books.move(customer, best, "balance")
            moved = True
    return moved


def _prices(books: Books, customers: IntColumn) -> FloatColumn:
    """What moving each customer takes from the budgets: a short budget goes where it buys most, not to one whale."""
    problem = books.problem
    price = np.zeros(len(customers), dtype=np.float64)
    if problem.max_moves:
        price += 1.0 / problem.max_moves
    if problem.max_arr_cents:
        price += problem.arr_cents[customers] / problem.max_arr_cents
    stays = problem.home[customers] & (books.seat[customers] == problem.current[customers])
    return np.where(stays & (price > 0), price, 1.0 if not price.any() else 1e-6)


def _shift_gains(books: Books, customers: IntColumn) -> FloatColumn:
    """Change of Z, customers × CSMs; infinite where room or budget says no."""
    problem, scale = books.problem, books.problem.measures
    seat = books.seat[customers]
    now = scale.penalty(books.measured)
    amounts = scale.amounts[:, customers]
    rows = np.arange(len(customers))
    pair = problem.costs[customers] - problem.costs[customers, seat][:, None]
    left = _penalty_without(books, amounts, seat) - now[seat]
    gain = pair + left[:, None]
    open_to = books.seats_for(customers) & _affordable(books, customers)
    open_to[rows, seat] = False
    # Only where it may matter: adding never lowers a penalty below zero.
    promising = open_to & (gain - now[None, :] < _BETTER)
    row, csm = np.nonzero(promising)
    result = np.full(gain.shape, np.inf)
    if len(row):
        off = np.abs(books.measured[:, csm] + amounts[:, row] - scale.targets[:, csm]) / scale.scale[:, csm]
        points = (scale.weights[:, None] * np.maximum(off - scale.bands[:, None], 0.0)).sum(axis=0)
        result[row, csm] = gain[row, csm] + points - now[csm]
    return result


def _penalty_without(books: Books, amounts: FloatColumn, seat: IntColumn) -> FloatColumn:
    scale = books.problem.measures
    off = np.abs(books.measured[:, seat] - amounts - scale.targets[:, seat]) / scale.scale[:, seat]
    points: FloatColumn = (scale.weights[:, None] * np.maximum(off - scale.bands[:, None], 0.0)).sum(axis=0)
    return points


def _affordable(books: Books, customers: IntColumn) -> BoolColumn:
    problem = books.problem
    if problem.max_moves is None and problem.max_arr_cents is None:
        return np.ones((len(customers), problem.csms), dtype=np.bool_)
    here = problem.current[customers, None] == np.arange(problem.csms)[None, :]
    away = problem.home[customers] & (problem.current[customers] != books.seat[customers])
    steps = (problem.home[customers, None] & ~here).astype(np.int64) - away.astype(np.int64)[:, None]
    return books.affordable(steps, steps * problem.arr_cents[customers, None])


def _swap_pass(search: Search, order: np.random.Generator) -> bool:
    """Every pair of CSMs of which one is out of its band or has a misfit: the best swap, if it helps."""
    books = search.books
    m = books.problem.csms
    pairs = [(a, b) for a in range(m) for b in range(a + 1, m)]
    improved = False
    for index in order.permutation(len(pairs)):
        a, b = pairs[int(index)]
        if not _worth_a_look(books, a, b):
            continue
        if not search.may_go_on():
            return False
        while _swap_once(books, a, b):
            improved = True
    return improved


def _worth_a_look(books: Books, a: int, b: int) -> bool:
    return _two_penalties(books, a, b) > 1e-9


def _two_penalties(books: Books, a: int, b: int) -> float:
    scale = books.problem.measures
    return float(scale.penalty_at(a, books.measured[:, a]) + scale.penalty_at(b, books.measured[:, b]))


def _swap_once(books: Books, a: int, b: int) -> bool:
    problem, scale = books.problem, books.problem.measures
    ours, theirs = _candidates(books, a, b), _candidates(books, b, a)
    if not len(ours) or not len(theirs):
        return False
    possible = _swap_fits(books, a, b, ours, theirs)
    if not possible.any():
        return False
    pair = (problem.costs[ours, b] - problem.costs[ours, a])[:, None] + (
        problem.costs[theirs, a] - problem.costs[theirs, b]
    )[None, :]
    flow = scale.amounts[:, theirs][:, None, :] - scale.amounts[:, ours][:, :, None]
    points = scale.penalty_at(a, books.measured[:, a, None, None] + flow)
    points = points + scale.penalty_at(b, books.measured[:, b, None, None] - flow)
    gain = np.where(possible, np.round(pair + points - _two_penalties(books, a, b), 9), np.inf)
    row, column = divmod(int(np.argmin(gain)), len(theirs))
    if gain[row, column] >= _BETTER:
        return False
    books.move(int(ours[row]), b, "balance")
    books.move(int(theirs[column]), a, "balance")
    return True


def _candidates(books: Books, csm: int, other: int) -> IntColumn:
    problem = books.problem
    there = np.flatnonzero((books.seat == csm) & ~problem.fixed & problem.allowed[:, other])
    if len(there) <= _SIDE:
        return there
    dear = np.round(problem.costs[there, other] - problem.costs[there, csm], 9)
    return np.sort(there[np.lexsort((there, dear))[:_SIDE]])


def _swap_fits(books: Books, a: int, b: int, ours: IntColumn, theirs: IntColumn) -> BoolColumn:
    """Hours, caps, breaches and budget of a swap, ours × theirs."""
    problem = books.problem
    closed = books.breached()
    if closed[a] or closed[b]:
        return np.zeros((len(ours), len(theirs)), dtype=np.bool_)
    flow = problem.minutes[theirs][None, :] - problem.minutes[ours][:, None]
    fits = (books.load[a] + flow <= problem.capacity[a]) & (books.load[b] - flow <= problem.capacity[b])
    same = problem.tier[ours][:, None] == problem.tier[theirs][None, :]
    below_b = (books.count[b] + 1 <= problem.cap[b])[problem.tier[ours]]
    below_a = (books.count[a] + 1 <= problem.cap[a])[problem.tier[theirs]]
    fits &= same | (below_b[:, None] & below_a[None, :])
    out, back = books.away_steps(ours, b), books.away_steps(theirs, a)
    arr = (out * problem.arr_cents[ours])[:, None] + (back * problem.arr_cents[theirs])[None, :]
    possible: BoolColumn = fits & books.affordable(out[:, None] + back[None, :], arr)
    return possible
