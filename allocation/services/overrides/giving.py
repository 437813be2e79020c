"""Giving a customer the tier of an override that holds."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from accounts.models import Customer
from allocation.models import Override, Source
from allocation.services.decisions import DecisionSource, TierChange, set_tiers

LIMIT = 1000
RAN_OUT = "It ran out."
CANNOT_BEGIN = "It did not begin: the customer has left, or the tier was retired meanwhile."


def give_tier(*, override: Override, customer: Customer, on: date, at: datetime) -> None:
    """The customer, held by the caller's transaction, gets the tier of an approved override; a second time does nothing."""
    begun = Override.objects.filter(
        pk=override.pk, status=Override.Status.APPROVED, begun_at__isnull=True
    ).update(begun_at=at)
    if begun != 1:
        return
    override.begun_at = at
    set_tiers(
        changes=[TierChange(customer.pk, customer.tier_id, override.tier_id)],
        on=on,
        decision=DecisionSource(
            kind=Source.OVERRIDE,
            source_id=override.pk,
            actor_id=override.decided_by_id,
            words=f"{override.get_reason_kind_display()}: {override.words}",
        ),
    )


def begin_overrides(*, on: date, at: datetime) -> tuple[int, ...]:
    """Approved overrides whose first day has come: give their customers the tier. Ids of the customers, by id.

    For the calendar; each in a transaction of its own, and safe to repeat or to run twice at once.
    """
    waiting = Override.objects.to_begin(on).order_by("pk").values_list("pk", "customer_id")
    begun = []
    for override_id, customer_id in list(waiting[:LIMIT]):
        with transaction.atomic():
            customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer_id)
            override = Override.objects.to_begin(on).select_related("tier").filter(pk=override_id).first()
            if override is not None and (customer.status != Customer.Status.ACTIVE or override.tier.retired):
                Override.objects.filter(pk=override.pk).update(
                    status=Override.Status.EXPIRED, ended_at=at, ended_words=CANNOT_BEGIN
                )
            elif override is not None:
                give_tier(override=override, customer=customer, on=on, at=at)
                begun.append(customer_id)
    return tuple(sorted(begun))
