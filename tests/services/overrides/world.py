"""A customer in the book of CSM A, whose team the manager leads; another manager above; tiers to choose from."""

import datetime
from types import SimpleNamespace

from accounts import roles
from accounts.models import Customer
from allocation.models import Override, Source
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.services.overrides import approve_override, request_override
from tests.factories import TODAY, CustomerFactory, TeamFactory, TierFactory, UserFactory

NOW = datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
IN_HALF_A_YEAR = TODAY + 180 * DAY


def build(cast: SimpleNamespace) -> SimpleNamespace:
    """`cast` with `.customer` (in `.low`), `.high`, `.director` (manager of the team above team A)."""
    cast.high, cast.low = TierFactory(slug="high", rank=1), TierFactory(slug="low", rank=2)
    cast.director = UserFactory(email="director@example.com", name="Dora Director", role=roles.MANAGER)
    top = TeamFactory(name="Top", manager=cast.director)
    cast.team_a.parent = top
    cast.team_a.save()
    cast.customer = customer_of(cast)
    return cast


def customer_of(world):
    """A customer of the book of CSM A in the tier `.low`, by the ledgers too."""
    customer, decision = CustomerFactory(), DecisionSource(kind=Source.MANUAL)
    since = TODAY - 100 * DAY
    set_tiers(changes=[TierChange(customer.pk, None, world.low.pk)], on=since, decision=decision)
    set_csms(changes=[CsmChange(customer.pk, None, world.csm_a.csm.pk)], on=since, decision=decision)
    return customer


def asked(world, actor=None, **more) -> Override:
    given = {
        "customer_id": world.customer.pk,
        "tier_id": world.high.pk,
        "reason_kind": "risk",
        "words": "Their sponsor leaves",
        "starts_on": TODAY,
        "expires_on": IN_HALF_A_YEAR,
        "actor": actor or world.csm_a,
        "on": TODAY,
        "at": NOW,
    }
    return request_override(**(given | more))


def approved(world, **more) -> Override:
    return approve_override(
        override_id=asked(world, **more).pk, actor=world.manager, words="Agreed", on=TODAY, at=NOW
    )


def tier_of(world):
    return Customer.objects.get(pk=world.customer.pk).tier
