"""A playbook's draft, previewed and edited, is put in force as it was previewed: its tiers and policies around it."""

import datetime
from dataclasses import replace

import pytest
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import AllocationPolicy, ModelLock, TieringModel
from allocation.selectors.model_preview import preview_model
from allocation.services.playbooks import (
    UnableToLoadPlaybook,
    load_playbook,
    playbook_in_force,
    publish_loaded,
)
from allocation.services.retiering import propose_run, queue_run
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY
NOW = datetime.datetime(2026, 11, 22, 9, tzinfo=timezone.get_default_timezone())
TIERS = ("global", "enterprise", "scale")


@pytest.fixture
def old():
    """A company with tiers of its own, and a customer in each; ranked above what a draft adds."""
    gold = factories.TierFactory(slug="gold", name="Gold", rank=1)
    tin = factories.TierFactory(slug="tin", name="Tin", rank=2)
    since = TODAY - datetime.timedelta(days=9)
    for arr, tier in ((900000, gold), (200000, gold), (10, tin), (5, None)):
        factories.CustomerFactory(arr=arr, tier=tier, tier_since=since if tier else None)
    return gold, tin


@pytest.fixture
def draft(old):
    load_playbook(slug="three-axis", publish=False, at=NOW)
    return TieringModel.objects.get()


def edited(draft, **changes):
    draft.definition = {**draft.definition, **changes}
    draft.save()
    return draft


def published_and_run(draft):
    publish_loaded(model_id=draft.pk, at=NOW)
    run = queue_run(as_of=TODAY, at=NOW)
    propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    return run


def test_the_draft_itself_is_published_and_not_the_file(draft):
    edited(draft, guards={"minimum_stay": {"days": 30}})
    published = publish_loaded(model_id=draft.pk, at=NOW)
    draft.refresh_from_db()
    assert (published.model_version, published.status, draft.status) == (1, "published", "published")
    assert draft.definition["guards"] == {"minimum_stay": {"days": 30}}
    assert TieringModel.objects.count() == 1


def test_its_tiers_stand_in_order_and_the_others_are_retired(draft):
    assert Tier.objects.get(slug="global").rank == 3  # below all others while it is a draft
    publish_loaded(model_id=draft.pk, at=NOW)
    in_use = Tier.objects.filter(retired=False).order_by("rank").values_list("slug", "rank")
    assert list(in_use) == [("global", 1), ("enterprise", 2), ("scale", 3)]
    assert AllocationPolicy.objects.get(is_active=True).vertical_fit == "specialist_first"


def test_a_tier_that_the_edited_rules_lead_to_is_kept(draft):
    flagged = {"tier": "gold", "when": [{"attribute": "loss_felt", "op": "is", "value": True}]}
    edited(draft, tiers=[flagged, *draft.definition["tiers"]])
    publish_loaded(model_id=draft.pk, at=NOW)
    in_use = set(Tier.objects.filter(retired=False).values_list("slug", flat=True))
    assert in_use == {*TIERS, "gold"}


def test_the_preview_shows_what_publishing_and_a_run_then_do(draft):
    """The minimum stay would keep everybody in the old tiers if those were not about to be retired."""
    edited(draft, guards={"minimum_stay": {"days": 3000}})
    seen = preview_model(
        definition=draft.definition, as_of=TODAY, playbook=playbook_in_force(slug=draft.playbook)
    )
    run = published_and_run(draft)
    assert {line.tier.slug: line.after for line in seen.tiers if line.after} == {
        slug: n for slug, n in run.summary["tiers"].items() if n
    }
    assert (seen.moves, seen.first_tiers) == (run.summary["moves"], run.summary["first_tiers"]) == (3, 1)
    assert [line.tier.slug for line in seen.tiers if line.tier][:3] == list(TIERS)
    assert (seen.ups, seen.downs, seen.from_retired) == (0, 0, 3)  # the old tiers are about to be retired
    assert {row.way for row in seen.shown} == {"none"}


def test_without_the_tiers_of_the_playbook_the_preview_would_say_something_else(draft):
    """The control: the draft's tiers stand below the old ones, which keep their customers."""
    edited(draft, guards={"minimum_stay": {"days": 3000}})
    assert preview_model(definition=draft.definition, as_of=TODAY).moves == 0


@pytest.mark.parametrize("why", ["lock", "faults", "published"])
def test_what_is_refused_leaves_everything_as_it_was(draft, why):
    if why == "lock":
        ModelLock.objects.create(until=TODAY + datetime.timedelta(days=1), words="Year-end.", set_at=NOW)
    elif why == "faults":
        edited(draft, tiers=draft.definition["tiers"][:1])
    else:
        publish_loaded(model_id=draft.pk, at=NOW)
    before = list(Tier.objects.order_by("pk").values())
    sentence = {"lock": "is locked until", "faults": "last tier rule", "published": "only a draft"}[why]
    with pytest.raises(UnableToLoadPlaybook, match=sentence):
        publish_loaded(model_id=draft.pk, at=NOW)
    assert list(Tier.objects.order_by("pk").values()) == before


def test_goal_kinds_ask_in_the_preview_for_what_the_playbook_will_make_them_ask_for(old):
    """The company's own kind asks for nothing yet; touch-by-goal makes risk mitigation ask for high touch."""
    kind = factories.GoalKindFactory(slug="risk-mitigation", name="Risk mitigation", asks_for="")
    factories.GoalFactory(customer=Customer.objects.get(arr=10), kind=kind)
    load_playbook(slug="touch-by-goal", publish=False, at=NOW)
    draft = TieringModel.objects.get()
    playbook = playbook_in_force(slug=draft.playbook)
    seen = preview_model(definition=draft.definition, as_of=TODAY, playbook=playbook)
    without = preview_model(
        definition=draft.definition, as_of=TODAY, playbook=replace(playbook, goal_touch={})
    )
    assert [count.gets for count in without.touch] != [count.gets for count in seen.touch]
    run = published_and_run(draft)
    assert {line.tier.slug: line.after for line in seen.tiers if line.after} == {
        slug: n for slug, n in run.summary["tiers"].items() if n
    }


def test_a_playbook_that_ships_no_more_puts_nothing_in_force():
    assert playbook_in_force(slug="forgotten") is None
