"""Facts of book planning: what the policy and the rows say reaches the engine, and what makes a plan stale."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CSM, Customer, Leave, Tier
from allocation.models import AllocationPolicy, NamedTiers
from allocation.snapshots.books import TouchPlans, book_snapshot, books_digest, named_tiers
from tests.factories import (
    TODAY,
    CSMFactory,
    CustomerFactory,
    GoalFactory,
    GoalKindFactory,
    LanguageFactory,
    RegionFactory,
    TierFactory,
    TouchActivityFactory,
    VerticalFactory,
)

pytestmark = pytest.mark.django_db


def name_tiers(policy: AllocationPolicy, csm: CSM, *tiers: Tier) -> NamedTiers:
    line = NamedTiers.objects.create(policy=policy, csm=csm)
    line.tiers.set(tiers)
    return line


@pytest.fixture
def books() -> SimpleNamespace:
    policy = AllocationPolicy.objects.create(
        name="p", is_active=True, hold_before_renewal_days=30, hold_first_days=30, hold_after_move_days=30
    )
    top, scale = (TierFactory(slug=slug, rank=rank) for rank, slug in enumerate(("top", "scale"), 1))
    ann, bob = (CSMFactory(name=name, email=f"{name}@example.com") for name in ("ann", "bob"))
    customer = CustomerFactory(
        external_id="C0", tier=top, tier_since=TODAY, csm=ann, csm_since=TODAY - timedelta(days=99)
    )
    return SimpleNamespace(policy=policy, top=top, scale=scale, ann=ann, bob=bob, customer=customer)


def facts(books: SimpleNamespace, **given: Any) -> Any:
    return book_snapshot(as_of=TODAY, policy=books.policy, **given)


def test_the_policys_words_reach_the_engine(books: SimpleNamespace) -> None:
    AllocationPolicy.objects.update(weight_customers=Decimal("2.5"), approve_top=7)
    books.policy.refresh_from_db()
    found = facts(books).policy
    assert (found.weight_customers, found.approve_top, found.weight_continuity) == (2.5, 7, 3.0)


def test_a_weight_named_for_one_plan_stands_in_for_the_policys(books: SimpleNamespace) -> None:
    assert facts(books, continuity_weight=Decimal("9.9")).policy.weight_continuity == 9.9
    assert facts(books, continuity_weight=Decimal(0)).policy.weight_continuity == 0.0


def test_tiers_named_for_a_csm_are_those_of_this_policy(books: SimpleNamespace) -> None:
    other = AllocationPolicy.objects.create(name="other")
    name_tiers(books.policy, books.ann, books.top)
    name_tiers(other, books.bob, books.scale)
    name_tiers(books.policy, books.bob)  # a line without tiers binds nobody
    assert {csm.key: csm.tiers for csm in facts(books).facts.csms} == {
        "ann@example.com": frozenset({"top"}),
        "bob@example.com": frozenset(),
    }
    assert named_tiers(policy=AllocationPolicy()) == {}


def named(books: SimpleNamespace) -> None:
    name_tiers(books.policy, books.bob, books.top)


def away(days: int) -> Callable[[SimpleNamespace], None]:
    def change(books: SimpleNamespace) -> None:
        Leave.objects.create(csm=books.ann, starts_on=TODAY, ends_before=TODAY + timedelta(days=days))

    return change


def customer(**values: Any) -> Callable[[SimpleNamespace], None]:
    def change(books: SimpleNamespace) -> None:
        Customer.objects.filter(pk=books.customer.pk).update(**values)

    return change


CHANGES: dict[str, tuple[Callable[[SimpleNamespace], Any], bool]] = {
    "tiers are named for a CSM": (named, True),
    "a CSM gets a vertical": (lambda b: b.ann.verticals.add(VerticalFactory()), True),
    "a CSM gets a region": (lambda b: b.ann.regions.add(RegionFactory()), True),
    "a CSM gets a language": (lambda b: b.ann.languages.add(LanguageFactory()), True),
    "a CSM gets a product": (lambda b: CSM.objects.filter(pk=b.ann.pk).update(products=["Core"]), True),
    "a long leave": (away(30), True),
    "a short leave, which counts nowhere": (away(29), False),
    "a renewal comes within the hold": (customer(renewal_date=TODAY + timedelta(days=30)), True),
    "a renewal outside the hold": (customer(renewal_date=TODAY + timedelta(days=31)), False),
    "a contract begins within the hold": (customer(contract_start=TODAY - timedelta(days=29)), True),
    "a contract older than the hold": (customer(contract_start=TODAY - timedelta(days=30)), False),
    "kept by hand": (customer(csm_locked_until=TODAY + timedelta(days=1)), True),
    "kept by hand until a day that is past": (customer(csm_locked_until=TODAY), False),
    "a weight": (lambda b: AllocationPolicy.objects.update(weight_customers=1), True),
    "whose moves need approval": (lambda b: AllocationPolicy.objects.update(approve_top=1), True),
    "how long one may object": (lambda b: AllocationPolicy.objects.update(objection_days=9), False),
    "ARR and health drift": (customer(arr=Decimal(1), health=Decimal(2)), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_makes_a_plan_stale(books: SimpleNamespace, name: str) -> None:
    change, stale = CHANGES[name]
    before = facts(books).digest
    change(books)
    now = books_digest(policy=AllocationPolicy.objects.get(pk=books.policy.pk), as_of=TODAY)
    assert (now != before) is stale


@pytest.mark.parametrize("mode", ["ignore", "soft", "specialist_first", "hard"])
def test_a_customers_vertical_counts_where_it_is_a_rule(books: SimpleNamespace, mode: str) -> None:
    AllocationPolicy.objects.update(vertical_fit=mode)
    books.policy.refresh_from_db()
    before = facts(books).digest
    customer(vertical=VerticalFactory())(books)
    assert (facts(books).digest != before) is (mode in ("specialist_first", "hard"))


@pytest.mark.parametrize("field", ["region", "language", "product"])
def test_what_a_customer_asks_counts_where_it_is_required(books: SimpleNamespace, field: str) -> None:
    values: dict[str, Any] = {
        "region": {"region": RegionFactory()},
        "language": {"language": LanguageFactory()},
        "product": {"products": ["Core"]},
    }[field]
    for mode in ("soft", "hard"):
        Customer.objects.update(region=None, language=None, products=[])
        AllocationPolicy.objects.update(**{f"{field}_fit": mode})
        books.policy.refresh_from_db()
        before = facts(books).digest
        customer(**values)(books)
        assert (facts(books).digest != before) is (mode == "hard")


def test_a_snapshot_takes_the_same_queries_at_any_size(books: SimpleNamespace) -> None:
    def queries(**given: Any) -> int:
        with CaptureQueriesContext(connection) as asked:
            facts(books, **given)
        return len(asked)

    with_digest, without = queries(), queries(with_digest=False)
    for _ in range(20):
        csm = CSMFactory()
        csm.verticals.add(VerticalFactory())
        name_tiers(books.policy, csm, books.top, books.scale)
        CustomerFactory(tier=books.top, tier_since=TODAY, csm=csm, csm_since=TODAY)
    # The vocabulary of the CSMs is prefetched once there are any; it was asked for before too.
    assert queries() == with_digest
    assert queries(with_digest=False) == without
    assert without == 10
    assert with_digest == 18


def test_touch_plans_of_some_customers_read_the_goals_of_these_alone() -> None:
    """Otherwise the page of one customer reads every open goal of the company."""
    tier, kind = TierFactory(slug="few"), GoalKindFactory(slug="few")
    TouchActivityFactory(tier=tier, goal_kind=kind, times_a_year=12, hours_each=1)
    one, other = (CustomerFactory(tier=tier, tier_since=TODAY) for _ in range(2))
    for customer in (one, other):
        GoalFactory(customer=customer, kind=kind, starts_on=TODAY)

    def minutes(plans: TouchPlans) -> list[int]:
        return [plans.minutes(customer_id=each.pk, tier_id=tier.pk) for each in (one, other)]

    assert minutes(TouchPlans(as_of=TODAY)) == [60, 60]
    assert minutes(TouchPlans(as_of=TODAY, among=[one.pk])) == [60, 0]
    assert minutes(TouchPlans(as_of=TODAY, among=Customer.objects.filter(pk=other.pk).values("pk"))) == [
        0,
        60,
    ]


@pytest.mark.parametrize("fit", ["ignore", "soft", "hard"])
def test_the_digest_of_what_was_read_is_that_of_what_is_read_anew(books: SimpleNamespace, fit: str) -> None:
    """A plan makes it of the rows of its facts; applying reads only what bounds a plan."""
    for field in ("vertical_fit", "region_fit", "language_fit", "product_fit"):
        setattr(books.policy, field, fit)
    books.policy.hold_after_move_days = 400
    books.policy.save()
    CustomerFactory(
        tier=books.top, tier_since=TODAY, csm=CSMFactory(), csm_since=TODAY, products=["Core", "Plus"]
    )
    CustomerFactory(tier=books.scale, tier_since=TODAY, csm_locked_until=TODAY + timedelta(days=3))
    read = book_snapshot(as_of=TODAY, policy=books.policy)
    assert read.digest == books_digest(policy=books.policy, as_of=TODAY)
    assert any(read.facts.customers.hold)
    assert any(read.facts.customers.products) == (fit != "ignore")
