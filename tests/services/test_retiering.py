"""Re-tiering runs: proposing writes no customer, applying is repeatable, and each state lets through what it should."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Customer
from allocation.models import (
    RetierRun,
    RunChunk,
    RunStatus,
    TierDecision,
    TierHolding,
    TieringModel,
)
from allocation.selectors.explanations import customer_explanation
from allocation.services.models import UnableToPublishModel, publish_model
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import (
    RunInProgress,
    UnableToApplyRun,
    UnableToApproveRun,
    UnableToDiscardRun,
    UnableToProposeRun,
    UnableToQueueRun,
    apply_run,
    approve_run,
    discard_run,
    propose_run,
    proposing,
    queue_run,
)
from tests import factories
from tests.services.retiering_cast import applied, customer, decision, looked_at, proposed, tiers

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def model(db, now):
    """three-axis, published."""
    load_playbook(slug="three-axis", publish=True, at=now)
    return TieringModel.objects.get()


def test_proposing_decides_everyone_and_writes_no_customer():
    big, small, unknown = customer(800000), customer(10), customer(None)
    run = proposed()
    assert run.status == RunStatus.PROPOSED
    assert set(tiers().values()) == {None}
    assert not TierHolding.objects.exists()
    found = [decision(run, of).effective.slug for of in (big, small, unknown)]
    assert found == ["global", "scale", "scale"]
    assert run.summary["tiers"] == {"global": 1, "enterprise": 0, "scale": 2}


def test_a_decision_says_why():
    one = customer(200000, potential_arr=300000, health=50)
    row = decision(proposed(), one)
    assert row.segment == "Enterprise"
    assert row.reason == "Enterprise: segment is Enterprise (ARR ≥ 150,000); ARR 200,000"
    found = customer_explanation(customer_id=one.pk, today=TODAY).found
    contributions = [part["contribution"] for part in found["contributions"]]
    assert Decimal(str(sum(contributions))).quantize(Decimal("0.01")) == row.score == found["score"]
    assert found["nearest_bound"]["distance"] == 50000


def test_a_first_tier_is_no_move_and_a_change_is_one():
    one = customer(800000)
    assert applied().summary["moves"] == 0
    Customer.objects.filter(pk=one.pk).update(arr=10)
    run = applied()
    assert run.summary["moves"] == 1
    row = decision(run, one)
    assert (row.is_move, row.previous.slug, row.effective.slug) == (True, "global", "scale")


def test_a_newer_proposal_makes_the_older_one_stale():
    customer(1)
    older, newer = proposed(), proposed()
    older.refresh_from_db()
    assert (older.status, newer.status) == (RunStatus.STALE, RunStatus.PROPOSED)
    with pytest.raises(UnableToApplyRun, match="only a proposed run can be applied"):
        apply_run(run_id=older.pk, owner="test", at=timezone.now())


def test_a_goals_proposal_leaves_a_full_one_alone():
    customer(1)
    full = proposed()
    proposed(scope="goals")
    full.refresh_from_db()
    assert full.status == RunStatus.PROPOSED


def test_a_run_of_a_model_that_is_no_longer_published_is_stale(model, now):
    one = customer(800000)
    run = proposed()
    other = TieringModel.objects.create(number=2, name="Other", definition=model.definition)
    publish_model(model_id=other.pk, at=now)
    run.refresh_from_db()
    assert run.status == RunStatus.STALE
    assert tiers() == {one.external_id: None}


def test_a_model_published_while_a_run_is_computed_makes_it_stale(model, now, monkeypatch):
    one = customer(800000)
    other = TieringModel.objects.create(number=2, name="Other", definition=model.definition)
    run = queue_run(as_of=TODAY, at=timezone.now())
    decide = proposing.decide_tiers

    def published_meanwhile(**facts):
        publish_model(model_id=other.pk, at=now)
        return decide(**facts)

    monkeypatch.setattr(proposing, "decide_tiers", published_meanwhile)
    propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    assert (run.status, "no longer the published one" in run.message) == (RunStatus.STALE, True)
    with pytest.raises(UnableToApplyRun, match="only a proposed run can be applied"):
        apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert tiers() == {one.external_id: None}


def test_a_run_that_waited_while_another_model_was_published_is_stale_and_not_computed(model, now):
    customer(800000)
    other = TieringModel.objects.create(number=2, name="Other", definition=model.definition)
    run = queue_run(as_of=TODAY, at=timezone.now())
    publish_model(model_id=other.pk, at=now)
    with pytest.raises(UnableToProposeRun, match="Version 1 of the model is no longer the published one"):
        propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    assert run.status == RunStatus.STALE
    assert not TierDecision.objects.exists()


def test_a_published_version_cannot_be_published_again(model, now):
    with pytest.raises(UnableToPublishModel, match="only a draft can be published"):
        publish_model(model_id=model.pk, at=now)


def test_no_run_without_a_published_model():
    TieringModel.objects.update(status=TieringModel.Status.RETIRED)
    with pytest.raises(UnableToQueueRun, match="No tiering model is published"):
        queue_run(as_of=TODAY, at=timezone.now())


def test_one_run_of_a_scope_at_a_time():
    first = queue_run(as_of=TODAY, at=timezone.now())
    with pytest.raises(RunInProgress) as busy:
        queue_run(as_of=TODAY, at=timezone.now())
    assert busy.value.run_id == first.pk
    assert queue_run(as_of=TODAY, at=timezone.now(), scope="goals")


def test_the_as_of_day_may_lie_in_the_past_but_not_before_the_last_applied_run():
    customer(1)
    applied(as_of=TODAY - timedelta(days=10))
    with pytest.raises(UnableToQueueRun, match="was applied already"):
        queue_run(as_of=TODAY - timedelta(days=11), at=timezone.now())
    assert queue_run(as_of=TODAY - timedelta(days=10), at=timezone.now())


def test_one_of_two_runners_computes_and_the_other_leaves():
    run = queue_run(as_of=TODAY, at=timezone.now())
    RetierRun.objects.claim(run.pk, owner="first", waiting=["queued"], working="computing")
    assert propose_run(run_id=run.pk, owner="second") is False


def test_a_dead_runners_proposal_is_computed_anew_once_its_claim_has_lapsed():
    one = customer(800000)
    run = queue_run(as_of=TODAY, at=timezone.now())
    RetierRun.objects.claim(run.pk, owner="dead", waiting=["queued"], working="computing")
    TierDecision.objects.create(run=run, customer=one, decided_by="rule", reason="half a run")
    RunChunk.objects.create(
        run=run, first_customer_id=one.pk, last_customer_id=one.pk, customers=1, facts=b"", outcomes=b""
    )
    RetierRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert propose_run(run_id=run.pk, owner="next") is True
    assert decision(run, one).reason != "half a run"
    assert looked_at(run) == {one.pk}


def move_everyone(count, moving):
    """`count` customers with a tier, of which `moving` will move at the next run."""
    rows = [
        Customer(external_id=f"M{place:03d}", name="M", arr=800000, currency="USD") for place in range(count)
    ]
    Customer.objects.bulk_create(rows)
    applied()
    Customer.objects.filter(external_id__lt=f"M{moving:03d}").update(arr=10)
    return proposed()


@pytest.mark.parametrize(
    ("count", "moving", "over"),
    [
        (20, 20, False),  # all of them, but no more than 20
        (21, 21, True),
        (420, 21, False),  # 21 of 420 is exactly 5 %
        (419, 21, True),
    ],
)
def test_the_change_limit_bites_above_5_pct_and_more_than_20(count, moving, over):
    run = move_everyone(count, moving)
    assert run.over_limit is over
    assert run.status == (RunStatus.AWAITING_APPROVAL if over else RunStatus.PROPOSED)


def test_a_run_over_the_limit_needs_a_manager(cast):
    run = move_everyone(21, 21)
    with pytest.raises(UnableToApplyRun, match="a manager has to approve it first"):
        apply_run(run_id=run.pk, owner="test", at=timezone.now())
    for person in (None, cast.ops, cast.csm_a, cast.nobody):
        with pytest.raises(UnableToApproveRun, match="approval of a manager"):
            approve_run(run_id=run.pk, actor=person, at=timezone.now())
    approve_run(run_id=run.pk, actor=cast.manager, at=timezone.now())
    assert apply_run(run_id=run.pk, owner="test", at=timezone.now()) is True
    run.refresh_from_db()
    assert run.approved_by == cast.manager
    assert set(tiers().values()) == {"scale"}


def test_nobody_approves_the_own_run(cast):
    run = move_everyone(21, 21)
    RetierRun.objects.filter(pk=run.pk).update(requested_by=cast.manager)
    with pytest.raises(UnableToApproveRun, match="another manager has to approve it"):
        approve_run(run_id=run.pk, actor=cast.manager, at=timezone.now())


def test_a_proposed_run_can_be_discarded_and_an_applied_one_cannot():
    customer(1)
    run = proposed()
    discard_run(run_id=run.pk, at=timezone.now())
    with pytest.raises(UnableToApplyRun, match="discarded"):
        apply_run(run_id=run.pk, owner="test", at=timezone.now())
    with pytest.raises(UnableToDiscardRun, match="cannot be discarded"):
        discard_run(run_id=applied().pk, at=timezone.now())


def test_proposing_takes_the_same_number_of_queries_at_any_size(django_assert_max_num_queries):
    def queries(count):
        for _ in range(count):
            customer(1000)
        run = queue_run(as_of=TODAY, at=timezone.now())
        with django_assert_max_num_queries(40) as captured:
            propose_run(run_id=run.pk, owner="test")
        discard_run(run_id=run.pk, at=timezone.now())  # or the next one would find it to be replaced
        return len(captured)

    assert queries(2) == queries(20)


def test_dates_before_anything_was_recorded_decide_too():
    customer(800000, contract_start=date(1999, 1, 1), renewal_date=date(1999, 12, 31))
    assert proposed().status == RunStatus.PROPOSED


def test_a_run_that_is_being_computed_can_be_discarded_and_its_runner_stops(monkeypatch):
    customer(800000)
    run = queue_run(as_of=TODAY, at=timezone.now())
    decide = proposing.decide_tiers

    def discarded_meanwhile(**facts):
        discard_run(run_id=run.pk, at=timezone.now())
        return decide(**facts)

    monkeypatch.setattr(proposing, "decide_tiers", discarded_meanwhile)
    assert not propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    assert (run.status, run.lease_until) == (RunStatus.DISCARDED, None)
    assert not TierDecision.objects.exists()
    monkeypatch.undo()
    assert proposed().status == RunStatus.PROPOSED  # the way is free for the next one
