"""Seating customers: greedy first, then chains of shifts that make room, then repair of inherited breaches.

A chain seats ``u`` with A, whose ``v`` goes to B, whose ``w`` goes to C, … where there is room: breadth first, so that
few customers move. Without hours this is the augmenting path of bipartite matching and therefore exact; with hours it is
a strong heuristic. No step ever breaks a limit on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from allocation.engine.books_state import NOBODY, Books
from allocation.engine.facts.books import BoolColumn, IntColumn, MoveCode

Stop = Callable[[], bool]
Step = tuple[int, int]

_MAX_CHAIN = 12
_TRIES = 20
_LEVELLING = 1e-3
"""Inside the bands every seat costs the same; the emptier book is then the better seat."""


def seat_greedily(*, books: Books, order: Sequence[int], causes: Sequence[MoveCode]) -> None:
    """Seat each customer of ``order`` where it costs least; who finds no room stays where it is (or with nobody).

    Cheap, and not stopped from outside: whoever stops a plan early still gets one in which people have seats.
    """
    problem = books.problem
    ceiling = np.maximum(problem.capacity, 1)
    for customer in order:
        room = books.seats_for(np.array([customer]))[0]
        if not room.any():
            continue
        level = (books.load + problem.minutes[customer]) / ceiling
        points = problem.costs[customer] + books.added_points(customer) + _LEVELLING * level
        best = int(np.argmin(np.where(room, np.round(points, 9), np.inf)))
        books.move(customer, best, causes[customer])


@dataclass(slots=True)
class Effort:
    """How many CSMs chains may still look into, and which searches failed since the books last changed."""

    left: int
    stop: Stop
    failed: dict[tuple[bytes, int, int], tuple[int, int]] = field(default_factory=dict)

    def spent(self) -> bool:
        """Whether to give up looking for chains."""
        return self.left <= 0 or self.stop()

    def hopeless(self, books: Books, customer: int, banned: int) -> bool:
        """A customer of the same kind and no more hours has just failed."""
        version, minutes = self.failed.get(_kind(books, customer, banned), (-1, 0))
        return version == books.version and int(books.problem.minutes[customer]) >= minutes

    def remember(self, books: Books, customer: int, banned: int) -> None:
        """This search failed with the books as they are."""
        self.failed[_kind(books, customer, banned)] = (books.version, int(books.problem.minutes[customer]))


def _kind(books: Books, customer: int, banned: int) -> tuple[bytes, int, int]:
    return books.problem.allowed[customer].tobytes(), int(books.problem.tier[customer]), banned


def seat_by_chains(
    *, books: Books, waiting: Sequence[int], causes: Sequence[MoveCode], effort: Effort
) -> None:
    """Seat who is still waiting by moving others out of the way, as far as move budget and effort go."""
    for customer in waiting:
        if effort.spent():
            return
        if not effort.hopeless(books, customer, NOBODY):
            _seat_by_chain(books, customer, causes[customer], effort)


def relieve(*, books: Books, effort: Effort) -> None:
    """Move customers out of inherited breaches, the worst first, one customer at a time: a budget that is short is
    then spread over the books that need it most. What cannot be helped stays.
    """
    hopeless: set[int] = set()
    while not effort.spent():
        over = [int(csm) for csm in np.flatnonzero(books.breached()) if int(csm) not in hopeless]
        if not over:
            return
        worst = max(over, key=lambda csm: (_overload(books, csm), -csm))
        if not _relieve_once(books, worst, effort):
            hopeless.add(worst)


def _overload(books: Books, csm: int) -> float:
    """How many times over its limit a book is: the larger of hours and caps."""
    problem = books.problem
    hours = books.load[csm] / max(1, int(problem.capacity[csm]))
    return float(max(hours, (books.count[csm] / np.maximum(problem.cap[csm], 1)).max()))


def _seat_by_chain(books: Books, customer: int, cause: MoveCode, effort: Effort) -> None:
    """Take the customer off its seat, look for a chain; put it back when there is none."""
    old = int(books.seat[customer])
    chain = _chain_from(books, customer, old, cause, effort)
    if chain is not None:
        _apply(books, chain, first=cause)
    elif old == NOBODY:
        effort.remember(books, customer, NOBODY)


def _apply(books: Books, chain: Sequence[Step], *, first: MoveCode) -> None:
    # The last of the chain moves first, so that every step finds its room.
    for place, (customer, csm) in reversed(list(enumerate(chain))):
        books.move(customer, csm, first if place == 0 else "makes_room")


@dataclass(frozen=True, slots=True)
class _Node:
    """``customer`` comes to ``csm``; ``spent`` chosen moves so far on the way here."""

    customer: int
    csm: int
    parent: int
    depth: int
    spent: int
    spent_arr: int


def _chain_from(books: Books, customer: int, seat: int, cause: MoveCode, effort: Effort) -> list[Step] | None:
    """A chain that takes the customer from ``seat`` to another; the books are left as they were."""
    if seat == NOBODY:
        return _find_chain(books, customer, NOBODY, effort)
    kept, version = dict(books.cause), books.version
    books.move(customer, NOBODY, cause)
    chain = _find_chain(books, customer, seat, effort)
    books.move(customer, seat, cause)
    books.cause, books.version = kept, version
    return chain


def _find_chain(books: Books, customer: int, banned: int, effort: Effort) -> list[Step] | None:
    """Shortest chain that seats an unseated customer, or None. ``banned``: the CSM it must not go to."""
    direct = books.seats_for(np.array([customer]))[0]
    if banned != NOBODY:
        direct[banned] = False
    if direct.any():
        points = books.problem.costs[customer] + books.added_points(customer)
        return [(customer, int(np.argmin(np.where(direct, points, np.inf))))]
    closed = books.breached()
    nodes = [
        _Node(customer=customer, csm=int(csm), parent=-1, depth=1, spent=0, spent_arr=0)
        for csm in np.flatnonzero(books.problem.allowed[customer] & ~closed)
        if csm != banned
    ]
    tier = int(books.problem.tier[customer])
    seen = {(node.csm, tier) for node in nodes}
    for position, node in enumerate(nodes):  # grows while it is walked: breadth first
        if node.depth > _MAX_CHAIN or effort.left <= 0:
            break
        effort.left -= 1
        found = _expand(books, nodes, position, seen, closed)
        if found is not None:
            return found
    return None


def _expand(
    books: Books, nodes: list[_Node], position: int, seen: set[tuple[int, int]], closed: BoolColumn
) -> list[Step] | None:
    """Look whom ``node.csm`` could pass on. Returns the finished chain, or adds the next nodes and returns None."""
    problem, node = books.problem, nodes[position]
    leavers = _who_could_leave(books, node)
    if not len(leavers):
        return None
    path = [csm for _, csm in _path(nodes, position)]  # an earlier step has changed these
    room = books.seats_for(leavers)
    room[:, path] = False
    if room.any():
        dearer = problem.costs[leavers] - problem.costs[leavers, node.csm][:, None]
        best = int(np.argmin(np.where(room, np.round(dearer, 9), np.inf)))
        row, csm = divmod(best, problem.csms)
        return [*_path(nodes, position), (int(leavers[row]), csm)]
    _grow(books, nodes, position, leavers, seen, closed)
    return None


def _grow(
    books: Books,
    nodes: list[_Node],
    position: int,
    leavers: IntColumn,
    seen: set[tuple[int, int]],
    closed: BoolColumn,
) -> None:
    """Add a node for each CSM and tier not seen yet: the smallest leaver of the tier that may go there."""
    problem = books.problem
    ways = problem.allowed[leavers] & ~closed[None, :]
    ways[:, [csm for _, csm in _path(nodes, position)]] = False
    for tier in np.unique(problem.tier[leavers]):
        rows = np.flatnonzero(problem.tier[leavers] == tier)
        rows = rows[np.lexsort((leavers[rows], problem.minutes[leavers[rows]]))]
        first = ways[rows].argmax(axis=0)
        for csm in np.flatnonzero(ways[rows].any(axis=0)):
            if (int(csm), int(tier)) not in seen:
                seen.add((int(csm), int(tier)))
                nodes.append(_child(books, nodes, position, int(leavers[rows[first[csm]]]), int(csm)))


def _child(books: Books, nodes: Sequence[_Node], position: int, leaver: int, csm: int) -> _Node:
    problem, node = books.problem, nodes[position]
    step = int(problem.home[leaver] and problem.current[leaver] == node.csm)
    return _Node(
        customer=leaver,
        csm=csm,
        parent=position,
        depth=node.depth + 1,
        spent=node.spent + step,
        spent_arr=node.spent_arr + step * int(problem.arr_cents[leaver]),
    )


def _who_could_leave(books: Books, node: _Node) -> IntColumn:
    """Customers of ``node.csm`` whose going makes room for ``node.customer`` and whom the budget lets go."""
    problem, csm = books.problem, node.csm
    there = np.flatnonzero((books.seat == csm) & ~problem.fixed)
    enough = (
        books.load[csm] - problem.minutes[there] + problem.minutes[node.customer] <= problem.capacity[csm]
    )
    tier = problem.tier[node.customer]
    below = (problem.tier[there] == tier) | (books.count[csm, tier] + 1 <= problem.cap[csm, tier])
    steps = (problem.home[there] & (problem.current[there] == csm)).astype(np.int64)
    arr_steps = steps * problem.arr_cents[there]
    afford = books.affordable(
        np.where(steps > 0, steps + node.spent, 0), np.where(steps > 0, arr_steps + node.spent_arr, 0)
    )
    leavers: IntColumn = there[enough & below & afford]
    return leavers


def _path(nodes: Sequence[_Node], position: int) -> list[Step]:
    steps: list[Step] = []
    while position >= 0:
        steps.append((nodes[position].customer, nodes[position].csm))
        position = nodes[position].parent
    return steps[::-1]


def _relieve_once(books: Books, csm: int, effort: Effort) -> bool:
    """Move one customer out of a CSM in breach; False when there is no breach any more or nothing helps."""
    problem = books.problem
    over_tiers = np.flatnonzero(books.count[csm] > problem.cap[csm])
    over_minutes = int(books.load[csm] - problem.capacity[csm])
    if not len(over_tiers) and over_minutes <= 0:
        return False
    cause: MoveCode = "over_cap" if len(over_tiers) else "over_hours"
    there = np.flatnonzero((books.seat == csm) & ~problem.fixed)
    if len(over_tiers):
        there = there[np.isin(problem.tier[there], over_tiers)]
    steps = books.away_steps(there, NOBODY)
    there = there[books.affordable(steps, steps * problem.arr_cents[there])]
    if not len(there):
        return False
    # Cheapest first; for hours whoever ends the breach alone comes first, then who relieves most.
    dear = problem.costs[there].min(axis=1, where=_elsewhere(books, there, csm), initial=1e9)
    relief = np.minimum(problem.minutes[there], max(over_minutes, 0))
    tries = 0
    for customer in there[np.lexsort((there, problem.arr_cents[there], np.round(dear, 9), -relief))]:
        if tries >= _TRIES or effort.hopeless(books, int(customer), csm):
            continue
        tries += 1
        chain = _chain_from(books, int(customer), csm, cause, effort)
        if chain is not None:
            _apply(books, chain, first=cause)
            return True
        effort.remember(books, int(customer), csm)
    return False


def _elsewhere(books: Books, customers: IntColumn, csm: int) -> BoolColumn:
    others = books.problem.allowed[customers].copy()
    others[:, csm] = False
    return others
