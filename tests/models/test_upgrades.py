"""An installation of an earlier version keeps what its customers stand on; nobody counts as changed by the upgrade."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import Customer
from allocation.models import TierStanding
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, propose_run, queue_run
from allocation.triggers import drop_triggers_before_migrate, ensure_triggers
from tests import factories
from tests.models.test_indexes import indexes

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("allocation", "0003_decisions_know_the_lifecycle_they_saw")]


def migrate(targets):
    drop_triggers_before_migrate(using="default")
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def newest(app="allocation"):
    return [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == app]


def applied(scope="full"):
    run = queue_run(as_of=factories.TODAY, at=timezone.now(), scope=scope)
    propose_run(run_id=run.pk, owner="test")
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    return run


def test_what_customers_stood_on_is_carried_over():
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for arr in (800000, 10):
        factories.CustomerFactory(arr=arr)
    run = applied()
    stood = {row.customer_id: row for row in TierStanding.objects.all()}
    latest = newest()
    try:
        old = migrate(BEFORE)
        decisions = old.get_model("allocation", "TierDecision")
        for row in decisions.objects.all():  # as the earlier version wrote it
            row.lifecycle = f"{stood[row.customer_id].lifecycle % 2**64:016x}" + "0" * 16
            row.goals_digest = f"{stood[row.customer_id].goals % 2**64:016x}" + "0" * 16
            row.save()
        waiting = old.get_model("allocation", "RetierRun").objects.create(
            as_of=factories.TODAY, tiering_model_id=run.tiering_model_id, status="proposed"
        )
        assert "allocation_tierstanding" not in connection.introspection.table_names()
    finally:
        migrate(latest)
        ensure_triggers(using="default")
    after = {row.customer_id: row for row in TierStanding.objects.all()}
    for key, before in stood.items():
        for field in ("run_id", "segment", "score", "decided_by", "lifecycle", "goals"):
            assert getattr(after[key], field) == getattr(before, field), field
    stale = type(run).objects.get(pk=waiting.pk)
    assert (stale.status, stale.message) == (
        "stale",
        "Asked for under an earlier version of the program; start a new run.",
    )
    goals_run = applied(scope="goals")
    assert not goals_run.chunks.exists()
    assert Customer.objects.filter(tier__isnull=False).count() == 2


def test_indexes_of_those_who_have_one_come_and_go_and_no_customer_with_them():
    parent = factories.CustomerFactory(arr=800000)
    factories.CustomerFactory(arr=10, parent=parent)
    held = list(Customer.objects.order_by("pk").values())
    latest, now = newest("accounts"), indexes()
    try:
        migrate([("accounts", "0009_fewer_indexes_of_customers")])
        assert ["parent_id"] in indexes().values()
        assert "customer_by_parent" not in indexes()
    finally:
        migrate(latest)
        ensure_triggers(using="default")
    assert indexes() == now
    assert list(Customer.objects.order_by("pk").values()) == held
