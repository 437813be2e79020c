"""Who may serve whom, how well, and what the pools are called.

Prose: ``docs/engine/books.md``, "Who may serve whom". Everything here is a table customers × CSMs, built from the few
distinct values of each attribute, so that 10 000 × 60 takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allocation.engine.facts.books import (
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    Fit,
    FloatColumn,
    TierFacts,
)

EVERYONE_ELSE = "everyone else"

_GENERALIST_SOFT = 0.5
"""Mismatch of a generalist where a specialist exists and specialists are only preferred: half a foreign specialist."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Tables customers × CSMs.

    ``able``: the policy's hard fits and country law allow the pair. ``lawful``: country law alone does. ``mismatch``: 0 =
    fits, 1 = one thing does not (sum over soft fits). ``fallback``: a generalist where a specialist exists.
    """

    able: BoolColumn
    lawful: BoolColumn
    mismatch: FloatColumn
    fallback: BoolColumn


def eligibility(*, customers: CustomerColumns, csms: Sequence[CsmFacts], policy: BookPolicy) -> Eligibility:
    """Tables of who may serve whom under the policy; whether a CSM accepts or leaves is not looked at here."""
    size = (len(customers), len(csms))
    able = np.ones(size, dtype=np.bool_)
    mismatch = np.zeros(size, dtype=np.float64)
    fallback = np.zeros(size, dtype=np.bool_)
    if policy.vertical_fit != "ignore":
        vertical = _vertical_tables(customers=customers, csms=csms, policy=policy)
        able &= vertical.able
        mismatch += vertical.mismatch
        fallback |= vertical.fallback
    if any(csm.tiers for csm in csms):
        able &= (
            _by_value(customers.tier, csms, lambda slug: [not _lacks(slug, csm.tiers) for csm in csms]) > 0
        )
    regions = _by_value(customers.region, csms, lambda value: [_lacks(value, csm.regions) for csm in csms])
    _apply_fit(policy.region_fit, regions, able, mismatch)
    languages = _by_value(
        customers.language, csms, lambda value: [_lacks(value, csm.languages) for csm in csms]
    )
    _apply_fit(policy.language_fit, languages, able, mismatch)
    if policy.product_fit != "ignore":
        _apply_fit(policy.product_fit, _product_gaps(customers, csms), able, mismatch)
    lawful = _lawful(customers, csms, policy)
    return Eligibility(able=able & lawful, lawful=lawful, mismatch=mismatch, fallback=fallback)


def pool_names(
    *, customers: CustomerColumns, csms: Sequence[CsmFacts], tiers: Sequence[TierFacts], policy: BookPolicy
) -> tuple[str, ...]:
    """The pool of each customer: "vertical · tier" (and country where its law binds).

    A vertical has a pool of its own when some CSM specialises in it; the others share "everyone else".
    """
    names = {tier.slug: tier.name for tier in tiers}
    special = specialised_verticals(csms) if policy.vertical_fit != "ignore" else frozenset()
    pools = []
    for vertical, tier, country in zip(customers.vertical, customers.tier, customers.country, strict=True):
        parts = [vertical if vertical in special else EVERYONE_ELSE, names.get(tier, tier)]
        if policy.country_law and country:
            parts.append(country)
        pools.append(" · ".join(parts))
    return tuple(pools)


def specialised_verticals(csms: Sequence[CsmFacts]) -> frozenset[str]:
    """Verticals that some CSM who is still there lists."""
    return frozenset(vertical for csm in csms if csm.leaving != "gone" for vertical in csm.verticals)


def why_unable(*, customers: CustomerColumns, position: int, csm: CsmFacts, policy: BookPolicy) -> str:
    """One phrase: the first rule that keeps ``csm`` from the customer at ``position``; "" when none does."""
    country = customers.country[position]
    if policy.country_law and country and country not in csm.countries:
        return f"does not cover the country {country}"
    if _lacks(customers.tier[position], csm.tiers):
        return "is not named for this tier in the policy"
    vertical = customers.vertical[position]
    foreign = bool(vertical and csm.verticals) and vertical not in csm.verticals
    if policy.vertical_fit in ("specialist_first", "hard") and foreign:
        return f"serves other verticals than {vertical}"
    if policy.region_fit == "hard" and _lacks(customers.region[position], csm.regions):
        return f"does not serve the region {customers.region[position]}"
    if policy.language_fit == "hard" and _lacks(customers.language[position], csm.languages):
        return f"does not speak {customers.language[position]}"
    products = customers.products[position]
    if policy.product_fit == "hard" and csm.products and not products <= csm.products:
        return f"does not know {', '.join(sorted(products - csm.products))}"
    return ""


def _lacks(value: str, offered: frozenset[str]) -> bool:
    return bool(value) and bool(offered) and value not in offered


def _by_value(
    values: Sequence[str], csms: Sequence[CsmFacts], row: Callable[[str], Sequence[float | bool]]
) -> FloatColumn:
    """Customers × CSMs from one row per distinct value."""
    distinct = sorted(set(values))
    index = {value: position for position, value in enumerate(distinct)}
    table = np.array([row(value) for value in distinct], dtype=np.float64).reshape(len(distinct), len(csms))
    return table[np.array([index[value] for value in values], dtype=np.int64)]


def _apply_fit(mode: Fit, missing: FloatColumn, able: BoolColumn, mismatch: FloatColumn) -> None:
    if mode == "hard":
        able &= missing <= 0
    elif mode == "soft":
        mismatch += missing


@dataclass(frozen=True, slots=True)
class _Vertical:
    able: BoolColumn
    mismatch: FloatColumn
    fallback: BoolColumn


def _vertical_tables(
    *, customers: CustomerColumns, csms: Sequence[CsmFacts], policy: BookPolicy
) -> _Vertical:
    special = specialised_verticals(csms)
    mode = policy.vertical_fit
    generalist_cost = {"soft": _GENERALIST_SOFT, "specialist_first": 1.0, "hard": 0.0}[mode]

    def foreign(value: str) -> list[bool]:
        return [bool(value) and bool(csm.verticals) and value not in csm.verticals for csm in csms]

    def stands_in(value: str) -> list[bool]:
        return [value in special and not csm.verticals for csm in csms]

    def wasted(value: str) -> list[bool]:
        # A customer of unknown vertical may go to anybody, but a specialist is kept for his own where possible.
        return [not value and bool(csm.verticals) for csm in csms]

    is_foreign = _by_value(customers.vertical, csms, foreign)
    is_stand_in = _by_value(customers.vertical, csms, stands_in)
    mismatch = is_stand_in * generalist_cost + _by_value(customers.vertical, csms, wasted) + is_foreign
    able = np.ones_like(is_foreign, dtype=np.bool_) if mode == "soft" else is_foreign <= 0
    return _Vertical(able=able, mismatch=mismatch, fallback=is_stand_in > 0)


def _product_gaps(customers: CustomerColumns, csms: Sequence[CsmFacts]) -> FloatColumn:
    """Share of the customer's products that the CSM does not know."""

    def gaps(products: frozenset[str]) -> list[float]:
        if not products:
            return [0.0] * len(csms)
        return [len(products - csm.products) / len(products) if csm.products else 0.0 for csm in csms]

    distinct = sorted(set(customers.products), key=sorted)
    index = {products: position for position, products in enumerate(distinct)}
    table = np.array([gaps(products) for products in distinct], dtype=np.float64).reshape(
        len(distinct), len(csms)
    )
    return table[np.array([index[products] for products in customers.products], dtype=np.int64)]


def _lawful(customers: CustomerColumns, csms: Sequence[CsmFacts], policy: BookPolicy) -> BoolColumn:
    if not policy.country_law:
        return np.ones((len(customers), len(csms)), dtype=np.bool_)
    table = _by_value(
        customers.country, csms, lambda value: [not value or value in csm.countries for csm in csms]
    )
    return table > 0
