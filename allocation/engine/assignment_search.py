"""Better assignments of a group, and a better bound, step by step: prices, then whole seats, then neighbourhoods, then proof.

Only pairs whose reduced cost is no more than what is still between the best assignment and the bound can be in a better one
(reduced-cost fixing; Nemhauser and Wolsey 1988). A search tree over those pairs therefore proves something about all pairs.
While too many are left, trees over the most promising pairs, and over a few CSMs at a time (large neighbourhood search; Shaw
1998), make the assignment better first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocation.engine.assignment import Group, Prices, priced_costs
from allocation.engine.assignment_pricing import find_prices
from allocation.engine.assignment_programs import Columns, program
from allocation.engine.assignment_solver import Grown, Stop, grow
from allocation.engine.facts.books import BoolColumn, FloatColumn, IntColumn

BETTER = 1e-7
"""Points by which an assignment must be better to count as better."""

CLOSED = 2e-6
"""A group is closed when no more than this share of its points can still be won."""

TOLERANCE = 1e-6
"""Relative; HiGHS keeps rows and whole numbers to within this."""

_ROUNDS = 40
_PROVABLE = 15_000
"""Pairs of undivided customers that a tree may hold in the first round; each later round doubles it."""
_LARGEST = 150_000
"""Pairs above which no tree is grown over all that may matter."""
_CORE = 1_500
"""Likeliest pairs that the first tree looks at; each later round looks at four times as many."""
_CORE_STEPS = 60
_TREE_STEPS = 25
"""Checkpoints before which a tree has hardly begun to prove anything."""
_NEIGHBOURHOOD = 300
_GLANCE = 40
_PAIRS_A_UNIT = 1_000


@dataclass(frozen=True, slots=True)
class Work:
    """How far a group is. ``bound`` is proven for all assignments of the group. ``units``: one checkpoint of the solver for
    each thousand pairs it holds. ``pairs``: how many a better assignment may use. ``support``: those that the
    relaxation uses.
    """

    group: Group
    seat: IntColumn
    points: float
    prices: Prices
    price_bound: float
    bound: float
    units: float = 0.0
    rounds: int = 0
    pairs: int = 0
    support: Columns | None = None

    @property
    def gap(self) -> float:
        """Points that may still be won."""
        return max(0.0, self.points - self.bound)

    @property
    def closed(self) -> bool:
        """Nothing more can be won, to the solver's accuracy."""
        return self.gap <= CLOSED * max(1.0, abs(self.points))

    @property
    def worth(self) -> float:
        """Units below which nothing more can be proven; 0 where no tree can be grown."""
        return _TREE_STEPS * _unit(self.pairs) if self.pairs <= _LARGEST else 0.0

    @property
    def by_tree(self) -> bool:
        """Whether the bound is that of a search tree."""
        return self.bound > self.price_bound


def begin(group: Group, seat: IntColumn, *, stop: Stop) -> Work:
    """Prices, and the bound they prove, for an assignment that keeps all limits."""
    priced = find_prices(group, seat, rounds=_ROUNDS, stop=stop)
    used = priced.shares > BETTER
    support = Columns(priced.columns.customer[used], priced.columns.csm[used])
    work = Work(group, seat, group.points(seat), priced.prices, priced.bound, priced.bound, support=support)
    return replace(work, pairs=_count(work, _reduced_costs(work)))


def deepen(work: Work, *, units: float, seed: int, stop: Stop) -> Work:
    """Spend about ``units`` more on a group: on the likeliest pairs, on a few CSMs at a time, and on all that may matter."""
    if work.closed or stop():
        return work
    until = work.units + units
    reduced = _reduced_costs(work)
    if work.pairs <= 2 * _CORE:  # the likeliest would be nearly all: one tree over all of them
        work = _tree(work, _open_pairs(work, reduced), units=units, stop=stop)
        return replace(work, rounds=work.rounds + 1, pairs=_count(work, reduced))
    grown = 4**work.rounds
    if work.rounds == 0 or units < work.worth or not work.worth:
        core = _cheapest(work, reduced, _CORE * grown)
        work = _try(work, core, steps=min(_CORE_STEPS, _steps(units / 2, len(core))), stop=stop)
    if work.group.csms > 3 and not work.closed:
        share = 0.1 if 0 < work.worth <= units else 0.5
        work = _neighbourhoods(work, reduced, units=units * share, seed=seed, stop=stop)
    work = replace(work, pairs=_count(work, reduced))
    if not work.closed and not stop() and 0 < work.worth <= units:
        work = _tree(work, _open_pairs(work, reduced), units=max(work.worth, until - work.units), stop=stop)
    return replace(work, rounds=work.rounds + 1, pairs=_count(work, reduced))


def _provable(work: Work) -> int:
    return int(min(_LARGEST, _PROVABLE * 2**work.rounds))


def _reduced_costs(work: Work) -> FloatColumn:
    table = priced_costs(work.group, work.prices)
    table -= table.min(axis=1, keepdims=True)
    return table


def _may_matter(work: Work, reduced: FloatColumn) -> BoolColumn:
    keep: BoolColumn = reduced <= work.points - work.price_bound + BETTER
    keep &= (keep.sum(axis=1) > 1)[:, None]
    return keep


def _count(work: Work, reduced: FloatColumn) -> int:
    return int(_may_matter(work, reduced).sum())


def _open_pairs(work: Work, reduced: FloatColumn) -> Columns:
    """Every pair a better assignment may use, of the customers that have more than one."""
    return Columns(*np.nonzero(_may_matter(work, reduced)))


def _cheapest(work: Work, reduced: FloatColumn, most: int) -> Columns:
    everyone = np.arange(work.group.customers)
    limit = work.points - work.price_bound + BETTER
    second = reduced.copy()
    if work.support is not None:
        second[work.support.customer, work.support.csm] = -1.0
    second[everyone, work.seat] = np.inf
    who, csm = np.nonzero(second <= limit)
    if len(who) > most:
        cost = second[who, csm]
        first = np.lexsort((csm, who, cost))[:most]
        who, csm = who[first], csm[first]
    people = np.unique(who)
    return Columns(np.concatenate([people, who]), np.concatenate([work.seat[people], csm]))


def _try(work: Work, columns: Columns, *, steps: int, stop: Stop) -> Work:
    """Look for a better assignment over some pairs; their bound proves nothing."""
    if not len(columns):
        return work
    found = grow(program(work.group, columns, work.seat), seat=work.seat, steps=steps, stop=stop, gap=1e-5)
    return _taken(_spent(work, found, columns), found.seat)


def _steps(units: float, pairs: int) -> int:
    return max(10, int(units / _unit(pairs)))


def _unit(pairs: int) -> float:
    return 1.0 + pairs / _PAIRS_A_UNIT


def _spent(work: Work, found: Grown, columns: Columns) -> Work:
    return replace(work, units=work.units + found.steps * _unit(len(columns)))


def _taken(work: Work, seat: IntColumn | None) -> Work:
    if seat is None or not work.group.keeps_limits(seat):
        return work
    points = work.group.points(seat)
    return replace(work, seat=seat, points=points) if points < work.points - BETTER else work


def _tree(work: Work, columns: Columns, *, units: float, stop: Stop) -> Work:
    """A tree over every pair that may matter: its bound holds for the group."""
    steps = _steps(units, len(columns))
    whole = _whole(work, columns)
    found = grow(program(work.group, columns, work.seat), seat=work.seat, steps=steps, stop=stop, whole=whole)
    before = work.points
    work = _taken(_spent(work, found, columns), found.seat)
    if not np.isfinite(
        found.bound
    ):  # stopped before its first bound, or a numerical failure: nothing is proven
        return work
    # What lies outside the tree costs at least as much as the best assignment known when it was planted. The solver's
    # own tolerance is taken off its bound.
    proven = min(found.bound - TOLERANCE * max(1.0, abs(found.bound)), before)
    return replace(work, bound=max(work.bound, min(proven, work.points)))


def _whole(work: Work, columns: Columns) -> BoolColumn:
    """Who may not be divided in a tree: all, or in a large one those who need most (small ones hardly matter divided)."""
    pairs = np.bincount(columns.customer, minlength=work.group.customers)
    need = work.group.needs.max(axis=1)
    order = np.lexsort((np.arange(len(need)), -need))
    whole = np.zeros(work.group.customers, dtype=np.bool_)
    whole[order[np.cumsum(pairs[order]) <= _provable(work)]] = True
    return whole


def _neighbourhoods(work: Work, reduced: FloatColumn, *, units: float, seed: int, stop: Stop) -> Work:
    """Plan a few CSMs anew at a time, the others as they are; where it hurts most first."""
    order = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, work.rounds])))
    until, misses = work.units + units, 0
    while work.units < until and misses < 3 * work.group.csms and not stop() and not work.closed:
        tried = _replanned(work, reduced, _neighbours(work, order), stop)
        misses = 0 if tried.points < work.points - BETTER else misses + 1
        work = replace(tried, units=tried.units + 1.0)
    return work


def _neighbours(work: Work, order: np.random.Generator) -> IntColumn:
    group = work.group
    hurts = group.measures.penalty(group.loads(work.seat)) + 1e-3
    chances = order.random(group.csms) ** (1.0 / (hurts / hurts.max() + 0.05))
    hub = int(np.argmax(chances))
    shared = _shared(group, work.seat, hub)
    count = min(group.csms, int(order.integers(3, 8)))
    likely = order.random(group.csms) ** (1.0 / (shared + 1e-3))
    likely[hub] = 2.0
    return np.sort(np.argsort(-likely, kind="stable")[:count])


def _shared(group: Group, seat: IntColumn, hub: int) -> FloatColumn:
    """Share of each CSM's customers that the hub may have, or of the hub's that the CSM may have; the larger."""
    here = np.isfinite(group.costs[seat == hub]).mean(axis=0) if (seat == hub).any() else np.zeros(group.csms)
    size = np.maximum(np.bincount(seat, minlength=group.csms), 1)
    there = (
        np.bincount(seat, weights=np.isfinite(group.costs[:, hub]).astype(np.float64), minlength=group.csms)
        / size
    )
    shared: FloatColumn = np.maximum(here, there)
    return shared


def _replanned(work: Work, reduced: FloatColumn, csms: IntColumn, stop: Stop) -> Work:
    customers = np.flatnonzero(np.isin(work.seat, csms))
    if not len(customers):
        return work
    place = np.full(work.group.csms, -1, dtype=np.int64)
    place[csms] = np.arange(len(csms))
    part = work.group.part(customers, csms, work.seat)
    seat = place[work.seat[customers]]
    look = reduced[np.ix_(customers, csms)]
    look[np.arange(len(customers)), seat] = np.inf
    who, csm = np.nonzero(np.isfinite(look))
    if len(who) > _NEIGHBOURHOOD:
        first = np.lexsort((csm, who, look[who, csm]))[:_NEIGHBOURHOOD]
        who, csm = who[first], csm[first]
    people = np.unique(who)
    if not len(people):
        return work
    columns = Columns(np.concatenate([people, who]), np.concatenate([seat[people], csm]))
    found = grow(program(part, columns, seat), seat=seat, steps=_GLANCE, stop=stop, gap=1e-4)
    work = _spent(work, found, columns)
    if found.seat is None:
        return work
    whole = work.seat.copy()
    whole[customers] = csms[found.seat]
    return _taken(work, whole)
