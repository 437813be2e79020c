"""Handovers for the tests: customers that go from Ada (team A) to Ben (team B), as the only writer opens them."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from accounts.models import CSM, Customer
from allocation.models import Handover, Source
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.services.handovers import sign_handover, tick_step
from tests.factories import CLOCK, TODAY, CustomerFactory, TierFactory

BY_HAND = DecisionSource(Source.MANUAL)


def give(customer: Customer, csm: CSM | None, *, on: date = TODAY, by: DecisionSource = BY_HAND) -> None:
    now = Customer.objects.get(pk=customer.pk).csm_id
    set_csms(changes=[CsmChange(customer.pk, now, csm.pk if csm else None)], on=on, decision=by)


def customer_of(csm: CSM, *, name: str = "Acme", touch_level: str = "high", on: date = TODAY) -> Customer:
    tier = TierFactory(slug=f"served-{touch_level}", touch_level=touch_level)
    made: Customer = CustomerFactory(external_id=name, name=name)
    set_tiers(changes=[TierChange(made.pk, None, tier.pk)], on=on, decision=BY_HAND)
    give(made, csm, on=on)
    made.refresh_from_db()
    return made


def handed_over(
    cast: SimpleNamespace, *, name: str = "Acme", touch_level: str = "high", on: date = TODAY
) -> Handover:
    """Ada's customer goes to Ben; the handover that opened."""
    made = customer_of(cast.csm_a.csm, name=name, touch_level=touch_level, on=on)
    give(made, cast.csm_b.csm, on=on)
    return open_one(made)


def open_one(customer: Customer) -> Handover:
    return Handover.objects.get(customer=customer, status="open")


def tick_all(handover: Handover, *sides: str, actor: Any) -> None:
    for step in handover.steps.filter(side__in=sides, done_at__isnull=True).order_by("position"):
        tick_step(handover_id=handover.pk, step_id=step.pk, done=True, actor=actor, **CLOCK)


def sign(handover: Handover, side: str, *, actor: Any) -> Handover:
    return sign_handover(handover_id=handover.pk, side=side, actor=actor, **CLOCK)
