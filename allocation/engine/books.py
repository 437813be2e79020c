"""Plan the books: who gets which CSM. Prose with the formulas: ``docs/engine/books.md``.

The door is :func:`propose_books`; what is behind it may change (a later optimiser proves a bound), the shapes in
``facts.books`` stay. Same facts in any order, same policy, same seed → same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from allocation.engine.assignment_solver import Stop
from allocation.engine.books_eligibility import Eligibility, eligibility
from allocation.engine.books_groups import who_may_have_whom
from allocation.engine.books_objective import measures, pair_costs
from allocation.engine.books_pairs import family_anchors
from allocation.engine.books_placing import Effort, relieve, seat_by_chains, seat_greedily
from allocation.engine.books_planned import Planned
from allocation.engine.books_report import report
from allocation.engine.books_search import Effort as SearchEffort
from allocation.engine.books_search import Spread, search, unmoved
from allocation.engine.books_serving import serve_most
from allocation.engine.books_state import NO_CAP, NOBODY, Books, Problem
from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    BookProposal,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    IntColumn,
    MoveCode,
    TierFacts,
)

CUSTOMERS_A_BUDGET = 4_000
"""The policy's search iterations are the units of work for each so many customers; a quarter of them are there anyway."""

_EFFORT = 4
_LEAST_EFFORT = 2000
"""Looking for chains may open four CSMs per search iteration of the policy, and never fewer than this."""


def propose_books(
    *,
    facts: BookFacts,
    policy: BookPolicy,
    seed: int,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    spread: Spread = map,
    patience: float | None = None,
) -> BookProposal:
    """A plan that serves as many customers as possible, breaks no limit, then lowers the objective, and proves how far.

    ``should_stop`` is asked again and again; a plan stopped by it is the best so far and not ``repeatable``.
    ``on_progress(done, total)`` counts units of work. ``spread(function, items)`` may work on several items at once, on
    threads of this process (then ``should_stop`` is asked there), and gives the results in order; the plan is the same.
    ``patience``: seconds that one call of the solver may take before it counts as stopped (None = as long as it takes).
    Never raises for what the books contain: what cannot be served is in ``unassigned`` and ``shortages``, what was broken
    before and still is in ``breaches``.
    """
    stop = Stop(should_stop, seconds=patience)
    planned = _planned(facts, policy)
    units = policy.search_iterations * (0.25 + len(planned.customers) / CUSTOMERS_A_BUDGET)
    effort = SearchEffort(
        units=units,
        seed=seed,
        stop=stop,
        progress=on_progress or (lambda done, total: None),
        spread=spread,
    )
    books = _seat_everybody(planned, stop)
    most = serve_most(books=books, causes=planned.causes(), effort=effort)
    planned = _with_families(planned, books)
    table = who_may_have_whom(books, _where_to_search(planned, books))
    found = unmoved(books, search(books, table, effort))
    for row in np.flatnonzero(found.seat != books.seat).tolist():
        books.move(row, int(found.seat[row]), "balance")
    return report(
        planned=planned,
        books=books,
        found=found,
        most_proven=most,
        repeatable=stop.repeatable,
        units=int(effort.used),
    )


def _planned(facts: BookFacts, policy: BookPolicy) -> Planned:
    """The facts in canonical order, the tables made from them, and the problem to search in."""
    csms = tuple(sorted(facts.csms, key=lambda csm: csm.key))
    tiers = facts.tiers
    everyone = _ordered(facts.customers)
    served = {tier.slug: place for place, tier in enumerate(tiers) if tier.served}
    rows = [row for row, slug in enumerate(everyone.tier) if slug in served]
    customers = _take(everyone, rows)
    fit = eligibility(customers=customers, csms=csms, policy=policy)
    position = {csm.key: place for place, csm in enumerate(csms)}
    current = np.array([position.get(key, NOBODY) for key in customers.csm], dtype=np.int64)
    home, fixed, must_move = _who_may_stay(customers, csms, fit, current)
    allowed = _allowed(csms, fit, current, home)
    preferred = _preferred(policy, fit, allowed, current, home)
    problem = Problem(
        minutes=customers.minutes,
        arr_cents=customers.arr_cents,
        tier=np.array([served[slug] for slug in customers.tier], dtype=np.int64),
        current=current,
        home=home,
        fixed=fixed,
        must_move=must_move,
        allowed=allowed,
        costs=pair_costs(
            customers=customers,
            csms=csms,
            tiers=tiers,
            policy=policy,
            fit=fit,
            allowed=allowed,
            current=current,
            home=home,
        ),
        measures=measures(
            customers=customers, csms=csms, policy=policy, allowed=allowed, preferred=preferred
        ),
        capacity=np.array([_capacity(csm) for csm in csms], dtype=np.int64),
        cap=caps(csms=csms, tiers=tiers, policy=policy),
        max_moves=_limit(policy.max_moves_pct, len(customers)),
        max_arr_cents=_limit(policy.max_moves_arr_pct, int(customers.arr_cents.sum())),
    )
    return Planned(
        everyone=everyone,
        customers=customers,
        csms=csms,
        tiers=tiers,
        policy=policy,
        fit=fit,
        problem=problem,
        must_move=must_move,
        preferred=preferred,
    )


def caps(*, csms: Sequence[CsmFacts], tiers: Sequence[TierFacts], policy: BookPolicy) -> IntColumn:
    """Customers of each tier each CSM may hold: cap × share of full time (at most 1), rounded down."""
    table = np.full((len(csms), len(tiers)), NO_CAP, dtype=np.int64)
    for row, csm in enumerate(csms):
        for column, tier in enumerate(tiers):
            if tier.cap is not None:
                share = min(max(csm.contract_minutes, 0), policy.full_time_minutes)
                table[row, column] = tier.cap * share // policy.full_time_minutes
    return table


def _seat_everybody(planned: Planned, stop: Callable[[], bool]) -> Books:
    """Seat the unseated and those who must move: largest first, and if that leaves somebody out also smallest first."""
    problem = planned.problem
    start = np.where(problem.home | planned.must_move, problem.current, NOBODY)
    causes = planned.causes()
    waiting = [int(row) for row in np.flatnonzero((start == NOBODY) | planned.must_move)]
    choices = problem.allowed.sum(axis=1)
    largest = sorted(
        waiting, key=lambda i: (int(choices[i]), -int(problem.minutes[i]), -int(problem.arr_cents[i]), i)
    )
    work = max(_LEAST_EFFORT, _EFFORT * planned.policy.search_iterations)

    def seated(order: Sequence[int]) -> Books:
        fresh = Books(problem=problem, seat=start.copy())
        return _seated(planned, fresh, order, causes, Effort(left=work, stop=stop))

    books = seated(largest)
    if not books.unseated() or stop():
        return books
    smallest = sorted(
        waiting, key=lambda i: (int(problem.minutes[i]), -int(problem.arr_cents[i]), int(choices[i]), i)
    )
    return max((books, seated(smallest)), key=_served_first)


def _served_first(books: Books) -> tuple[int, int, float]:
    seated = books.seat >= 0
    return int(seated.sum()), int(books.problem.arr_cents[seated].sum()), -round(books.points(), 9)


def _seated(
    planned: Planned, books: Books, order: Sequence[int], causes: Sequence[MoveCode], effort: Effort
) -> Books:
    must_move = planned.must_move
    # Specialists first: generalists stand in only for who finds no specialist with room.
    everybody = books.problem
    books.problem = replace(everybody, allowed=planned.preferred)
    seat_greedily(books=books, order=order, causes=causes)
    books.problem = everybody
    left = [
        i
        for i in order
        if books.seat[i] == NOBODY or (must_move[i] and books.seat[i] == everybody.current[i])
    ]
    seat_greedily(books=books, order=left, causes=causes)
    for _ in range(2):  # relief may make room for somebody who is still waiting, and the other way round
        waiting = _still_waiting(books, order, must_move)
        seat_by_chains(books=books, waiting=waiting, causes=causes, effort=effort)
        relieve(books=books, effort=effort)
    return books


def _still_waiting(books: Books, order: Sequence[int], must_move: BoolColumn) -> list[int]:
    problem = books.problem
    waiting = [
        i for i in order if books.seat[i] == NOBODY or (must_move[i] and books.seat[i] == problem.current[i])
    ]
    return sorted(waiting, key=lambda i: (int(problem.minutes[i]), -int(problem.arr_cents[i]), i))


def _who_may_stay(
    customers: CustomerColumns, csms: Sequence[CsmFacts], fit: Eligibility, current: IntColumn
) -> tuple[BoolColumn, BoolColumn, BoolColumn]:
    """``home`` may stay, ``fixed`` must stay (a hold), ``must_move`` sits where it should not, but better than nowhere.

    A CSM who is gone and a country's law leave no choice: such customers are in none of the three.
    """
    n = len(customers)
    seated = np.flatnonzero(current >= 0)
    held = np.array([bool(reason) for reason in customers.hold], dtype=np.bool_)
    able, lawful = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    able[seated] = fit.able[seated, current[seated]]
    lawful[seated] = fit.lawful[seated, current[seated]]
    leaving = np.array([csm.leaving for csm in csms] or ["gone"], dtype=np.str_)[current]
    there = (current >= 0) & lawful & (leaving != "gone")
    home = there & (leaving == "no") & (able | held)
    return home, home & held, there & ~home


def _allowed(csms: Sequence[CsmFacts], fit: Eligibility, current: IntColumn, home: BoolColumn) -> BoolColumn:
    open_for_new = np.array([_is_open(csm) for csm in csms], dtype=np.bool_)
    allowed: BoolColumn = fit.able.whole() & open_for_new[None, :]
    at_home = np.flatnonzero(home)
    allowed[at_home, current[at_home]] = True
    return allowed


def _preferred(
    policy: BookPolicy, fit: Eligibility, allowed: BoolColumn, current: IntColumn, home: BoolColumn
) -> BoolColumn:
    """``allowed`` without new fallbacks where specialists come first."""
    if policy.vertical_fit != "specialist_first":
        return allowed
    preferred = allowed & ~fit.fallback.whole()
    at_home = np.flatnonzero(home)
    preferred[at_home, current[at_home]] = True
    return preferred


def _with_families(planned: Planned, books: Books) -> Planned:
    """Families that nobody had belong with whom their largest member has been given to."""
    if not planned.policy.keep_families_together:
        return planned
    before = planned.problem.costs
    late = family_anchors(customers=planned.customers, seat=books.seat)
    costs = replace(before, anchor=np.where(before.anchor >= 0, before.anchor, late))
    books.problem = replace(planned.problem, costs=costs)
    return replace(planned, problem=books.problem)


def _where_to_search(planned: Planned, books: Books) -> BoolColumn:
    """Balance is no reason to take a customer from its specialists: only who sits with a stand-in may go to another."""
    seated = np.flatnonzero(books.seat >= 0)
    stands_in = np.zeros(len(books.seat), dtype=np.bool_)
    stands_in[seated] = planned.fit.fallback[seated, books.seat[seated]]
    search: BoolColumn = np.where(stands_in[:, None], planned.problem.allowed, planned.preferred)
    return search


def _is_open(csm: CsmFacts) -> bool:
    return csm.accepting and csm.leaving == "no" and csm.capacity_minutes > 0


def _capacity(csm: CsmFacts) -> int:
    return max(0, csm.capacity_minutes) if csm.leaving != "gone" else 0


def _limit(pct: float | None, whole: int) -> int | None:
    """``pct`` per cent of ``whole``, rounded down, without binary fractions; None = no limit."""
    return None if pct is None else int(Fraction(str(pct)) * whole / 100)


def _ordered(customers: CustomerColumns) -> CustomerColumns:
    return _take(customers, sorted(range(len(customers)), key=lambda row: customers.external_id[row]))


def _take(customers: CustomerColumns, rows: Sequence[int]) -> CustomerColumns:
    index = np.array(rows, dtype=np.int64)

    def texts(column: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(column[row] for row in rows)

    return replace(
        customers,
        external_id=texts(customers.external_id),
        tier=texts(customers.tier),
        csm=texts(customers.csm),
        minutes=np.asarray(customers.minutes, dtype=np.int64)[index],
        arr_cents=np.asarray(customers.arr_cents, dtype=np.int64)[index],
        vertical=texts(customers.vertical),
        region=texts(customers.region),
        country=texts(customers.country),
        language=texts(customers.language),
        products=tuple(customers.products[row] for row in rows),
        family=texts(customers.family),
        hold=texts(customers.hold),
    )
