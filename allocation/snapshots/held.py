"""Who held what on a day, as the ledgers say."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Customer
from allocation.models import BookHolding, Departure, TierHolding


def tiers_on(*, day: date, customer_ids: Collection[int] | None = None) -> dict[int, int]:
    """Tier ids by customer id: of everybody, or of the customers of one book."""
    held = TierHolding.objects.held_on(day)
    if customer_ids is not None:
        held = held.filter(customer_id__in=customer_ids)
    return dict(held.values_list("customer_id", "tier_id"))


def csms_on(*, day: date) -> dict[int, int]:
    """CSM ids by customer id."""
    return dict(BookHolding.objects.held_on(day).values_list("customer_id", "csm_id"))


def active_on(*, day: date) -> QuerySet[Customer]:
    """Customers that had not left on the day. Who left before departures were kept counts as left on every day."""
    away = Departure.objects.filter(customer=OuterRef("pk"))
    undated = Q(status=Customer.Status.LEFT) & ~Exists(away.current())
    return Customer.objects.exclude(Exists(away.held_on(day))).exclude(undated)


def changed_since(*, as_of: date) -> bool:
    """Whether a ledger knows of a change of tier, of CSM, or of who had left, after the day."""
    ledgers = (TierHolding, BookHolding, Departure)
    # Begun and ended apart: each has an index of its own.
    after = [
        ledger.objects.filter(condition).order_by().values("pk")
        for ledger in ledgers
        for condition in (Q(starts_on__gt=as_of), Q(ends_before__gt=as_of))
    ]
    return after[0].union(*after[1:], all=True).exists()
