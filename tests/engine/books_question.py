"""The question a plan of books answers, customer by customer, written from ``docs/engine/books.md`` and slow on purpose.

Nothing comes from the planner but the targets, which are part of the question and not of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from allocation.engine.books_objective import measures
from allocation.engine.facts.books import (
    TOUCH_WEIGHT,
    BookFacts,
    BookPolicy,
    CsmFacts,
    CustomerColumns,
)

NAMES = ("hours", "arr", "customers")
CLOSE = 1e-5
NOBODY = -1
_COLUMNS = [
    "external_id",
    "tier",
    "csm",
    "minutes",
    "arr_cents",
    "vertical",
    "region",
    "country",
    "language",
    "products",
    "family",
    "hold",
]


class Question:
    """The facts customer by customer; positions are those of external ids and of CSM keys in order."""

    def __init__(self, facts: BookFacts, policy: BookPolicy) -> None:
        self.facts, self.policy = facts, policy
        self.csms = sorted(facts.csms, key=lambda csm: csm.key)
        self.tiers = {tier.slug: tier for tier in facts.tiers}
        whole = facts.customers
        rows = [
            {name: getattr(whole, name)[row] for name in _COLUMNS}
            for row in range(len(whole))
            if whole.tier[row] in self.tiers and self.tiers[whole.tier[row]].touch_level != "self_service"
        ]
        self.rows = sorted(rows, key=lambda row: str(row["external_id"]))
        self.ids = [row["external_id"] for row in self.rows]
        self.place = {csm.key: at for at, csm in enumerate(self.csms)}
        self.n, self.m = len(self.rows), len(self.csms)
        self.current = [self.place.get(row["csm"], NOBODY) for row in self.rows]
        self.minutes = np.array([int(row["minutes"]) for row in self.rows], dtype=np.int64)
        self.cents = np.array([int(row["arr_cents"]) for row in self.rows], dtype=np.int64)
        self.weight = [TOUCH_WEIGHT.get(self.tiers[row["tier"]].touch_level, 1.0) for row in self.rows]
        self.special = {v for csm in self.csms if csm.leaving != "gone" for v in csm.verticals}
        self.capacity = [max(0, csm.capacity_minutes) if csm.leaving != "gone" else 0 for csm in self.csms]
        self.home = [self._may_stay(i) for i in range(self.n)]
        self.fixed = [self.home[i] and bool(self.rows[i]["hold"]) for i in range(self.n)]

    def seats(self, assignment: Mapping[str, str]) -> list[int]:
        """Positions of an assignment; KeyError names what is missing or unknown."""
        for stranger in set(assignment) - set(self.ids):
            raise KeyError(stranger)
        return [self.place[assignment[one]] if assignment[one] else NOBODY for one in self.ids]

    def cap(self, j: int, slug: str) -> float:
        """Customers of a tier that a CSM may hold."""
        cap, full = self.tiers[slug].cap, self.policy.full_time_minutes
        if cap is None:
            return math.inf
        return math.floor(cap * min(Fraction(max(0, self.csms[j].contract_minutes), full), Fraction(1)))

    def lawful(self, i: int, j: int) -> bool:
        """Country law."""
        country = self.rows[i]["country"]
        return not (self.policy.country_law and country) or country in self.csms[j].countries

    def able(self, i: int, j: int) -> bool:
        """Everything required, the law among it."""
        row, csm, policy = self.rows[i], self.csms[j], self.policy
        strict = policy.vertical_fit in ("hard", "specialist_first")
        return (
            self.lawful(i, j)
            and not _misses(row["tier"], csm.tiers)
            and not (strict and _misses(row["vertical"], csm.verticals))
            and not (policy.region_fit == "hard" and _misses(row["region"], csm.regions))
            and not (policy.language_fit == "hard" and _misses(row["language"], csm.languages))
            and not (policy.product_fit == "hard" and self._unknown_products(i, j) > 0)
        )

    def stands_in(self, i: int, j: int) -> bool:
        """A generalist where a specialist exists."""
        if self.policy.vertical_fit == "ignore":
            return False
        return self.rows[i]["vertical"] in self.special and not self.csms[j].verticals

    def open(self, j: int) -> bool:
        """Takes new customers."""
        return self.csms[j].accepting and self.csms[j].leaving == "no" and self.capacity[j] > 0

    def may_have(self, i: int, j: int) -> bool:
        """Able and open, or the CSM it may stay with."""
        return (self.able(i, j) and self.open(j)) or self.stays(i, j)

    def stays(self, i: int, j: int) -> bool:
        """With the CSM it has and may stay with."""
        return self.home[i] and self.current[i] == j

    def away(self, i: int, j: int) -> bool:
        """Moved by choice."""
        return self.home[i] and self.current[i] != j

    def _may_stay(self, i: int) -> bool:
        j = self.current[i]
        if j == NOBODY or self.csms[j].leaving != "no" or not self.lawful(i, j):
            return False
        return self.able(i, j) or bool(self.rows[i]["hold"])

    def has_seat(self, i: int) -> bool:
        """Sits where it may stay, or at least until the last day: nobody like this is left without a CSM."""
        j = self.current[i]
        return j != NOBODY and self.csms[j].leaving != "gone" and self.lawful(i, j)

    def _unknown_products(self, i: int, j: int) -> float:
        asked, known = self.rows[i]["products"], self.csms[j].products
        return len(asked - known) / len(asked) if asked and known else 0.0

    def mismatch(self, i: int, j: int) -> float:
        """Everything preferred that is not so, without seniority and family."""
        row, csm, policy = self.rows[i], self.csms[j], self.policy
        bad = 0.0
        if policy.vertical_fit != "ignore":
            bad += float(_misses(row["vertical"], csm.verticals))
            bad += float(not row["vertical"] and bool(csm.verticals))  # a specialist is kept for its own
            if self.stands_in(i, j):
                known = 1.0 if self.stays(i, j) else 2.0
                bad += {"soft": 0.5, "hard": 0.0, "specialist_first": known}[policy.vertical_fit]
        bad += float(policy.region_fit == "soft" and _misses(row["region"], csm.regions))
        bad += float(policy.language_fit == "soft" and _misses(row["language"], csm.languages))
        bad += self._unknown_products(i, j) if policy.product_fit == "soft" else 0.0
        return bad

    def cost(self, i: int, j: int, anchors: Mapping[str, int]) -> float:
        """Points of a pair."""
        policy, csm = self.policy, self.csms[j]
        bad = self.mismatch(i, j)
        if policy.seniority_follows_value and self.wanted[i] is not None:
            bad += abs(csm.seniority - self.wanted[i]) / 4
        if policy.keep_families_together:
            bad += float(anchors.get(self.rows[i]["family"], j) != j)
        points = policy.weight_fit * bad
        if not self.stays(i, j):
            points += max(policy.weight_continuity, 1e-3) * self.home[i]
            if self.current[i] != NOBODY:
                points += policy.weight_background * _difference(self.csms[self.current[i]], csm)
                points += 25.0 * (self.current[i] == j)
        return self.weight[i] * points

    @cached_property
    def wanted(self) -> list[int | None]:
        """The seniority that the value of each customer asks for."""
        wanted: list[int | None] = [None] * self.n
        for who, there in self._linked():
            order = sorted(who, key=lambda i: (-int(self.cents[i]), self.ids[i]))
            ranked = sorted(there, key=lambda j: (-self.csms[j].seniority, self.csms[j].key))
            hours = [float(self.minutes[i]) + 1e-9 for i in order]
            room = [max(1.0, float(self.csms[j].capacity_minutes)) for j in ranked]
            ends = np.cumsum(room) / sum(room)
            before = 0.0
            for i, own in zip(order, hours, strict=True):
                middle = (before + own / 2) / sum(hours)
                before += own
                slot = next((at for at, end in enumerate(ends) if end >= middle), len(ranked) - 1)
                wanted[i] = self.csms[ranked[slot]].seniority
        return wanted

    def _linked(self) -> Iterator[tuple[list[int], list[int]]]:
        left = set(range(self.m))
        while left:
            there, who = {min(left)}, set()
            while True:
                who = {i for i in range(self.n) if any(self.may_have(i, j) for j in there)}
                more = {j for i in who for j in range(self.m) if self.may_have(i, j)} | there
                if more == there:
                    break
                there = more
            left -= there
            if who:
                yield sorted(who), sorted(there)

    @cached_property
    def targets(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Targets and scale, measures × CSMs: the planner's."""
        allowed = np.array(
            [[self.may_have(i, j) for j in range(self.m)] for i in range(self.n)], dtype=np.bool_
        )
        allowed = allowed.reshape(self.n, self.m)
        preferred = allowed
        if self.policy.vertical_fit == "specialist_first":
            first = [
                [not self.stands_in(i, j) or self.stays(i, j) for j in range(self.m)] for i in range(self.n)
            ]
            preferred = allowed & np.array(first, dtype=np.bool_).reshape(self.n, self.m)
        columns: dict[str, Any] = {name: tuple(row[name] for row in self.rows) for name in _COLUMNS}
        columns |= {"minutes": self.minutes, "arr_cents": self.cents}
        made = measures(
            customers=CustomerColumns(**columns),
            csms=self.csms,
            policy=self.policy,
            allowed=allowed,
            preferred=preferred,
        )
        return made.targets, made.scale

    @cached_property
    def weights(self) -> dict[str, float]:
        """Points of each measure."""
        policy = self.policy
        return dict(
            zip(NAMES, (policy.weight_hours, policy.weight_arr, policy.weight_customers), strict=True)
        )

    @cached_property
    def bands(self) -> tuple[float, float, float]:
        """Tolerance of each measure."""
        return self.policy.hours_tolerance_pct / 100, self.policy.arr_tolerance_pct / 100, 0.0

    @cached_property
    def amounts(self) -> np.ndarray[Any, Any]:
        """Measures × customers."""
        return np.stack([self.minutes.astype(float), self.cents / 100.0, np.ones(self.n)])

    def left_out_points(self, i: int) -> float:
        """What it costs to leave out somebody whom somebody may serve."""
        mean = float(self.targets[0][1].mean()) if self.m else 0.0
        return self.policy.weight_arr * float(self.amounts[1, i]) / mean if mean > 0 else 0.0

    def servable(self, i: int) -> bool:
        """Whether anybody may have the customer at all."""
        return any(self.may_have(i, j) for j in range(self.m))

    def move_limits(self) -> dict[str, int]:
        """The move budgets, in customers and in cents."""
        policy, limits = self.policy, {}
        for name, pct, whole in (
            ("moves", policy.max_moves_pct, self.n),
            ("moves_arr", policy.max_moves_arr_pct, int(self.cents.sum())),
        ):
            if pct is not None:
                limits[name] = math.floor(Fraction(str(pct)) * whole / 100)
        return limits

    def families(self) -> dict[str, int]:
        """CSM of the largest customer of each family that may stay with one."""
        first: dict[str, tuple[int, str, int]] = {}
        for i, row in enumerate(self.rows):
            if row["family"] and self.home[i]:
                rank = (-int(self.cents[i]), self.ids[i], self.current[i])
                first[row["family"]] = min(rank, first.get(row["family"], rank))
        return {family: rank[2] for family, rank in first.items()}


def _misses(value: str, listed: frozenset[str]) -> bool:
    return bool(value and listed) and value not in listed


def _difference(one: CsmFacts, other: CsmFacts) -> float:
    parts = [abs(one.seniority - other.seniority) / 4]
    for name in ("verticals", "regions", "languages", "products"):
        ours, theirs = getattr(one, name), getattr(other, name)
        parts.append(1 - len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0)
    return sum(parts) / 5
