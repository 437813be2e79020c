"""A changed goal asks for a goals run: one that is sure to see the change, and never two where one will do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Customer
from allocation.models import RetierRun, RunStatus, TieringModel
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import propose_run, proposing, request_goals_run
from allocation.tasks.retiering import propose_retier_run
from tests import factories
from tests.services.retiering_cast import applied, customer, looked_at

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def request(as_of=TODAY):
    return request_goals_run(as_of=as_of, at=timezone.now())


def test_the_run_looks_at_the_customer_whose_goal_changed_and_at_no_other():
    one, _other = customer(800000), customer(800000)
    applied()
    factories.GoalFactory(customer=one)
    run = request()
    assert (run.scope, run.status) == (RetierRun.Scope.GOALS, RunStatus.QUEUED)
    propose_run(run_id=run.pk, owner="test")
    assert looked_at(run) == {one.pk}


def test_without_a_published_model_there_is_nothing_to_ask_for():
    TieringModel.objects.update(status=TieringModel.Status.RETIRED)
    assert request() is None
    assert not RetierRun.objects.exists()


def test_a_run_that_waits_will_see_the_change():
    assert request() == request()
    assert RetierRun.objects.count() == 1


def test_a_run_under_way_may_have_read_the_goals_already_so_another_follows_it(monkeypatch):
    one = customer(800000)
    applied()
    first = request()
    decide = proposing.decide_tiers

    def goal_opened_meanwhile(**facts):
        factories.GoalFactory(customer=one)
        assert request() == first
        return decide(**facts)

    monkeypatch.setattr(proposing, "decide_tiers", goal_opened_meanwhile)
    propose_run(run_id=first.pk, owner="test")
    monkeypatch.undo()
    assert looked_at(first) == set()
    following = RetierRun.objects.get(status=RunStatus.QUEUED)
    assert (following.scope, following.as_of) == (RetierRun.Scope.GOALS, TODAY)
    propose_retier_run(run_id=following.pk)
    assert looked_at(following) == {one.pk}
    first.refresh_from_db()
    assert first.status == RunStatus.STALE
    assert not RetierRun.objects.filter(status=RunStatus.QUEUED).exists()  # and that is the end of it


def test_a_run_that_fails_under_way_is_followed_too(monkeypatch):
    customer(1, currency="XAU")
    first = request()
    read = proposing.customer_snapshot

    def asked_meanwhile(**facts):
        request()
        return read(**facts)

    monkeypatch.setattr(proposing, "customer_snapshot", asked_meanwhile)
    propose_retier_run(run_id=first.pk)
    monkeypatch.undo()
    first.refresh_from_db()
    assert first.status == RunStatus.FAILED
    assert RetierRun.objects.filter(status=RunStatus.QUEUED).count() == 1


def test_before_the_last_applied_run_nothing_can_be_asked_for():
    customer(800000)
    applied()
    assert request(TODAY - timedelta(days=1)) is None


def test_the_wish_for_another_engagement_changes_no_decision():
    """Recorded, never applied: no rule can name it and no digest knows it."""
    one = customer(800000, wished_engagement="self_service")
    applied()
    Customer.objects.filter(pk=one.pk).update(wished_engagement="high")
    run = request()
    propose_run(run_id=run.pk, owner="test")
    assert looked_at(run) == set()


def test_the_run_that_follows_is_not_lost_with_the_process(monkeypatch):
    """Asked for in the transaction that ends the first: either both are there, or the first is computed again."""
    customer(800000)
    first = request()
    decide = proposing.decide_tiers

    def asked_meanwhile(**facts):
        request()
        return decide(**facts)

    def killed(**facts):
        raise KeyboardInterrupt

    monkeypatch.setattr(proposing, "decide_tiers", asked_meanwhile)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(proposing, "request_goals_run", killed)
        propose_run(run_id=first.pk, owner="dies")
    first.refresh_from_db()
    assert first.status == RunStatus.COMPUTING
    RetierRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.undo()
    propose_run(run_id=first.pk, owner="next")
    assert RetierRun.objects.filter(status=RunStatus.QUEUED).count() == 1
