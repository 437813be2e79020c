"""What a run reads: money by the rates of the day, overrides in force, guards of the model, what changed since."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Customer, ExchangeRate, Tier
from allocation.models import (
    RetierRun,
    RunChunk,
    RunStatus,
    RunTally,
    Source,
    TierDecision,
    TieringModel,
)
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.models import publish_model
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import UnableToProposeRun, apply_run, propose_run, queue_run
from tests import factories
from tests.services.retiering_cast import applied, customer, decision, looked_at, override, proposed, tiers

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def model(db, now):
    """three-axis, published."""
    load_playbook(slug="three-axis", publish=True, at=now)
    return TieringModel.objects.get()


def rate(currency, day, units):
    ExchangeRate.objects.create(currency=currency, day=day, rate=Decimal(units), base="USD")


def test_money_is_converted_by_the_rate_of_the_day_and_frozen():
    # 112 500 GBP ÷ 0.75 = 150 000 USD exactly: the bound itself
    at, below = customer("112500.00", currency="GBP"), customer("112499.99", currency="GBP")
    rate("GBP", TODAY - timedelta(days=7), "0.75")
    run = proposed()
    assert [decision(run, of).effective.slug for of in (at, below)] == ["enterprise", "scale"]
    assert run.rates == {"GBP": "0.75"}
    ExchangeRate.objects.update(rate=Decimal("2"))  # another rate is no change of the customer
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert tiers()[at.external_id] == "enterprise"


@pytest.mark.parametrize(
    ("days_old", "newest_days_old", "usable"),
    [
        (7, 7, True),
        (8, 0, False),  # a newer day of another currency is loaded: this one is missing, not on holiday
        (300, 300, True),  # as old as the newest loaded day
        (300, 294, True),
        (300, 292, False),
    ],
)
def test_a_rate_may_be_seven_days_older_than_the_day_or_than_the_newest_loaded(
    days_old, newest_days_old, usable
):
    customer(100, currency="GBP")
    rate("GBP", TODAY - timedelta(days=days_old), "0.75")
    if newest_days_old != days_old:
        rate("EUR", TODAY - timedelta(days=newest_days_old), "0.9")
    run = queue_run(as_of=TODAY, at=timezone.now())
    if usable:
        assert propose_run(run_id=run.pk, owner="test")
        return
    with pytest.raises(UnableToProposeRun, match="GBP"):
        propose_run(run_id=run.pk, owner="test")


def test_a_missing_rate_refuses_the_run_and_names_the_currency():
    customer(100, currency="GBP")
    run = queue_run(as_of=TODAY, at=timezone.now())
    with pytest.raises(UnableToProposeRun, match=r"no exchange rate .* for GBP"):
        propose_run(run_id=run.pk, owner="test")
    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "GBP" in run.message


def test_a_customer_that_left_needs_no_rate_and_gets_no_tier():
    left = customer(100, currency="GBP", status=Customer.Status.LEFT)
    run = applied()
    assert tiers() == {left.external_id: None}
    assert looked_at(run) == {left.pk}
    assert not run.decisions.exists()  # nothing to look at
    assert run.summary["guarded"] == {"left": 1}
    assert run.summary["decided"] == 0


def test_an_override_in_force_wins_and_the_suggestion_stays_beside_it():
    one = customer(10)
    override(one, "global")
    run = applied()
    row = decision(run, one)
    assert (row.decided_by, row.suggested.slug, row.effective.slug) == ("override", "scale", "global")
    assert run.summary["overridden"] == 1
    assert tiers() == {one.external_id: "global"}


@pytest.mark.parametrize(
    "period",
    [
        {"starts_on": TODAY + timedelta(days=1)},
        {"starts_on": TODAY - timedelta(days=9), "expires_on": TODAY},  # the first day it no longer holds
    ],
)
def test_an_override_outside_its_days_does_nothing(period):
    one = customer(10)
    override(one, "global", **period)
    assert decision(proposed(), one).effective.slug == "scale"


def with_guards(model, **guards):
    """The same rules with these guards, published as the next version."""
    other = TieringModel.objects.draft(
        name="With guards", definition={**model.definition, "guards": guards}, created_by_id=None
    )
    publish_model(model_id=other.pk, at=timezone.now())


def test_a_guard_that_bites_is_recorded_and_counted(model):
    one = customer(800000)
    applied()
    Customer.objects.filter(pk=one.pk).update(arr=740000)  # within 5 % of 750 000
    run = proposed()
    row = decision(run, one)
    assert (row.decided_by, row.guards, row.effective.slug) == ("dead_band", ["dead_band"], "global")
    assert (run.summary["guarded"], run.summary["moves"]) == ({"dead_band": 1}, 0)


def test_minimum_stay_yields_when_the_goals_changed(model):
    with_guards(model, minimum_stay={"days": 180}, dead_band=None)
    stays, moves = customer(800000), customer(800000)
    applied(as_of=TODAY - timedelta(days=30))
    Customer.objects.update(arr=10)
    factories.GoalFactory(customer=moves)
    run = proposed()
    assert decision(run, stays).decided_by == "minimum_stay"
    assert decision(run, moves).effective.slug == "scale"


def test_after_an_override_ends_minimum_stay_does_not_apply(model):
    with_guards(model, minimum_stay={"days": 180})
    one = customer(10)
    override(one, "global", expires_on=TODAY)
    applied(as_of=TODAY - timedelta(days=1))
    assert tiers() == {one.external_id: "global"}
    assert decision(proposed(), one).effective.slug == "scale"


def test_nor_does_it_where_the_override_came_and_went_between_two_runs(model):
    # No decision stands on the override; only the ledger says that it gave the tier held.
    with_guards(model, minimum_stay={"days": 180})
    one, moved = customer(10), customer(10)
    applied(as_of=TODAY - timedelta(days=300))
    slugs = dict(Tier.objects.values_list("slug", "pk"))
    for held, source in ((one, Source.OVERRIDE), (moved, Source.IMPORT)):
        set_tiers(
            changes=[TierChange(held.pk, slugs["scale"], slugs["global"])],
            on=TODAY - timedelta(days=30),
            decision=DecisionSource(kind=source, source_id=1),
        )
    held_for = {"starts_on": TODAY - timedelta(days=30), "expires_on": TODAY - timedelta(days=5)}
    override(one, "global", begun_at=timezone.now(), **held_for)
    run = proposed()
    assert decision(run, one).effective.slug == "scale"
    assert decision(run, moved).decided_by == "minimum_stay"


def test_once_a_run_has_looked_the_end_of_an_override_is_no_reason_any_more(model):
    """The model agrees with the tier that the override gave: from then on the customer stays as long as any other."""
    with_guards(model, minimum_stay={"days": 180})
    one = customer(10)
    applied(as_of=TODAY - timedelta(days=300))
    slugs = dict(Tier.objects.values_list("slug", "pk"))
    set_tiers(
        changes=[TierChange(one.pk, slugs["scale"], slugs["global"])],
        on=TODAY - timedelta(days=30),
        decision=DecisionSource(kind=Source.OVERRIDE, source_id=1),
    )
    override(
        one,
        "global",
        begun_at=timezone.now(),
        starts_on=TODAY - timedelta(days=30),
        expires_on=TODAY - timedelta(days=5),
    )
    Customer.objects.filter(pk=one.pk).update(arr=1_000_000)
    applied(as_of=TODAY - timedelta(days=4))
    Customer.objects.filter(pk=one.pk).update(arr=10)
    assert decision(proposed(), one).decided_by == "minimum_stay"


def test_the_paid_floor_holds():
    one = customer(10, paid_tier=Tier.objects.get(slug="enterprise"))
    row = decision(proposed(), one)
    assert (row.decided_by, row.effective.slug) == ("paid_floor", "enterprise")


def test_a_goals_run_decides_only_whose_goals_lifecycle_or_override_changed():
    new_goal, renewed, left, overridden, same = (customer(800000) for _ in range(5))
    applied()
    Customer.objects.update(arr=10)
    factories.GoalFactory(customer=new_goal)
    Customer.objects.filter(pk=renewed.pk).update(first_renewal_done=True)
    Customer.objects.filter(pk=left.pk).update(status=Customer.Status.LEFT)
    override(overridden, "enterprise")
    added = customer(5)
    run = applied(scope="goals")
    decided = set(run.decisions.values_list("customer_id", flat=True))
    assert decided == {new_goal.pk, renewed.pk, left.pk, overridden.pk, added.pk}
    assert tiers()[same.external_id] == "global"
    assert proposed(scope="goals").decisions.count() == 0  # they stand on their new decisions now


def test_the_same_facts_in_another_order_give_the_same_run():
    rows = [(100 * place**3 + place, place % 7 * 10) for place in range(60)]
    for place, (arr, health) in enumerate(rows):
        customer(arr, health=health, external_id=f"K{place:02d}")
    fields = ("customer__external_id", "segment", "score", "effective__slug", "reason", "guards")
    straight = list(proposed().decisions.order_by("customer__external_id").values_list(*fields))
    assert len(straight) == 60
    for model in (TierDecision, RunChunk, RunTally):
        model.objects.all().delete()
    RetierRun.objects.all().delete()
    Customer.objects.all().delete()
    for place, (arr, health) in reversed(list(enumerate(rows))):
        customer(arr, health=health, external_id=f"K{place:02d}")
    assert list(proposed().decisions.order_by("customer__external_id").values_list(*fields)) == straight
