"""What is proven of a plan, group by group, in a form that anybody can check without the solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allocation.engine.assignment_search import Work
from allocation.engine.books_groups import Part
from allocation.engine.books_search import Searched
from allocation.engine.facts.books import CsmFacts, FloatColumn, PoolProof, TierFacts

MEASURES = ("hours", "arr", "customers")
MOVE_BUDGET = "Move budget"
IDLE = "CSMs without customers"
WAITING = "Customers without a CSM"
_SIX = 1e6


def proofs(
    *,
    found: Searched,
    csms: Sequence[CsmFacts],
    tiers: Sequence[TierFacts],
    pools: Sequence[str],
    weights: FloatColumn,
    objective: float,
    idle: float,
    waiting: float,
    families: Mapping[int, tuple[str, int]],
) -> tuple[PoolProof, ...]:
    """A line a group; one for CSMs in no group, where their empty books cost ``idle`` points; one for customers in no group, left
    out at ``waiting`` points; one for the move budget where the groups' points contain a price of it. Objectives and bounds add up to those of the plan.
    """
    measures = [name for name, weight in zip(MEASURES, weights, strict=True) if weight > 0]
    lines = [
        PoolProof(
            pools=tuple(sorted({pools[row] for row in part.customers.tolist()})),
            customers=len(part.customers),
            csms=len(part.csms),
            objective=round(work.points, 6),
            bound=rounded_down(min(work.bound, work.points)),
            how="search_tree" if work.by_tree else "relaxation",
            price_bound=rounded_down(work.price_bound),
            prices={
                **_prices(part, work, found, csms, tiers, measures),
                "families": _families(part, csms, families),
            },
        )
        for part, work in zip(found.parts, found.works, strict=True)
    ]
    if idle > 0:
        lines.append(_line(IDLE, round(idle, 6), rounded_down(idle), {}))
    if waiting > 0:
        lines.append(_line(WAITING, round(waiting, 6), rounded_down(waiting), {}))
    if found.move_prices:
        used = round(objective - sum(line.objective for line in lines), 6)
        prices = {**found.move_prices, "move_limits": dict(found.move_limits)}
        lines.append(_line(MOVE_BUDGET, used, rounded_down(-found.credit), prices))
    return tuple(lines)


def _families(
    part: Part, csms: Sequence[CsmFacts], families: Mapping[int, tuple[str, int]]
) -> dict[str, str]:
    """The CSM that each family of the group belongs with."""
    there = [families[row] for row in part.customers.tolist() if row in families]
    return {name: csms[place].key for name, place in sorted(set(there))}


def proven_bound(*, proof: Sequence[PoolProof], objective: float) -> float:
    """No plan that keeps the limits and serves as many costs less; and none less than nothing."""
    return round(max(0.0, min(objective, sum(line.bound for line in proof))), 6)


def gap_pct(*, objective: float, bound: float) -> float:
    """100 × (objective − bound) ÷ objective, rounded up to 4 decimals so that it never promises too much."""
    if objective <= 0 or objective - bound <= 2 / _SIX:
        return 0.0
    return float(np.ceil(1e4 * 100 * (objective - bound) / objective) / 1e4)


def rounded_down(points: float) -> float:
    """To six decimals, downwards: a bound may not grow by rounding."""
    return float(np.floor(points * _SIX) / _SIX)


def _line(name: str, objective: float, bound: float, prices: Mapping[str, Any]) -> PoolProof:
    return PoolProof(
        pools=(name,),
        customers=0,
        csms=0,
        objective=objective,
        bound=bound,
        how="relaxation",
        price_bound=bound,
        prices=prices,
    )


def _prices(
    part: Part,
    work: Work,
    found: Searched,
    csms: Sequence[CsmFacts],
    tiers: Sequence[TierFacts],
    measures: Sequence[str],
) -> Mapping[str, Any]:
    """Prices by CSM of the group, with the limits they are prices of: hours as minutes, caps where a price is not 0."""
    group, prices, m = part.group, work.prices, len(part.csms)
    priced = [place for place in range(len(tiers)) if prices.caps[:m, place].any()]
    budgets = found.move_limits if group.budgets else {}
    own = dict(zip(budgets, prices.budgets.tolist(), strict=True))
    return {
        "csms": [csms[place].key for place in part.csms.tolist()],
        "hours": prices.hours[:m].tolist(),
        "capacity": group.capacity[:m].tolist(),
        "caps": {tiers[place].slug: prices.caps[:m, place].tolist() for place in priced},
        "cap_limits": {tiers[place].slug: group.caps[:m, place].tolist() for place in priced},
        "measures": {name: prices.balance[row, :m].tolist() for row, name in enumerate(measures)},
        "left_out": int(group.capacity[m]) if part.nobody else 0,
        "left_out_price": float(prices.hours[m]) if part.nobody else 0.0,
        "moves": {**found.move_prices, **own}.get("moves", 0.0),
        "moves_arr": {**found.move_prices, **own}.get("moves_arr", 0.0),
        "move_limits": dict(budgets),
    }
