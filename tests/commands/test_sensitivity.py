"""`sensitivity`: keys, exits, sentences."""

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from allocation.models import Sensitivity, TieringModel
from allocation.services.models import draft_of_version
from allocation.services.playbooks import load_playbook
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db

KEYS = {"model_version", "as_of", "customers", "knobs"}
KNOB_KEYS = {"kind", "name", "value", "step", "moves", "first_at", "one_pct_at", "arr_moved"}


def told(*words, **options):
    out = io.StringIO()
    call_command("sensitivity", *words, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


@pytest.fixture
def model(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for arr in (149_000, 10):
        CustomerFactory(arr=Decimal(arr))
    return TieringModel.objects.published().get()


def test_json_has_the_published_keys(model):
    found = json.loads(told(format="json"))
    assert set(found) >= KEYS
    assert found["model_version"] == model.number
    assert all(set(knob) >= KNOB_KEYS for knob in found["knobs"])


def test_text_says_what_decides(model):
    said = told()
    assert "Version 1" in said
    assert "1 customer worth" in said
    assert "Nobody is near" in said


def test_a_draft_is_named_by_its_number(model):
    draft = draft_of_version(model_id=model.pk, actor_id=None)
    assert json.loads(told("--model", str(draft.number), format="json"))["model_version"] == draft.number


def test_what_cannot_be_is_refused(model, cast):
    with pytest.raises(CommandError, match="no version 99; the versions are: 1"):
        told("--model", "99")
    with pytest.raises(CommandError, match="Only CS ops"):
        told(acting=cast.manager.email)
    Sensitivity.objects.create(tiering_model=model, as_of=timezone.localdate())
    with pytest.raises(CommandError, match="being computed already"):
        told()


def test_without_a_published_model_it_says_what_to_do(db):
    with pytest.raises(CommandError, match="No tiering model is published"):
        told()
