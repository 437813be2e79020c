"""Serving as many as possible: an integer program over kinds of customers, not over customers.

Whoever is left out after seating and chains might still find a seat if several others sat elsewhere. For that question
customers alike (same CSMs possible, same tier, same hours, same home) are one number, so that the program is small and its
answer exact. Nobody who sits with a CSM loses the seat for somebody else; moves stay within the budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse  # type: ignore[import-untyped]  # no stubs among our packages

from allocation.engine.assignment_solver import Checkpoints, solver_of
from allocation.engine.books_groups import who_may_have_whom
from allocation.engine.books_pairs import components
from allocation.engine.books_search import Effort
from allocation.engine.books_state import NOBODY, Books
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn, MoveCode

_COLUMNS = 60_000
"""Above this many unknowns the question is left to the chains, and the answer says that it is not proven."""
_STEPS = 400
_MOVE, _STAND_IN = 0.6, 0.3
"""What all moves, and all stand-ins, of a component weigh against one customer served."""


def serve_most(*, books: Books, causes: Sequence[MoveCode], effort: Effort) -> bool:
    """Seat as many of those who wait as can be; True when it is proven that no more can be."""
    problem = books.problem
    table = who_may_have_whom(books, problem.allowed)
    waiting = _waiting(books) & table.any(axis=1)  # nothing is to be proven of who has nowhere to go
    if not waiting.any():
        return True
    customers, csms = components(table)
    proven = True
    for label in dict.fromkeys(customers[waiting].tolist()):
        who = np.flatnonzero(customers == label)
        sums = _sums(books, table, who, np.flatnonzero(csms == label))
        proven &= _solve(books, sums, causes, effort)
    return proven


def _waiting(books: Books) -> BoolColumn:
    """Who has nobody, or still sits where it should not."""
    problem = books.problem
    waiting: BoolColumn = (books.seat == NOBODY) | ((books.seat == problem.current) & ~problem.home)
    return waiting


@dataclass(frozen=True, slots=True)
class _Sums:
    """Kinds of customers of one component. ``members`` of each kind; ``home`` = position of the CSM it may stay with (−1 =
    none); ``stuck`` = of the CSM it sits with but should leave (−1 = none). ``settled``: had a seat and keeps one.
    An unknown is a ``kind`` and a ``csm``: how many of the kind sit there. ``waits``: that is no good seat.
    """

    members: list[IntColumn]
    home: IntColumn
    stuck: IntColumn
    settled: BoolColumn
    kind: IntColumn
    csm: IntColumn
    csms: IntColumn
    waits: BoolColumn

    @property
    def sizes(self) -> IntColumn:
        """Customers of each kind."""
        return np.array([len(some) for some in self.members], dtype=np.int64)


def _sums(books: Books, table: BoolColumn, who: IntColumn, csms: IntColumn) -> _Sums:
    problem, seat = books.problem, books.seat[who]
    home = np.where(problem.home[who], problem.current[who], NOBODY)
    stuck = np.where((seat == problem.current[who]) & ~problem.home[who], seat, NOBODY)
    bits = np.packbits(table[who], axis=1).astype(np.int64)
    keys = np.column_stack(
        [problem.tier[who], problem.minutes[who], home, stuck, problem.must_move[who], bits]
    )
    _, first, kind = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    kind = kind.ravel()
    unknown, csm = np.nonzero(table[who[first]])
    order = np.argsort(kind, kind="stable")
    return _Sums(
        members=np.split(who[order], np.cumsum(np.bincount(kind))[:-1]),
        home=home[first],
        stuck=stuck[first],
        settled=(problem.home | problem.must_move)[who[first]],
        kind=unknown,
        csm=csm,
        csms=csms,
        waits=stuck[first][unknown] == csm,
    )


def _solve(books: Books, sums: _Sums, causes: Sequence[MoveCode], effort: Effort) -> bool:
    if len(sums.kind) > _COLUMNS or effort.stop():
        return False
    everyone = np.concatenate(sums.members)
    well = int((~_waiting(books))[everyone].sum())
    solver = _program(books, sums)
    checkpoints = Checkpoints(solver.cbMipInterrupt, effort.stop, _STEPS)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.run()
    effort.used += checkpoints.used * (1.0 + len(sums.kind) / 1_000)
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return False
    counts = np.rint(np.array(solver.getSolution().col_value)[: len(sums.kind)]).astype(np.int64)
    if int(counts[~sums.waits].sum()) > well and _keeps_limits(books, sums, counts):
        _seat(books, sums, counts, causes)
        well = int((~_waiting(books))[everyone].sum())
    # One more served would cost −(well + 1) and, with all of them stand-ins, _STAND_IN more at most.
    return float(info.mip_dual_bound) > -(well + 1) + _STAND_IN + 1e-6


def _program(books: Books, sums: _Sums) -> highspy.Highs:
    problem, n = books.problem, len(sums.kind)
    people = sum(len(some) for some in sums.members)
    at_home = sums.home[sums.kind] == sums.csm
    first = np.array([some[0] for some in sums.members], dtype=np.int64)
    stand_in = problem.costs.fallback[first[sums.kind], sums.csm].astype(np.float64)
    costs = np.where(sums.waits, 0.0, -1.0) - np.where(at_home, _MOVE / people, 0.0)
    costs = costs + stand_in * _STAND_IN / people
    rows = _RowsOf(n)
    sizes = sums.sizes.astype(np.float64)
    rows.add(sums.kind, np.ones(n), np.where(sums.settled, sizes, 0.0), sizes)
    place = np.full(problem.csms, -1, dtype=np.int64)
    place[sums.csms] = np.arange(len(sums.csms))
    minutes = problem.minutes[first][sums.kind].astype(np.float64)
    hours = np.maximum(problem.capacity, np.where(books.breached(), books.load, 0))[sums.csms]
    rows.add(place[sums.csm], minutes, np.full(len(hours), -np.inf), hours.astype(np.float64))
    caps = np.maximum(problem.cap, np.where(books.breached()[:, None], books.count, 0))[sums.csms]
    tier = problem.tier[first][sums.kind]
    flat = np.minimum(caps, people).ravel().astype(np.float64)
    rows.add(place[sums.csm] * caps.shape[1] + tier, np.ones(n), np.full(len(flat), -np.inf), flat)
    extra = _add_budgets(books, sums, rows, at_home)
    return solver_of(
        costs=np.concatenate([costs, np.zeros(extra)]),
        lower=np.zeros(n + extra),
        upper=np.concatenate([sizes[sums.kind], np.ones(extra)]),
        matrix=rows.matrix(n + extra),
        row_lower=np.concatenate(rows.lower),
        row_upper=np.concatenate(rows.upper),
        whole=np.arange(n + extra) < n,
    )


class _RowsOf:
    """Rows of the program, block by block."""

    def __init__(self, unknowns: int) -> None:
        self.unknowns = unknowns
        self.count = 0
        self.lower: list[FloatColumn] = []
        self.upper: list[FloatColumn] = []
        self._blocks: list[tuple[IntColumn, IntColumn, FloatColumn]] = []

    def add(
        self,
        row: IntColumn,
        values: FloatColumn,
        lower: FloatColumn,
        upper: FloatColumn,
        *more: tuple[IntColumn, IntColumn, FloatColumn],
    ) -> None:
        """``row`` of each unknown within this block; ``more``: rows, columns and values of other columns."""
        for rows, columns, numbers in ((row, np.arange(self.unknowns), values), *more):
            self._blocks.append((rows + self.count, columns, numbers))
        self.count += len(lower)
        self.lower.append(lower)
        self.upper.append(upper)

    def matrix(self, columns: int) -> sparse.csc_matrix:
        """The rows as a matrix."""
        rows, places, values = (np.concatenate(parts) for parts in zip(*self._blocks, strict=True))
        return sparse.csc_matrix((values, (rows, places)), shape=(self.count, columns))


def _add_budgets(books: Books, sums: _Sums, rows: _RowsOf, at_home: BoolColumn) -> int:
    """At most so many, and so much ARR, away from home. Of each kind the smallest ARR goes first: a column a customer."""
    problem = books.problem
    kinds = np.flatnonzero(sums.home >= 0)
    if not len(kinds):
        return 0
    members = [sums.members[kind] for kind in kinds]
    inside = np.zeros(problem.customers, dtype=np.bool_)
    inside[np.concatenate(sums.members)] = True
    away = problem.home & (books.seat != problem.current) & ~inside
    stay = at_home.astype(np.float64)
    whole = float(sum(len(some) for some in members))
    if problem.max_moves is not None:
        left = max(problem.max_moves, books.chosen) - int(away.sum())
        rows.add(np.zeros(rows.unknowns, dtype=np.int64), stay, np.array([whole - left]), np.array([np.inf]))
    if problem.max_arr_cents is None:
        return 0
    left_cents = max(problem.max_arr_cents, books.chosen_arr_cents) - int(problem.arr_cents[away].sum())
    one = np.concatenate(members)
    column = rows.unknowns + np.arange(len(one))
    row = np.full(len(sums.members), -1, dtype=np.int64)
    row[kinds] = np.arange(len(kinds))
    whose = np.repeat(np.arange(len(kinds)), [len(some) for some in members])
    sizes = sums.sizes[kinds].astype(np.float64)
    nowhere = np.maximum(row[sums.kind], 0)
    rows.add(nowhere, stay, sizes, sizes, (whose, column, np.ones(len(one))))
    zero = np.zeros(rows.unknowns, dtype=np.int64)
    euros = problem.arr_cents[one] / 100.0
    rows.add(
        zero,
        np.zeros(rows.unknowns),
        np.array([-np.inf]),
        np.array([left_cents / 100.0]),
        (np.zeros(len(one), dtype=np.int64), column, euros),
    )
    return len(one)


def _seats_of(books: Books, sums: _Sums, counts: IntColumn) -> dict[int, int]:
    """Who of each kind sits where: the largest ARR stays at home, and waits last."""
    problem, seats = books.problem, {}
    for kind, members in enumerate(sums.members):
        mine = np.flatnonzero(sums.kind == kind)
        places = {int(sums.csm[at]): int(counts[at]) for at in mine if counts[at] > 0}
        waiting = members[np.lexsort((members, -problem.arr_cents[members]))].tolist()
        first = int(sums.home[kind]) if sums.home[kind] >= 0 else NOBODY
        for csm in sorted(places, key=lambda csm: (csm != first, csm)):
            chosen = (
                waiting if csm == first else sorted(waiting, key=lambda who: books.seat[who] != csm)
            )  # used at once
            for who in chosen[: places[csm]]:
                seats[int(who)] = csm
                waiting.remove(who)
        seats.update(dict.fromkeys(waiting, NOBODY))
    return seats


def _keeps_limits(books: Books, sums: _Sums, counts: IntColumn) -> bool:
    """Rounded numbers of a solver are looked at again, in whole minutes and cents."""
    problem = books.problem
    seats = _seats_of(books, sums, counts)
    seat = books.seat.copy()
    seat[list(seats)] = list(seats.values())
    after = Books(problem=problem, seat=seat)
    over = np.where(books.breached(), np.maximum(problem.capacity, books.load), problem.capacity)
    caps = np.where(books.breached()[:, None], np.maximum(problem.cap, books.count), problem.cap)
    few = problem.max_moves is None or after.chosen <= max(problem.max_moves, books.chosen)
    small = problem.max_arr_cents is None or after.chosen_arr_cents <= max(
        problem.max_arr_cents, books.chosen_arr_cents
    )
    return bool((after.load <= over).all() and (after.count <= caps).all() and few and small)


def _seat(books: Books, sums: _Sums, counts: IntColumn, causes: Sequence[MoveCode]) -> None:
    for who, csm in _seats_of(books, sums, counts).items():
        if books.seat[who] != csm:
            books.move(who, csm, "makes_room" if books.problem.home[who] else causes[who])
