"""The problem behind a book plan, for one group of customers and CSMs: the generalised assignment problem with soft balance.

Each customer goes to one CSM. Needs stay within capacity, customers of a tier within the cap. The sum of pair costs and of
what the CSMs' loads are off their targets (outside a band) is to be as low as possible:

    Z = Σ_i cost[i, seat_i] + Σ_k Σ_j weight_k · max(0, |load_kj − target_kj| ÷ scale_kj − band_k)

A group knows nothing of customers or CSMs by name. **Prices** for the limits and for the balance turn it into one
independent choice a customer; whatever the prices are, :func:`price_bound` is a number that no assignment can beat
(Lagrange; Geoffrion 1974; Fisher 1981). Prose: ``docs/engine/books.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation.engine.books_objective import Measures
from allocation.engine.facts.books import FloatColumn, IntColumn


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``limit`` of ``amounts`` (a customer each) may leave their ``home`` (position of a CSM, −1 = none)."""

    home: IntColumn
    amounts: FloatColumn
    limit: float

    def used(self, seat: IntColumn) -> float:
        """What an assignment takes from the budget."""
        return float(self.amounts[(self.home >= 0) & (seat != self.home)].sum())


@dataclass(frozen=True, slots=True)
class Group:
    """``costs`` customers × CSMs in points, infinite where the pair is not allowed. ``needs`` customers × CSMs, or
    customers × 1 when the same with everybody. ``caps`` CSMs × tiers (customers), ``tier`` a column of ``caps`` each.
    """

    costs: FloatColumn
    needs: FloatColumn
    capacity: FloatColumn
    tier: IntColumn
    caps: IntColumn
    measures: Measures
    budgets: tuple[Budget, ...] = ()

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return int(self.costs.shape[0])

    @property
    def csms(self) -> int:
        """How many CSMs there are."""
        return int(self.costs.shape[1])

    def need(self, customers: IntColumn, csms: IntColumn) -> FloatColumn:
        """Needs of pairs."""
        needs: FloatColumn = self.needs[customers, csms if self.needs.shape[1] > 1 else 0]
        return needs

    def loads(self, seat: IntColumn) -> FloatColumn:
        """What is balanced, measures × CSMs."""
        loads = [np.bincount(seat, weights=row, minlength=self.csms) for row in self.measures.amounts]
        return np.array(loads, dtype=np.float64).reshape(len(loads), self.csms)

    def points(self, seat: IntColumn) -> float:
        """Z of an assignment; infinite when a pair is not allowed."""
        pairs = self.costs[np.arange(self.customers), seat].sum()
        return float(pairs + self.measures.penalty(self.loads(seat)).sum())

    def keeps_limits(self, seat: IntColumn) -> bool:
        """Whether every pair is allowed and no capacity, cap or budget is exceeded."""
        everyone = np.arange(self.customers)
        if not np.isfinite(self.costs[everyone, seat]).all():
            return False
        need = np.bincount(seat, weights=self.need(everyone, seat), minlength=self.csms)
        held = np.zeros(self.caps.shape, dtype=np.int64)
        np.add.at(held, (seat, self.tier), 1)
        within = all(budget.used(seat) <= budget.limit + 1e-9 for budget in self.budgets)
        return bool((need <= self.capacity).all() and (held <= self.caps).all() and within)

    def part(self, customers: IntColumn, csms: IntColumn, seat: IntColumn) -> Group:
        """The group of these CSMs and of the customers that sit with them; the others stay where ``seat`` has them."""
        place = np.full(self.csms + 1, -1, dtype=np.int64)
        place[csms] = np.arange(len(csms))
        measures = Measures(
            amounts=self.measures.amounts[:, customers],
            targets=self.measures.targets[:, csms],
            scale=self.measures.scale[:, csms],
            weights=self.measures.weights,
            bands=self.measures.bands,
        )
        inside = np.zeros(self.customers, dtype=np.bool_)
        inside[customers] = True
        budgets = []
        for budget in self.budgets:
            away = (budget.home >= 0) & (budget.home != seat)
            home = place[budget.home[customers]]  # at home with a CSM outside the part: away whatever happens
            gone = float(budget.amounts[customers][(budget.home[customers] >= 0) & (home < 0)].sum())
            outside = float(budget.amounts[away & ~inside].sum())
            budgets.append(Budget(home, budget.amounts[customers], budget.limit - outside - gone))
        columns = csms if self.needs.shape[1] > 1 else np.zeros(1, dtype=np.int64)
        return Group(
            costs=self.costs[np.ix_(customers, csms)],
            needs=self.needs[np.ix_(customers, columns)],
            capacity=self.capacity[csms],
            tier=self.tier[customers],
            caps=self.caps[csms],
            measures=measures,
            budgets=tuple(budgets),
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """Points per unit: of need (``hours``, ≥ 0, a CSM each), of a customer under a cap (``caps``, ≥ 0, CSMs × tiers), of
    load (``balance``, within ± weight, measures × CSMs, in units of the scale), of what leaves home (``budgets``, ≥ 0).
    """

    hours: FloatColumn
    caps: FloatColumn
    balance: FloatColumn
    budgets: FloatColumn


def no_prices(group: Group) -> Prices:
    """All prices 0."""
    return Prices(
        hours=np.zeros(group.csms),
        caps=np.zeros(group.caps.shape),
        balance=np.zeros(group.measures.targets.shape),
        budgets=np.zeros(len(group.budgets)),
    )


def prices_of_loads(group: Group, seat: IntColumn) -> Prices:
    """Where the search for prices begins: what one unit more costs each CSM with the books as they are."""
    scale = group.measures
    off = (group.loads(seat) - scale.targets) / scale.scale
    outside = np.abs(off) > scale.bands[:, None]
    start = no_prices(group)
    return Prices(
        start.hours, start.caps, np.where(outside, np.sign(off), 0.0) * scale.weights[:, None], start.budgets
    )


def lawful(group: Group, prices: Prices) -> Prices:
    """The nearest prices that prove something: rounding of a solver may leave some just outside their range."""
    weights = group.measures.weights[:, None]
    hours = np.where(np.isfinite(group.capacity), np.maximum(prices.hours, 0.0), 0.0)
    return Prices(
        hours=hours,
        caps=np.maximum(prices.caps, 0.0),
        balance=np.clip(prices.balance, -weights, weights),
        budgets=np.maximum(prices.budgets, 0.0),
    )


def priced_costs(group: Group, prices: Prices) -> FloatColumn:
    """Costs with the prices of what each pair uses, customers × CSMs."""
    table = group.costs + group.needs * prices.hours[None, :]
    if prices.caps.any():
        table += prices.caps.T[group.tier]
    for k, amounts in enumerate(group.measures.amounts):
        slope = prices.balance[k] / group.measures.scale[k]
        if slope.any():
            table += amounts[:, None] * slope[None, :]
    for budget, price in zip(group.budgets, prices.budgets, strict=True):
        rows = np.flatnonzero(budget.home >= 0)
        table[rows, budget.home[rows]] -= price * budget.amounts[rows]
    return table


def price_constant(group: Group, prices: Prices) -> float:
    """What the prices give back: limits and targets times their prices."""
    scale = group.measures
    finite = np.isfinite(group.capacity)
    used = prices.caps > 0
    balance = prices.balance * scale.targets / scale.scale + np.abs(prices.balance) * scale.bands[:, None]
    budgets = sum(
        float(price) * (float(budget.amounts[budget.home >= 0].sum()) - budget.limit)
        for budget, price in zip(group.budgets, prices.budgets, strict=True)
    )
    return float(
        budgets
        - (prices.hours[finite] * group.capacity[finite]).sum()
        - (prices.caps[used] * group.caps[used]).sum()
        - balance.sum()
    )


def price_bound(group: Group, prices: Prices) -> float:
    """No assignment that keeps the limits costs less. ``prices`` must be :func:`lawful`."""
    if not group.customers:
        return price_constant(group, prices)
    return float(priced_costs(group, prices).min(axis=1).sum()) + price_constant(group, prices)
