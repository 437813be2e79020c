"""Plans side by side: asked for together, computed like any plan, stale once one of them is applied."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from accounts.models import Customer
from allocation.models import AllocationPolicy, BookPlan, RunStatus, Variant
from allocation.selectors.plan_comparison import NoComparison, comparison, comparison_answer
from allocation.services.comparing import UnableToCompare, discard_comparison, queue_comparison
from allocation.services.planning import (
    UnableToPlanBooks,
    apply_plan,
    discard_plan,
    propose_plan,
    queue_plan,
)
from tests.factories import CLOCK, TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> SimpleNamespace:
    """Ann has twelve customers of ten hours, Bob has none: evening out costs up to six changes of CSM."""
    tier = TierFactory(slug="scale", rank=1, touch_level="low", cap=40)
    TouchActivityFactory(tier=tier, times_a_year=Decimal(12), hours_each=Decimal(10))
    ann, bob = (CSMFactory(name=name, email=f"{name}@example.com") for name in ("ann", "bob"))
    given = {"tier": tier, "tier_since": TODAY, "csm": ann, "csm_since": TODAY - timedelta(days=400)}
    for n in range(12):
        CustomerFactory(external_id=f"C{n:02d}", **given)
    policy = AllocationPolicy.objects.create(
        name="p", is_active=True, max_moves_pct=100, max_moves_arr_pct=100, weight_continuity=Decimal(10)
    )
    return SimpleNamespace(tier=tier, ann=ann, bob=bob, policy=policy)


def compared(**given: object) -> list[BookPlan]:
    plans = queue_comparison(**{"as_of": TODAY, "seed": 1, "actor": None, **given})
    for plan in plans:
        assert propose_plan(plan_id=plan.pk, owner="test", **CLOCK) is not None
    return list(BookPlan.objects.filter(pk__in=[plan.pk for plan in plans]).order_by("pk"))


def test_four_plans_of_one_policy_with_a_weight_each(books: SimpleNamespace) -> None:
    head, *others = queue_comparison(as_of=TODAY, seed=3, actor=None, max_moves_pct=Decimal(50))
    assert (head.variant, head.continuity_weight, head.max_moves_pct, head.compared_with) == (
        Variant.AS_POLICY, None, 50, None,
    )  # fmt: skip
    assert [(plan.variant, plan.continuity_weight, plan.max_moves_pct) for plan in others] == [
        (Variant.ONLY_FORCED, None, 0),
        (Variant.STEADIER, Decimal(33), 50),
        (Variant.EVENER, Decimal("3.3"), 50),
    ]
    assert {(plan.seed, plan.policy_id, plan.compared_with_id) for plan in others} == {
        (3, books.policy.pk, head.pk)
    }


@pytest.mark.parametrize(
    ("weight", "steadier", "evener"),
    [("0", "3", "1"), ("0.05", "0.165", "0.0165"), ("10000", "10000", "3300")],
)
def test_the_weights_follow_the_policys(
    books: SimpleNamespace, weight: str, steadier: str, evener: str
) -> None:
    AllocationPolicy.objects.update(weight_continuity=Decimal(weight))
    found = [plan.continuity_weight for plan in queue_comparison(as_of=TODAY, seed=1, actor=None)]
    assert found == [None, None, Decimal(steadier), Decimal(evener)]


def test_they_do_not_make_each_other_stale_and_lie_from_fewest_moves_to_most_even(
    books: SimpleNamespace,
) -> None:
    plans = compared()
    assert {plan.status for plan in plans} == {RunStatus.PROPOSED}
    assert [plan.policy_values["weight_continuity"] for plan in plans] == [10, 10, 33, 3.3]
    found = comparison(pk=plans[0].pk, user=None)
    assert [one.plan.variant for one in found.plans] == [1, 2, 0, 3]
    assert found.same_books
    chosen = [one.chosen for one in found.plans]
    assert chosen[0] == 0
    assert chosen == sorted(chosen)
    assert chosen[-1] > chosen[0]
    points = [one.even_points for one in found.plans]
    assert points == sorted(points, reverse=True)
    assert [one.even_points for one in found.plans] == [
        pytest.approx(float(one.plan.objective) - one.plan.summary["objective_parts"]["continuity"])
        for one in found.plans
    ]


def test_a_newer_plan_makes_all_of_them_stale(books: SimpleNamespace) -> None:
    compared()
    propose_plan(plan_id=queue_plan(as_of=TODAY, seed=1, actor=None).pk, owner="test", **CLOCK)
    assert BookPlan.objects.filter(status=RunStatus.STALE).count() == 4


def test_they_make_an_older_plan_stale(books: SimpleNamespace) -> None:
    older = queue_plan(as_of=TODAY, seed=1, actor=None)
    propose_plan(plan_id=older.pk, owner="test", **CLOCK)
    compared()
    older.refresh_from_db()
    assert older.status == RunStatus.STALE


def test_applying_one_makes_the_others_stale(books: SimpleNamespace) -> None:
    head, *_, evener = compared()
    apply_plan(plan_id=evener.pk, actor=None, owner="test", on=TODAY)
    assert set(BookPlan.objects.exclude(pk=evener.pk).values_list("status", "message")) == {
        (RunStatus.STALE, f"Book plan {evener.pk} of the same comparison was applied.")
    }
    # And were they still open, their digest would refuse them.
    BookPlan.objects.filter(pk=head.pk).update(status=RunStatus.PROPOSED)
    with pytest.raises(UnableToPlanBooks, match="is stale: Policy, tiers or books changed"):
        apply_plan(plan_id=head.pk, actor=None, owner="test", on=TODAY)


def test_while_some_are_computed_no_other_plan_is(books: SimpleNamespace) -> None:
    head, *others = queue_comparison(as_of=TODAY, seed=1, actor=None)
    with pytest.raises(UnableToCompare, match="being computed already"):
        queue_comparison(as_of=TODAY, seed=1, actor=None)
    propose_plan(plan_id=head.pk, owner="test", **CLOCK)
    with pytest.raises(UnableToPlanBooks, match="being computed already"):
        queue_plan(as_of=TODAY, seed=1, actor=None)
    for plan in others:
        discard_plan(plan_id=plan.pk, actor=None)
    assert queue_plan(as_of=TODAY, seed=1, actor=None)
    with pytest.raises(UnableToCompare, match="being computed already"):
        queue_comparison(as_of=TODAY, seed=1, actor=None)


def test_what_no_plan_may_be_no_comparison_may_be(books: SimpleNamespace, cast: SimpleNamespace) -> None:
    with pytest.raises(UnableToCompare, match="0 to 100"):
        queue_comparison(as_of=TODAY, seed=1, actor=None, max_moves_pct=Decimal(101))
    for person in (cast.manager, cast.csm_a, cast.nobody):
        with pytest.raises(UnableToCompare, match="Only CS ops"):
            queue_comparison(as_of=TODAY, seed=1, actor=person)
        with pytest.raises(UnableToCompare, match="Only CS ops"):
            discard_comparison(comparison_id=1, actor=person)
    apply_plan(plan_id=compared()[0].pk, actor=None, owner="test", on=TODAY)
    with pytest.raises(UnableToCompare, match="was applied as of"):
        queue_comparison(as_of=TODAY - timedelta(days=1), seed=1, actor=None)


def test_a_comparison_is_put_away_as_a_whole(books: SimpleNamespace) -> None:
    head, *_ = compared()
    assert discard_comparison(comparison_id=head.pk, actor=None) == 4
    assert set(BookPlan.objects.values_list("status", flat=True)) == {RunStatus.DISCARDED}
    assert discard_comparison(comparison_id=head.pk, actor=None) == 0
    head, *_ = compared()
    BookPlan.objects.filter(pk=head.pk).update(status=RunStatus.APPLYING)
    with pytest.raises(UnableToCompare, match="is being applied: wait"):
        discard_comparison(comparison_id=head.pk, actor=None)


def test_books_that_changed_between_two_of_them_are_said(books: SimpleNamespace) -> None:
    head, *others = queue_comparison(as_of=TODAY, seed=1, actor=None)
    propose_plan(plan_id=head.pk, owner="test", **CLOCK)
    Customer.objects.filter(external_id="C00").update(csm=books.bob, csm_since=TODAY)
    propose_plan(plan_id=others[0].pk, owner="test", **CLOCK)
    assert not comparison(pk=head.pk, user=None).same_books


def test_a_single_plan_is_no_comparison(books: SimpleNamespace) -> None:
    alone = queue_plan(as_of=TODAY, seed=1, actor=None)
    for pk in (alone.pk, alone.pk + 1):
        with pytest.raises(NoComparison):
            comparison(pk=pk, user=None)
    discard_plan(plan_id=alone.pk, actor=None)
    _, other, *_ = queue_comparison(as_of=TODAY, seed=1, actor=None)
    with pytest.raises(NoComparison):
        comparison(pk=other.pk, user=None)


def test_a_manager_sees_the_own_teams_side_and_nothing_of_the_whole(
    books: SimpleNamespace, cast: SimpleNamespace
) -> None:
    books.ann.team = cast.team_a
    books.ann.save()
    head, *_ = compared()
    found = comparison(pk=head.pk, user=cast.manager)
    assert [one.chosen for one in found.plans] == [
        one.chosen for one in comparison(pk=head.pk, user=None).plans
    ]
    answer = comparison_answer(found=found)["plans"]
    for hidden in ("objective", "objective_without_moves", "bound", "gap_pct", "chosen_pct", "unassigned"):
        assert {one[hidden] for one in answer} == {None}
    assert {one["max_over_mean"] for one in answer} != {None}
    for person in (cast.csm_a, cast.nobody):
        with pytest.raises(NoComparison):
            comparison(pk=head.pk, user=person)
