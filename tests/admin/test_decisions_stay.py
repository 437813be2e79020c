"""Nobody rewrites a decision through the admin, CS ops and superusers included: every address of every decision is tried."""

import pytest
from auditlog.models import LogEntry
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from allocation.models import (
    BookHolding,
    BookPlan,
    Departure,
    Move,
    Objection,
    Override,
    OverrideEdit,
    RetierRun,
    TierDecision,
    TierHolding,
)
from tests.factories import UserFactory
from tests.triggers.decided import everything

DECISIONS = [
    TierHolding, BookHolding, Departure, RetierRun, TierDecision, BookPlan, Move, Override, OverrideEdit, Objection, LogEntry,
]  # fmt: skip
REGISTERED = [model for model in DECISIONS if admin.site.is_registered(model)]

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided(cast):
    return everything(cast)


def state():
    """Every row of every decision, and of what they stand on."""
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in DECISIONS}


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def forged(row):
    """The form such a row would have, with every column another: as if the page let one edit it."""
    found = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.primary_key:
            continue
        found[field.name] = (
            {"tier": 2, "status": "declined"}.get(field.name, value) if value is not None else ""
        )
        if field.get_internal_type() in ("CharField", "TextField") and field.name != "status":
            found[field.name] = "forged"
        if field.get_internal_type() == "DateField":
            found[field.name] = "2020-01-01"
    return {**found, "_save": "Save", "post": "yes"}


@pytest.mark.parametrize("who", ["ops", "superuser"])
@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_no_address_of_the_admin_changes_a_decision(decided, sign_in, model, who):
    user = decided.cast.ops if who == "ops" else UserFactory(is_superuser=True, is_staff=True)
    client = sign_in(user)
    rows = list(model._default_manager.order_by("pk"))
    assert rows, f"tests/triggers/decided.py has no {model._meta.label}"
    before = state()
    for row in rows[:5]:
        form = forged(row)
        for page in ("change", "delete", "history"):
            response = client.post(address(model, page, row.pk), form)
            assert response.status_code < 500, page
        assert client.post(address(model, "add"), form).status_code < 500
        for action in ("delete_selected", "approve", "decline", "withdraw"):
            chosen = {"action": action, "_selected_action": [row.pk], "post": "yes", "select_across": "1"}
            assert client.post(address(model, "changelist"), chosen).status_code < 500
    assert state() == before


def test_every_decision_that_has_a_screen_is_tried():
    screens = {
        model for model in admin.site._registry if model._meta.label in {m._meta.label for m in DECISIONS}
    }
    assert screens == set(REGISTERED)
    assert {TierHolding, BookHolding, RetierRun, BookPlan, TierDecision, Move, Override, LogEntry} <= screens
    assert apps.get_model("allocation", "Departure") in DECISIONS
