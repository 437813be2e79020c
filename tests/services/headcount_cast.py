"""A company for headcount: enterprise customers whose touch plan asks 75 hours a year, and figures that say 15.6."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from accounts.models import CSM
from allocation.models import AllocationPolicy, Source, Staffing
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from tests.factories import TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory
from tests.services.plan_cast import LONG_AGO, tiered


def enterprise(*, cap: int | None = 20) -> Any:
    """48 + 24 + 3 = 75 hours a year."""
    tier = TierFactory(slug="enterprise", name="Enterprise", rank=1, touch_level="high", cap=cap)
    for times, each in ((12, 4), (4, 6), (1, 3)):
        TouchActivityFactory(tier=tier, times_a_year=Decimal(times), hours_each=Decimal(each))
    return tier


def staffing(**given: Any) -> Staffing:
    values = {"head_hours_a_year": 1800, "spent_pct": 65, **given}
    return Staffing.objects.create(name="Of the issue", is_active=True, **values)


def company(cast: SimpleNamespace, *, customers: int = 47, held: int = 10) -> SimpleNamespace:
    """47 enterprise customers, ten of them Ada's; the others have nobody. Ada and Ben have 120 net hours each."""
    tier, policy = enterprise(), AllocationPolicy.objects.create(name="Usual", is_active=True)
    made = [CustomerFactory(external_id=f"E{number:03d}") for number in range(customers)]
    tiered(made, tier)
    set_csms(
        changes=[CsmChange(one.pk, None, cast.csm_a.csm.pk) for one in made[:held]],
        on=LONG_AGO,
        decision=DecisionSource(kind=Source.IMPORT),
    )
    return SimpleNamespace(tier=tier, policy=policy, customers=made, on=TODAY)


def open_seat(name: str = "Open seat 1 · Telco", **given: Any) -> CSM:
    made: CSM = CSMFactory(name=name, email=None, is_seat=True, **{"team": None, **given})
    return made
