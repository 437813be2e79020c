"""One playbook after another in the same installation: each takes over cleanly, whatever was loaded before."""

import random

import pytest
from django.db import transaction

from accounts.models import GoalKind, Tier, TouchActivity
from allocation.models import AllocationPolicy, AttentionPolicy, TieringModel
from tests.playbooks.door import Company, answer

NAMES = [
    "a-plus-to-c",
    "enterprise-strategic-many-self",
    "even-split",
    "segment-by-fit",
    "tech-touch-after-first-renewal",
    "three-axis",
    "touch-by-goal",
    "weighted-tiers",
]

CUSTOMERS = [
    {"external_id": "large", "arr": 2_000_000, "potential_arr": 3_000_000, "complexity": 80, "reputation": 90, "vertical": "Finance"},
    {"external_id": "mid", "arr": 160_000, "health": 40, "adoption": 50, "country": "Germany", "sentiment": 4},
    {"external_id": "felt", "arr": 60_000, "loss_felt": "yes", "first_renewal_done": "yes", "sentiment": 2},
    {"external_id": "small", "arr": 9_000, "first_renewal_done": "yes", "sentiment": 5, "champion": "no"},
    {"external_id": "unknown", "arr": "", "goals": ""},
]  # fmt: skip


def in_force():
    """Everything that a published playbook puts in force, without numbers that only count what came before."""
    return {
        "tiers": list(
            Tier.objects.filter(retired=False)
            .order_by("rank")
            .values_list("slug", "name", "rank", "touch_level", "cap", "description")
        ),
        "touches": sorted(
            TouchActivity.objects.filter(tier__retired=False, times_a_year__gt=0).values_list(
                "tier__slug", "name", "times_a_year", "hours_each", "channel"
            )
        ),
        "model": TieringModel.objects.values_list("playbook", "definition").get(status="published"),
        "policies": [
            model.objects.values_list("name", flat=True).get(is_active=True)
            for model in (AllocationPolicy, AttentionPolicy)
        ],
        "asks": dict(
            GoalKind.objects.filter(slug__in=["risk-mitigation", "nurture"]).values_list("slug", "asks_for")
        ),
    }


def orders():
    shuffled = list(NAMES)
    random.Random(3).shuffle(shuffled)
    return [NAMES, NAMES[::-1], shuffled]


@pytest.fixture
def alone(company) -> dict[str, object]:
    """What each puts in force in an installation of its own, with the tiers that the customers then get."""
    found: dict[str, object] = {}
    for name in NAMES:
        with transaction.atomic():
            playbook = company(name)
            playbook.customers(CUSTOMERS)
            playbook.retier()
            found[name] = (in_force(), playbook.tiers())
            transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("order", orders(), ids=["in order", "turned round", "shuffled"])
def test_each_takes_over_from_any_other(company, alone, order):
    playbook: Company = company(order[0])
    playbook.customers(CUSTOMERS)
    for name in [*order, *order[:2]]:
        loaded = answer("load_playbook", name, "--publish")
        assert loaded["status"] == "published"
        assert answer("load_playbook", name, "--publish") == loaded
        run = playbook.retier()
        assert (run["decided"], run["undecided"], run["model_version"]) == (5, 0, loaded["model_version"])
        assert (in_force(), playbook.tiers()) == alone[name]
    listed = answer("list_playbooks")["playbooks"]
    assert [each["slug"] for each in listed] == NAMES
    assert {each["status"] for each in listed} == {"retired", "published"}
    assert [each["slug"] for each in listed if each["status"] == "published"] == [order[1]]


def test_drafts_of_all_eight_change_nothing_that_is_in_force(company):
    playbook = company("three-axis")
    playbook.customers(CUSTOMERS)
    playbook.retier()
    before, tiers = in_force(), playbook.tiers()
    for name in NAMES:
        answer("load_playbook", name)
    after = in_force()
    # their tiers wait below those in force, with touch plans of their own
    assert after.pop("tiers")[: len(before["tiers"])] == before.pop("tiers")
    assert set(before.pop("touches")) <= set(after.pop("touches"))
    assert after == before
    assert playbook.retier()["moves"] == []
    assert playbook.tiers() == tiers
    statuses = {each["slug"]: each["status"] for each in answer("list_playbooks")["playbooks"]}
    assert statuses == {name: "published" if name == "three-axis" else "draft" for name in NAMES}


def test_the_list_says_what_each_is(company):
    company("three-axis")
    for each in answer("list_playbooks")["playbooks"]:
        assert each["name"] and each["idea"] and each["source"] and each["tiers"]
