"""What a Django developer writes first: a loop over the customers that scores each, gives it its tier, and saves it.

The rules are those of `retier_script`, in plain Python. Like the script it knows of no overrides, locks, goals, ledger or explanation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import log
from typing import Any

from accounts.models import Customer, Tier
from benchmarks.retier_script import BOUNDS, DEAD_BAND, LINES, LOGS, RANKS

SLUGS = {rank: slug for slug, rank in RANKS.items()}


def retier_each(*, rates: Mapping[str, float], on: date) -> dict[int, float | None]:
    """The scores of those that change tier, by key. Every customer is saved, in a statement of its own."""
    tiers = {tier.slug: tier for tier in Tier.objects.all()}
    moved: dict[int, float | None] = {}
    for customer in Customer.objects.select_related("tier").order_by("pk"):
        if customer.status == Customer.Status.ACTIVE:
            arr = in_base(customer.arr, customer.currency, rates)
            points = score(customer, arr, in_base(customer.potential_arr, customer.currency, rates))
            held = RANKS[customer.tier.slug] if customer.tier else None
            given = rank(arr, held)
            if given != held:
                customer.tier, customer.tier_since = tiers[SLUGS[given]], on
                if held is not None:
                    moved[customer.pk] = points
        customer.save()
    return moved


def in_base(amount: Any, currency: str, rates: Mapping[str, float]) -> float | None:
    return None if amount is None else round(float(amount) / rates.get(currency, 1.0), 2)


def score(customer: Customer, arr: float | None, potential: float | None) -> float | None:
    """Weighted points, what is missing left out."""
    expansion = None if arr is None or potential is None else max(potential - arr, 0.0)
    total, weights = 0.0, 0.0
    for name, value in (("arr", arr), ("expansion", expansion)):
        weight, low, high = LOGS[name]
        if value is not None:
            total += 100 * weight * log(min(max(value, low), high) / low) / log(high / low)
            weights += weight
    for name in LINES:
        value = getattr(customer, name)
        if value is not None:
            total += float(value)
            weights += 1
    return round(total / weights, 2) if weights else None


def rank(arr: float | None, held: int | None) -> int:
    """The tier by the bounds; the one held where it lies within the dead band."""
    if held is not None:
        easier, harder = within(arr, 1 - DEAD_BAND), within(arr, 1 + DEAD_BAND)
        if min(easier, harder) <= held <= max(easier, harder):
            return held
    return within(arr, 1)


def within(arr: float | None, factor: float) -> int:
    """Position of the tier with every bound times the factor."""
    if arr is not None:
        for name, bound in BOUNDS.items():
            if arr >= bound * factor:
                return RANKS[name]
    return RANKS["scale"]
