"""Judging a plan from outside: its objective, the limits it breaks, and what its prices prove.

Own code throughout, so that a mistake of the planner is not repeated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocation.engine.facts.books import FloatColumn, IntColumn
from benchmarks.sheet import NO_CAP, Sheet


@dataclass(frozen=True, slots=True)
class Broken:
    """A limit that an assignment breaks: which, whose, how much is held and how much may be."""

    limit: str
    who: str
    held: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Bound:
    """What prices prove. ``points`` bound the group's objective from below; ``flaws``: prices outside their range."""

    points: float
    flaws: tuple[str, ...]


def objective(sheet: Sheet, seats: IntColumn) -> float:
    """Z in points of what is seated."""
    seated = np.flatnonzero(seats >= 0)
    targets, scale = sheet.targets
    loads = np.stack(
        [
            np.bincount(seats[seated], weights=amount[seated], minlength=len(sheet.facts.csms))
            for amount in sheet.amounts
        ]
    )
    outside = np.maximum(np.abs(loads / scale - targets / scale) - sheet.bands[:, None], 0.0)
    balance = float((sheet.weights[:, None] * outside).sum())
    return balance + float(sheet.pair_costs(seated, seats[seated]).sum())


def broken_limits(sheet: Sheet, seats: IntColumn) -> list[Broken]:
    """Every hard limit that ``seats`` break; none = a lawful plan. Nobody served is no breach (it is counted apart)."""
    found: list[Broken] = []
    seated = np.flatnonzero(seats >= 0)
    places = seats[seated]
    load = np.zeros(len(sheet.capacity), dtype=np.int64)
    np.add.at(load, places, sheet.minutes[seated])
    count = np.zeros(sheet.cap.shape, dtype=np.int64)
    np.add.at(count, (places, sheet.tier[seated]), 1)
    keys = [csm.key for csm in sheet.facts.csms]
    found += [
        Broken("hours", keys[at], int(load[at]), int(sheet.capacity[at]))
        for at in np.flatnonzero(load > sheet.capacity)
    ]
    found += [
        Broken("cap", keys[at], int(count[at, tier]), int(sheet.cap[at, tier]))
        for at, tier in np.argwhere(count > sheet.cap)
    ]
    for rows in sheet.chunks(seated):
        fine = sheet.allowed(rows)[np.arange(len(rows)), seats[rows]]
        found += [Broken("may not serve", sheet.ids[row], 1, 0) for row in rows[~fine]]
    kept = ~(sheet.held & sheet.home) | (seats == sheet.current)
    found += [Broken("hold", sheet.ids[row], 1, 0) for row in np.flatnonzero(~kept & (seats < 0))]
    chosen = chosen_moves(sheet, seats)
    for name, held, limit in (
        ("moves", len(chosen), _share(sheet.policy.max_moves_pct, len(sheet.ids))),
        (
            "moved ARR",
            int(sheet.arr_cents[chosen].sum()),
            _share(sheet.policy.max_moves_arr_pct, int(sheet.arr_cents.sum())),
        ),
    ):
        if limit is not None and held > limit:
            found.append(Broken(name, "everybody", held, limit))
    return found


def chosen_moves(sheet: Sheet, seats: IntColumn) -> IntColumn:
    """Customers that could have stayed and did not."""
    moved: IntColumn = np.flatnonzero(sheet.home & (seats != sheet.current) & (seats >= 0))
    return moved


def bound_of(sheet: Sheet, prices: Mapping[str, Any]) -> Bound:
    """The least that the group of CSMs in ``prices`` can cost, whatever the plan, recomputed from its prices alone.

    Σ_i min_j (c_ij + r_i π_j + σ_j,tier + Σ_k a_ki λ_kj ÷ S_kj + μ [moved]) − Σ_j cap_j π_j − Σ_jt K_jt σ_jt
    + Σ_kj (−λ_kj T_kj ÷ S_kj − |λ_kj| band_k) − μ · budget. A price outside its range is moved into it (the bound stays true)
    and named in ``flaws``.
    """
    csms = np.array([sheet.position[key] for key in prices["csms"]], dtype=np.int64)
    told = _Prices(sheet, prices, csms)
    targets, scale = sheet.targets
    per_unit = told.measures / scale[:, csms]
    fixed = -float((told.capacity * told.hours).sum()) - float((told.cap_room * told.caps).sum())
    fixed -= float((per_unit * targets[:, csms]).sum())
    fixed -= float((np.abs(told.measures) * sheet.bands[:, None]).sum())
    fixed -= told.budget
    total, amounts = 0.0, sheet.amounts
    for rows in sheet.chunks(_members(sheet, csms)):
        price = sheet.pair_costs(rows[:, None], csms[None, :])
        price = price + sheet.minutes[rows, None] * told.hours + told.caps[:, sheet.tier[rows]].T
        price = price + amounts[:, rows].T @ per_unit
        away = sheet.home[rows, None] & (sheet.current[rows, None] != csms[None, :])
        price = price + away * (told.move + told.move_arr * sheet.arr[rows, None])
        total += float(np.where(sheet.allowed(rows)[:, csms], price, np.inf).min(axis=1).sum())
    return Bound(points=total + fixed, flaws=tuple(told.flaws))


class _Prices:
    """Prices as arrays over the group's CSMs, each in its range. The only place that knows how they are stored."""

    def __init__(self, sheet: Sheet, prices: Mapping[str, Any], csms: IntColumn) -> None:
        self.flaws: list[str] = []
        none = np.zeros(len(csms))
        slugs = [tier.slug for tier in sheet.facts.tiers]
        caps = prices.get("caps", {})
        self.hours = self._positive("hours", prices.get("hours", none))
        self.caps = np.stack([self._positive(f"caps {slug}", caps.get(slug, none)) for slug in slugs], axis=1)
        self.cap_room = sheet.cap[csms]
        self.caps = np.where(self.cap_room >= NO_CAP, 0.0, self.caps)  # no cap, no price
        told = prices.get("measures", {})
        self.measures = np.stack(
            [
                self._within(name, told.get(name, none), weight)
                for name, weight in zip(("hours", "arr", "customers"), sheet.weights, strict=True)
            ]
        )
        self.capacity = self._room("capacity", prices.get("capacity"), sheet.capacity[csms])
        self.move = float(self._positive("moves", prices.get("moves", 0.0)))
        self.move_arr = float(
            self._positive("moves_arr", prices.get("moves_arr", 0.0))
        )  # points per unit of ARR
        # Where several groups share the budget its worth is taken off once, in a line of its own.
        limits = prices.get("move_limits", {})
        self.budget = self.move * limits.get("moves", 0.0) + self.move_arr * limits.get("moves_arr", 0.0)

    def _room(self, name: str, told: Any, there: IntColumn) -> FloatColumn:
        """The limit a price belongs to: more than there is only where a book was over its hours before."""
        values = np.asarray(there if told is None else told, dtype=np.float64)
        if (values > there).any():
            self.flaws.append(f"{name}: more than there is")
        return values

    def _positive(self, name: str, given: Any) -> FloatColumn:
        values = np.asarray(given, dtype=np.float64)
        if (values < -1e-9).any():
            self.flaws.append(f"{name}: below nought")
        return np.maximum(values, 0.0)

    def _within(self, name: str, given: Any, limit: float) -> FloatColumn:
        values = np.asarray(given, dtype=np.float64)
        if (np.abs(values) > limit + 1e-9).any():
            self.flaws.append(f"{name}: beyond the weight")
        return np.clip(values, -limit, limit)


def _members(sheet: Sheet, csms: IntColumn) -> IntColumn:
    """Customers whom some of these CSMs may hold. Nobody else may hold them if the group is one."""
    found = [
        rows[sheet.allowed(rows)[:, csms].any(axis=1)] for rows in sheet.chunks(np.arange(len(sheet.ids)))
    ]
    return np.concatenate([*found, np.empty(0, dtype=np.int64)])


def _share(pct: float | None, whole: int) -> int | None:
    """That many per cent, rounded down; None = no limit."""
    return None if pct is None else int(round(pct * 1000) * whole // 100_000)
