"""What must never be wrong is refused by the database, whoever writes."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from accounts.models import CSM, Customer, ExchangeRate, Goal, Leave, Team, Tier
from allocation.models import (
    AllocationPolicy,
    BookHolding,
    BookPlan,
    Move,
    NamedTiers,
    Override,
    RetierRun,
    TieringModel,
)
from tests import factories

TODAY = factories.TODAY
pytestmark = pytest.mark.django_db

BAD_CUSTOMERS = [
    {"external_id": ""},
    {"name": ""},
    {"name": "x" * 201},  # SQLite keeps longer texts unless a check says no
    {"arr": Decimal("-0.01")},
    {"arr": Decimal("1e13")},
    {"potential_arr": Decimal(-1)},
    {"currency": "eur"},
    {"currency": "EURO"},
    {"currency": ""},
    {"health": Decimal("100.01")},
    {"health": Decimal(-1)},
    {"adoption": Decimal(101)},
    {"reputation": Decimal(101)},
    {"complexity": Decimal(-1)},
    {"sentiment": 0},
    {"sentiment": 6},
]


def refused(write: Callable[[], Any]) -> None:
    # PostgreSQL says DataError where a value does not even fit the column.
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        write()


@pytest.mark.parametrize("values", BAD_CUSTOMERS, ids=str)
def test_a_bad_customer_is_refused(values: dict[str, Any]) -> None:
    refused(lambda: Customer.objects.bulk_create([factories.CustomerFactory.build(**values)]))


def test_the_edges_of_the_ranges_are_accepted() -> None:
    factories.CustomerFactory(
        name="x" * 200,
        arr=Decimal("9999999999999.99"),
        health=Decimal(100),
        adoption=Decimal(0),
        sentiment=1,
    )
    factories.CustomerFactory(arr=Decimal(0), sentiment=5)
    assert Customer.objects.get(sentiment=1).arr == Decimal("9999999999999.99")  # every cent is kept


def test_an_external_id_exists_once() -> None:
    customer = factories.CustomerFactory()
    refused(lambda: factories.CustomerFactory(external_id=customer.external_id))


def test_a_tier_or_csm_without_a_since_is_refused() -> None:
    customer = factories.CustomerFactory()
    refused(
        lambda: Customer.objects.filter(pk=customer.pk).update(tier=factories.TierFactory(), tier_since=None)
    )
    refused(
        lambda: Customer.objects.filter(pk=customer.pk).update(csm=factories.CSMFactory(), csm_since=None)
    )


def test_nobody_is_the_own_parent() -> None:
    customer, team = factories.CustomerFactory(), factories.TeamFactory()
    refused(lambda: Customer.objects.filter(pk=customer.pk).update(parent=customer))
    refused(lambda: Team.objects.filter(pk=team.pk).update(parent=team))


def test_a_circle_of_teams_is_refused_with_a_sentence() -> None:
    top = factories.TeamFactory()
    below = factories.TeamFactory(parent=factories.TeamFactory(parent=top))
    top.parent = below
    with pytest.raises(ValidationError, match="circle"):
        top.full_clean()


def test_a_circle_of_parents_is_refused_with_a_sentence() -> None:
    top = factories.CustomerFactory()
    top.parent = factories.CustomerFactory(parent=top)
    with pytest.raises(ValidationError, match="circle"):
        top.full_clean()


@pytest.mark.parametrize(
    "values",
    [
        {"seniority": 0},
        {"seniority": 6},
        {"hours_per_month": Decimal(-1)},
        {"overhead_pct": Decimal("100.01")},
        {"ramp_pct": Decimal(-1)},
        {"email": ""},
        {"starts_on": TODAY, "leaves_on": TODAY - timedelta(days=1)},
    ],
    ids=str,
)
def test_a_bad_csm_is_refused(values: dict[str, Any]) -> None:
    refused(lambda: CSM.objects.bulk_create([factories.CSMFactory.build(team=None, **values)]))


def test_one_csm_an_email_in_any_case_and_one_nameless_mail() -> None:
    factories.CSMFactory(email="ann@example.com")
    refused(lambda: factories.CSMFactory(email="ANN@example.com"))
    factories.CSMFactory(email=None, name="Bo")
    refused(lambda: factories.CSMFactory(email=None, name="Bo"))
    factories.CSMFactory(name="Bo")  # told apart by the e-mail


def test_leave_ends_after_it_starts_and_is_covered_by_another() -> None:
    csm = factories.CSMFactory()
    refused(lambda: Leave.objects.create(csm=csm, starts_on=TODAY, ends_before=TODAY))
    refused(
        lambda: Leave.objects.create(
            csm=csm, starts_on=TODAY, ends_before=TODAY + timedelta(days=1), covered_by=csm
        )
    )


def test_one_open_goal_of_a_kind() -> None:
    goal = factories.GoalFactory()
    refused(lambda: factories.GoalFactory(customer=goal.customer, kind=goal.kind))
    Goal.objects.filter(pk=goal.pk).update(ends_before=TODAY)
    factories.GoalFactory(customer=goal.customer, kind=goal.kind)


@pytest.mark.parametrize("rate", [Decimal(0), Decimal(-1), Decimal(10) ** 9], ids=str)
def test_a_rate_is_positive_and_finite(rate: Decimal) -> None:
    refused(lambda: ExchangeRate.objects.create(currency="EUR", day=TODAY, rate=rate, base="USD"))


def test_the_base_currency_has_no_rate() -> None:
    refused(lambda: ExchangeRate.objects.create(currency="USD", day=TODAY, rate=1, base="USD"))


def test_a_tier_in_use_cannot_be_deleted() -> None:
    from django.db.models import ProtectedError

    tier = factories.TierFactory()
    factories.CustomerFactory(tier=tier, tier_since=TODAY)
    with pytest.raises(ProtectedError):
        Tier.objects.get(pk=tier.pk).delete()


def test_one_tiering_model_is_published() -> None:
    TieringModel.objects.create(number=1, name="One", status="published")
    refused(lambda: TieringModel.objects.create(number=2, name="Two", status="published"))
    TieringModel.objects.create(number=2, name="Two")


def test_one_run_of_a_scope_is_computed_and_one_is_applied_at_a_time() -> None:
    model = TieringModel.objects.create(number=1, name="One")
    first = RetierRun.objects.create(as_of=TODAY, tiering_model=model)
    refused(lambda: RetierRun.objects.create(as_of=TODAY, tiering_model=model))
    RetierRun.objects.create(as_of=TODAY, tiering_model=model, scope="goals")
    RetierRun.objects.filter(pk=first.pk).update(status="applying")
    second = RetierRun.objects.create(as_of=TODAY, tiering_model=model)
    refused(lambda: RetierRun.objects.filter(pk=second.pk).update(status="applying"))


def test_one_book_plan_is_computed_at_a_time() -> None:
    policy = AllocationPolicy.objects.active_or_default()
    BookPlan.objects.create(as_of=TODAY, policy=policy)
    refused(lambda: BookPlan.objects.create(as_of=TODAY, policy=policy))


def test_a_move_changes_the_csm() -> None:
    plan = BookPlan.objects.create(as_of=TODAY, policy=AllocationPolicy.objects.active_or_default())
    csm, customer = factories.CSMFactory(), factories.CustomerFactory()
    refused(lambda: Move.objects.create(plan=plan, customer=customer, from_csm=csm, to_csm=csm, reason="x"))
    refused(lambda: Move.objects.create(plan=plan, customer=customer, from_csm=None, to_csm=None, reason="x"))
    Move.objects.create(plan=plan, customer=customer, from_csm=None, to_csm=csm, reason="x")


def test_nobody_decides_the_own_override() -> None:
    asker, customer = factories.UserFactory(), factories.CustomerFactory()
    override = Override.objects.create(
        customer=customer,
        tier=factories.TierFactory(),
        reason_kind="risk",
        words="x",
        starts_on=TODAY,
        expires_on=TODAY + timedelta(days=1),
        asked_by=asker,
    )
    rows = Override.objects.filter(pk=override.pk)
    said = {"decided_at": timezone.now(), "decided_words": "Agreed"}
    refused(lambda: rows.update(status="approved", decided_by=asker, **said))
    refused(lambda: rows.update(status="approved"))  # an approval has an approver
    other = factories.UserFactory()
    refused(lambda: rows.update(status="approved", decided_by=other, decided_at=timezone.now()))  # and words
    rows.update(status="approved", decided_by=other, **said)


def test_one_csm_has_a_customer_at_a_time_in_the_ledger() -> None:
    customer = factories.CustomerFactory()
    BookHolding.objects.create(
        customer=customer, csm=factories.CSMFactory(), starts_on=TODAY, source="manual"
    )
    refused(
        lambda: BookHolding.objects.create(
            customer=customer, csm=factories.CSMFactory(), starts_on=TODAY, source="manual"
        )
    )


@pytest.mark.parametrize("field", ["overhead_pct", "ramp_pct"])
def test_a_share_above_100_is_refused_with_a_sentence_that_has_a_per_cent_sign(field: str) -> None:
    csm = factories.CSMFactory.build(team=None, **{field: Decimal(101)})
    with pytest.raises(ValidationError, match="0 to 100 %"):
        csm.full_clean()
    refused(lambda: CSM.objects.bulk_create([csm]))


def test_a_plan_with_a_variant_belongs_to_a_comparison() -> None:
    asked = {"as_of": TODAY, "policy": AllocationPolicy.objects.create(name="p")}
    head = BookPlan.objects.create(**asked)
    refused(lambda: BookPlan.objects.create(**asked, variant=1))
    refused(lambda: BookPlan.objects.create(**asked, compared_with=head))
    refused(lambda: BookPlan.objects.create(**asked))  # one request at a time
    BookPlan.objects.create(**asked, compared_with=head, variant=1)
    refused(lambda: BookPlan.objects.create(**asked, compared_with=head, variant=1))
    for weight in (Decimal("-0.0001"), Decimal("10000.0001")):
        refused(
            lambda weight=weight: BookPlan.objects.create(
                **asked, compared_with=head, variant=2, continuity_weight=weight
            )
        )


def test_a_csm_has_one_line_of_tiers_in_a_policy() -> None:
    policy, csm = AllocationPolicy.objects.create(name="p"), factories.CSMFactory()
    NamedTiers.objects.create(policy=policy, csm=csm)
    refused(lambda: NamedTiers.objects.create(policy=policy, csm=csm))
    NamedTiers.objects.create(policy=AllocationPolicy.objects.create(name="q"), csm=csm)


@pytest.mark.parametrize("weight", [Decimal("-0.01"), Decimal("10000.01")])
def test_a_weight_of_customers_is_a_weight(weight: Decimal) -> None:
    refused(lambda: AllocationPolicy.objects.create(name="p", weight_customers=weight))
