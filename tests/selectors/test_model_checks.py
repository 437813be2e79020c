"""What is said about a version before it decides anything, on its page and by the system checks."""

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError

from accounts.models import TouchActivity
from allocation import checks
from allocation.models import TieringModel
from allocation.selectors.model_checks import TouchPlanRemark, model_remarks
from tests import factories
from tests.admin.world import DEFINITION

pytestmark = pytest.mark.django_db

# Reads the score, reaches every rule: nothing is to be said about it.
SOUND = {
    **DEFINITION,
    "criteria": [
        {"name": name, "attribute": name, "weight": 1, "scale": {"kind": "linear", "low": 0, "high": 100}}
        for name in ("health", "adoption")
    ],
    "tiers": [{"tier": "top", "when": [{"attribute": "score", "op": ">=", "value": 60}]}, {"tier": "base"}],
}


@pytest.fixture(autouse=True)
def tiers(db):
    top = factories.TierFactory(slug="top", name="Top", rank=1, touch_level="high")
    base = factories.TierFactory(slug="base", name="Base", rank=2, touch_level="tech")
    for tier in (top, base):
        factories.TouchActivityFactory(tier=tier)
    return top, base


def said(definition):
    return [remark.words for remark in model_remarks(definition=definition)]


def found():
    """(id, message) of our own checks."""
    told = run_checks(tags=["database"], databases=["default"])
    return [(message.id, message.msg) for message in told if message.id.startswith("allocation.")]


def publish(definition):
    return TieringModel.objects.create(number=1, name="Now", definition=definition, status="published")


def test_nothing_is_said_about_a_sound_model():
    publish(SOUND)
    assert said(SOUND) == []
    assert found() == []


def test_a_tier_in_use_without_a_touch_plan_is_named(tiers):
    TouchActivity.objects.filter(tier=tiers[1]).delete()
    assert said(SOUND) == [
        "The tier “Base” has no touch plan: nothing is done there, so its customers ask for no hours."
    ]
    publish(SOUND)
    assert [code for code, _ in found()] == ["allocation.W003"]


def test_an_activity_at_nought_times_a_year_is_no_touch_plan(tiers):
    TouchActivity.objects.filter(tier=tiers[1]).update(times_a_year=0)
    assert len(said(SOUND)) == 1


def test_self_service_asks_for_no_touch_plan_and_a_tier_nobody_is_led_to_neither(tiers):
    base = tiers[1]
    TouchActivity.objects.filter(tier=base).delete()
    base.touch_level = "self_service"
    base.save()
    factories.TierFactory(slug="other", name="Other", rank=3)
    assert not [each for each in model_remarks(definition=SOUND) if isinstance(each, TouchPlanRemark)]


def test_a_rule_nobody_can_reach_is_wrong():
    """60 to below 50 takes nobody: the first rule took everyone from 60 on, the second from 50."""
    hidden = {"tier": "base", "when": [{"attribute": "score", "op": ">=", "value": 70}]}
    definition = {**SOUND, "tiers": [SOUND["tiers"][0], hidden, SOUND["tiers"][1]]}
    publish(definition)
    codes = dict(found())
    assert "allocation.W001" in codes
    assert "Base" in codes["allocation.W001"]


def test_a_doubtful_weight_is_said():
    criteria = [{**SOUND["criteria"][0], "weight": 99}, SOUND["criteria"][1]]
    publish({**SOUND, "criteria": criteria})
    assert {code for code, _ in found()} == {"allocation.W002"}


def test_a_published_model_that_cannot_be_read_is_told(tiers):
    publish({**SOUND, "tiers": SOUND["tiers"][:1]})
    [(code, words)] = found()
    assert code == "allocation.W004"
    assert "The last tier rule must have no conditions" in words


def test_a_draft_is_not_checked_with_the_system():
    TieringModel.objects.create(number=1, name="Draft", definition={})
    assert found() == []


def test_without_a_database_to_look_at_or_before_migrating_nothing_is_said(monkeypatch):
    publish({})
    assert checks.published_model_can_be_used(None) == []

    def not_there(*args, **kwargs):
        raise DatabaseError("no such table")

    monkeypatch.setattr(checks, "faults_of", not_there)
    assert checks.published_model_can_be_used(None, databases=["default"]) == []
