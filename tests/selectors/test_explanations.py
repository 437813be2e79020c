"""Why a customer has its tier: from what its decision kept, in a fixed number of queries."""

import pytest
from django.utils import timezone

from accounts.models import Customer, Tier
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
    with django_assert_num_queries(4):  # the decision, tiers, custom attributes, goal kinds
        found = customer_explanation(customer_id=one.pk).found
    assert found["nearest_change"]["words"] == "ARR from 160,000 to 142,499.99: Scale"
    assert (
        found["nearest_bound"]["words"]
        == "ARR 160,000 is 10,000 from the bound 150,000; beyond it the rules say Scale"
    )


def test_what_was_kept_is_told_even_when_the_model_can_no_longer_be_read():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    Tier.objects.filter(slug="global").update(retired=True)
    found = customer_explanation(customer_id=one.pk).found
    assert found["reason"] == "Enterprise: segment is Enterprise (ARR ≥ 150,000); ARR 160,000"
    assert found["nearest_change"] is None
