"""Applying a run: once, chunk by chunk, whoever died on the way; who was changed since the snapshot is left alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import (
    RetierRun,
    RowStatus,
    RunStatus,
    Source,
    TierHolding,
    TieringModel,
    TierStanding,
)
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import (
    UnableToApplyRun,
    apply_run,
    applying,
    proposing,
)
from tests import factories
from tests.services.retiering_cast import applied, customer, decision, half_applied, proposed, tiers

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


def test_applying_gives_the_tiers_from_the_as_of_day_and_writes_the_ledger():
    one = customer(800000)
    run = applied(as_of=TODAY - timedelta(days=3))
    one.refresh_from_db()
    assert (one.tier.slug, one.tier_since) == ("global", TODAY - timedelta(days=3))
    held = TierHolding.objects.get()
    assert (held.source, held.source_id, held.starts_on) == (Source.RUN, run.pk, TODAY - timedelta(days=3))
    assert run.status == RunStatus.APPLIED


def test_applying_twice_changes_nothing_the_second_time():
    customer(800000)
    run = applied()
    before = list(TierHolding.objects.values()), list(Customer.objects.values())
    assert apply_run(run_id=run.pk, owner="test", at=timezone.now()) is False
    assert (list(TierHolding.objects.values()), list(Customer.objects.values())) == before


def test_a_customer_whose_facts_changed_after_the_snapshot_is_skipped_and_the_others_go_through():
    changed, same, gone = customer(800000), customer(800000), customer(800000)
    run = proposed()
    Customer.objects.filter(pk=changed.pk).update(arr=5)
    Customer.objects.filter(pk=gone.pk).update(status=Customer.Status.LEFT)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert tiers() == {changed.external_id: None, same.external_id: "global", gone.external_id: None}
    assert decision(run, changed).status == RowStatus.SKIPPED
    assert decision(run, changed).words == "Its facts changed after the snapshot."


def test_a_fact_the_model_does_not_read_may_change():
    one = customer(800000)
    run = proposed()
    Customer.objects.filter(pk=one.pk).update(name="Renamed", employees=7)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert decision(run, one).status == RowStatus.APPLIED


def test_a_goal_opened_after_the_snapshot_is_a_changed_fact():
    one = customer(800000)
    run = proposed()
    factories.GoalFactory(customer=one)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert decision(run, one).status == RowStatus.SKIPPED


def test_a_tier_paid_for_after_the_snapshot_is_a_changed_fact_whatever_the_rules_read():
    one = customer(800000)
    applied(as_of=TODAY - timedelta(days=9))
    Customer.objects.update(arr=10)
    run = proposed()
    assert decision(run, one).effective.slug == "scale"
    Customer.objects.update(paid_tier=Tier.objects.get(slug="global"))  # the paid floor would hold now
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert (decision(run, one).status, tiers()) == (RowStatus.SKIPPED, {one.external_id: "global"})


def test_a_tier_that_somebody_else_changed_meanwhile_is_left_alone():
    one = customer(800000)
    run = proposed()
    Customer.objects.filter(pk=one.pk).update(tier=Tier.objects.get(slug="scale"), tier_since=TODAY)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert tiers() == {one.external_id: "scale"}
    assert decision(run, one).words == "Its tier was changed after the snapshot."


def test_even_if_the_publishing_did_not_say_so_applying_finds_the_model_gone(model):
    customer(800000)
    run = proposed()
    TieringModel.objects.filter(pk=model.pk).update(status=TieringModel.Status.RETIRED)
    with pytest.raises(
        UnableToApplyRun, match="is stale: Version 1 of the model is no longer the published one"
    ):
        apply_run(run_id=run.pk, owner="test", at=timezone.now())


def test_a_dead_runners_applying_is_finished_by_the_next(monkeypatch):
    monkeypatch.setattr(proposing, "BATCH", 1)
    first, second = customer(800000), customer(10)
    run = proposed()
    real = applying._apply
    calls = []

    def dies_at_the_second_chunk(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(applying, "_apply", dies_at_the_second_chunk)
    with pytest.raises(KeyboardInterrupt):
        apply_run(run_id=run.pk, owner="dead", at=timezone.now())
    assert tiers() == {first.external_id: "global", second.external_id: None}
    RetierRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.undo()
    assert apply_run(run_id=run.pk, owner="next", at=timezone.now()) is True
    assert tiers() == {first.external_id: "global", second.external_id: "scale"}
    assert TierHolding.objects.count() == 2


def test_what_was_begun_is_finished_under_the_model_of_its_day_whatever_was_retired_since(monkeypatch, now):
    first, second = customer(800000), customer(200000)
    run = half_applied(monkeypatch)
    load_playbook(slug="weighted-tiers", publish=True, at=now)  # retires every tier this run gives
    assert apply_run(run_id=run.pk, owner="next", at=now) is True
    run.refresh_from_db()
    assert run.status == RunStatus.APPLIED
    assert tiers() == {first.external_id: "global", second.external_id: "enterprise"}


def test_a_run_that_was_given_up_half_way_can_be_finished(monkeypatch, now):
    first, second = customer(800000), customer(200000)
    run = half_applied(monkeypatch)
    RetierRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED, lease_until=None, claimed_by="")
    assert apply_run(run_id=run.pk, owner="next", at=now) is True
    assert tiers() == {first.external_id: "global", second.external_id: "enterprise"}


def test_a_run_that_failed_before_it_was_applied_is_not_applied(now):
    customer(800000)
    run = proposed()
    RetierRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    with pytest.raises(UnableToApplyRun, match="failed; only a proposed run can be applied"):
        apply_run(run_id=run.pk, owner="test", at=now)


def test_each_piece_of_work_has_attempts_of_its_own():
    customer(800000)
    run = proposed()
    RetierRun.objects.filter(pk=run.pk).update(attempts=4)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    run.refresh_from_db()
    assert run.attempts == 1


def test_who_was_to_stay_must_still_hold_the_tier_that_the_run_saw():
    """Another run moved it in between and its goal is closed again: the facts are the same, the tier is not."""
    one = customer(800000)
    applied()
    run = proposed()
    scale = Tier.objects.get(slug="scale")
    other = applied(scope="goals")
    change = TierChange(one.pk, Tier.objects.get(slug="global").pk, scale.pk)
    set_tiers(changes=[change], on=TODAY, decision=DecisionSource(Source.RUN, source_id=other.pk))
    stood_on = TierStanding.objects.get().run_id
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    row = decision(run, one)
    assert (row.status, row.words) == (RowStatus.SKIPPED, "Its tier was changed after the snapshot.")
    assert TierStanding.objects.get().run_id == stood_on
    assert tiers() == {one.external_id: "scale"}


def test_a_customer_that_is_gone_by_now_is_left_out_and_the_run_ends():
    stays, gone = customer(800000), customer(10, status=Customer.Status.LEFT)
    run = proposed()
    gone.delete()
    assert apply_run(run_id=run.pk, owner="test", at=timezone.now()) is True
    assert tiers() == {stays.external_id: "global"}
    assert set(TierStanding.objects.values_list("customer_id", flat=True)) == {stays.pk}


def test_a_runner_that_was_overtaken_writes_nothing_more(monkeypatch):
    customer(800000)
    run = proposed()
    real = RetierRun.objects.__class__.heartbeat

    def overtaken(self, pk, *, fence, **more):
        return real(self, pk, fence=fence - 1, **more)

    monkeypatch.setattr(RetierRun.objects.__class__, "heartbeat", overtaken)
    assert apply_run(run_id=run.pk, owner="slow", at=timezone.now()) is False
    assert not TierHolding.objects.exists()


def test_two_runs_are_not_applied_at_once():
    customer(1)
    full, goals = proposed(), proposed(scope="goals")
    RetierRun.objects.claim(full.pk, owner="busy", waiting=["proposed"], working="applying")
    with pytest.raises(UnableToApplyRun, match="Another run is being applied"):
        apply_run(run_id=goals.pk, owner="test", at=timezone.now())
