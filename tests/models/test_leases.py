"""A claim is kept while a long step is under way, and by nobody else."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.leases import lease_kept
from allocation.models import RetierRun, RunStatus, TieringModel
from tests import factories


@pytest.fixture
def run(db, settings):
    settings.LEASE_SECONDS = 1
    model = TieringModel.objects.create(number=1, name="One")
    return RetierRun.objects.create(as_of=factories.TODAY, tiering_model=model)


def claimed(run: RetierRun) -> int:
    fence = RetierRun.objects.claim(
        run.pk, owner="one", waiting=[RunStatus.QUEUED], working=RunStatus.COMPUTING
    )
    assert fence is not None
    return fence


def test_keeping_prolongs_the_lease_of_the_claim_that_is_named(run):
    fence = claimed(run)
    lapsed = timezone.now() - timedelta(seconds=1)
    RetierRun.objects.update(lease_until=lapsed)
    assert not RetierRun.objects.keep(run.pk, fence=fence + 1)
    run.refresh_from_db()
    assert run.lease_until == lapsed
    assert RetierRun.objects.keep(run.pk, fence=fence)
    run.refresh_from_db()
    assert run.lease_until > timezone.now()


def test_what_is_not_worked_on_is_not_kept(run):
    fence = claimed(run)
    RetierRun.objects.finish(run.pk, fence=fence, status=RunStatus.PROPOSED)
    assert not RetierRun.objects.keep(run.pk, fence=fence)
    run.refresh_from_db()
    assert run.lease_until is None


def test_a_claim_lasts_as_long_as_the_setting_says(run, settings):
    settings.LEASE_SECONDS = 500
    claimed(run)
    run.refresh_from_db()
    assert timedelta(seconds=490) < run.lease_until - timezone.now() <= timedelta(seconds=500)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_step_longer_than_the_lease_keeps_its_claim_and_without_a_keeper_loses_it(settings):
    """The second half is the control: the same step without the keeper."""
    settings.LEASE_SECONDS = 1
    model = TieringModel.objects.create(number=1, name="One")
    run = RetierRun.objects.create(as_of=factories.TODAY, tiering_model=model)
    with lease_kept(RetierRun, run.pk, fence=claimed(run)):
        time.sleep(2.5)
        run.refresh_from_db()
        assert run.lease_until > timezone.now()
    time.sleep(1.5)
    run.refresh_from_db()
    assert run.lease_until < timezone.now()


def test_the_keeper_ends_with_the_work(run):
    before = threading.active_count()
    with lease_kept(RetierRun, run.pk, fence=claimed(run)):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_the_keeper_ends_with_work_that_fails(run):
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), lease_kept(RetierRun, run.pk, fence=claimed(run)):
        raise ZeroDivisionError
    assert threading.active_count() == before
    connection.close_if_unusable_or_obsolete()
