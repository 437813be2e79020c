"""A small company for pages: two teams, two books, the three-axis playbook in force, an applied run, an applied plan.

Every name of book B begins with "Zebra", so that a page that shows one to the wrong person is found by reading it.
"""

import datetime
from decimal import Decimal
from types import SimpleNamespace

from allocation.models import BookPlan, RetierRun, Source
from allocation.services import comparing, planning, retiering
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.playbooks import load_playbook
from tests.factories import (
    CLOCK,
    TODAY,
    CustomerFactory,
    GoalFactory,
    GoalKindFactory,
    RegionFactory,
    VerticalFactory,
)

CANARY = "Zebra"
NOW = datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC)
# Global, Enterprise, Scale of the playbook: from 750 000, from 150 000, below.
AMOUNTS = (Decimal(900_000), Decimal(200_000), Decimal("30000.25"))


def customers_of(csm, *, name, count, vertical, region):
    """`count` customers, every third one Global; handed to `csm` by the only writer."""
    made = [
        CustomerFactory(
            external_id=f"{name}-{number:03d}",
            name=f"{name} customer {number:03d}",
            arr=AMOUNTS[number % 3],
            potential_arr=AMOUNTS[number % 3] * 2,
            health=Decimal(20 + 10 * (number % 8)),
            adoption=Decimal(50),
            reputation=Decimal(40),
            vertical=vertical,
            region=region,
            country="Zebraland" if name == CANARY else "Germany",
            contract_start=TODAY - datetime.timedelta(days=900),
            first_renewal_done=True,
            renewal_date=TODAY + datetime.timedelta(days=10 + 20 * number),
        )
        for number in range(count)
    ]
    set_csms(
        changes=[CsmChange(customer.pk, None, csm.pk) for customer in made],
        on=TODAY - datetime.timedelta(days=100),
        decision=DecisionSource(kind=Source.MANUAL),
    )
    return made


def build(cast, *, per_book=4):
    """The company around the fixed cast; `.a`, `.b` are the customers, `.run`, `.plan` the applied ones."""
    load_playbook(slug="three-axis", publish=True, at=NOW, actor_id=cast.ops.pk)
    finance = VerticalFactory(name="Finance")
    a = customers_of(
        cast.csm_a.csm, name="Alpha", count=per_book, vertical=finance, region=RegionFactory(name="North")
    )
    b = customers_of(
        cast.csm_b.csm,
        name=CANARY,
        count=per_book,
        vertical=VerticalFactory(name=f"{CANARY} mining"),
        region=RegionFactory(name=f"{CANARY} south"),
    )
    GoalFactory(customer=a[0], kind=GoalKindFactory(slug="adoption"), words="Everybody uses it")
    return SimpleNamespace(cast=cast, a=a, b=b, run=applied_run(cast), plan=applied_plan(cast))


def proposed_run(cast):
    run = retiering.queue_run(as_of=TODAY, at=NOW, actor_id=cast.ops.pk)
    retiering.propose_run(run_id=run.pk, owner="test")
    return RetierRun.objects.get(pk=run.pk)


def applied_run(cast):
    run = proposed_run(cast)
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=cast.ops.pk)
    return RetierRun.objects.get(pk=run.pk)


def proposed_plan(cast):
    plan = planning.queue_plan(as_of=TODAY, seed=1, actor=cast.ops)
    planning.propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    return BookPlan.objects.get(pk=plan.pk)


def compared_plans(cast):
    """Plans side by side; the head of them."""
    plans = comparing.queue_comparison(as_of=TODAY, seed=1, actor=cast.ops)
    for plan in plans:
        planning.propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    return BookPlan.objects.get(pk=plans[0].pk)


def applied_plan(cast):
    plan = proposed_plan(cast)
    planning.apply_plan(plan_id=plan.pk, actor=cast.ops, owner="test", on=TODAY)
    return BookPlan.objects.get(pk=plan.pk)


def refreshed(thing):
    return type(thing).objects.get(pk=thing.pk)
