"""Planning all groups: rounds of work, each given to the groups where most can still be won, and the move budget over all.

The budget of work is counted in units of the solver (see ``assignment_search``). The groups of a round are independent, so
that the edge may work on several at once (``spread``), here or in another process; the result is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from allocation.engine.assignment_search import BETTER, Work
from allocation.engine.assignment_solver import Stop
from allocation.engine.assignment_steps import Begin, Deepen, Step, carry_out
from allocation.engine.books_groups import Part, budgets_of, left_out_points, part_of, parts_of
from allocation.engine.books_state import Books
from allocation.engine.facts.books import BoolColumn, IntColumn

Progress = Callable[[int, int], None]
Spread = Callable[[Callable[[Step], Work], Sequence[Step]], Iterable[Work]]

FIRST_UNITS = 400.0
GOOD_ENOUGH = 2e-5
"""The search ends when no more than this share of the objective can still be won in all groups together."""


@dataclass(slots=True)
class Effort:
    """What may be spent, and what has been. ``units`` of the solver."""

    units: float
    seed: int
    stop: Stop
    progress: Progress
    spread: Spread
    used: float = field(init=False, default=0.0)

    def report(self) -> None:
        """Say how far the search is."""
        self.progress(min(int(self.used), int(self.units)), int(self.units))


WORTH_MOVING = 0.005
"""Books within this share of the best that was found stay as they are: nobody changes CSM for half a per cent."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The groups when the search ended. ``move_prices`` = points per chosen move ("moves") and per unit of money that moves
    ("moves_arr") that the costs of the groups contain; ``credit`` = what the whole budget is worth at these prices: the
    groups' points less what was used of it, and their bounds less all of it, are those of the plan. ``move_limits``: the
    budget, where it binds.
    """

    parts: tuple[Part, ...]
    works: tuple[Work, ...]
    seat: IntColumn
    move_prices: Mapping[str, float] = field(default_factory=dict)
    move_limits: Mapping[str, float] = field(default_factory=dict)
    credit: float = 0.0


def search(books: Books, table: BoolColumn, effort: Effort) -> Searched:
    """Better books than ``books`` (which keep all limits), within ``table`` and the move budget."""
    parts = parts_of(books, table)
    if len(parts) == 1:
        return _one_group(books, parts[0], effort)
    works = _work(parts, effort, effort.units)
    seat = _seats(books, parts, works)
    if _within_budget(books, seat):
        return Searched(tuple(parts), tuple(works), seat)
    return _with_budget(books, table, parts, effort)


def unmoved(books: Books, found: Searched) -> Searched:
    """The books as they were, with the bounds that were found, where moving people by choice would win next to nothing."""
    before = _all_points(books)
    after = Books(problem=books.problem, seat=found.seat)
    more = after.chosen > books.chosen
    if not more or before - _all_points(after) > WORTH_MOVING * before:
        return found
    works = tuple(
        _seated(part, work, books.seat) for part, work in zip(found.parts, found.works, strict=True)
    )
    return replace(found, works=works, seat=books.seat.copy())


def _all_points(books: Books) -> float:
    able = books.problem.allowed.any(axis=1)
    waiting = np.flatnonzero((books.seat < 0) & able)
    return books.points() + float(left_out_points(books, waiting).sum())


def _one_group(books: Books, part: Part, effort: Effort) -> Searched:
    """A single group carries the move budget itself."""
    budgets = budgets_of(books, part)
    part = replace(part, group=replace(part.group, budgets=tuple(budgets.values())))
    works = _work([part], effort, effort.units)
    limits = {name: budget.limit for name, budget in budgets.items()}
    return Searched((part,), tuple(works), _seats(books, [part], works), {}, limits)


def _work(parts: Sequence[Part], effort: Effort, units: float) -> list[Work]:

    def go(step: Step) -> Work:
        return carry_out(step, stop=effort.stop)

    works = list(effort.spread(go, [Begin(part.group, part.seat) for part in parts]))
    limit, share, seed = effort.used + units, FIRST_UNITS, effort.seed
    while not effort.stop() and effort.used < limit:
        chosen = _worth_more(works)
        if not chosen:
            break
        given = dict(
            zip(chosen, _shares([works[place] for place in chosen], share, limit - effort.used), strict=True)
        )
        chosen = [place for place in chosen if given[place] > 0]
        steps = [Deepen(works[place], given[place], seed + place) for place in chosen]
        for place, work in zip(chosen, list(effort.spread(go, steps)), strict=True):
            effort.used += max(1.0, work.units - works[place].units)
            works[place] = work
        effort.report()
        share *= 3.0  # a tree begins anew each round: doubling would spend half of all work again
    return works


def _shares(works: Sequence[Work], share: float, left: float) -> list[float]:
    """Units for each group, the first first: its share, but from the second round on enough to prove something."""
    shares = []
    for work in works:
        wanted = max(share, work.worth) if work.rounds else share
        given = wanted if wanted <= left else min(share, left)
        shares.append(given)
        left = max(0.0, left - given)
    return shares


def _worth_more(works: Sequence[Work]) -> list[int]:
    """Groups where something can still be won, the most first; none when what is left in all is not worth a search."""
    whole = sum(work.points for work in works)
    if sum(work.gap for work in works) <= GOOD_ENOUGH * abs(whole):
        return []
    open_ones = [place for place, work in enumerate(works) if not work.closed]
    worth = GOOD_ENOUGH * abs(whole) / max(1, len(works))
    large = [place for place in open_ones if works[place].gap > worth] or open_ones
    return sorted(large, key=lambda place: (-works[place].gap, place))


def _seats(books: Books, parts: Sequence[Part], works: Sequence[Work]) -> IntColumn:
    seat = books.seat.copy()
    for part, work in zip(parts, works, strict=True):
        seat[part.customers] = part.places(work.seat)
    return seat


def _within_budget(books: Books, seat: IntColumn) -> bool:
    problem = books.problem
    away = problem.home & (seat != problem.current)
    moves, cents = int(away.sum()), int(problem.arr_cents[away].sum())
    few = problem.max_moves is None or moves <= max(problem.max_moves, books.chosen)
    small = problem.max_arr_cents is None or cents <= max(problem.max_arr_cents, books.chosen_arr_cents)
    return few and small


def _with_budget(books: Books, table: BoolColumn, parts: Sequence[Part], effort: Effort) -> Searched:
    """The budget binds. All groups as one find a plan and the price of a move; at that price each is bound by itself."""
    everyone = np.sort(np.concatenate([part.customers for part in parts]))
    whole = part_of(books, table, everyone, np.arange(books.problem.csms))
    budgets = budgets_of(books, whole)
    together = replace(whole, group=replace(whole.group, budgets=tuple(budgets.values())))
    effort.used = 0.0  # what was planned without the budget is no use
    one = _work([together], effort, effort.units / 2)[0]
    prices = dict(zip(budgets, one.prices.budgets.tolist(), strict=True))
    charged = [_charged(books, part, prices) for part in parts]
    works = _work(charged, effort, effort.units / 2)
    seat = _seats(books, [together], [one])
    found = _seats(books, charged, works)
    better = _points(together, found) < one.points - BETTER
    if (better and _within_budget(books, found)) or not _leaves_out_alike(books, parts, seat):
        seat = found if better and _within_budget(books, found) else books.seat.copy()
    limits = {name: budget.limit for name, budget in budgets.items()}
    credit = sum(prices[name] * limit for name, limit in limits.items())
    if one.bound > sum(work.bound for work in works) - credit:
        # The tree over all groups proved more than the groups at the price of a move.
        return Searched((together,), (_seated(together, one, seat),), seat, {}, limits)
    seated = tuple(_seated(part, work, seat) for part, work in zip(charged, works, strict=True))
    return Searched(tuple(charged), seated, seat, prices, limits, credit)


def _charged(books: Books, part: Part, prices: Mapping[str, float]) -> Part:
    """The part with the price of a move in its costs: whoever leaves home pays it."""
    problem, who = books.problem, part.customers
    price = prices.get("moves", 0.0) + prices.get("moves_arr", 0.0) * problem.arr_cents[who] / 100.0
    price = np.where(problem.home[who], price, 0.0)
    stays = problem.current[who][:, None] == part.csms[None, :]
    costs = part.group.costs.copy()
    costs[:, : len(part.csms)] += np.where(stays, 0.0, price[:, None])
    return replace(part, group=replace(part.group, costs=costs))


def _seated(part: Part, work: Work, seat: IntColumn) -> Work:
    """The work with these books in the place of those it found: its bound holds for them as well."""
    own = part.local(seat)
    return replace(work, seat=own, points=part.group.points(own))


def _points(part: Part, seat: IntColumn) -> float:
    return part.group.points(part.local(seat))


def _leaves_out_alike(books: Books, parts: Sequence[Part], seat: IntColumn) -> bool:
    """Whether each group leaves out as many as it did: its bound is for that number."""
    return all(
        int((seat[part.customers] < 0).sum()) == int((books.seat[part.customers] < 0).sum()) for part in parts
    )
