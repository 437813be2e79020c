"""A customer's tiers, scores and reasons over time, from what each run kept."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import RowStatus
from allocation.selectors.timeline import LONGEST, STAYS, tier_timeline
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, refuse_rows, undo_run
from tests import factories
from tests.services.retiering_cast import applied, customer, proposed

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def ago(days):
    return TODAY - timedelta(days=days)


def told(one):
    return [(each.on, each.tier, each.status, each.decided_by) for each in tier_timeline(customer_id=one.pk)]


def test_each_run_that_was_applied_has_its_tier_score_and_reason(django_assert_num_queries):
    one, _other = customer(800000, health=50), customer(10)
    applied(as_of=ago(30))
    applied(as_of=ago(20))
    Customer.objects.filter(pk=one.pk).update(arr=740000)
    applied(as_of=ago(10))
    Customer.objects.filter(pk=one.pk).update(arr=10)
    applied(as_of=TODAY)
    proposed()  # not in force, so not history
    with django_assert_num_queries(2):
        found = tier_timeline(customer_id=one.pk)
    assert [(each.on, each.tier, each.suggested, each.decided_by) for each in found] == [
        (TODAY, "Scale", "Scale", "rule"),
        (ago(10), "Global", "Enterprise", "dead_band"),
        (ago(20), "Global", "Global", "rule"),
        (ago(30), "Global", "Global", "rule"),
    ]
    assert [each.reason for each in found][1:3] == [
        "dead band: too close to the bound to move (the rules say Enterprise: segment is Enterprise "
        "(ARR ≥ 150,000)); ARR 740,000",
        STAYS,
    ]
    assert all(isinstance(each.score, Decimal) for each in found)
    assert found[0].rank == 3


def test_names_are_those_of_the_day():
    one = customer(800000)
    applied(as_of=ago(9))
    Tier.objects.filter(slug="global").update(name="World")
    applied()
    assert [each.tier for each in tier_timeline(customer_id=one.pk)] == ["World", "Global"]


def test_what_was_refused_or_undone_is_told_with_the_tier_that_held(cast):
    one = customer(800000)
    applied(as_of=ago(9))
    Customer.objects.filter(pk=one.pk).update(arr=10)
    run = proposed(as_of=ago(5))
    row = run.decisions.get()
    refuse_rows(run_id=run.pk, decision_ids=[row.pk], actor=cast.ops, words="A promise", at=timezone.now())
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    undone = applied()
    undo_run(run_id=undone.pk, owner="test", at=timezone.now(), on=TODAY)
    assert told(one) == [
        (TODAY, "Global", RowStatus.UNDONE, "rule"),
        (ago(5), "Global", RowStatus.REFUSED, "rule"),
        (ago(9), "Global", RowStatus.APPLIED, "rule"),
    ]
    assert tier_timeline(customer_id=one.pk)[1].reason == "A promise"


def test_a_goals_run_that_passed_the_customer_by_is_no_part_of_its_history():
    first, passed_by, last = customer(1), customer(1), customer(1)
    applied(as_of=ago(9))
    for one in (first, last):  # the run's keys span the one between
        factories.GoalFactory(customer=one)
    applied(scope="goals")
    assert len(told(first)) == len(told(last)) == 2
    assert len(told(passed_by)) == 1


def test_a_long_history_is_cut():
    one = customer(1)
    for days in range(LONGEST + 2, 0, -1):
        applied(as_of=ago(days))
    found = told(one)
    assert len(found) == LONGEST
    assert found[0][0] == ago(1)


def test_nobody_decided_no_history():
    assert tier_timeline(customer_id=customer(1).pk) == ()
