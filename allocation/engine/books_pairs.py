"""Tables customers × CSMs that are kept once for each kind of customer, and the points that a pair costs.

100 000 customers with 500 CSMs are 50 million pairs; kinds of customers (vertical, region, country, language, products, tier)
are some hundreds. So a table holds a row a kind, and pairs are worked out when they are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]  # no stubs among our packages
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from allocation.engine.facts.books import BoolColumn, CsmFacts, CustomerColumns, FloatColumn, IntColumn

STUCK = 25.0
"""Who stays, for want of room elsewhere, with a CSM who leaves or is not able costs as much as 25 misfits."""

Cell = TypeVar("Cell", bound=np.generic)


@dataclass(frozen=True, slots=True)
class PairTable(Generic[Cell]):
    """``rows`` kinds × CSMs, ``kind`` the row of each customer. Read like a table: ``[customers]``, ``[customers, csms]``."""

    rows: npt.NDArray[Cell]
    kind: IntColumn

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, tuple):
            return self.rows[self.kind[at[0]], at[1]]
        return self.rows[self.kind[at]]

    def whole(self) -> npt.NDArray[Cell]:
        """All of it, customers × CSMs."""
        table: npt.NDArray[Cell] = self.rows[self.kind]
        return table


@dataclass(frozen=True, slots=True)
class PairCosts:
    """Points of every pair: weight · (fit · mismatch + what a change of CSM costs). Read like a table.

    ``mismatch`` of the kinds; ``new_fallback``: more for a stand-in who has not had the customer. ``wanted`` seniority of each
    customer (NaN = any), ``anchor`` = CSM of its family (−1 = none). ``difference`` CSMs × CSMs. ``home``: may stay with ``current``.
    """

    mismatch: PairTable[np.float64]
    fallback: PairTable[np.bool_]
    new_fallback: float
    weights: FloatColumn
    weight_fit: float
    weight_continuity: float
    weight_background: float
    difference: FloatColumn
    current: IntColumn
    home: BoolColumn
    seniority: FloatColumn
    wanted: FloatColumn
    anchor: IntColumn

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, tuple):
            return self._points(*np.broadcast_arrays(np.asarray(at[0]), np.asarray(at[1])))
        who = np.asarray(at)
        who = np.flatnonzero(who) if who.dtype == np.bool_ else who
        return self._points(who[..., None], np.arange(len(self.seniority)))

    def table(self, customers: IntColumn, csms: IntColumn) -> FloatColumn:
        """Customers × CSMs."""
        return self._points(customers[:, None], csms[None, :])

    def _points(self, who: IntColumn, csm: IntColumn) -> FloatColumn:
        current, home = self.current[who], self.home[who]
        stays = home & (current == csm)
        misfit = self.mismatch[who, csm]
        if self.new_fallback:
            misfit = misfit + self.new_fallback * (self.fallback[who, csm] & ~stays)
        if not np.isnan(self.wanted).all():
            misfit = misfit + np.nan_to_num(np.abs(self.seniority[csm] - self.wanted[who]) / 4.0)
        if (self.anchor >= 0).any():
            misfit = misfit + ((self.anchor[who] >= 0) & (self.anchor[who] != csm))
        moving = np.where(stays, 0.0, self.weight_continuity * home)
        if self.weight_background:
            unlike = np.where(current >= 0, self.difference[current, csm], 0.0)
            moving = moving + np.where(stays, 0.0, self.weight_background * unlike)
        stuck = np.where(~home & (current == csm), STUCK, 0.0)
        points: FloatColumn = self.weights[who] * (self.weight_fit * misfit + moving + stuck)
        return points


def kinds(*, columns: Sequence[Sequence[Any]], size: int) -> tuple[IntColumn, IntColumn]:
    """Customers alike in every column are of one kind: the first customer of each kind, and the kind of each customer."""
    known: dict[tuple[Any, ...], int] = {}
    first: list[int] = []
    kind = np.empty(size, dtype=np.int64)
    for row, values in enumerate(zip(*columns, strict=True)):
        place = known.setdefault(values, len(first))
        if place == len(first):
            first.append(row)
        kind[row] = place
    return np.array(first, dtype=np.int64), kind


def difference_of_csms(csms: Sequence[CsmFacts]) -> FloatColumn:
    """0 = same background, 1 = nothing in common: mean over verticals, regions, languages, products and seniority."""
    kinds_of_csm, place = kinds(
        columns=[[(c.verticals, c.regions, c.languages, c.products, c.seniority) for c in csms]],
        size=len(csms),
    )
    some = [csms[row] for row in kinds_of_csm]
    table = np.array([[_difference(one, other) for other in some] for one in some], dtype=np.float64)
    return table.reshape(len(some), len(some))[np.ix_(place, place)]


def _difference(one: CsmFacts, other: CsmFacts) -> float:
    parts = [
        _unlike(one.verticals, other.verticals),
        _unlike(one.regions, other.regions),
        _unlike(one.languages, other.languages),
        _unlike(one.products, other.products),
        abs(one.seniority - other.seniority) / 4.0,
    ]
    return sum(parts) / len(parts)


def _unlike(one: frozenset[str], other: frozenset[str]) -> float:
    union = one | other
    return 1.0 - len(one & other) / len(union) if union else 0.0


def components(table: BoolColumn) -> tuple[IntColumn, IntColumn]:
    """The component of each customer (−1 = nobody may serve it) and of each CSM."""
    n, m = table.shape
    if not n or not m:
        return np.full(n, -1, dtype=np.int64), np.full(m, -1, dtype=np.int64)
    packed = np.ascontiguousarray(np.packbits(table, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    links = sparse.csr_matrix(table[first])
    graph = sparse.bmat([[None, links], [links.T, None]])
    _, label = connected_components(graph, directed=False)
    served = table[first].any(axis=1)
    customers: IntColumn = np.where(served, label[: len(first)], -1)[member]
    return customers, label[len(first) :]


def wanted_seniority(
    *, customers: CustomerColumns, csms: Sequence[CsmFacts], allowed: BoolColumn
) -> FloatColumn:
    """The seniority that a customer's value asks for, among those who may serve it or are linked to them by others.

    Value order and seniority order are laid side by side: the top x % of the hours belong to the most senior CSMs with x % of
    the capacity.
    """
    wanted = np.full(len(customers), np.nan)
    of_customer, of_csm = components(allowed)
    for label in np.unique(of_customer[of_customer >= 0]):
        _side_by_side(
            customers, csms, np.flatnonzero(of_customer == label), np.flatnonzero(of_csm == label), wanted
        )
    return wanted


def _side_by_side(
    customers: CustomerColumns,
    csms: Sequence[CsmFacts],
    who: IntColumn,
    there: IntColumn,
    wanted: FloatColumn,
) -> None:
    by_value = who[np.lexsort((np.array(customers.external_id)[who], -customers.arr_cents[who]))]
    by_rank = sorted(there.tolist(), key=lambda j: (-csms[j].seniority, csms[j].key))
    hours = customers.minutes[by_value].astype(np.float64) + 1e-9
    middle = (np.cumsum(hours) - hours / 2) / hours.sum()
    capacity = np.array([max(1, csms[j].capacity_minutes) for j in by_rank], dtype=np.float64)
    slots = np.minimum(np.searchsorted(np.cumsum(capacity) / capacity.sum(), middle), len(by_rank) - 1)
    wanted[by_value] = np.array([csms[j].seniority for j in by_rank], dtype=np.float64)[slots]


def family_anchors(*, customers: CustomerColumns, seat: IntColumn) -> IntColumn:
    """The CSM each customer's family belongs with: that of its largest member who has one; −1 = no family or nobody yet."""
    anchors: dict[str, tuple[int, str, int]] = {}
    for position, family in enumerate(customers.family):
        if family and seat[position] >= 0:
            rank = (-int(customers.arr_cents[position]), customers.external_id[position], int(seat[position]))
            anchors[family] = min(anchors.get(family, rank), rank)
    nobody = (0, "", -1)
    return np.array([anchors.get(family, nobody)[2] for family in customers.family], dtype=np.int64)
