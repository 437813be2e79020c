"""The best plan of a small company, exactly: one integer program over all customers and CSMs at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize, sparse  # type: ignore[import-untyped]  # no stubs among our packages

from tests.engine.books_checker import NAMES, NOBODY, Answer


class _Rows:
    def __init__(self) -> None:
        self.data: list[tuple[int, int, float]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        self.data += [(len(self.low), column, value) for column, value in terms]
        self.low.append(low)
        self.high.append(high)

    def solve(self, costs: list[float], whole: int) -> Any:
        rows, columns, values = zip(*self.data, strict=True)
        matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(self.low), len(costs)))
        return optimize.milp(
            np.array(costs),
            constraints=optimize.LinearConstraint(matrix, self.low, self.high),
            integrality=np.arange(len(costs)) < whole,
            bounds=optimize.Bounds(0, np.where(np.arange(len(costs)) < whole, 1, np.inf)),
            options={"mip_rel_gap": 0.0, "time_limit": 20},
        )


def _limits(answer: Answer, pairs: list[tuple[int, int]]) -> _Rows:
    q, rows = answer.q, _Rows()
    limits = {"hours": list(map(float, q.capacity))}
    for line in answer.lines:
        for at, key in enumerate(line.prices["csms"]):
            limits["hours"][q.place[key]] = line.prices["capacity"][at]
    for j in range(q.m):
        mine = [(x, i) for x, (i, k) in enumerate(pairs) if k == j]
        rows.add([(x, float(q.minutes[i])) for x, i in mine], 0, limits["hours"][j])
        for slug in q.tiers:
            held = sum(q.rows[i]["tier"] == slug for i in answer.who[j])
            cap = max(q.cap(j, slug), held)  # an inherited breach may stay as bad as it is
            if np.isfinite(cap):
                rows.add([(x, 1.0) for x, i in mine if q.rows[i]["tier"] == slug], 0, cap)
    away = [(x, i) for x, (i, j) in enumerate(pairs) if j != NOBODY and q.away(i, j)]
    for name, limit in q.move_limits().items():
        worth = [(x, 1.0 if name == "moves" else float(q.cents[i])) for x, i in away]
        rows.add(worth, 0, float(limit))
    return rows


def least_points(answer: Answer) -> float:
    """The least that a plan can cost which serves as many and is one of those that the bound is about."""
    q = answer.q
    who = [i for i in range(q.n) if answer.choices(i)]
    pairs = [(i, j) for i in who for j in answer.choices(i)]
    pairs += [(i, NOBODY) for i in who if answer.may_be_left_out(i)]
    rows, whole = _limits(answer, pairs), len(pairs)
    for i in who:
        rows.add([(x, 1.0) for x, (k, _) in enumerate(pairs) if k == i], 1, 1)
    for line in answer.lines:
        mine = set(answer.members(line))
        out = [(x, 1.0) for x, (i, j) in enumerate(pairs) if j == NOBODY and i in mine]
        rows.add(out, float(line.prices["left_out"]), float(line.prices["left_out"]))
    costs = [q.left_out_points(i) if j == NOBODY else q.cost(i, j, answer.anchors) for i, j in pairs]
    targets, scale = q.targets
    for k, name in enumerate(NAMES):
        for j in range(q.m):
            load = [(x, float(q.amounts[k, i]) / scale[k, j]) for x, (i, c) in enumerate(pairs) if c == j]
            middle, band, column = targets[k, j] / scale[k, j], q.bands[k], len(costs)
            costs.append(q.weights[name])
            rows.add([*load, (column, 1.0)], middle - band, np.inf)
            rows.add([*load, (column, -1.0)], -np.inf, middle + band)
    found = rows.solve(costs, whole)
    assert found.status == 0, found.message
    # The solver's own points are a few millionths off: its seats are counted anew, in whole customers.
    seat = [NOBODY] * q.n
    for x, (i, j) in enumerate(pairs):
        if found.x[x] > 0.5:
            seat[i] = j
    return sum(Answer(q, seat, answer.proposal).parts(answer.anchors).values())


def most_well_served(answer: Answer) -> int:
    """How many can be served by who may have them, where nobody who has a seat loses it."""
    q = answer.q
    pairs = [(i, j) for i in range(q.n) for j in range(q.m) if _may(answer, i, j)]
    rows = _limits(answer, pairs)
    costs = [-1.0 if well_served(answer, i, j) else 0.0 for i, j in pairs]
    for i in range(q.n):
        mine = [(x, 1.0) for x, (k, _) in enumerate(pairs) if k == i]
        if mine:
            rows.add(mine, 1.0 if q.has_seat(i) else 0.0, 1)
    return round(-rows.solve(costs, len(pairs)).fun) if pairs else 0


def well_served(answer: Answer, i: int, j: int) -> bool:
    """With somebody who may have the customer, not for want of room with who leaves or is not able."""
    return j != NOBODY and answer.q.may_have(i, j)


def _may(answer: Answer, i: int, j: int) -> bool:
    q = answer.q
    if q.fixed[i]:
        return j == q.current[i]
    if q.current[i] == j:
        return q.has_seat(i)
    return q.may_have(i, j) and j not in answer.closed
