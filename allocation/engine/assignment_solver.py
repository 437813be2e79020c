"""What HiGHS does for a group: the relaxation that finds good prices, and the search tree over the pairs left.

Work is counted in steps of the solver (its own checkpoints), never in seconds, so that the same input gives the same answer anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse  # type: ignore[import-untyped]  # no stubs among our packages

from allocation.engine.assignment import Prices
from allocation.engine.assignment_programs import Program
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn


class Stop:
    """Whether to stop, as somebody outside says; asked at checkpoints of the solver. ``halted`` = it said so once,
    ``repeatable`` = nothing depended on it or on the clock.

    ``seconds``: the most that one call of the solver may take, since it looks up from its work only now and then. Who sets
    it gets an answer in time that may not be repeatable.
    """

    def __init__(self, ask: Callable[[], bool] | None = None, *, seconds: float | None = None) -> None:
        self.halted = False
        self.repeatable = True
        self.seconds = seconds
        self._ask = ask

    def __call__(self) -> bool:
        self.halted = self.halted or bool(self._ask and self._ask())
        self.repeatable = self.repeatable and not self.halted
        return self.halted

    def overran(self) -> None:
        """A call took all of its seconds: what follows depends on the machine."""
        self.repeatable = False


_CLOSED_REL = 1e-6
"""A tree is closed when its bound is this near its best assignment."""


def solver_of(
    *,
    costs: FloatColumn,
    lower: FloatColumn,
    upper: FloatColumn,
    matrix: sparse.csc_matrix,
    row_lower: FloatColumn,
    row_upper: FloatColumn,
    whole: BoolColumn | None,
    constant: float = 0.0,
) -> highspy.Highs:
    """HiGHS with a program to minimise; ``whole`` columns are integers (None = none)."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(costs), len(row_lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, lower, upper
    lp.row_lower_, lp.row_upper_ = row_lower, row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = matrix.indptr
    lp.a_matrix_.index_ = matrix.indices
    lp.a_matrix_.value_ = matrix.data
    lp.offset_ = constant
    if whole is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(is_whole)] for is_whole in whole.tolist()]
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    # One thread each: the answer must not depend on the machine, and groups run side by side.
    for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 1)):
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    return solver


def _highs(this: Program, *, whole: BoolColumn | None) -> highspy.Highs:
    """``whole``: customers who may not be divided; None = all may."""
    if whole is not None:
        rest = np.zeros(len(this.costs) - this.pairs, dtype=np.bool_)
        whole = np.concatenate([whole[this.columns.customer], rest])
    return solver_of(
        costs=this.costs,
        lower=this.lower,
        upper=this.upper,
        matrix=this.matrix,
        row_lower=this.row_lower,
        row_upper=this.row_upper,
        whole=whole,
        constant=this.constant,
    )


LOWER, BASIC, UPPER = (
    int(highspy.HighsBasisStatus.kLower), int(highspy.HighsBasisStatus.kBasic), int(highspy.HighsBasisStatus.kUpper)
)  # fmt: skip
_STATUS = {int(code): code for code in (
    highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kUpper,
    highspy.HighsBasisStatus.kZero, highspy.HighsBasisStatus.kNonbasic,
)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Basis:
    """Where the simplex stands: status of the pairs (in the order of the columns), of the band columns, of the rows that
    every program of the group has, and of the customers' rows (one for each customer of the group).
    """

    pairs: IntColumn
    bands: IntColumn
    limits: IntColumn
    people: IntColumn


def basis_of(this: Program, seat: IntColumn) -> Basis:
    """The corner of the relaxation at which everybody sits where ``seat`` says."""
    group, rows = this.group, this.rows
    pairs = np.where(seat[this.columns.customer] == this.columns.csm, BASIC, LOWER)
    scale = group.measures
    off = ((group.loads(seat) - scale.targets) / scale.scale)[rows.balance >= 0]
    band = scale.bands[np.nonzero(rows.balance >= 0)[0]]
    over, under = off > band, off < -band
    bands = np.concatenate(
        [
            np.where(over, BASIC, LOWER),
            np.where(under, BASIC, LOWER),
            np.where(over, LOWER, np.where(under, UPPER, BASIC)),
        ]
    )
    limits = np.full(rows.count - int((rows.people >= 0).sum()), BASIC)
    limits[rows.balance[rows.balance >= 0]] = LOWER
    return Basis(pairs, bands, limits, np.full(group.customers, LOWER))


def widened(basis: Basis, this: Program, seat: IntColumn) -> Basis:
    """The basis of a smaller program in ``this`` one, which has more columns at its end: who is new begins at its seat."""
    old = len(basis.pairs)
    who = this.columns.customer[old:]
    known = np.zeros(this.group.customers, dtype=np.bool_)
    known[this.columns.customer[:old]] = True
    begins = (seat[who] == this.columns.csm[old:]) & ~known[who]
    return Basis(
        np.concatenate([basis.pairs, np.where(begins, BASIC, LOWER)]), basis.bands, basis.limits, basis.people
    )


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Optimum of the relaxation over the columns: its prices, the share it uses of each column, points a customer."""

    prices: Prices
    people: FloatColumn
    shares: FloatColumn
    value: float
    basis: Basis


def relax(this: Program, *, start: Basis, stop: Stop) -> Relaxed | None:
    """Solve the relaxation from a basis on; None when stopped or not solvable."""
    solver = _highs(this, whole=None)
    basis = highspy.HighsBasis()
    asked = np.flatnonzero(this.rows.people >= 0)
    basis.col_status = [_STATUS[code] for code in np.concatenate([start.pairs, start.bands]).tolist()]
    basis.row_status = [
        _STATUS[code] for code in np.concatenate([start.limits, start.people[asked]]).tolist()
    ]
    basis.valid = True
    solver.setBasis(basis)
    solver.setOptionValue("simplex_strategy", _PRIMAL_SIMPLEX)
    asked_at = Checkpoints(solver.cbSimplexInterrupt, stop, None)
    solver.run()
    if asked_at.halted or solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution, basis = solver.getSolution(), solver.getBasis()
    duals = np.array(solution.row_dual)
    columns = np.array([int(code) for code in basis.col_status])
    status = np.array([int(code) for code in basis.row_status])
    people = np.full(this.group.customers, LOWER)
    limits = len(start.limits)
    people[asked] = status[limits:]
    return Relaxed(
        prices=_prices(this, duals),
        people=_at(duals, this.rows.people),
        shares=np.array(solution.col_value)[: this.pairs],
        value=float(solver.getInfo().objective_function_value),
        basis=Basis(columns[: this.pairs], columns[this.pairs :], status[:limits], people),
    )


_PRIMAL_SIMPLEX = 4


def _at(duals: FloatColumn, places: IntColumn) -> FloatColumn:
    return np.where(places >= 0, duals[np.maximum(places, 0)], 0.0) if len(duals) else np.zeros(places.shape)


def _prices(this: Program, duals: FloatColumn) -> Prices:
    rows = this.rows
    return Prices(
        hours=-_at(duals, rows.capacity),
        caps=-_at(duals, rows.caps),
        balance=-_at(duals, rows.balance),
        budgets=_at(duals, rows.budgets),
    )


class Checkpoints:
    """Asked by the solver again and again: whether to go on. Counts its steps."""

    def __init__(self, event: highspy.HighsCallback, stop: Stop, steps: int | None) -> None:
        self.used, self.halted = 0, False
        self._stop, self._steps = stop, steps
        event += self._ask

    def _ask(self, at: highspy.HighsCallbackEvent) -> None:
        self.used += 1
        self.halted = self.halted or self._stop()
        if self.halted or (self._steps is not None and self.used > self._steps):
            at.interrupt()


@dataclass(frozen=True, slots=True)
class Grown:
    """What a search tree found: an assignment (None = none), a bound for its columns, whether it is closed."""

    seat: IntColumn | None
    bound: float
    closed: bool
    steps: int


def grow(
    this: Program,
    *,
    seat: IntColumn | None,
    steps: int,
    stop: Stop,
    gap: float = _CLOSED_REL,
    whole: BoolColumn | None = None,
) -> Grown:
    """Branch and bound over the columns from ``seat`` on, for ``steps`` checkpoints of the solver.

    ``whole``: the customers who may not be divided (all, if not given). With some divided the bound still holds for
    everybody whole; the assignment is then only a proposal.
    """
    everybody = np.ones(this.group.customers, dtype=np.bool_)
    solver = _highs(this, whole=everybody if whole is None else whole)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", 1e-9)
    solver.setOptionValue("mip_detect_symmetry", False)
    if seat is not None:
        _hint(solver, this, seat)
    checkpoints = Checkpoints(solver.cbMipInterrupt, stop, steps)
    seconds = stop.seconds
    if seconds is not None:
        solver.setOptionValue("time_limit", seconds)
    solver.run()
    info = solver.getInfo()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kTimeLimit:
        stop.overran()
    bound = float(info.mip_dual_bound)
    found = None
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        found = _seats(this, np.array(solver.getSolution().col_value)[: this.pairs], seat)
    return Grown(found, bound, status == highspy.HighsModelStatus.kOptimal, checkpoints.used)


def _hint(solver: highspy.Highs, this: Program, seat: IntColumn) -> None:
    taken = (seat[this.columns.customer] == this.columns.csm).astype(np.float64)
    group, rows = this.group, this.rows
    off = (group.loads(seat) - group.measures.targets) / group.measures.scale
    off = off[rows.balance >= 0]
    band = group.measures.bands[np.nonzero(rows.balance >= 0)[0]]
    inside = np.clip(off, -band, band)
    solution = highspy.HighsSolution()
    solution.col_value = np.concatenate(
        [taken, np.maximum(off - band, 0.0), np.maximum(-off - band, 0.0), -inside]
    ).tolist()
    solution.value_valid = True
    solver.setSolution(solution)


def _seats(this: Program, shares: FloatColumn, seat: IntColumn | None) -> IntColumn:
    """Whole seats from shares; who has no column keeps its seat."""
    seats = np.zeros(this.group.customers, dtype=np.int64) if seat is None else seat.copy()
    taken = shares > 0.5
    seats[this.columns.customer[taken]] = this.columns.csm[taken]
    return seats
