"""Customers as columns of a book snapshot, from rows that were read already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings

from accounts.models import Tier
from allocation.engine.facts.books import CustomerColumns, IntColumn
from allocation.models import AllocationPolicy
from allocation.snapshots.money import frozen_rates, in_base

HOLDS = ("csm_since", "contract_start", "renewal_date", "csm_locked_until")
LOOK = (
    "pk", "external_id", "tier_id", "csm_id", "arr", "currency", "vertical__name", "region__name", "country",
    "language__name",
)  # fmt: skip
ROW = (*LOOK, "products", "parent_id", *HOLDS)


@dataclass(frozen=True, slots=True)
class GivenCustomers:
    """Active customers that were read already, in the order of their keys: ``ROW`` of each, and what was worked out of it.

    with_plans: hold and family are wanted, as planning does; else ``LOOK`` is enough of each, and their products where the
    policy looks at products.
    """

    rows: Sequence[Mapping[str, Any]]
    minutes: IntColumn
    arr_cents: IntColumn
    with_plans: bool


def book_columns(
    *,
    given: GivenCustomers,
    as_of: date,
    tiers: Mapping[int, Tier],
    keys: Mapping[int, str],
    policy: AllocationPolicy,
) -> CustomerColumns:
    """The customers as planning reads them. tiers, keys: of tiers and CSMs by their ids. No query."""
    rows = given.rows
    slugs = {pk: tier.slug for pk, tier in tiers.items()}
    plans, none = given.with_plans, ("",) * len(rows)
    return CustomerColumns(
        external_id=tuple(row["external_id"] for row in rows),
        tier=tuple(slugs.get(row["tier_id"], "") for row in rows),
        csm=tuple(keys.get(row["csm_id"], "") for row in rows),
        minutes=given.minutes,
        arr_cents=given.arr_cents,
        vertical=tuple(row["vertical__name"] or "" for row in rows),
        region=tuple(row["region__name"] or "" for row in rows),
        country=tuple(row["country"] for row in rows),
        language=tuple(row["language__name"] or "" for row in rows),
        products=tuple(frozenset(row.get("products") or ()) for row in rows),
        family=_families(rows) if plans else none,
        hold=tuple(hold_of(row=row, as_of=as_of, policy=policy) for row in rows) if plans else none,
    )


def arr_cents_of(*, rows: Sequence[Mapping[str, Any]], as_of: date) -> IntColumn:
    """ARR in cents of the base currency; unknown counts 0. Raises UnknownRate."""
    known = {row["currency"] for row in rows if row["arr"] is not None}
    rates, base = (
        frozen_rates(currencies=known, as_of=as_of, base=settings.BASE_CURRENCY),
        settings.BASE_CURRENCY,
    )
    return np.array(
        [
            0
            if row["arr"] is None
            else int(in_base(row["arr"], row["currency"], rates=rates, base=base) * 100)
            for row in rows
        ],
        dtype=np.int64,
    )


def _families(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """External id of the topmost parent; "" for who has neither parent nor subsidiaries."""
    parents = {row["pk"]: row["parent_id"] for row in rows}
    names = {row["pk"]: row["external_id"] for row in rows}
    above = {parent for parent in parents.values() if parent is not None}

    def top(pk: int) -> int:
        seen = {pk}
        while (parent := parents.get(pk)) is not None and parent in parents and parent not in seen:
            seen.add(parent)
            pk = parent
        return pk

    return tuple(names[top(row["pk"])] if row["parent_id"] or row["pk"] in above else "" for row in rows)


def hold_of(*, row: Mapping[str, Any], as_of: date, policy: AllocationPolicy) -> str:
    """Why the customer must not change CSM now; "" when it may. A lock set by hand comes first."""
    locked, renewal = row["csm_locked_until"], row["renewal_date"]
    start, since = row["contract_start"], row["csm_since"]
    if locked and as_of < locked:
        return f"kept by hand until {locked.isoformat()}"
    before = policy.hold_before_renewal_days
    if before and renewal and _in_days(as_of, renewal, before + 1):
        return f"renewal on {renewal.isoformat()}"
    if start and _in_days(start, as_of, policy.hold_first_days):
        return f"customer since {start.isoformat()}"
    if since and _in_days(since, as_of, policy.hold_after_move_days):
        return f"changed CSM on {since.isoformat()}"
    return ""


def _in_days(first: date, second: date, days: int) -> bool:
    """Whether ``second`` is the same day as ``first`` or fewer than ``days`` days later."""
    return 0 <= (second - first).days < days
