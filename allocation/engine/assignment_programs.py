"""A group as a linear program: columns, rows and where they are, without a solver.

Only some pairs of a group become columns; a customer with one pair left is seated and leaves the program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]  # no stubs among our packages

from allocation.engine.assignment import Group
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn


@dataclass(frozen=True, slots=True)
class Columns:
    """Pairs that may be used. Customers without a pair here stay at ``seat``."""

    customer: IntColumn
    csm: IntColumn

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where each kind of row begins. Rows of limits that cannot bind are left out (−1)."""

    capacity: IntColumn
    caps: IntColumn
    balance: IntColumn
    budgets: IntColumn
    people: IntColumn
    count: int


@dataclass(frozen=True, slots=True)
class Program:
    """A group over some columns, ready for the solver. ``constant`` = cost of the customers that are seated already."""

    group: Group
    columns: Columns
    rows: _Rows
    matrix: sparse.csc_matrix
    costs: FloatColumn
    lower: FloatColumn
    upper: FloatColumn
    row_lower: FloatColumn
    row_upper: FloatColumn
    constant: float

    @property
    def pairs(self) -> int:
        """The first columns are pairs; then over, under and inside the band, a measure and CSM each."""
        return len(self.columns)


def program(group: Group, columns: Columns, seat: IntColumn, *, everywhere: bool = False) -> Program:
    """Build it; ``seat`` must keep all limits for the customers without a column. ``everywhere``: rows for every CSM,
    so that another program of the same group has the same ones.
    """
    free = np.zeros(group.customers, dtype=np.bool_)
    free[columns.customer] = True
    seated = np.flatnonzero(~free)
    rows = _rows(group, free, columns, _held(group, seated, seat), everywhere)
    entries = _Entries(rows.count)
    _pair_entries(entries, group, columns, rows)
    band_costs, band_lower, band_upper = _band_columns(entries, group, rows, len(columns))
    row_lower, row_upper = _row_bounds(group, rows, seated, seat)
    n = len(columns)
    return Program(
        group=group,
        columns=columns,
        rows=rows,
        matrix=entries.matrix(n + len(band_costs)),
        costs=np.concatenate([group.costs[columns.customer, columns.csm], band_costs]),
        lower=np.concatenate([np.zeros(n), band_lower]),
        upper=np.concatenate([np.ones(n), band_upper]),
        row_lower=row_lower,
        row_upper=row_upper,
        constant=float(group.costs[seated, seat[seated]].sum() + _settled(group, rows, seated, seat)),
    )


def _held(group: Group, seated: IntColumn, seat: IntColumn) -> IntColumn:
    held = np.zeros(group.caps.shape, dtype=np.int64)
    np.add.at(held, (seat[seated], group.tier[seated]), 1)
    return held


def _settled(group: Group, rows: _Rows, seated: IntColumn, seat: IntColumn) -> float:
    """Points of the CSMs that no column touches: nothing about them changes any more."""
    untouched = ~(rows.balance >= 0).any(axis=0)
    if not untouched.any() or not group.measures.weights.any():
        return 0.0
    return float(group.measures.penalty(_loads(group, seated, seat))[untouched].sum())


def _loads(group: Group, seated: IntColumn, seat: IntColumn) -> FloatColumn:
    there = seat[seated]
    loads = [np.bincount(there, weights=row[seated], minlength=group.csms) for row in group.measures.amounts]
    return np.array(loads, dtype=np.float64).reshape(len(loads), group.csms)


class _Entries:
    """Triplets of the matrix, collected in blocks."""

    def __init__(self, rows: int) -> None:
        self._count = rows
        self._rows: list[IntColumn] = []
        self._columns: list[IntColumn] = []
        self._values: list[FloatColumn] = []

    def add(self, rows: IntColumn, columns: IntColumn, values: FloatColumn) -> None:
        there = rows >= 0
        self._rows.append(rows[there])
        self._columns.append(columns[there])
        self._values.append(np.broadcast_to(values, rows.shape)[there])

    def matrix(self, columns: int) -> sparse.csc_matrix:
        rows, places = np.concatenate(self._rows), np.concatenate(self._columns)
        return sparse.csc_matrix(
            (np.concatenate(self._values), (rows, places)), shape=(self._count, columns), dtype=np.float64
        )


def _rows(group: Group, free: BoolColumn, columns: Columns, held: IntColumn, everywhere: bool) -> _Rows:
    used = np.full(group.csms, everywhere)
    used[columns.csm] = True
    at = 0

    def numbered(which: BoolColumn) -> IntColumn:
        nonlocal at
        places = np.full(which.shape, -1, dtype=np.int64)
        places[which] = at + np.arange(int(which.sum()))
        at += int(which.sum())
        return places

    wanted = held.copy()
    np.add.at(wanted, (columns.csm, group.tier[columns.customer]), 1)
    everybody = np.bincount(group.tier, minlength=group.caps.shape[1])
    may_bind = group.caps < (everybody[None, :] if everywhere else wanted)
    capacity = numbered(used & np.isfinite(group.capacity))
    caps = numbered(may_bind & used[:, None])
    balance = numbered(used[None, :] & (group.measures.weights > 0)[:, None])
    budgets = numbered(np.ones(len(group.budgets), dtype=np.bool_))
    people = numbered(free)
    return _Rows(capacity, caps, balance, budgets, people, at)


def _pair_entries(entries: _Entries, group: Group, columns: Columns, rows: _Rows) -> None:
    who, csm, place = columns.customer, columns.csm, np.arange(len(columns))
    ones = np.ones(len(columns))
    entries.add(rows.people[who], place, ones)
    entries.add(rows.capacity[csm], place, group.need(who, csm))
    entries.add(rows.caps[csm, group.tier[who]], place, ones)
    for k, amounts in enumerate(group.measures.amounts):
        entries.add(rows.balance[k, csm], place, amounts[who] / group.measures.scale[k, csm])
    for row, budget in zip(rows.budgets, group.budgets, strict=True):
        stays = budget.home[who] == csm
        entries.add(np.where(stays, row, -1), place, budget.amounts[who])


def _band_columns(
    entries: _Entries, group: Group, rows: _Rows, first: int
) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    """load ÷ scale − over + under + inside = target ÷ scale, with ``inside`` free within the band."""
    k = np.nonzero(rows.balance >= 0)[0]
    count, row = len(k), rows.balance[rows.balance >= 0]
    weight, band = group.measures.weights[k], group.measures.bands[k]
    for block, sign in enumerate((-1.0, 1.0, 1.0)):
        entries.add(row, first + block * count + np.arange(count), np.full(count, sign))
    nothing, endless = np.zeros(count), np.full(count, np.inf)
    return (
        np.concatenate([weight, weight, nothing]),
        np.concatenate([nothing, nothing, -band]),
        np.concatenate([endless, endless, band]),
    )


def _row_bounds(
    group: Group, rows: _Rows, seated: IntColumn, seat: IntColumn
) -> tuple[FloatColumn, FloatColumn]:
    lower, upper = np.full(rows.count, -np.inf), np.full(rows.count, np.inf)
    there = seat[seated]
    need = np.bincount(there, weights=group.need(seated, there), minlength=group.csms)
    upper[rows.capacity[rows.capacity >= 0]] = (group.capacity - need)[rows.capacity >= 0]
    upper[rows.caps[rows.caps >= 0]] = (group.caps - _held(group, seated, seat))[rows.caps >= 0]
    scale = group.measures
    level = (scale.targets - _loads(group, seated, seat)) / scale.scale
    balance = rows.balance[rows.balance >= 0]
    lower[balance] = upper[balance] = level[rows.balance >= 0]
    for row, budget in zip(rows.budgets, group.budgets, strict=True):
        stay = float(budget.amounts[budget.home >= 0].sum()) - budget.limit
        lower[row] = stay - float(budget.amounts[seated][budget.home[seated] == there].sum())
    people = rows.people[rows.people >= 0]
    lower[people] = upper[people] = 1.0
    return lower, upper
