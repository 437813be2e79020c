"""A run can be repeated from what it kept, whatever happened to the database since; and it is told when it cannot."""

import json

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import CustomAttribute, Customer, ExchangeRate, Goal, GoalKind, Tier
from allocation.engine.facts.tiering import NumberColumn
from allocation.engine.kept import pack_outcomes, unpack_outcomes
from allocation.engine.packing import pack, unpack
from allocation.models import RunChunk, TieringModel
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import UnableToRepeatRun, proposing, queue_run, repeat_run
from tests import factories
from tests.services.retiering_cast import applied, customer, proposed

pytestmark = pytest.mark.django_db

# Every scale, percentiles of everyone and of the segment, shares, goals, touch, a custom attribute, guards.
MODEL = {
    "segments": [
        {"name": "Big", "when": [{"attribute": "arr_share_above", "op": "<", "value": 50}]},
        {"name": "Rest", "when": []},
    ],
    "criteria": [
        {"name": "ARR", "attribute": "arr", "weight": 3, "scale": {"kind": "log", "low": 1000, "high": 1000000}},
        {"name": "Health", "attribute": "health", "scale": {"kind": "percentile", "within": "segment"}},
        {"name": "Rank", "attribute": "arr", "scale": {"kind": "percentile"}},
        {"name": "Seats", "attribute": "attr:seats", "scale": {"kind": "steps", "steps": [[10, 20], [50, 90]]}},
        {"name": "Field", "attribute": "vertical", "scale": {"kind": "choices", "points": {"Finance": 90}, "other": 5}},
    ],
    "touch": [
        {"touch": "high", "when": [{"attribute": "goals_ask_for", "op": "is", "value": "high"}]},
        {"touch": "low", "when": []},
    ],
    "goals": ["risk", "calm"],
    "tiers": [
        {"tier": "global", "when": [{"attribute": "touch", "op": "is", "value": "high"}]},
        {"tier": "enterprise", "when": [{"attribute": "score_percentile", "op": ">=", "value": 60}]},
        {"tier": "scale", "when": []},
    ],
    "guards": {"minimum_stay": {"days": 5}, "renewal_freeze": {"days": 30}},
}  # fmt: skip


@pytest.fixture
def company(db):
    """60 customers in two currencies, with goals, a custom attribute and gaps; decided once before."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    TieringModel.objects.update(status="retired")
    TieringModel.objects.create(number=9, name="Everything", definition=MODEL, status="published")
    CustomAttribute.objects.create(slug="seats", label="Seats", kind="number")
    GoalKind.objects.create(slug="risk", name="Risk", asks_for="high")
    GoalKind.objects.create(slug="calm", name="Calm")
    ExchangeRate.objects.create(currency="GBP", day=factories.TODAY, rate="0.75", base="USD")
    for place in range(60):
        one = customer(
            None if place % 13 == 0 else 97 * place**3 + 500,
            currency="GBP" if place % 3 else "USD",
            health=None if place % 7 == 0 else place,
            vertical=factories.VerticalFactory(name=("Finance", "Telco")[place % 2]),
            attributes={"seats": place} if place % 4 else {},
            paid_tier=Tier.objects.get(slug="enterprise") if place % 11 == 0 else None,
        )
        if place % 5 == 0:
            factories.GoalFactory(customer=one, kind=GoalKind.objects.get(slug=("risk", "calm")[place % 2]))
    applied(as_of=factories.TODAY)
    Customer.objects.filter(pk__in=[row.pk for row in Customer.objects.order_by("pk")[::9]]).update(arr=7)
    factories.GoalFactory(customer=Customer.objects.order_by("pk")[9], kind=GoalKind.objects.get(slug="risk"))
    customer(90000)
    customer(5, paid_tier=Tier.objects.get(slug="enterprise"))


def turn_everything_round():
    """A year of changes: nothing the run read is as it was."""
    Customer.objects.update(arr=1, health=1, currency="USD", attributes={}, first_renewal_done=True)
    ExchangeRate.objects.all().delete()
    Goal.objects.all().delete()
    GoalKind.objects.update(asks_for="tech")
    CustomAttribute.objects.update(slug="chairs", label="Chairs")
    Tier.objects.filter(slug="global").update(name="World", retired=True)
    ranks = dict(Tier.objects.values_list("pk", "rank"))
    for pk, rank in ranks.items():
        Tier.objects.filter(pk=pk).update(rank=100 - rank)


def test_a_year_later_every_decision_comes_out_the_same(company, monkeypatch):
    monkeypatch.setattr(proposing, "BATCH", 17)
    run = proposed()
    deciders = set(run.decisions.values_list("decided_by", flat=True))
    assert {"rule", "minimum_stay", "paid_floor"} <= deciders
    turn_everything_round()
    again = repeat_run(run_id=run.pk)
    assert (again.customers, again.different) == (62, ())


def test_a_goals_run_is_repeated_from_the_few_it_decided(company):
    run = proposed(scope="goals")  # a goal was opened, two customers are new
    turn_everything_round()
    again = repeat_run(run_id=run.pk)
    assert (again.customers, again.different) == (3, ())


def test_what_was_decided_otherwise_is_named(company):
    run = proposed()
    chunk = run.chunks.get()
    outcomes = unpack_outcomes(chunk.outcomes)
    outcomes.score[3] += 1
    RunChunk.objects.filter(pk=chunk.pk).update(outcomes=pack_outcomes(outcomes))
    key = int(outcomes.keys[3])
    assert repeat_run(run_id=run.pk).different == (Customer.objects.get(pk=key).external_id,)


def test_a_fact_that_was_tampered_with_is_seen_by_its_decisions(company):
    run = proposed()
    chunk = run.chunks.get()
    kept = unpack(chunk.facts)
    kept.columns["arr"] = NumberColumn(np.full(62, 5.0))
    RunChunk.objects.filter(pk=chunk.pk).update(facts=pack(columns=kept.columns, integers=kept.integers))
    assert len(repeat_run(run_id=run.pk).different) > 30


def test_a_run_that_kept_nothing_says_so(company):
    run = queue_run(as_of=factories.TODAY, at=timezone.now())
    with pytest.raises(UnableToRepeatRun, match="kept nothing to repeat it from"):
        repeat_run(run_id=run.pk)


def test_what_is_kept_of_a_run_takes_some_bytes_a_customer(company):
    """A JSON row a customer took about 500 (ADR 11); the digest that tells changed facts takes 8 of these alone."""
    chance = np.random.default_rng(11)
    verticals = list(Customer.objects.values_list("vertical_id", flat=True).distinct())
    Customer.objects.bulk_create(
        Customer(
            external_id=f"R{place:05d}",
            name="R",
            currency=("USD", "GBP")[place % 2],
            arr=round(float(chance.lognormal(10.8, 1.5)), 2),
            health=round(float(chance.beta(2, 3)) * 100, 1),
            vertical_id=verticals[int(chance.integers(len(verticals)))],
            attributes={"seats": int(chance.integers(500))},
        )
        for place in range(4000)
    )
    run = applied(as_of=factories.TODAY)
    again = repeat_run(run_id=run.pk)
    each = again.kept_bytes / again.customers
    crowd = len(json.dumps(run.population)) / again.customers
    print(f"{again.customers} customers: {each:.1f} bytes each in chunks, {crowd:.1f} of the crowd")
    assert (again.customers, again.different) == (4062, ())
    assert each < 30
    assert crowd < 30
    settled = proposed()
    assert settled.decisions.count() < 100  # who simply stays has no row
