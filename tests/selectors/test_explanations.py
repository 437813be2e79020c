"""Why a customer has its tier: from what its decision kept, in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import CustomAttribute, Customer, ExchangeRate, GoalKind, Tier
from allocation.models import Override, RetierRun, RunChunk, TierDecision
from allocation.selectors.explanations import customer_explanation
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, propose_run, queue_run
from tests import factories
from tests.rewriting import before_the_triggers

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def propose(apply=False):
    run = queue_run(as_of=TODAY, at=timezone.now())
    propose_run(run_id=run.pk, owner="test")
    if apply:
        apply_run(run_id=run.pk, owner="test", at=timezone.now())


def explained(customer, today=TODAY):
    return customer_explanation(customer_id=customer.pk, today=today)


def test_nobody_decided_nothing_to_explain():
    assert explained(factories.CustomerFactory()) is None


def test_a_proposal_is_explained_until_a_decision_is_in_force():
    one = factories.CustomerFactory(arr=800000)
    propose()
    assert explained(one).found["effective"] == "global"
    propose(apply=True)
    Customer.objects.update(arr=1)
    propose()
    assert explained(one).found["effective"] == "global"  # what holds, not what is proposed


def test_the_page_reads_a_fixed_number_of_rows_whatever_the_number_of_customers(django_assert_num_queries):
    one = factories.CustomerFactory(arr=160000, health=50)
    for _ in range(12):
        factories.CustomerFactory(arr=1000)
    propose(apply=True)
    with django_assert_num_queries(
        6
    ):  # what it stands on with the run, the chunk, the row; facts, goals, override of today
        found = explained(one).found
    assert found["nearest_change"]["words"] == "ARR from 160,000 to 142,499.99: Scale"
    assert (
        found["nearest_bound"]["words"]
        == "ARR 160,000 is 10,000 from the bound 150,000; beyond it the rules say Scale"
    )


def test_a_year_later_the_same_text_whatever_happened_to_tiers_goals_rates_and_the_customer():
    one = factories.CustomerFactory(arr=160000, currency="GBP", health=50)
    ExchangeRate.objects.create(currency="GBP", day=TODAY, rate="0.75", base="USD")
    factories.GoalFactory(customer=one)
    CustomAttribute.objects.create(slug="seats", label="Seats", kind="number")
    propose(apply=True)
    before = explained(one)
    Tier.objects.filter(slug="global").update(retired=True, name="World")
    Tier.objects.filter(slug="scale").update(name="Small")
    ExchangeRate.objects.update(rate="2")
    GoalKind.objects.update(asks_for="high")
    CustomAttribute.objects.update(label="Chairs")
    Customer.objects.update(arr=5, health=1, name="Renamed")
    after = explained(one)
    assert (before.found["facts_changed"], after.found["facts_changed"]) == (False, True)
    assert {**after.found, "facts_changed": False} == before.found
    assert (after.suggested, after.effective) == (before.suggested, before.effective)
    assert before.found["nearest_change"]["words"].endswith(": Scale")


def test_who_simply_stays_is_explained_like_any_other():
    one = factories.CustomerFactory(arr=160000, health=50)
    propose(apply=True)
    first = explained(one).found
    propose(apply=True)
    again = explained(one).found
    assert not TierDecision.objects.filter(run_id=again["run"]).exists()
    assert again["run"] > first["run"]
    assert {key: again[key] for key in again if key != "run"} == {
        key: first[key] for key in first if key != "run"
    }


def test_a_decision_of_an_earlier_version_of_the_program_says_what_is_left_of_it():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    RunChunk.objects.all().delete()
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(vocabulary={})
    found = explained(one)
    assert found.found["reason"] == "Enterprise: segment is Enterprise (ARR ≥ 150,000); ARR 160,000"
    assert (found.found["effective"], found.effective, found.found["nearest_change"]) == (
        "enterprise",
        "Enterprise",
        None,
    )
    assert found.found["facts_changed"] is None  # it cannot be told
    assert found.found["currency"] == "USD"


def override(customer, tier, **dates):
    return Override.objects.create(
        customer=customer,
        tier=tier,
        reason_kind=Override.Reason.PROMISE,
        words="Promised",
        status=Override.Status.APPROVED,
        asked_by=factories.UserFactory(),
        decided_by=factories.UserFactory(),
        decided_at=timezone.now(),
        decided_words="Agreed",
        **dates,
    )


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, False),
        ({"arr": 160001}, True),
        ({"arr": None}, True),
        ({"currency": "EUR"}, True),
        ({"health": 51}, True),  # a criterion reads it
        ({"status": "left"}, True),
        ({"name": "Renamed"}, False),  # no rule reads these
        ({"complexity": 7}, False),
        ({"wished_engagement": "high"}, False),
    ],
)
def test_it_says_when_facts_that_the_rules_read_changed_since(change, told, applied):
    one = factories.CustomerFactory(arr=160000, health=50)
    factories.CustomerFactory(arr=5)
    propose(apply=applied)
    Customer.objects.filter(pk=one.pk).update(**change)
    assert explained(one).found["facts_changed"] is told


def test_what_changed_and_changed_back_is_no_change():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    for arr, told in ((5, True), (160000, False)):
        Customer.objects.filter(pk=one.pk).update(arr=arr)
        assert explained(one).found["facts_changed"] is told


def test_another_rate_is_no_change_of_facts():
    one = factories.CustomerFactory(arr=160000, currency="GBP")
    ExchangeRate.objects.create(currency="GBP", day=TODAY, rate="0.75", base="USD")
    propose(apply=True)
    ExchangeRate.objects.update(rate="2")
    assert explained(one).found["facts_changed"] is False


def test_goals_count_as_they_are_open_on_the_day_asked():
    """Written down before the run: closed from the third day on. The run itself saw it open."""
    one = factories.CustomerFactory(arr=160000)
    factories.GoalFactory(customer=one, starts_on=TODAY, ends_before=TODAY + timedelta(days=3))
    propose(apply=True)
    days = [explained(one, today=TODAY + timedelta(days=n)).found["facts_changed"] for n in (0, 2, 3)]
    assert days == [False, False, True]


def test_an_override_counts_as_it_is_in_force_on_the_day_asked():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    starts = TODAY + timedelta(days=2)
    override(one, Tier.objects.get(slug="global"), starts_on=starts, expires_on=starts + timedelta(days=5))
    days = [explained(one, today=TODAY + timedelta(days=n)).found["facts_changed"] for n in (0, 1, 2, 6, 7)]
    assert days == [False, False, True, True, False]


def test_a_model_that_cannot_be_read_any_more_cannot_tell():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    kept = RetierRun.objects.get()
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(vocabulary={**kept.vocabulary, "tiers": kept.vocabulary["tiers"][:1]})
    assert explained(one).found["facts_changed"] is None


def test_the_currency_of_its_amounts_is_that_of_the_run():
    one = factories.CustomerFactory(arr=160000)
    propose(apply=True)
    assert explained(one).found["currency"] == "USD"
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(base_currency="EUR")
    assert explained(one).found["currency"] == "EUR"
