"""Ready-made set-ups: loading twice changes nothing, what people edited stays, tiers with history are retired."""

import json
import re
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import GoalKind, Tier, TouchActivity
from allocation.engine.rules import read_rules
from allocation.models import AllocationPolicy, AttentionPolicy, TieringModel
from allocation.selectors.model_checks import model_remarks
from allocation.services import playbooks
from allocation.services.playbooks import (
    FOLDER,
    UnableToLoadPlaybook,
    available_playbooks,
    load_playbook,
)
from allocation.snapshots.vocabulary import model_vocabulary
from tests import factories

pytestmark = pytest.mark.django_db

MODELS = (Tier, TouchActivity, GoalKind, TieringModel, AllocationPolicy, AttentionPolicy)


NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def load(publish=True, slug="three-axis"):
    return load_playbook(slug=slug, publish=publish, at=timezone.now())


def file_of(slug):
    return json.loads((FOLDER / f"{slug}.json").read_text(encoding="utf-8"))


def everything():
    return [list(model.objects.order_by("pk").values()) for model in MODELS]


def test_three_axis_is_as_published():
    loaded = load()
    assert (loaded.tiers, loaded.model_version, loaded.status) == (
        ("global", "enterprise", "scale"),
        1,
        "published",
    )
    rows = Tier.objects.order_by("rank").values_list("slug", "rank", "cap", "retired")
    assert list(rows) == [("global", 1, 6, False), ("enterprise", 2, 15, False), ("scale", 3, 40, False)]
    assert AllocationPolicy.objects.get(is_active=True).vertical_fit == "specialist_first"
    assert AttentionPolicy.objects.get(is_active=True).basis == "expansion"


def monthly_hours(slug):
    plan = TouchActivity.objects.filter(tier__slug=slug).values_list("times_a_year", "hours_each")
    return sum(times * hours for times, hours in plan) / 12


def test_a_book_at_its_cap_fits_a_full_time_csm():
    load()
    hours = {slug: monthly_hours(slug) for slug in ("global", "enterprise", "scale")}
    assert hours == {"global": 16, "enterprise": Decimal("6.5"), "scale": Decimal("2.2")}
    # 160 hours less a quarter not spent on customers
    net = 120
    for counts in ((6, 0, 0), (0, 15, 0), (0, 0, 40), (0, 10, 20), (0, 6, 24), (0, 2, 18)):
        assert sum(count * each for count, each in zip(counts, hours.values(), strict=True)) <= net


def test_the_eight_ship():
    assert NAMES == [
        "a-plus-to-c",
        "enterprise-strategic-many-self",
        "even-split",
        "segment-by-fit",
        "tech-touch-after-first-renewal",
        "three-axis",
        "touch-by-goal",
        "weighted-tiers",
    ]
    assert [each.slug for each in available_playbooks()] == NAMES


@pytest.mark.parametrize("slug", NAMES)
def test_a_file_says_what_it_is_and_whose_the_numbers_are(slug):
    file = file_of(slug)
    assert file["slug"] == slug
    assert len(re.findall(r"[.](?= |$)", file["idea"])) == 2  # two sentences
    assert file["source"].startswith("Practitioners' writing")
    assert "defaults of cstiers" in file["source"]
    assert [tier["rank"] for tier in file["tiers"]] == list(range(1, len(file["tiers"]) + 1))


@pytest.mark.parametrize("slug", NAMES)
def test_every_shipped_file_is_a_good_set_up(slug):
    load(slug=slug)
    vocabulary = model_vocabulary()
    rules = read_rules(
        definition=file_of(slug)["model"],
        attributes=vocabulary.attributes,
        tiers=vocabulary.tiers,
        goal_kinds=vocabulary.goal_kinds,
    )
    # every tier can be reached, and what was written passes the checks of its own forms
    assert {rule.slug for rule in rules.tiers} == set(Tier.objects.values_list("slug", flat=True))
    rows = [row for model in MODELS for row in model.objects.all()]
    for row in rows:
        row.full_clean()
    assert TieringModel.objects.get().status == "published"
    assert AllocationPolicy.objects.get().is_active
    assert AttentionPolicy.objects.get().is_active


@pytest.mark.parametrize("slug", NAMES)
def test_nothing_looks_wrong_with_a_shipped_model(slug):
    """Where the tier follows plain facts the score orders customers for people and decides nothing: that is meant."""
    load(slug=slug)
    found = {remark.words for remark in model_remarks(definition=file_of(slug)["model"])}
    if slug in {"touch-by-goal", "weighted-tiers"}:
        assert found == set()
    else:
        assert found == {"Neither touch nor tier rules read the score, so the criteria change no tier."}


@pytest.mark.parametrize("slug", NAMES)
def test_a_touch_plan_can_be_worked(slug):
    """A full-time CSM has 160 hours a month less a quarter; a tier at its cap fits in, with every goal open."""
    load(slug=slug)
    for tier in Tier.objects.all():
        if tier.has_csm:
            assert 0 < tier.cap * monthly_hours(tier.slug) <= 120, tier.slug
        else:
            assert (tier.cap, tier.activities.count()) == (None, 0)


@pytest.mark.parametrize("slug", NAMES)
def test_human_time_rises_and_the_number_of_customers_falls_towards_the_top(slug):
    load(slug=slug)
    served = [tier for tier in Tier.objects.order_by("rank") if tier.has_csm]
    hours = [monthly_hours(tier.slug) for tier in served]
    assert hours == sorted(hours, reverse=True)
    if slug != "touch-by-goal":  # there the touch level comes first, and Commercial is many in both
        assert [tier.cap for tier in served] == sorted(tier.cap for tier in served)


@pytest.mark.parametrize("slug", NAMES)
def test_loading_again_changes_nothing(slug):
    load(slug=slug)
    before = everything()
    assert load(slug=slug).model_version == 1
    assert load(publish=False, slug=slug).status == "published"
    assert everything() == before


def test_publishing_gives_goal_kinds_a_level_to_ask_for_where_they_have_none():
    """As after goals were imported, or the demonstration company was written, before any playbook."""
    GoalKind.objects.create(slug="risk-mitigation", name="Risk mitigation")
    GoalKind.objects.create(slug="expansion", name="Expansion", asks_for="mid")  # said so by somebody
    load(publish=False)
    assert GoalKind.objects.get(slug="risk-mitigation").asks_for == ""
    load()
    assert GoalKind.objects.get(slug="risk-mitigation").asks_for == "high"
    assert GoalKind.objects.get(slug="expansion").asks_for == "mid"


def test_what_people_edited_after_loading_stays():
    load()
    Tier.objects.filter(slug="scale").update(cap=35)
    AllocationPolicy.objects.update(country_law=True)
    load()
    assert Tier.objects.get(slug="scale").cap == 35
    assert AllocationPolicy.objects.get(name="Three axes").country_law


def test_a_draft_changes_nothing_that_is_in_force():
    old = factories.TierFactory(slug="gold", name="Gold", rank=1)
    loaded = load(publish=False)
    assert loaded.status == "draft"
    old.refresh_from_db()
    assert (old.rank, old.retired) == (1, False)
    assert not AllocationPolicy.objects.filter(is_active=True).exists()
    assert list(Tier.objects.order_by("rank").values_list("slug", flat=True)) == [
        "gold",
        "global",
        "enterprise",
        "scale",
    ]


def test_publishing_a_loaded_draft_puts_it_in_force():
    load(publish=False)
    loaded = load()
    assert (loaded.model_version, loaded.status) == (1, "published")
    assert TieringModel.objects.get().status == "published"


def test_tiers_of_another_set_up_are_retired_and_never_deleted():
    old = factories.TierFactory(slug="gold", name="Global", rank=1)
    factories.CustomerFactory(tier=old, tier_since=factories.TODAY)
    load()
    old.refresh_from_db()
    assert (old.retired, old.rank > 3, old.name) == (True, True, "Global (retired gold)")
    assert Tier.objects.get(slug="global").name == "Global"


def test_an_activity_of_another_set_up_leaves_the_touch_plan():
    tier = factories.TierFactory(slug="scale", name="Scale", rank=1)
    factories.TouchActivityFactory(tier=tier, name="Daily call")
    load()
    assert monthly_hours("scale") == Decimal("2.2")


def test_a_new_version_is_published_over_the_old_one():
    load(publish=False)
    TieringModel.objects.update(status="published", digest="the file was another one then")
    assert load().model_version == 2
    assert list(TieringModel.objects.order_by("number").values_list("status", flat=True)) == [
        "retired",
        "published",
    ]


def test_an_unknown_playbook_is_refused_with_the_names_of_all():
    named = ", ".join(NAMES)
    with pytest.raises(UnableToLoadPlaybook, match=f"There is no playbook “four-axis”; there are: {named}"):
        load_playbook(slug="four-axis", publish=True, at=timezone.now())
    with pytest.raises(UnableToLoadPlaybook):
        load_playbook(slug="../playbooks/three-axis", publish=True, at=timezone.now())


def test_the_list_says_which_are_loaded():
    assert [(each.slug, each.status) for each in available_playbooks() if each.slug == "three-axis"] == [
        ("three-axis", "not loaded")
    ]
    load()
    assert [
        (each.model_version, each.status) for each in available_playbooks() if each.slug == "three-axis"
    ] == [(1, "published")]


def test_a_goal_kind_of_the_same_name_but_another_slug_is_no_obstacle():
    GoalKind.objects.create(slug="risk", name="risk mitigation")
    load()
    assert set(GoalKind.objects.filter(name__istartswith="risk m").values_list("slug", flat=True)) == {
        "risk",
        "risk-mitigation",
    }


def test_a_tier_named_the_same_in_another_case_makes_room():
    factories.TierFactory(slug="gold", name="GLOBAL", rank=1)
    load()
    assert Tier.objects.get(slug="gold").name == "GLOBAL (retired gold)"


def test_who_loads_or_publishes_at_the_same_moment_as_another_is_told(monkeypatch):
    """The other one is faster by a moment: its rows are not seen when we look, and are there when we write."""
    read = playbooks._put_tiers_in_force

    def another_publishes_first(file):
        read(file)
        TieringModel.objects.create(number=1, name="Theirs", status="published")

    monkeypatch.setattr(playbooks, "_draft", lambda *args: TieringModel.objects.create(number=1, name="Ours"))
    monkeypatch.setattr(playbooks, "_put_tiers_in_force", another_publishes_first)
    with pytest.raises(UnableToLoadPlaybook, match="at the same moment"):
        load()
    assert not TieringModel.objects.exists()
