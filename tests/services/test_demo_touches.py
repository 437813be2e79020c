"""The demonstration company's last weeks: done, skipped and late touches, the same for the same seed."""

from datetime import timedelta

import pytest

from accounts.models import Customer
from allocation.models import BookHolding, Source, Touch
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.demo_touches import WEEKS, imagine_past_touches
from allocation.services.touches import plan_touches
from tests.factories import TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

SINCE = TODAY - timedelta(days=200)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def company():
    """Thirty customers with a meeting a week, and one without a CSM."""
    tier, csm = TierFactory(touch_level="high"), CSMFactory()
    TouchActivityFactory(tier=tier, name="Meeting", times_a_year=52)
    for number in range(30):
        CustomerFactory(external_id=f"D{number}", tier=tier, tier_since=TODAY, csm=csm, csm_since=SINCE)
    BookHolding.objects.bulk_create(
        BookHolding(customer=customer, csm=csm, starts_on=SINCE, source=Source.DEMO)
        for customer in Customer.objects.order_by("pk")
    )
    CustomerFactory(external_id="D30", tier=tier, tier_since=TODAY)
    return csm


def rows():
    columns = (
        "customer__external_id",
        "slot_on",
        "due_on",
        "status",
        "done_on",
        "words",
        "hours",
        "closed_at",
    )
    return list(Touch.objects.order_by("customer_id", "slot_on").values_list(*columns))


def test_there_is_something_of_each_kind_and_it_lies_in_the_past(company):
    found = imagine_past_touches(on=TODAY, seed=1)
    assert all(found.values())
    assert sum(found.values()) == Touch.objects.count()
    assert found["done"] > 5 * (found["late"] + found["skipped"])
    assert Touch.objects.late_on(TODAY).count() == found["late"]
    assert not Touch.objects.filter(due_on__gte=TODAY).exists()
    assert not Touch.objects.filter(slot_on__lt=TODAY - WEEKS).exists()
    assert set(Touch.objects.done().values_list("done_by", flat=True)) == {company.pk}
    assert not Touch.objects.filter(done_on__gte=TODAY).exists()
    assert not Touch.objects.filter(customer__csm=None).exists()
    for touch in Touch.objects.order_by("pk"):
        touch.full_clean()


def test_the_same_seed_gives_the_same_past_and_another_seed_another():
    imagine_past_touches(on=TODAY, seed=1)
    first = rows()
    for seed, same in ((1, True), (2, False)):
        Touch.objects.all().delete()
        imagine_past_touches(on=TODAY, seed=seed)
        assert (rows() == first) is same


def test_a_second_time_writes_nothing_and_the_planning_goes_on_from_there():
    imagine_past_touches(on=TODAY, seed=1)
    before = rows()
    assert imagine_past_touches(on=TODAY, seed=1) == {"done": 0, "skipped": 0, "late": 0}
    plan_touches(on=TODAY)
    assert set(before) < set(rows())
    assert Touch.objects.filter(slot_on__gte=TODAY, slot_on__lt=TODAY + timedelta(days=7)).count() >= 30


def change(csm, to, *, on):
    ids = Customer.objects.filter(csm=csm).order_by("pk").values_list("pk", flat=True)
    set_csms(
        changes=[CsmChange(pk, csm.pk, to.pk) for pk in ids], on=on, decision=DecisionSource(Source.MANUAL)
    )


def test_whoever_had_the_customer_until_today_did_what_was_done(company):
    change(company, CSMFactory(), on=TODAY)
    imagine_past_touches(on=TODAY, seed=1)
    assert set(Touch.objects.done().values_list("done_by", flat=True)) == {company.pk}


def test_nothing_was_done_before_somebody_had_the_customer(company):
    now, day = CSMFactory(), TODAY - timedelta(days=10)
    change(company, now, on=day)
    imagine_past_touches(on=TODAY, seed=1)
    assert set(Touch.objects.done().values_list("done_by", flat=True)) == {now.pk}
    assert min(Touch.objects.values_list("slot_on", flat=True)) >= day
