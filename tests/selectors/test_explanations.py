"""Why a customer has its tier: from what its decision kept, in a fixed number of queries."""

import pytest
from django.utils import timezone

from accounts.models import CustomAttribute, Customer, ExchangeRate, GoalKind, Tier
from allocation.models import RetierRun, RunChunk, TierDecision
from allocation.selectors.explanations import customer_explanation
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, propose_run, queue_run
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def propose(apply=False):
    run = queue_run(as_of=factories.TODAY, at=timezone.now())
    propose_run(run_id=run.pk, owner="test")
    if apply:
        apply_run(run_id=run.pk, owner="test", at=timezone.now())


def test_nobody_decided_nothing_to_explain():
    assert customer_explanation(customer_id=factories.CustomerFactory().pk) is None


def test_a_proposal_is_explained_until_a_decision_is_in_force():
    one = factories.CustomerFactory(arr=800000)
    propose()
    assert customer_explanation(customer_id=one.pk).found["effective"] == "global"
    propose(apply=True)
    Customer.objects.update(arr=1)
    propose()
    assert (
        customer_explanation(customer_id=one.pk).found["effective"] == "global"
    )  # what holds, not what is proposed


def test_the_page_reads_a_fixed_number_of_rows_whatever_the_number_of_customers(django_assert_num_queries):
    one = factories.CustomerFactory(arr=160000, health=50)
    for _ in range(12):
        factories.CustomerFactory(arr=1000)
    propose(apply=True)
    with django_assert_num_queries(3):  # what it stands on with the run, the chunk, the row
        found = customer_explanation(customer_id=one.pk).found
    assert found["nearest_change"]["words"] == "ARR from 160,000 to 142,499.99: Scale"
    assert (
        found["nearest_bound"]["words"]
        == "ARR 160,000 is 10,000 from the bound 150,000; beyond it the rules say Scale"
    )


def test_a_year_later_the_same_text_whatever_happened_to_tiers_goals_rates_and_the_customer():
    one = factories.CustomerFactory(arr=160000, currency="GBP", health=50)
    ExchangeRate.objects.create(currency="GBP", day=factories.TODAY, rate="0.75", base="USD")
    factories.GoalFactory(customer=one)
    CustomAttribute.objects.create(slug="seats", label="Seats", kind="number")
    propose(apply=True)
    before = customer_explanation(customer_id=one.pk)
    Tier.objects.filter(slug="global").update(retired=True, name="World")
    Tier.objects.filter(slug="scale").update(name="Small")
    ExchangeRate.objects.update(rate="2")
    GoalKind.objects.update(asks_for="high")
    CustomAttribute.objects.update(label="Chairs")
    Customer.objects.update(arr=5, health=1, name="Renamed")
    after = customer_explanation(customer_id=one.pk)
    assert after.found == before.found
    assert (after.suggested, after.effective) == (before.suggested, before.effective)
    assert before.found["nearest_change"]["words"].endswith(": Scale")


def test_who_simply_stays_is_explained_like_any_other():
    one = factories.CustomerFactory(arr=160000, health=50)
    propose(apply=True)
    first = customer_explanation(customer_id=one.pk).found
    propose(apply=True)
    again = customer_explanation(customer_id=one.pk).found
    assert not TierDecision.objects.filter(run_id=again["run"]).exists()
    assert again["run"] > first["run"]
    assert {key: again[key] for key in again if key != "run"} == {
        key: first[key] for key in first if key != "run"
    }


def test_a_decision_of_an_earlier_version_of_the_program_says_what_is_left_of_it():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    RunChunk.objects.all().delete()
    RetierRun.objects.update(vocabulary={})
    found = customer_explanation(customer_id=one.pk)
    assert found.found["reason"] == "Enterprise: segment is Enterprise (ARR ≥ 150,000); ARR 160,000"
    assert (found.found["effective"], found.effective, found.found["nearest_change"]) == (
        "enterprise",
        "Enterprise",
        None,
    )
