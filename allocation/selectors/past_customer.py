"""One customer as it stood on a past day: tier and CSM with the decisions behind them, the override, what the model said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import CSM, Customer, Goal
from allocation.models import BookHolding, Override, TierHolding
from allocation.selectors.customer_events import Event, customer_events
from allocation.selectors.timeline import Decided, tier_timeline
from allocation.snapshots.held import active_on


@dataclass(frozen=True, slots=True)
class PastCustomer:
    """tier, book: the ledger rows of the day, with their events; said: the decision of a run it stood on.

    csm_id: the CSM of the day, where the person may open that book.
    """

    tier: TierHolding | None
    book: BookHolding | None
    csm_id: int | None
    tier_event: Event | None
    book_event: Event | None
    left: bool
    override: Override | None
    said: Decided | None
    goals: tuple[Goal, ...]
    events: tuple[Event, ...]


def past_customer(*, customer: Customer, day: date, user: Any) -> PastCustomer:
    """As of the end of a past day, of a customer that the person may see now; a fixed number of statements."""
    tier = TierHolding.objects.held_on(day).filter(customer=customer).select_related("tier").first()
    book = BookHolding.objects.held_on(day).filter(customer=customer).select_related("csm").first()
    events = customer_events(customer=customer, day=day)
    standing = {event.kind: event for event in reversed(events) if not event.over}
    csm_seen = CSM.objects.visible_to(user).filter(pk=book.csm_id).exists() if book else False
    goals = Goal.objects.open_on(day).filter(customer=customer).select_related("kind", "owner")
    return PastCustomer(
        tier=tier,
        book=book,
        csm_id=book.csm_id if book and csm_seen else None,
        tier_event=standing.get("tier"),
        book_event=standing.get("csm"),
        left=not active_on(day=day).filter(pk=customer.pk).exists(),
        override=override_on(customer=customer, day=day),
        said=next(iter(tier_timeline(customer_id=customer.pk, day=day)), None),
        goals=tuple(goals.order_by("kind__name", "pk")),
        events=events,
    )


def override_on(*, customer: Customer, day: date) -> Override | None:
    """The override in force at the end of a day: given by then, and neither withdrawn nor run out by then."""
    rows = Override.objects.filter(
        Q(begun_at__isnull=False), customer=customer, starts_on__lte=day, expires_on__gt=day
    ).select_related("tier", "asked_by", "decided_by")
    return next((row for row in rows.order_by("-pk") if _holds(row, day)), None)


def _holds(row: Override, day: date) -> bool:
    begun = row.begun_at is not None and timezone.localdate(row.begun_at) <= day
    return begun and (row.ended_at is None or timezone.localdate(row.ended_at) > day)
