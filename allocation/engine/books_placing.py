"""Seating customers: greedy first, then chains of shifts that make room, then repair of inherited breaches.

A chain seats ``u`` with A, whose ``v`` goes to B, whose ``w`` goes to C, … where there is room: breadth first, so that
few customers move. Without hours this is the augmenting path of bipartite matching and therefore exact; with hours it is
a strong heuristic. No step ever breaks a limit on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allocation.engine.books_state import NOBODY, Books
from allocation.engine.facts.books import BoolColumn, IntColumn, MoveCode

Stop = Callable[[], bool]
Step = tuple[int, int]

_MAX_CHAIN = 12
_LEVELLING = 1e-3
"""Inside the bands every seat costs the same; the emptier book is then the better seat."""


def seat_greedily(*, books: Books, order: Sequence[int], causes: Sequence[MoveCode], stop: Stop) -> None:
    """Seat each customer of ``order`` where it costs least; who finds no room stays where it is (or with nobody)."""
    problem = books.problem
    ceiling = np.maximum(problem.capacity, 1)
    for turn, customer in enumerate(order):
        if turn % 256 == 0 and stop():
            return
        room = books.seats_for(np.array([customer]))[0]
        if not room.any():
            continue
        level = (books.load + problem.minutes[customer]) / ceiling
        points = problem.costs[customer] + books.added_points(customer) + _LEVELLING * level
        best = int(np.argmin(np.where(room, np.round(points, 9), np.inf)))
        books.move(customer, best, causes[customer])


def seat_by_chains(*, books: Books, waiting: Sequence[int], causes: Sequence[MoveCode], stop: Stop) -> None:
    """Seat who is still waiting by moving others out of the way, as far as the move budget goes."""
    failed: dict[tuple[bytes, int], tuple[int, int]] = {}
    for customer in waiting:
        if stop():
            return
        kind = (books.problem.allowed[customer].tobytes(), int(books.problem.tier[customer]))
        minutes = int(books.problem.minutes[customer])
        version, size = failed.get(kind, (-1, 0))
        if version == books.version and minutes >= size:
            continue
        if not _seat_by_chain(books, customer, causes[customer]):
            failed[kind] = (books.version, minutes)


def relieve(*, books: Books, stop: Stop) -> None:
    """Move customers out of inherited breaches, within the budget; what cannot be helped stays."""
    for csm in np.flatnonzero(books.breached()):
        while not stop() and _relieve_once(books, int(csm)):
            pass


def _seat_by_chain(books: Books, customer: int, cause: MoveCode) -> bool:
    """Take the customer off its seat, look for a chain; put it back when there is none."""
    old = int(books.seat[customer])
    version = books.version
    if old != NOBODY:
        books.move(customer, NOBODY, cause)
    chain = _find_chain(books, customer, banned=old)
    if chain is None:
        if old != NOBODY:
            books.move(customer, old, cause)
        books.version = version
        return False
    _apply(books, chain, first=cause)
    return True


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


def _find_chain(books: Books, customer: int, *, banned: int) -> list[Step] | None:
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
        if node.depth > _MAX_CHAIN:
            break
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
    onward = problem.allowed[leavers] & ~closed[None, :]
    onward[:, path] = False
    smallest = np.lexsort((leavers, problem.minutes[leavers]))
    for row in smallest:
        tier = int(problem.tier[leavers[row]])
        for csm in np.flatnonzero(onward[row]):
            if (int(csm), tier) not in seen:
                seen.add((int(csm), tier))
                nodes.append(_child(books, nodes, position, int(leavers[row]), int(csm)))
        onward[problem.tier[leavers] == tier] &= ~onward[row]
    return None


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
    return there[enough & below & afford]


def _path(nodes: Sequence[_Node], position: int) -> list[Step]:
    steps: list[Step] = []
    while position >= 0:
        steps.append((nodes[position].customer, nodes[position].csm))
        position = nodes[position].parent
    return steps[::-1]


def _relieve_once(books: Books, csm: int) -> bool:
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
    for customer in there[np.lexsort((there, np.round(dear, 9), -relief))][:20]:
        chain = _relief_chain(books, int(customer), csm, cause)
        if chain is not None:
            _apply(books, chain, first=cause)
            return True
    return False


def _elsewhere(books: Books, customers: IntColumn, csm: int) -> BoolColumn:
    others = books.problem.allowed[customers].copy()
    others[:, csm] = False
    return others


def _relief_chain(books: Books, customer: int, csm: int, cause: MoveCode) -> list[Step] | None:
    """A chain that takes the customer away from ``csm``; leaves the books as they were."""
    kept = dict(books.cause)
    books.move(customer, NOBODY, cause)
    chain = _find_chain(books, customer, banned=csm)
    books.move(customer, csm, cause)
    books.cause = kept
    return chain
