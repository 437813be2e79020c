"""One row of every kind that the admin shows, so that every page can be opened."""

import datetime
from types import SimpleNamespace

from django.utils import timezone

from accounts import roles
from accounts.models import (
    CSM,
    CustomAttribute,
    Delegation,
    ExchangeRate,
    Leave,
    NoticePreference,
)
from accounts.models.importing import ColumnMapping, ImportBatch
from allocation.models import (
    AllocationPolicy,
    AttentionPolicy,
    BookHolding,
    BookPlan,
    Freeze,
    Handover,
    Move,
    Notice,
    Override,
    RetierRun,
    Scenario,
    Slot,
    Staffing,
    TierDecision,
    TierHolding,
    TieringModel,
    TierStanding,
    Touch,
)
from cstiers.signing_in.throttle import take_place
from tests import factories
from tests.factories import TODAY

DEFINITION = {
    "segments": [{"name": "Everyone"}],
    "criteria": [
        {
            "name": "Health",
            "attribute": "health",
            "weight": 1,
            "scale": {"kind": "linear", "low": 0, "high": 100},
        }
    ],
    "tiers": [{"tier": "top", "when": [{"attribute": "arr", "op": ">=", "value": 100000}]}, {"tier": "base"}],
    "guards": {},
}


def build(cast: SimpleNamespace, *, customers: int = 2) -> SimpleNamespace:
    """The rows, by short name; `customers` of them, all in the book of csm_a."""
    csm = CSM.objects.get(user=cast.csm_a)
    top = factories.TierFactory(slug="top", name="Top", rank=1)
    base = factories.TierFactory(slug="base", name="Base", rank=2)
    activity = factories.TouchActivityFactory(tier=top)
    factories.LanguageFactory()
    vertical, region = factories.VerticalFactory(), factories.RegionFactory()
    held = [
        factories.CustomerFactory(
            vertical=vertical, region=region, tier=top, tier_since=TODAY, csm=csm, csm_since=TODAY
        )
        for _ in range(customers)
    ]
    first = held[0]
    goal = factories.GoalFactory(customer=first)
    CustomAttribute.objects.create(slug="seats", label="Seats", kind="number")
    ExchangeRate.objects.create(currency="EUR", day=TODAY, rate="0.9", base="USD")
    Leave.objects.create(csm=csm, starts_on=TODAY, ends_before=TODAY + datetime.timedelta(days=3))
    ColumnMapping.objects.create(name="CRM", mapping={"Account": "name"})
    ImportBatch.objects.create(kind="customers", file_name="list.csv", sha256="0" * 64)
    model = TieringModel.objects.create(number=1, name="First", definition=DEFINITION, status="published")
    run = RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="applied")
    for customer in held:
        TierDecision.objects.create(
            run=run,
            customer=customer,
            effective=top,
            suggested=top,
            decided_by="rule",
            reason="Top: everyone",
            status="applied",
        )
        TierStanding.objects.create(customer=customer, run=run, decided_by="rule", lifecycle=0, goals=0)
        TierHolding.objects.create(
            customer=customer, tier=top, starts_on=TODAY, source="run", source_id=run.pk
        )
        BookHolding.objects.create(customer=customer, csm=csm, starts_on=TODAY, source="import")
        Touch.objects.create(customer=customer, activity=activity, name="Review", due_on=TODAY, hours=1)
    policy = AllocationPolicy.objects.create(name="Usual", is_active=True)
    plan = BookPlan.objects.create(as_of=TODAY, policy=policy, status="proposed")
    move = Move.objects.create(plan=plan, customer=first, to_csm=csm, tier=top, reason="first CSM")
    AttentionPolicy.objects.create(name="Usual", is_active=True)
    Handover.objects.create(customer=first, move=move, to_csm=csm, due_on=TODAY)
    Override.objects.create(
        customer=first,
        tier=base,
        reason_kind="risk",
        words="They leave otherwise.",
        starts_on=TODAY,
        expires_on=TODAY + datetime.timedelta(days=90),
        asked_by=cast.csm_a,
    )
    Scenario.objects.create(name="Two tiers", owner=cast.ops)
    take_place(person="guessed@example.com", address="192.0.2.1", at=timezone.now())
    Delegation.objects.create(
        manager=cast.manager,
        delegate=factories.UserFactory(name="Dan Delegate", role=roles.MANAGER),
        starts_on=TODAY,
        ends_before=TODAY + datetime.timedelta(days=9),
        created_by=cast.manager,
        created_at=datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC),
    )
    Notice.objects.create(
        to=cast.manager,
        kind="to_decide",
        key="request-1-to-1",
        subject="A request waits for your decision",
        body="Please decide it.",
        created_at=datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC),
    )
    Slot.objects.create(
        work="goals_run",
        slot="2026-03-02 00:30",
        due_at=datetime.datetime.combine(TODAY, datetime.time(0, 30), tzinfo=datetime.UTC),
        status="failed",
        message="No tiering model is published.",
        run=run,
    )
    NoticePreference.objects.create(user=cast.manager, digest="daily")
    Staffing.objects.create(name="Usual", is_active=True)
    Freeze.objects.create(name="Year end", starts_on=TODAY, ends_before=TODAY + datetime.timedelta(days=9))
    return SimpleNamespace(
        csm=csm,
        top=top,
        base=base,
        customers=held,
        customer=first,
        goal=goal,
        model=model,
        run=run,
        plan=plan,
        policy=policy,
    )
