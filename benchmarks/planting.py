"""Laying customers on CSMs within every limit, and disturbing the result within them: how a company gets its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from allocation.engine.facts.books import BoolColumn, CsmFacts, FloatColumn, IntColumn

Cell = tuple[int, str]  # tier, region

_NO_CAP = 1 << 40
_FIT = 0.35
"""A customer in the wrong hands weighs as much as this share of a book's hours."""
_STRANGER = 0.85
"""How often a change to a CSM of another vertical does not come about."""


class UnableToPlant(Exception):
    """This draw of customers does not fit; another one may."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer would ideally have. ``fit`` verticals × CSMs, 0 fits best; seniorities 1 to 5."""

    vertical: IntColumn
    fit: FloatColumn
    wanted: FloatColumn
    seniority: FloatColumn

    def unmet(self, row: int, csms: IntColumn) -> FloatColumn:
        """How badly these CSMs suit the customer: 0 as well as can be, 1 wrong vertical or wrong seniority, 2 both."""
        apart = np.abs(self.seniority[csms] - self.wanted[row]) / 4.0
        unmet: FloatColumn = self.fit[self.vertical[row], csms] + apart
        return unmet


@dataclass(slots=True)
class Room:
    """Minutes and customers per tier that each CSM holds, and may hold."""

    csms: Sequence[CsmFacts]
    caps: Sequence[int | None]
    capacity: IntColumn = field(init=False)
    cap: IntColumn = field(init=False)
    load: IntColumn = field(init=False)
    count: IntColumn = field(init=False)

    def __post_init__(self) -> None:
        full = max(csm.contract_minutes for csm in self.csms)
        self.capacity = np.array([csm.capacity_minutes for csm in self.csms], dtype=np.int64)
        self.cap = np.array(
            [
                [_NO_CAP if cap is None else cap * csm.contract_minutes // full for cap in self.caps]
                for csm in self.csms
            ],
            dtype=np.int64,
        )
        self.load = np.zeros(len(self.csms), dtype=np.int64)
        self.count = np.zeros(self.cap.shape, dtype=np.int64)

    def seat(self, csm: int, minutes: int, tier: int, sign: int = 1) -> None:
        """Add a customer to a book, or take it out (``sign`` −1)."""
        self.load[csm] += sign * minutes
        self.count[csm, tier] += sign

    def fits(self, csms: IntColumn, minutes: int, tier: int) -> BoolColumn:
        """Which of these CSMs have room for one more."""
        fits: BoolColumn = (self.load[csms] + minutes <= self.capacity[csms]) & (
            self.count[csms, tier] < self.cap[csms, tier]
        )
        return fits


def planted(
    *,
    pool: IntColumn,
    team: IntColumn,
    minutes: IntColumn,
    tier: IntColumn,
    wish: Wish,
    csms: Sequence[CsmFacts],
    caps: Sequence[int | None],
) -> IntColumn:
    """Seats by longest processing time: the largest first, to the least busy CSM of the pool, fit counting a little.

    ``pool`` of each customer, ``team`` = pool of each CSM, ``wish`` what would be ideal. Raises UnableToPlant.
    """
    room = Room(csms, caps)
    members = [np.flatnonzero(team == one) for one in range(int(team.max()) + 1)]
    seats = np.full(len(pool), -1, dtype=np.int64)
    for row in np.argsort(-minutes, kind="stable"):
        near, asked, level = members[pool[row]], int(minutes[row]), int(tier[row])
        busy = (room.load[near] + asked) / room.capacity[near] + _FIT * wish.unmet(int(row), near)
        busy[~room.fits(near, asked, level)] = np.inf
        best = int(np.argmin(busy))
        if not np.isfinite(busy[best]):
            raise UnableToPlant(f"A customer of {asked} minutes finds no room.")
        seats[row] = near[best]
        room.seat(int(near[best]), asked, level)
    return seats


def drifted(
    *,
    chance: np.random.Generator,
    seats: IntColumn,
    minutes: IntColumn,
    tier: IntColumn,
    able: Mapping[Cell, IntColumn],
    cell: Sequence[Cell],
    wish: Wish,
    csms: Sequence[CsmFacts],
    caps: Sequence[int | None],
    shifts: int,
) -> IntColumn:
    """``seats`` after that many chance changes of CSM; some CSMs attract more than others, strangers to the vertical rarely; no limit is broken.

    ``able`` = CSMs who may serve each cell (tier and region), ``cell`` of each customer.
    """
    room = Room(csms, caps)
    owner = seats.copy()
    np.add.at(room.load, seats, minutes)
    np.add.at(room.count, (seats, tier), 1)
    pull = np.exp(0.35 * chance.standard_normal(len(csms)))
    sums = {one: np.cumsum(pull[near]) / pull[near].sum() for one, near in able.items()}
    lots = zip(
        chance.integers(len(seats), size=shifts), chance.random(shifts), chance.random(shifts), strict=True
    )
    for row, lot, rest in lots:
        near = able[cell[row]]
        target = near[min(int(np.searchsorted(sums[cell[row]], lot)), len(near) - 1)]
        if rest < _STRANGER * wish.unmet(int(row), target):
            continue
        asked, level, old = int(minutes[row]), int(tier[row]), int(owner[row])
        if target != old and room.fits(target[None], asked, level)[0]:
            room.seat(old, asked, level, -1)
            room.seat(int(target), asked, level)
            owner[row] = target
    return owner
