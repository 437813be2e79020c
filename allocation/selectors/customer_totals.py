"""What the customers that fit a filter come to, so that a list reconciles with books, balance and pyramid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Cast, Round

from accounts.models import Customer, Goal, TouchActivity
from allocation.selectors.amounts import in_base_cents
from allocation.snapshots.books import TouchPlans

# Whole cents, so that every database adds them up exactly.
CENTS: Any = Cast(Round(F("arr") * 100), BigIntegerField())


@dataclass(frozen=True, slots=True)
class CustomerTotals:
    """Money in cents of the base currency, minutes of a month; customers who left ask for none (`left` says how many there are).

    without_arr: whose ARR is not known; they count 0. problem: why amounts in some currency are missing from the sum.
    """

    customers: int
    left: int
    arr_cents: int
    without_arr: int
    minutes: int
    problem: str = ""


def customer_totals(*, rows: QuerySet[Customer], as_of: date) -> CustomerTotals:
    """Over all rows, whatever page of them is shown; the same number of statements at any size.

    The database adds up; read are the amounts of other currencies, each of which is turned into cents on its own as
    everywhere, and who has goals that ask for hours.
    """
    found = Customer.objects.filter(pk__in=rows.order_by().values("pk")).order_by()
    in_base = Q(currency=settings.BASE_CURRENCY)
    groups = list(
        found.values("tier_id", "status")
        .annotate(customers=Count("pk"), known=Count("arr"), cents=Sum(CENTS, filter=in_base))
        .values_list("tier_id", "status", "customers", "known", "cents")
    )
    others = found.exclude(in_base).filter(arr__isnull=False).values_list("arr", "currency")
    cents, problem = in_base_cents(amounts=list(others), as_of=as_of)
    customers = sum(group[2] for group in groups)
    active = [group for group in groups if group[1] == Customer.Status.ACTIVE]
    return CustomerTotals(
        customers=customers,
        left=customers - sum(group[2] for group in active),
        arr_cents=sum(cents) + sum(group[4] or 0 for group in groups),
        without_arr=customers - sum(group[3] for group in groups),
        minutes=_minutes(found.active(), {group[0]: group[2] for group in active}, as_of),
        problem=problem,
    )


def _minutes(customers: QuerySet[Customer], by_tier: Mapping[int | None, int], as_of: date) -> int:
    """What the tiers ask, and what goals ask beyond."""
    plans = TouchPlans(as_of=as_of, customers=customers)
    asking = TouchActivity.objects.filter(goal_kind__isnull=False).order_by().values("goal_kind")
    goals = Goal.objects.open_on(as_of).filter(kind__in=asking)
    having = customers.filter(pk__in=goals.values("customer")).values_list("pk", "tier_id")
    return sum(number * plans.minutes_of_tier(tier_id) for tier_id, number in by_tier.items()) + sum(
        plans.minutes(customer_id=pk, tier_id=tier_id) - plans.minutes_of_tier(tier_id)
        for pk, tier_id in having
    )
