"""A policy in sentences: every setting is said, and what a plan kept reads the same as what is saved."""

from typing import Any

import pytest

from allocation.models import AllocationPolicy, BookPlan, NamedTiers
from allocation.selectors.policy_words import policy_words, words_of_policy
from allocation.services.planning import propose_plan, queue_plan
from tests.factories import CLOCK, TODAY, CSMFactory, CustomerFactory, TierFactory

pytestmark = pytest.mark.django_db


def said(**values: Any) -> str:
    policy = AllocationPolicy.objects.create(name="p", **values)
    return " ".join(sentence for _, sentences in words_of_policy(policy=policy) for sentence in sentences)


def test_the_default_policy() -> None:
    words = said()
    assert "A customer goes to a specialist of its vertical" in words
    assert "Books are even in hours (60 points) and ARR (30 points)." in words
    # 60 points × (20 % − 5 % tolerance)
    assert "A book 20 % off its target in hours costs 9 points" in words
    assert (
        "Hours within 5 % of the target count as even. ARR within 10 % of the target count as even." in words
    )
    assert (
        "A change of CSM by choice costs 3 points for an ordinary (low-touch) customer, 12 for a high-touch, "
        "6 for a mid-touch and 0.45 for a tech-touch one."
    ) in words
    assert "At most 10 % of the customers and 10 % of their ARR change CSM by choice in one plan." in words
    for absent in ("approval", "keeps its CSM", "country", "experienced", "subsidiaries", "only."):
        assert absent not in words


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"vertical_fit": "hard"}, "A CSM with named verticals serves these only"),
        ({"vertical_fit": "ignore"}, "Verticals play no part."),
        ({"vertical_fit": "soft"}, "but anybody may serve it"),
        ({"region_fit": "hard"}, "A CSM with named regions serves these only."),
        ({"language_fit": "hard"}, "A CSM with named languages serves customers of these only."),
        ({"product_fit": "soft"}, "A CSM who knows the customer's products is preferred."),
        ({"region_fit": "ignore", "language_fit": "ignore"}, "Regions, languages and products play no part."),
        ({"country_law": True}, "sits only with a CSM who covers that country"),
        ({"seniority_follows_value": True}, "The most experienced CSMs get the highest revenue"),
        ({"keep_families_together": True}, "A parent and its subsidiaries have one CSM"),
        ({"weight_customers": 12}, "ARR (30 points) and numbers of customers (12 points)."),
        ({"weight_hours": 0, "weight_arr": 0}, "Evenness of the books counts nothing."),
        ({"weight_hours": 0}, "A book 20 % off its target in ARR costs 3 points"),
        ({"weight_continuity": 0}, "A change of CSM by choice costs nothing."),
        (
            {"weight_fit": 500},
            "costs 500 points for an ordinary (low-touch) customer, 2,000 for a high-touch, 1,000 ",
        ),
        ({"weight_fit": 2}, "A mismatch of skill or seniority costs 2 points for an ordinary"),
        ({"weight_background": 0}, "A new CSM of quite another background costs nothing."),
        ({"max_moves_pct": 0}, "Nobody changes CSM by choice"),
        ({"max_moves_arr_pct": 0}, "Nobody changes CSM by choice"),
        ({"approve_top": 20}, "one of the 20 customers of the highest ARR needs a manager's own approval"),
        ({"objection_days": 1}, "CSMs concerned have 1 day to object before a plan is applied."),
        ({"approve_top": 1}, "A change of CSM of the customer of the highest ARR"),
        (
            {"hold_before_renewal_days": 30, "hold_first_days": 90, "hold_after_move_days": 1},
            "A customer keeps its CSM in the 30 days before a renewal, in the first 90 days of a contract and "
            "for 1 day after a change of CSM.",
        ),
    ],
)
def test_each_setting_is_said(values: dict[str, Any], sentence: str) -> None:
    assert sentence in said(**values)


def test_a_plan_tells_the_policy_as_it_was_read() -> None:
    policy = AllocationPolicy.objects.create(name="p", is_active=True, hold_first_days=9, approve_top=3)
    top, scale = (
        TierFactory(slug=slug, name=slug.title(), rank=rank) for rank, slug in ((1, "top"), (2, "scale"))
    )
    ann = CSMFactory(name="Ann")
    NamedTiers.objects.create(policy=policy, csm=ann).tiers.set([scale, top])
    CustomerFactory(tier=top, tier_since=TODAY)
    plan = queue_plan(as_of=TODAY, seed=1, actor=None)
    propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    kept = BookPlan.objects.get(pk=plan.pk).policy_values
    assert policy_words(values=kept) == words_of_policy(policy=policy)
    AllocationPolicy.objects.update(hold_first_days=0)
    everything = str(policy_words(values=kept))
    assert "in the first 9 days of a contract" in everything
    assert "Ann is given customers of Top and Scale only." in everything
    others = str(policy_words(values=kept, with_names=False))
    assert "Ann" not in others
    assert "For 1 CSM tiers are named" in others


def test_a_plan_of_an_earlier_day_lacks_what_was_not_kept_then() -> None:
    assert policy_words(values={}) == ()
    kept = {
        "vertical_fit": "soft", "region_fit": "soft", "language_fit": "soft", "product_fit": "ignore", "country_law": False,
        "seniority_follows_value": False, "keep_families_together": False, "weight_hours": 60.0, "weight_arr": 30.0,
        "weight_fit": 1.0, "weight_continuity": 3.0, "weight_background": 1.0, "hours_tolerance_pct": 5.0,
        "arr_tolerance_pct": 10.0, "max_moves_pct": None, "max_moves_arr_pct": None,
    }  # fmt: skip
    assert "There is no limit to how many" in str(policy_words(values=kept))
