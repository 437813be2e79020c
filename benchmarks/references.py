"""What people do without a planner, under the same hard limits: three ways to seat who has no CSM.

Each keeps every owner who may stay and still fits (the owner lists of the benchmark fit as they are), and then takes the
others one by one, the largest first. Who finds no room anywhere stays with nobody; the report says how many were served.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn
from benchmarks.sheet import Sheet

Choose = Callable[["Seating", int, IntColumn], int]


class Seating:
    """Who sits where while customers are seated one by one; room as the hard limits leave it."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        csms = len(sheet.capacity)
        self.seats: IntColumn = np.full(len(sheet.ids), -1, dtype=np.int64)
        self.load: IntColumn = np.zeros(csms, dtype=np.int64)
        self.count: IntColumn = np.zeros(sheet.cap.shape, dtype=np.int64)
        self.measured: FloatColumn = np.zeros((len(sheet.amounts), csms))
        self.amounts: FloatColumn = sheet.amounts
        self.turn = 0
        self._keep_owners()

    def _keep_owners(self) -> None:
        """Owners stay, the largest customers of a book first, while the book's limits last."""
        for row in largest_first(self.sheet, np.flatnonzero(self.sheet.home)):
            csm = int(self.sheet.current[row])
            if self.room(row)[csm]:
                self.seat(row, csm)

    def room(self, row: int) -> BoolColumn:
        """CSMs with hours and cap left for this customer, whether or not they may serve it."""
        sheet, tier = self.sheet, self.sheet.tier[row]
        room: BoolColumn = (self.load + sheet.minutes[row] <= sheet.capacity) & (
            self.count[:, tier] < sheet.cap[:, tier]
        )
        return room

    def seat(self, row: int, csm: int) -> None:
        """Give the customer to the CSM."""
        self.seats[row] = csm
        self.load[csm] += self.sheet.minutes[row]
        self.count[csm, self.sheet.tier[row]] += 1
        self.measured[:, csm] += self.amounts[:, row]

    def points(self, measured: FloatColumn, csms: IntColumn) -> FloatColumn:
        """Points of balance of these CSMs for what they would hold (measures × CSMs)."""
        targets, scale = self.sheet.targets
        off = np.abs(measured - targets[:, csms]) / scale[:, csms] - self.sheet.bands[:, None]
        points: FloatColumn = (self.sheet.weights[:, None] * np.maximum(off, 0.0)).sum(axis=0)
        return points


def greedy(sheet: Sheet) -> IntColumn:
    """Each to the CSM where the objective rises least; ties to the first CSM."""

    def cheapest(seating: Seating, row: int, csms: IntColumn) -> int:
        now = seating.measured[:, csms]
        more = seating.points(now + seating.amounts[:, row, None], csms) - seating.points(now, csms)
        return int(csms[np.argmin(more + sheet.pair_costs(np.array([row]), csms))])

    return _seated(sheet, cheapest)


def least_busy(sheet: Sheet) -> IntColumn:
    """Each to the CSM with the lowest share of hours taken, whatever fits."""

    def idlest(seating: Seating, row: int, csms: IntColumn) -> int:
        return int(csms[np.argmin(seating.load[csms] / sheet.capacity[csms])])

    return _seated(sheet, idlest)


def round_robin(sheet: Sheet) -> IntColumn:
    """Each to the next CSM in turn who may serve it and has room."""

    def next_one(seating: Seating, row: int, csms: IntColumn) -> int:
        later = csms[csms >= seating.turn]
        chosen = int(later[0] if len(later) else csms[0])
        seating.turn = chosen + 1
        return chosen

    return _seated(sheet, next_one)


def largest_first(sheet: Sheet, rows: IntColumn) -> list[int]:
    """By minutes, then ARR, then external id."""
    return sorted(
        (int(row) for row in rows),
        key=lambda row: (-int(sheet.minutes[row]), -int(sheet.arr_cents[row]), sheet.ids[row]),
    )


def _seated(sheet: Sheet, choose: Choose) -> IntColumn:
    seating = Seating(sheet)
    waiting = largest_first(sheet, np.flatnonzero(seating.seats < 0))
    for row in waiting:
        csms = np.flatnonzero(sheet.allowed(np.array([row]))[0] & seating.room(row))
        if len(csms):
            seating.seat(row, choose(seating, row, csms))
    return seating.seats


REFERENCES: dict[str, Callable[[Sheet], IntColumn]] = {
    "greedy": greedy,
    "least busy": least_busy,
    "round robin": round_robin,
}
