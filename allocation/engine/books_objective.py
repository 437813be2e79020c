"""What makes one plan better than another: fixed targets, tolerance bands, pair costs.

    Z = Σ_csm Σ_measure weight · max(0, |load ÷ target − 1| − band)
      + Σ_customer w · (fit · mismatch + [moved] · (continuity + background · difference of the CSMs))

Measures are hours, ARR and (weight 0 unless a policy splits evenly) customers. The targets are fixed before the search,
so that Z is linear outside the bands, can be explained per CSM, and can be bounded. Source: ``docs/engine/books.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocation.engine.books_eligibility import Eligibility
from allocation.engine.books_pairs import PairCosts, difference_of_csms, family_anchors, wanted_seniority
from allocation.engine.facts.books import (
    TOUCH_WEIGHT,
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    FloatColumn,
    IntColumn,
    TierFacts,
)

FALLBACK_NEW = 2.0
"""Specialist-first: a generalist costs this many mismatches when newly given such a customer (one when keeping it)."""

LEAST_CONTINUITY = 1e-3
"""Where keeping a CSM is worth nothing, a move still costs a thousandth of a point: of equal plans the calmest is taken."""

SENIORITY_STEP = 0.075
"""ARR share of a CSM: 0.85 for seniority 1, 1 for 3, 1.15 for 5."""

SPECIALIST_CEILING = 1.09
"""Specialists are planned up to 9 % above the even level, with the tolerance inside ±15 %; generalists share the rest."""

_FAIR_ROUNDS = 200
_OVERFLOW_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Measures:
    """What is balanced. ``amounts`` measures × customers; ``targets`` and ``scale`` measures × CSMs.

    ``scale`` is the target, or where that is 0 the mean target, so that a CSM who should hold nothing counts as well.
    """

    amounts: FloatColumn
    targets: FloatColumn
    scale: FloatColumn
    weights: FloatColumn
    bands: FloatColumn

    def penalty(self, loads: FloatColumn) -> FloatColumn:
        """Points per CSM for ``loads`` (measures × CSMs [× more])."""
        shape = (len(self.weights),) + (1,) * (loads.ndim - 1)
        targets = self.targets.reshape(self.targets.shape + (1,) * (loads.ndim - 2))
        scale = self.scale.reshape(self.scale.shape + (1,) * (loads.ndim - 2))
        off = np.abs(loads - targets) / scale - self.bands.reshape(shape)
        points: FloatColumn = (self.weights.reshape(shape) * np.maximum(off, 0.0)).sum(axis=0)
        return points

    def penalty_at(self, csm: int, loads: FloatColumn) -> FloatColumn:
        """Points of one CSM for many possible loads (measures × anything)."""
        shape = (len(self.weights),) + (1,) * (loads.ndim - 1)
        off = np.abs(loads - self.targets[:, csm].reshape(shape)) / self.scale[:, csm].reshape(shape)
        points: FloatColumn = (
            self.weights.reshape(shape) * np.maximum(off - self.bands.reshape(shape), 0.0)
        ).sum(axis=0)
        return points


def customer_weights(*, customers: CustomerColumns, tiers: Sequence[TierFacts]) -> FloatColumn:
    """4 / 2 / 1 / 0.15 points for high / mid / low / tech touch."""
    by_tier = {tier.slug: TOUCH_WEIGHT.get(tier.touch_level, 1.0) for tier in tiers}
    return np.array([by_tier.get(slug, 1.0) for slug in customers.tier], dtype=np.float64)


def measures(
    *,
    customers: CustomerColumns,
    csms: Sequence[CsmFacts],
    policy: BookPolicy,
    allowed: BoolColumn,
    preferred: BoolColumn,
) -> Measures:
    """Targets per CSM: the most even split that who-may-serve-whom (``allowed``) permits if customers were divisible.

    Hours by capacity; ARR by capacity × seniority (0.85 … 1.15); customers by capacity. Specialist-first: a class of
    customers is split over its specialists up to 9 % above the even level, the rest over generalists (those not ``preferred``).
    """
    capacity = np.array([max(0, csm.capacity_minutes) for csm in csms], dtype=np.float64)
    seniority = np.array([1.0 + SENIORITY_STEP * (csm.seniority - 3) for csm in csms], dtype=np.float64)
    amounts = np.stack(
        [
            customers.minutes.astype(np.float64),
            customers.arr_cents.astype(np.float64) / 100.0,
            np.ones(len(customers), dtype=np.float64),
        ]
    )
    classes = _classes(allowed, preferred, capacity, amounts[0])
    targets = np.stack(
        [classes.split(amounts[k], share) for k, share in enumerate(_shares(capacity, seniority))]
    )
    targets[0] = np.minimum(targets[0], capacity)
    means = np.array([row[row > 0].mean() if (row > 0).any() else 1.0 for row in targets])
    return Measures(
        amounts=amounts,
        targets=targets,
        scale=np.where(targets > 0, targets, means[:, None]),
        weights=np.array([policy.weight_hours, policy.weight_arr, policy.weight_customers], dtype=np.float64),
        bands=np.array(
            [policy.hours_tolerance_pct / 100, policy.arr_tolerance_pct / 100, 0.0], dtype=np.float64
        ),
    )


def _shares(capacity: FloatColumn, seniority: FloatColumn) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    return capacity, capacity * seniority, capacity


def pair_costs(
    *,
    customers: CustomerColumns,
    csms: Sequence[CsmFacts],
    tiers: Sequence[TierFacts],
    policy: BookPolicy,
    fit: Eligibility,
    allowed: BoolColumn,
    current: IntColumn,
    home: BoolColumn,
) -> PairCosts:
    """Points of every pair customer × CSM. ``current`` = position of the CSM now (−1 none), ``home`` = may stay there."""
    no_anchor = np.full(len(customers), -1, dtype=np.int64)
    return PairCosts(
        mismatch=fit.mismatch,
        fallback=fit.fallback,
        new_fallback=FALLBACK_NEW - 1.0 if policy.vertical_fit == "specialist_first" else 0.0,
        weights=customer_weights(customers=customers, tiers=tiers),
        weight_fit=policy.weight_fit,
        weight_continuity=max(policy.weight_continuity, LEAST_CONTINUITY),
        weight_background=policy.weight_background,
        difference=difference_of_csms(csms),
        current=current,
        home=home,
        seniority=np.array([csm.seniority for csm in csms], dtype=np.float64),
        wanted=wanted_seniority(customers=customers, csms=csms, allowed=allowed)
        if policy.seniority_follows_value
        else np.full(len(customers), np.nan),
        # Who has to move anyway is no reason for the family to follow: it belongs with those who may stay.
        anchor=family_anchors(customers=customers, seat=np.where(home, current, -1))
        if policy.keep_families_together
        else no_anchor,
    )


@dataclass(frozen=True, slots=True)
class _Classes:
    """Customers with the same possible CSMs are one class. ``kept`` = share of a class that its preferred CSMs take."""

    allowed: BoolColumn
    preferred: BoolColumn
    members: IntColumn
    kept: FloatColumn

    def split(self, amounts: FloatColumn, share: FloatColumn) -> FloatColumn:
        """Load per CSM when ``amounts`` are divided as evenly by ``share`` as the classes permit."""
        demand = np.bincount(self.members, weights=amounts, minlength=len(self.allowed))
        edges = np.concatenate([self.preferred, self.allowed & ~self.preferred])
        halves = np.concatenate([demand * self.kept, demand * (1.0 - self.kept)])
        return _fair_split(edges, halves, share)


def _classes(
    allowed: BoolColumn, preferred: BoolColumn, capacity: FloatColumn, minutes: FloatColumn
) -> _Classes:
    if not allowed.size:
        nothing = np.zeros(len(allowed), dtype=np.int64)
        return _Classes(allowed[:1], preferred[:1], nothing, np.ones(len(allowed[:1])))
    packed = np.ascontiguousarray(np.packbits(np.concatenate([allowed, preferred], axis=1), axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, members = np.unique(keys, return_index=True, return_inverse=True)
    wide, narrow = allowed[first], preferred[first]
    kept = np.where((narrow & (capacity > 0)).any(axis=1), 1.0, 0.0)
    classes = _Classes(wide, narrow, members.astype(np.int64), kept)
    ceiling = capacity * min(1.0, SPECIALIST_CEILING * float(minutes.sum()) / max(1.0, float(capacity.sum())))
    for _ in range(_OVERFLOW_ROUNDS):
        load = classes.split(minutes, capacity)
        over = np.divide(ceiling, load, out=np.ones_like(load), where=load > ceiling)
        pull = narrow * capacity[None, :]
        total = pull.sum(axis=1)
        bears = np.divide((pull * over[None, :]).sum(axis=1), total, out=np.ones_like(total), where=total > 0)
        kept = np.where((wide & ~narrow).any(axis=1), kept * bears, kept)
        classes = _Classes(wide, narrow, members.astype(np.int64), kept)
    return classes


def _fair_split(classes: BoolColumn, demand: FloatColumn, share: FloatColumn) -> FloatColumn:
    """Divide each class's ``demand`` over its CSMs so that load ÷ share is as even as possible (iterated scaling)."""
    classes, demand = classes[demand > 0], demand[demand > 0]
    if not classes.size:
        return np.zeros(len(share), dtype=np.float64)
    edges = classes * share[None, :]
    lift = np.ones(len(share), dtype=np.float64)
    loads = np.zeros(len(share), dtype=np.float64)
    for _ in range(_FAIR_ROUNDS):
        pull = edges * lift[None, :]
        total = pull.sum(axis=1)
        loads = (pull * np.divide(demand, total, out=np.zeros_like(demand), where=total > 0)[:, None]).sum(
            axis=0
        )
        used = (share > 0) & (loads > 0)
        if not used.any():
            break
        level = loads[used] / share[used]
        lift[used] = np.clip(lift[used] * np.sqrt(level.mean() / level), 1e-6, 1e6)
    return loads
