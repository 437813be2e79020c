"""Which moves of a plan wait for open seats: those to a seat, and those that need the room which they would have made.

Prose: ``docs/headcount.md``, "Open seats". Who does not move stays where it is; no book that takes somebody breaks a limit by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allocation.engine.books_review import NOBODY, Desk
from allocation.engine.facts.books import IntColumn


@dataclass(frozen=True, slots=True)
class Waiting:
    """A move that waits. ``seat``: name of the open seat it goes to; "" where it lacks room in the book of ``csm`` (its name)."""

    external_id: str
    seat: str = ""
    csm: str = ""


def waiting_for_seats(*, desk: Desk, moves: Mapping[str, str]) -> tuple[Waiting, ...]:
    """``moves``: {external id: CSM key, "" = nobody} of what is to be applied. In order of external ids."""
    after = desk.seats(moves)
    moved = [desk.row[external_id] for external_id in moves]
    waits = {row for row in moved if after[row] != NOBODY and desk.csms[after[row]].is_seat}
    found = {row: Waiting(desk.customers.external_id[row], seat=desk.csms[after[row]].name) for row in waits}
    while waits:
        for row in waits:
            after[row] = desk.current[row]
        over = _without_room(desk, after)
        found |= {
            row: Waiting(desk.customers.external_id[row], csm=desk.csms[after[row]].name) for row in over
        }
        waits = set(over)
    return tuple(sorted(found.values(), key=lambda one: one.external_id))


def _without_room(desk: Desk, after: IntColumn) -> list[int]:
    """Rows that would move into a book which then is over a limit; as few as it takes, those who have a CSM first."""
    at = np.flatnonzero(desk.served & (after != NOBODY))
    load = np.bincount(after[at], weights=desk.customers.minutes[at], minlength=len(desk.csms)).astype(
        np.int64
    )
    count = np.zeros((len(desk.csms), len(desk.tiers)), dtype=np.int64)
    np.add.at(count, (after[at], desk.tier[at]), 1)
    over = np.flatnonzero((load > desk.capacity) | (count > desk.cap).any(axis=1))
    rows = []
    for csm in over.tolist():
        coming = [int(row) for row in np.flatnonzero((after == csm) & (desk.current != csm) & desk.served)]
        for row in sorted(coming, key=lambda row: _first_to_wait(desk, row)):
            tier = desk.tier[row]
            if load[csm] > desk.capacity[csm] or count[csm, tier] > desk.cap[csm, tier]:
                rows.append(row)
                load[csm] -= desk.customers.minutes[row]
                count[csm, tier] -= 1
    return rows


def _first_to_wait(desk: Desk, row: int) -> tuple[bool, int, str]:
    """Who has nobody is the last to wait; else the largest is the first, so that few do."""
    return desk.current[row] == NOBODY, -int(desk.customers.minutes[row]), desk.customers.external_id[row]
