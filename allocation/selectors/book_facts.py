"""What the page of one book is worked out from, read once: leave, customers, touch plans, rates and tiers.

The figures of a book, its attention, its next hours and its list are reckoned from these rows; none of them reads them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, Q, Value

from accounts.models import CSM, Customer, Goal, GoalKind, Leave, Tier
from allocation.selectors.tiers import in_use_among, tiers_with_settings
from allocation.snapshots.away import MONTH_DAYS
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Covers, covers_among
from allocation.snapshots.money import rates_there_are

ROW = (
    "pk", "external_id", "name", "csm_id", "tier_id", "status", "health", "sentiment", "adoption", "reputation", "champion",
    "arr", "potential_arr", "currency", "renewal_date", "vertical_id", "vertical__name", "region_id", "region__name",
)  # fmt: skip
Row = Mapping[str, Any]
NOBODY = 0
"""In place of a customer's id: there is none like it."""


@dataclass(frozen=True, slots=True)
class BookFacts:
    """csm_ids: whose books these are: the CSM's, and those that the CSM covers on the day. rows: customers of these books,
    active and left, by name in the order of the database. leaves: everybody's of the month from the day, and all to come that concern this book. goals: names of the kinds
    of the open ones by customer, active customers only. tiers: those in use, the highest first. rates: those there are.
    kinds: of goals in use, by name. full_time_hours: of the policy of books in force; None where there is none.
    """

    csm: CSM
    on: date
    leaves: tuple[Leave, ...]
    covers: Covers
    csm_ids: tuple[int, ...]
    rows: tuple[Row, ...]
    plans: TouchPlans
    goals: Mapping[int, tuple[str, ...]]
    rates: Mapping[str, Decimal]
    tiers: tuple[Tier, ...]
    kinds: tuple[tuple[int, str], ...] = ()
    full_time_hours: Decimal | None = None

    def active(self, *, csm_ids: Collection[int]) -> list[Row]:
        """The active customers of these CSMs."""
        return [row for row in self.everybody(csm_ids=csm_ids) if row["status"] == Customer.Status.ACTIVE]

    def everybody(self, *, csm_ids: Collection[int]) -> list[Row]:
        """The customers of these CSMs, those who have left too."""
        return [row for row in self.rows if row["csm_id"] in csm_ids]

    def minutes_of(self, rows: Sequence[Row]) -> dict[int, int]:
        """Base minutes of a month by customer."""
        return {row["pk"]: self.plans.minutes(customer_id=row["pk"], tier_id=row["tier_id"]) for row in rows}


def book_facts(*, csm: CSM, on: date) -> BookFacts:
    """Of one book on a day; six statements at any size."""
    leaves = tuple(
        Leave.objects.filter(
            Q(starts_on__lt=on + timedelta(days=MONTH_DAYS)) | Q(csm=csm) | Q(covered_by=csm),
            ends_before__gt=on,
        )
        .with_cover(on)
        .select_related("csm", "covered_by")
        .order_by("starts_on", "pk")
    )
    covers = covers_among(leaves, on=on)
    csm_ids = (csm.pk, *(one.csm_id for one in covers.covers_of(csm.pk)))
    rows = tuple(Customer.objects.filter(csm__in=csm_ids).order_by("name", "pk").values(*ROW))
    active = [row for row in rows if row["status"] == Customer.Status.ACTIVE]
    words = _words_of_goals(csm_ids, on=on)
    goals = [word for word in words if word[0] != NOBODY]
    tiers = tuple(tiers_with_settings())
    return BookFacts(
        csm=csm,
        on=on,
        leaves=leaves,
        covers=covers,
        csm_ids=csm_ids,
        rows=rows,
        plans=TouchPlans(as_of=on, goals=[(customer, kind, slug) for customer, kind, slug, _ in goals]),
        goals=_names(goals),
        rates=rates_there_are(
            currencies={row["currency"] for row in active}, as_of=on, base=settings.BASE_CURRENCY
        ),
        tiers=in_use_among(tiers),
        kinds=tuple((kind, name) for customer, kind, _, name in words if customer == NOBODY),
        full_time_hours=next((tier.full_time_hours for tier in tiers), None),
    )


def _words_of_goals(csm_ids: Collection[int], *, on: date) -> list[tuple[int, int, str, str]]:
    """Customer, kind, slug and name of each open goal of their active customers, and with no customer (0) of each kind that is
    in use, by name.
    """
    goals = (
        Goal.objects.open_on(on)
        .filter(customer__csm__in=csm_ids, customer__status=Customer.Status.ACTIVE)
        .annotate(word=F("kind__name"))
    )
    kinds = GoalKind.objects.filter(retired=False)
    every = (
        goals.order_by()
        .values_list("customer_id", "kind_id", "kind__slug", "word", "pk")
        .union(kinds.order_by().values_list(Value(NOBODY), "pk", "slug", "name", "pk"), all=True)
    )
    return [row[:4] for row in every.order_by("word", "pk")]


def _names(goals: Sequence[tuple[int, int, str, str]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for customer, _, _, name in goals:
        found.setdefault(customer, []).append(name)
    return {customer: tuple(names) for customer, names in found.items()}
