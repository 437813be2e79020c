"""The question as an outsider reads it: who may serve whom, what each pair costs, written from ``docs/engine/books.md``.

Nothing here comes from the planner but the targets, which are part of the question and not of the answer. Tables of
customers × CSMs are made a few thousand rows at a time, so that 100 000 × 500 needs little memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from allocation.engine.books_objective import measures
from allocation.engine.facts.books import (
    TOUCH_WEIGHT,
    BookFacts,
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    FloatColumn,
    IntColumn,
)

NO_CAP = 1 << 40
CHUNK = 4096  # rows of a table made at once


class UnknownRule(ValueError):
    """The policy asks for something this evaluator cannot judge."""


class Sheet:
    """The question as plain arrays; customers in the order of the facts, CSMs too. Minutes, ARR in whole units.

    Raises UnknownRule for a policy with product fit, country law, families or specialists first, or a CSM leaving soon.
    """

    def __init__(self, facts: BookFacts, policy: BookPolicy) -> None:
        _refuse_unknown(facts, policy)
        self.facts, self.policy = facts, policy
        served = {tier.slug: place for place, tier in enumerate(facts.tiers) if tier.served}
        columns = facts.customers
        self.rows = np.array([row for row, slug in enumerate(columns.tier) if slug in served], dtype=np.int64)
        self.ids = [columns.external_id[row] for row in self.rows]
        self.position = {csm.key: place for place, csm in enumerate(facts.csms)}
        self.minutes: IntColumn = columns.minutes[self.rows]
        self.arr: FloatColumn = columns.arr_cents[self.rows] / 100.0
        self.arr_cents: IntColumn = columns.arr_cents[self.rows]
        self.tier: IntColumn = np.array([served[columns.tier[row]] for row in self.rows], dtype=np.int64)
        self.current: IntColumn = np.array(
            [self.position.get(columns.csm[row], -1) for row in self.rows], dtype=np.int64
        )
        self.held: BoolColumn = np.array([bool(columns.hold[row]) for row in self.rows], dtype=np.bool_)
        by_tier = np.array([TOUCH_WEIGHT.get(tier.touch_level, 1.0) for tier in facts.tiers])
        self.weight: FloatColumn = by_tier[self.tier]
        there = [csm.leaving == "no" for csm in facts.csms]
        self.capacity: IntColumn = np.array(
            [max(0, csm.capacity_minutes) if at else 0 for csm, at in zip(facts.csms, there, strict=True)],
            dtype=np.int64,
        )
        self.open: BoolColumn = np.array(
            [csm.accepting and at for csm, at in zip(facts.csms, there, strict=True)]
        ) & (self.capacity > 0)
        self.cap: IntColumn = np.array([_caps(csm, facts, policy) for csm in facts.csms], dtype=np.int64)
        self._kinds()
        self.home: BoolColumn = self._may_stay(np.array(there))

    def _kinds(self) -> None:
        """Customers that differ in vertical, region, language or tier only: one row of a small table each."""
        columns = self.facts.customers
        asked = list(zip(columns.tier, columns.vertical, columns.region, columns.language, strict=True))
        asked = [asked[row] for row in self.rows]
        kinds = sorted(set(asked))
        place = {kind: at for at, kind in enumerate(kinds)}
        self.kind: IntColumn = np.array([place[one] for one in asked], dtype=np.int64)
        special = {vertical for csm in self.facts.csms if csm.leaving != "gone" for vertical in csm.verticals}
        pairs = [[_pair(kind, csm, self.policy, special) for csm in self.facts.csms] for kind in kinds]
        self.able_kind: BoolColumn = np.array([[able for able, _ in row] for row in pairs], dtype=np.bool_)
        self.mismatch_kind: FloatColumn = np.array(
            [[bad for _, bad in row] for row in pairs], dtype=np.float64
        )

    def _may_stay(self, there: BoolColumn) -> BoolColumn:
        """Customers whose CSM is there and able (or who are on hold)."""
        home = np.zeros(len(self.ids), dtype=np.bool_)
        owned = np.flatnonzero(self.current >= 0)
        now = self.current[owned]
        home[owned] = there[now] & (self.able_kind[self.kind[owned], now] | self.held[owned])
        return home

    def allowed(self, rows: IntColumn) -> BoolColumn:
        """Rows × CSMs: who may hold whom. A customer on hold may only stay."""
        table: BoolColumn = self.able_kind[self.kind[rows]] & self.open[None, :]
        stays = np.flatnonzero(self.home[rows])
        table[np.flatnonzero(self.held[rows] & self.home[rows])] = False
        table[stays, self.current[rows[stays]]] = True
        return table

    @cached_property
    def everything_allowed(self) -> BoolColumn:
        """The whole table, a byte a pair; holds are not looked at (they are no part of the targets)."""
        table: BoolColumn = self.able_kind[self.kind] & self.open[None, :]
        stays = np.flatnonzero(self.home)
        table[stays, self.current[stays]] = True
        return table

    @cached_property
    def targets(self) -> tuple[FloatColumn, FloatColumn]:
        """Targets and scale, measures × CSMs: the planner's own, so that both answer the same question."""
        made = measures(
            customers=_only(self.facts.customers, self.rows),
            csms=self.facts.csms,
            policy=self.policy,
            allowed=self.everything_allowed,
            preferred=self.everything_allowed,
        )
        return made.targets, made.scale

    @property
    def amounts(self) -> FloatColumn:
        """What is balanced: minutes, ARR and customers, measures × customers."""
        return np.stack([self.minutes.astype(np.float64), self.arr, np.ones(len(self.ids))])

    @property
    def weights(self) -> FloatColumn:
        """Points of the three measures."""
        policy = self.policy
        return np.array([policy.weight_hours, policy.weight_arr, policy.weight_customers])

    @property
    def bands(self) -> FloatColumn:
        """Tolerances of the three measures, as shares."""
        return np.array([self.policy.hours_tolerance_pct / 100, self.policy.arr_tolerance_pct / 100, 0.0])

    @cached_property
    def wanted(self) -> FloatColumn:
        """The seniority each customer's value asks for, pool by pool: the top x % of the pool's hours go to the most senior
        x % of its capacity. A pool is whoever is linked by who may hold whom.
        """
        csms, table = self.facts.csms, self.everything_allowed
        wanted = np.full(len(self.ids), np.nan)
        for rows, places in _pools(table):
            order = rows[np.lexsort((np.array(self.ids)[rows], -self.arr_cents[rows]))]
            ranked = sorted((csms[place] for place in places), key=lambda csm: (-csm.seniority, csm.key))
            hours = self.minutes[order] + 1e-9
            middle = (np.cumsum(hours) - hours / 2) / hours.sum()
            room = np.cumsum([max(1, csm.capacity_minutes) for csm in ranked], dtype=np.float64)
            slot = np.minimum(np.searchsorted(room / room[-1], middle), len(ranked) - 1)
            wanted[order] = np.array([csm.seniority for csm in ranked], dtype=np.float64)[slot]
        return wanted

    @cached_property
    def difference(self) -> FloatColumn:
        """How unlike two CSMs are, CSMs × CSMs, 0 to 1."""
        csms = self.facts.csms
        return np.array([[_unlike(one, other) for other in csms] for one in csms])

    def costs(self, rows: IntColumn) -> FloatColumn:
        """Rows × CSMs: points of each pair, without balance."""
        every = np.arange(len(self.facts.csms))
        return self.pair_costs(rows[:, None], every[None, :])

    def pair_costs(self, rows: IntColumn, csms: IntColumn) -> FloatColumn:
        """Points of pairs (arrays that broadcast against each other), without balance."""
        policy = self.policy
        mismatch = self.mismatch_kind[self.kind[rows], csms]
        if policy.seniority_follows_value:
            offered = np.array([csm.seniority for csm in self.facts.csms], dtype=np.float64)
            mismatch = mismatch + np.abs(offered[csms] - self.wanted[rows]) / 4.0
        unlike = np.where(self.current[rows] >= 0, self.difference[self.current[rows], csms], 0.0)
        change = policy.weight_continuity * self.home[rows] + policy.weight_background * unlike
        stays = self.home[rows] & (self.current[rows] == csms)
        costs: FloatColumn = self.weight[rows] * (policy.weight_fit * mismatch + np.where(stays, 0.0, change))
        return costs

    def chunks(self, rows: IntColumn) -> Iterator[IntColumn]:
        """``rows`` a few thousand at a time."""
        for start in range(0, len(rows), CHUNK):
            yield rows[start : start + CHUNK]

    def seats(self, assignment: Mapping[str, str]) -> IntColumn:
        """Position of each customer's CSM (−1 nobody) from external id → key. A missing customer is a KeyError."""
        return np.array([self.position.get(assignment[one], -1) for one in self.ids], dtype=np.int64)

    def keys(self, seats: IntColumn) -> dict[str, str]:
        """The assignment as the planner writes it."""
        return {
            one: self.facts.csms[seat].key if seat >= 0 else ""
            for one, seat in zip(self.ids, seats, strict=True)
        }


def _pools(table: BoolColumn) -> Iterator[tuple[IntColumn, IntColumn]]:
    """Customers and CSMs that are linked, pool by pool, by walking the table from CSM to customer and back."""
    left = np.ones(table.shape[1], dtype=np.bool_)
    while left.any():
        csms = np.zeros(table.shape[1], dtype=np.bool_)
        csms[np.flatnonzero(left)[0]] = True
        while True:
            rows = table[:, csms].any(axis=1)
            wider = csms | table[rows].any(axis=0)
            if (wider == csms).all():
                break
            csms = wider
        left &= ~csms
        if rows.any():
            yield np.flatnonzero(rows), np.flatnonzero(csms)


def _refuse_unknown(facts: BookFacts, policy: BookPolicy) -> None:
    if policy.vertical_fit == "specialist_first" or policy.product_fit != "ignore":
        raise UnknownRule("Specialists first and products are not known to the evaluator.")
    if (
        policy.country_law
        or policy.keep_families_together
        or any(csm.leaving == "soon" for csm in facts.csms)
    ):
        raise UnknownRule("Country law, families and CSMs leaving soon are not known to the evaluator.")


def _caps(csm: CsmFacts, facts: BookFacts, policy: BookPolicy) -> list[int]:
    works = min(max(csm.contract_minutes, 0), policy.full_time_minutes)
    return [
        NO_CAP if tier.cap is None else tier.cap * works // policy.full_time_minutes for tier in facts.tiers
    ]


def _pair(
    kind: tuple[str, str, str, str], csm: CsmFacts, policy: BookPolicy, special: set[str]
) -> tuple[bool, float]:
    """Whether the CSM may serve such a customer, and how badly it fits."""
    tier, vertical, region, language = kind
    able, bad = not csm.tiers or tier in csm.tiers, 0.0
    foreign = bool(vertical and csm.verticals) and vertical not in csm.verticals
    for fit, lacking in (
        (policy.vertical_fit, foreign),
        (policy.region_fit, bool(region and csm.regions) and region not in csm.regions),
        (policy.language_fit, bool(language and csm.languages) and language not in csm.languages),
    ):
        able &= not (fit == "hard" and lacking)
        bad += float(fit == "soft" and lacking)
    if policy.vertical_fit != "ignore":
        bad += float(not vertical and bool(csm.verticals))
        bad += 0.5 * (policy.vertical_fit == "soft" and vertical in special and not csm.verticals)
    return able, bad


def _unlike(one: CsmFacts, other: CsmFacts) -> float:
    def apart(mine: frozenset[str], theirs: frozenset[str]) -> float:
        return 1.0 - len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0

    listed = ("verticals", "regions", "languages", "products")
    parts = [apart(getattr(one, name), getattr(other, name)) for name in listed]
    return (sum(parts) + abs(one.seniority - other.seniority) / 4.0) / 5.0


def _only(columns: CustomerColumns, rows: IntColumn) -> CustomerColumns:
    """The columns the targets are made from, of these rows only."""
    return replace(
        columns,
        external_id=tuple(columns.external_id[row] for row in rows),
        minutes=columns.minutes[rows],
        arr_cents=columns.arr_cents[rows],
    )
