"""Good prices for a group, and what they prove: the relaxation, solved over few pairs at a time.

Most customers sit where they would sit at any good prices. So the program begins with nobody in it; each round looks at all
pairs at today's prices, and only customers who would rather go elsewhere enter, with those pairs (sifting; Bixby et al.
1992). The bound is recomputed over all pairs from the prices alone and does not lean on the solver's tolerances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation.engine.assignment import (
    Group,
    Prices,
    lawful,
    price_constant,
    priced_costs,
    prices_of_loads,
)
from allocation.engine.assignment_programs import Columns, program
from allocation.engine.assignment_solver import Basis, Relaxed, Stop, basis_of, relax, widened
from allocation.engine.facts.books import FloatColumn, IntColumn

_EPS = 1e-7
_ENOUGH = 1e-9
_FIRST = 1500
"""Pairs that enter in the first round, when prices are still rough; each later round may bring twice as many."""


@dataclass(frozen=True, slots=True)
class Priced:
    """The best prices seen, the bound they prove, and the columns of the last relaxation with the shares it uses."""

    prices: Prices
    bound: float
    columns: Columns
    shares: FloatColumn


def find_prices(group: Group, seat: IntColumn, *, rounds: int, stop: Stop) -> Priced:
    """Prices for a group whose assignment ``seat`` keeps all limits."""
    prices = lawful(group, prices_of_loads(group, seat))
    best, bound = prices, -np.inf
    columns = Columns(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    shares = np.zeros(0)
    inside = np.zeros(group.costs.shape, dtype=np.bool_)
    basis: Basis | None = None
    people: FloatColumn | None = None
    entering = _FIRST
    for _ in range(rounds):
        table = priced_costs(group, prices)
        proven = float(table.min(axis=1).sum()) + price_constant(group, prices)
        if proven > bound:
            best, bound = prices, proven
        new = _wanted(table, inside, seat, people, entering)
        entering *= 2
        if not len(new):
            break
        columns = Columns(
            np.concatenate([columns.customer, new.customer]), np.concatenate([columns.csm, new.csm])
        )
        inside[new.customer, new.csm] = True
        this = program(group, columns, seat, everywhere=True)
        basis = basis_of(this, seat) if basis is None else widened(basis, this, seat)
        answer: Relaxed | None = relax(this, start=basis, stop=stop)
        if answer is None:
            break
        prices, basis, shares = lawful(group, answer.prices), answer.basis, answer.shares
        people = np.where(this.rows.people >= 0, answer.people, np.nan)
    # Who was stopped while the solver worked has no shares yet for the pairs that came last.
    kept = Columns(columns.customer[: len(shares)], columns.csm[: len(shares)])
    return Priced(best, bound, kept, shares)


def _wanted(
    table: FloatColumn, inside: np.ndarray, seat: IntColumn, people: FloatColumn | None, most: int
) -> Columns:
    """Pairs that would lower the relaxation, each customer's best; with a newcomer comes the pair it sits in."""
    everyone = np.arange(len(seat))
    own = table[everyone, seat]
    paid = own if people is None else np.where(np.isnan(people), own, people)
    outside = np.where(inside, np.inf, table)
    first = outside.argmin(axis=1)
    gain = outside[everyone, first] - paid
    who = np.flatnonzero(gain < -_EPS)
    if len(who) > most:
        who = np.sort(who[np.lexsort((who, gain[who]))[:most]])
    newcomers = who[~inside[who, seat[who]]]
    newcomers = newcomers[first[newcomers] != seat[newcomers]]
    return Columns(np.concatenate([newcomers, who]), np.concatenate([seat[newcomers], first[who]]))
