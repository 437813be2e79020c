"""Customers a plan could not place, as each person sees them."""

from types import SimpleNamespace

import pytest

from allocation.models import AllocationPolicy, BookPlan
from allocation.selectors.plans import unplaced
from tests.factories import TODAY, CustomerFactory

pytestmark = pytest.mark.django_db


def test_a_manager_sees_the_own_customers_that_no_csm_can_take_however_far_down_the_list(
    cast: SimpleNamespace,
) -> None:
    ids = [CustomerFactory(external_id=f"A{at}").external_id for at in range(3)]
    own = CustomerFactory(external_id="Z9", csm=cast.csm_a.csm, csm_since=TODAY)
    plan = BookPlan.objects.create(
        as_of=TODAY,
        policy=AllocationPolicy.objects.active_or_default(),
        unassigned=[{"external_id": key, "reason": "Nobody had room."} for key in [*ids, own.external_id]],
    )
    assert [line.external_id for line in unplaced(plan=plan, user=cast.manager, at_most=2)] == ["Z9"]
    assert [line.external_id for line in unplaced(plan=plan, user=cast.ops, at_most=2)] == ["A0", "A1"]
