"""A company small enough to count, on the three-axis playbook, with everything that a scenario can change."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.utils import timezone

from accounts.models import Customer, GoalKind, Tier
from allocation.models import AllocationPolicy, Scenario, Staffing
from allocation.services import planning, scenarios
from allocation.services.playbooks import load_playbook
from tests.factories import (
    CLOCK,
    TODAY,
    CSMFactory,
    CustomerFactory,
    GoalFactory,
    RegionFactory,
    VerticalFactory,
)
from tests.services import retiering_cast

# ARR by external id: three Global, five Enterprise, eight Scale; none lies within 5 % of a bound.
ARR = {
    **{f"G{n}": Decimal(900_000 + 100_000 * n) for n in range(3)},
    **{f"E{n}": Decimal(170_000 + 80_000 * n) for n in range(5)},
    **{f"S{n}": Decimal(20_000 + 10_000 * n) for n in range(8)},
}
HOURS = {"global": 16 * 60, "enterprise": 390, "scale": 132}
"""Base minutes of a month: 192 h, 78 h and 26.4 h a year."""


def company(cast: SimpleNamespace) -> SimpleNamespace:
    """Sixteen customers in tiers and books, most of whom wish the highest touch; one has left; one goal is open.

    S0 pays for Enterprise. S1 to S7 and E0 to E3 wish high touch, E4 low touch, the G none.
    """
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    telco, north = VerticalFactory(name="Telco"), RegionFactory(name="North")
    made = {
        name: CustomerFactory(
            external_id=name,
            arr=arr,
            vertical=telco if int(name[1]) % 2 else None,
            region=north,
            country="Chile",
        )
        for name, arr in ARR.items()
    }
    gone = CustomerFactory(external_id="X0", arr=2_000_000, status=Customer.Status.LEFT)
    for name, customer in made.items():
        wish = {"S": "high", "E": "low" if name == "E4" else "high", "G": ""}[name[0]]
        Customer.objects.filter(pk=customer.pk).update(wished_engagement="" if name == "S0" else wish)
    Customer.objects.filter(external_id="S0").update(paid_tier=Tier.objects.get(slug="enterprise"))
    GoalFactory(customer=made["S1"], kind=GoalKind.objects.get(slug="adoption"))
    third = CSMFactory(name="Cleo Book", email="cleo@example.com", team=cast.team_b, hours_per_month=80)
    retiering_cast.applied()
    plan = planning.propose_plan(
        plan_id=planning.queue_plan(as_of=TODAY, seed=1, actor=None).pk, owner="test", **CLOCK
    )
    assert plan is not None
    planning.apply_plan(plan_id=plan.pk, actor=None, owner="test", on=TODAY)
    Staffing.objects.create(name="As it is", is_active=True, cost_a_head=Decimal(90_000))
    return SimpleNamespace(
        **made, gone=gone, ada=cast.csm_a.csm, ben=cast.csm_b.csm, cleo=third,
        policy=AllocationPolicy.objects.get(is_active=True),
    )  # fmt: skip


def answer(**definition: Any) -> dict[str, Any]:
    """The stored answer of a definition, computed without a row."""
    return scenarios.answer_now(definition=definition, on=TODAY)


def asked(actor: Any = None, name: str = "What if", **definition: Any) -> Scenario:
    return scenarios.ask_scenario(
        name=name, words="", definition=definition, actor=actor, at=timezone.now(), on=TODAY
    )


def computed(actor: Any = None, name: str = "What if", **definition: Any) -> Scenario:
    row = asked(actor, name, **definition)
    assert scenarios.compute_scenario(scenario_id=row.pk, owner="test", on=TODAY)
    row.refresh_from_db()
    return row


def checksums(*, but: frozenset[str] = frozenset({"Scenario"})) -> dict[str, str]:
    """A digest of every value of every row, by table."""
    found = {}
    for label in ("accounts", "allocation"):
        for model in apps.get_app_config(label).get_models():
            if model.__name__ not in but:
                rows = list(model._default_manager.order_by("pk").values_list())
                found[model.__name__] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


def after(days: int) -> Any:
    return TODAY + timedelta(days=days)
