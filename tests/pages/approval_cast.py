"""Requests, a run over its limit and moves of the largest customers, around the fixed cast: what a queue shows."""

import datetime

from accounts import roles
from accounts.models import Customer
from allocation.models import AllocationPolicy, BookPlan, Move, Override, RetierRun, Source, TieringModel
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.overrides import request_override
from tests.factories import TODAY, CustomerFactory, TeamFactory, TierFactory, UserFactory

NOW = datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def build(cast):
    """`.director` above team A, `.other` manager of team B; `.high`, `.low`; three customers of A, one of B ("Zebra")."""
    cast.high, cast.low = TierFactory(slug="high", rank=1), TierFactory(slug="low", rank=2)
    cast.director = UserFactory(email="director@example.com", name="Dora Director", role=roles.MANAGER)
    cast.other = UserFactory(email="other@example.com", name="Otto Other", role=roles.MANAGER)
    cast.team_a.parent = TeamFactory(name="Top", manager=cast.director)
    cast.team_a.save()
    cast.team_b.manager = cast.other
    cast.team_b.save()
    cast.customers = [of(cast.csm_a.csm, f"Alpha {n}") for n in range(3)]
    cast.foreign = of(cast.csm_b.csm, "Zebra")
    return cast


def of(csm, name):
    """A customer in the book of the CSM, by the only writer."""
    customer = CustomerFactory(name=name)
    set_csms(
        changes=[CsmChange(customer.pk, None, csm.pk)],
        on=TODAY - 100 * DAY,
        decision=DecisionSource(kind=Source.MANUAL),
    )
    customer.refresh_from_db()
    return customer


def asked(cast, customer=None, *, actor=None, **more) -> Override:
    given = {
        "customer_id": (customer or cast.customers[0]).pk,
        "tier_id": cast.high.pk,
        "reason_kind": "risk",
        "words": "Their sponsor leaves",
        "starts_on": TODAY,
        "expires_on": TODAY + 180 * DAY,
        "actor": actor or cast.csm_a,
        "on": TODAY,
        "at": NOW,
    }
    return request_override(**(given | more))


def due(override, on):
    Override.objects.filter(pk=override.pk).update(due_on=on)


def waiting_run(asker, *, finished=NOW, moves=31, **more) -> RetierRun:
    model, _ = TieringModel.objects.get_or_create(number=1, defaults={"name": "One"})
    return RetierRun.objects.create(
        as_of=TODAY,
        tiering_model=model,
        status="awaiting_approval",
        over_limit=True,
        requested_by=asker,
        finished_at=finished,
        summary={"customers": 400, "tiered": 400, "moves": moves},
        **more,
    )


def waiting_plan(asker, customers, *, to, finished=NOW) -> BookPlan:
    """A plan in which each of these customers, all of them the largest, goes to another CSM."""
    policy, _ = AllocationPolicy.objects.get_or_create(name="Usual", defaults={"is_active": True})
    plan = BookPlan.objects.create(
        as_of=TODAY, policy=policy, status="awaiting_approval", requested_by=asker, finished_at=finished
    )
    for customer in customers:
        Move.objects.create(
            plan=plan,
            customer=customer,
            from_csm=customer.csm,
            to_csm=to,
            tier=Customer.objects.get(pk=customer.pk).tier,
            reason="Evens out the books",
            needs_approval=True,
        )
    return plan
