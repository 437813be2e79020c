"""Short ways to make customers and runs in tests of re-tiering."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.engine.kept import unpack_outcomes
from allocation.models import Override, RetierRun, TierDecision
from allocation.services.retiering import apply_run, applying, propose_run, proposing, queue_run
from tests import factories

TODAY = factories.TODAY


def customer(arr, **more):
    return factories.CustomerFactory(arr=arr, **more)


def override(of, slug, **more):
    """An approved one, in force from yesterday for a month."""
    values = {
        "status": Override.Status.APPROVED,
        "starts_on": TODAY - timedelta(days=1),
        "expires_on": TODAY + timedelta(days=30),
        **more,
    }
    return Override.objects.create(
        customer=of,
        tier=Tier.objects.get(slug=slug),
        reason_kind="risk",
        words="Because",
        asked_by=factories.UserFactory(),
        decided_by=factories.UserFactory(),
        decided_at=timezone.now(),
        decided_words="Agreed",
        **values,
    )


def proposed(**more):
    run = queue_run(**{"as_of": TODAY, "at": timezone.now(), **more})
    propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    return run


def applied(**more):
    run = proposed(**more)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    run.refresh_from_db()
    return run


def tiers():
    return dict(Customer.objects.order_by("pk").values_list("external_id", "tier__slug"))


def decision(run, of):
    return TierDecision.objects.get(run=run, customer=of)


def looked_at(run):
    """Primary keys of everybody the run decided, rows or not."""
    return {int(key) for chunk in run.chunks.all() for key in unpack_outcomes(chunk.outcomes).keys.tolist()}


def half_applied(monkeypatch):
    """A run of one chunk a customer whose runner died before the second; its lease has lapsed."""
    monkeypatch.setattr(proposing, "BATCH", 1)
    run = proposed()
    real, calls = applying._apply, []

    def dies_at_the_second_chunk(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(applying, "_apply", dies_at_the_second_chunk)
        with pytest.raises(KeyboardInterrupt):
            apply_run(run_id=run.pk, owner="dead", at=timezone.now())
    RetierRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return run
