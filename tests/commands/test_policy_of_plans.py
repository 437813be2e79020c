"""What the allocation policy asks of a plan, seen through `plan_books`."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.utils import timezone

from accounts.models import Customer
from allocation.models import AllocationPolicy, BookPlan, NamedTiers
from allocation.services import playbooks
from tests.commands.test_plan_books import PLAN_KEYS, answer, told
from tests.factories import CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> SimpleNamespace:
    """Ann and Bob; four Top and four Scale customers that nobody has yet."""
    today = timezone.localdate()
    tiers = [
        TierFactory(slug=slug, name=slug.title(), rank=rank) for rank, slug in enumerate(("top", "scale"), 1)
    ]
    for tier in tiers:
        TouchActivityFactory(tier=tier)
        for n in range(4):
            CustomerFactory(external_id=f"{tier.slug}-{n}", tier=tier, tier_since=today)
    ann, bob = (CSMFactory(name=name, email=f"{name}@example.com") for name in ("ann", "bob"))
    policy = AllocationPolicy.objects.create(name="p", is_active=True)
    return SimpleNamespace(top=tiers[0], scale=tiers[1], ann=ann, bob=bob, policy=policy)


def test_a_csm_is_given_the_tiers_named_for_it_only(books: SimpleNamespace) -> None:
    line = NamedTiers.objects.create(policy=books.policy, csm=books.bob)
    line.tiers.set([books.scale])
    moves = answer("plan_books")["moves"]
    assert {move["to"] for move in moves if move["external_id"].startswith("top")} == {"ann@example.com"}
    assert {move["to"] for move in moves if move["external_id"].startswith("scale")} >= {"bob@example.com"}


def test_a_customer_of_a_tier_that_nobody_is_named_for_stays_without_a_csm(books: SimpleNamespace) -> None:
    for csm in (books.ann, books.bob):
        NamedTiers.objects.create(policy=books.policy, csm=csm).tiers.set([books.scale])
    found = answer("plan_books")
    assert [one["external_id"] for one in found["unassigned"]] == [f"top-{n}" for n in range(4)]
    assert found["unassigned"][0]["reason"] == (
        "Nobody is able: 2 × is not named for this tier in the policy."
    )


def test_customers_weigh_in_the_objective_as_the_policy_says(books: SimpleNamespace) -> None:
    assert answer("plan_books")["objective_parts"]["customers"] == 0
    AllocationPolicy.objects.update(weight_customers=Decimal(60), weight_hours=0, weight_arr=0)
    books.ann.hours_per_month = Decimal(80)
    books.ann.save()
    # By capacity 2⅔ and 5⅓ of eight customers: whole ones cannot be exactly that.
    assert answer("plan_books")["objective_parts"]["customers"] > 0


def test_a_playbooks_policy_may_name_the_plain_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    file = json.loads((playbooks.FOLDER / "even-split.json").read_text(encoding="utf-8"))
    file["allocation_policy"] |= {
        "name": "Counted",
        "weight_customers": 12.5,
        "approve_top": 20,
        "objection_days": 5,
    }
    monkeypatch.setattr(playbooks, "_read", lambda slug: file)
    playbooks.load_playbook(slug="even-split", publish=True, at=timezone.now())
    policy = AllocationPolicy.objects.get(is_active=True)
    assert (policy.name, policy.weight_customers, policy.approve_top) == ("Counted", Decimal("12.5"), 20)
    assert policy.objection_days == 5


def test_four_plans_side_by_side_in_one_answer(books: SimpleNamespace) -> None:
    Customer.objects.update(csm=books.ann, csm_since=timezone.localdate())
    AllocationPolicy.objects.update(max_moves_pct=50, max_moves_arr_pct=50)
    found = answer("plan_books", "--compare")
    assert set(found) >= PLAN_KEYS
    assert found["continuity_weight"] is None
    side = found["comparison"]
    assert side["comparison"] == found["plan"]
    assert [one["variant"] for one in side["plans"]] == ["only_forced", "steadier", "as_policy", "evener"]
    assert [one["continuity_weight"] for one in side["plans"]] == [3, 9.9, 3, 0.99]
    assert [one["status"] for one in side["plans"]] == ["proposed"] * 4
    assert side["plans"][0]["chosen"] == 0
    assert side["plans"][2]["chosen"] == found["chosen"]
    for figure in ("outside_15_pct", "cv", "max_over_mean"):
        assert side["plans"][2][figure] == found["balance"]["after"][figure]
    words = told("plan_books", "--compare")
    assert "Plans side by side" in words
    assert "only forced (continuity 3): 0 moves by choice (0.0 % of customers" in words


def test_a_weight_of_continuity_for_one_plan(books: SimpleNamespace) -> None:
    found = answer("plan_books", "--continuity", "12.5")
    assert found["continuity_weight"] == 12.5
    assert BookPlan.objects.get(pk=found["plan"]).policy_values["weight_continuity"] == 12.5
    assert AllocationPolicy.objects.get().weight_continuity == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--compare", "--apply"], "looked at first"),
        (["--compare", "--continuity", "1"], "has its own weights"),
        (["--continuity", "-1"], "0 to 10 000 points"),
        (["--continuity", "NaN"], "0 to 10 000 points"),
        (["--continuity", "much"], "is not a number"),
    ],
)
def test_what_makes_no_sense_is_refused(books: SimpleNamespace, words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        told("plan_books", *words)
    assert not BookPlan.objects.exists()
