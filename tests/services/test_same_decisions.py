"""Ten thousand customers, every kind of fact and rule: the same decisions on any database and in any order of rows.

The digest below was taken once. Both databases and every order of the rows must give it again; a change of it is a
change of somebody's tier.
"""

import hashlib
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import CustomAttribute, Customer, ExchangeRate, Goal, GoalKind, Region, Tier, Vertical
from allocation.models import Override, TierDecision, TieringModel
from tests import factories
from tests.playbooks.door import answer
from tests.statistics import take_statistics

pytestmark = pytest.mark.django_db

COUNT = 10_000
AS_OF = date(2024, 6, 28)  # a Friday long past, so that no run comes after it
DIGEST = "d1990020c08c7cfb9a4f77a7e249b1dee9bac758437fb2133bbb8ad12251c70b"
TIERS = [("gold", "high"), ("silver", "mid"), ("bronze", "low"), ("web", "tech"), ("self", "self_service")]
GOALS = {"save": "high", "grow": "mid", "move": "", "teach": ""}
RATES = {"EUR": "0.934579439252", "GBP": "0.790513833992", "JPY": "160.925", "CHF": "0.8984"}
VERTICALS = ["Finance", "Telco", "Retail", "Öffentliche Hand", "小売"]


def condition(attribute, op, value=None):
    return {"attribute": attribute, "op": op, "value": value}


def criterion(name, weight, missing=None, **scale):
    return {
        "name": f"{name} {scale['kind']} {weight}",
        "attribute": name,
        "weight": weight,
        "scale": scale,
        **(missing or {}),
    }


MODEL = {
    "goals": ["save", "move"],
    "segments": [
        {"name": "Key", "when": [{"any": [condition("arr_percentile", ">=", 97.5), condition("arr_share", ">", 0.05)]}]},
        {"name": "Bank", "when": [condition("vertical", "in", ["finance"]), condition("attr:licensed", "is", True)]},
        {"name": "Saved", "when": [condition("goal", "is", "save")]},
        {"name": "Rest", "when": []},
    ],
    "criteria": [
        criterion("arr", 3, kind="log", low=1000, high=1000000),
        criterion("arr", 1.125, kind="percentile"),
        criterion("expansion_potential", 2, kind="percentile", within="segment"),
        criterion("arr_share_above", 1, kind="linear", low=100, high=0),
        criterion("health", 2, {"missing": "points", "points": 50}, kind="linear", low=90, high=20),
        criterion("adoption", 1, kind="percentile", reverse=True),
        criterion("reputation", 1.333, kind="percentile", within="segment", reverse=True),
        criterion("employees", 0.7, kind="steps", steps=[[10, 10], [100, 45.5], [5000, 100]], below=1),
        criterion("products", 0.5, kind="choices", points={"Core": 10, "Mobile": 90}, other=33.3),
        criterion("champion", 0.5, kind="choices", points={"yes": 100, "no": 0}),
        criterion("attr:nps", 1, kind="linear", low=-100, high=100),
        criterion("attr:plan", 1, {"missing": "undecided"}, kind="choices", points={"big": 100, "small": 12.5}, other=50),
    ],
    "touch": [
        {"touch": "high", "when": [condition("goals_ask_for", "is", "high")]},
        {"touch": "mid", "when": [condition("score_percentile", ">=", 80)]},
        {"touch": "low", "when": [{"any": [condition("score", ">=", 40), condition("has_parent", "is", True)]}]},
        {"touch": "tech", "when": [condition("health_age", "<", 200)]},
        {"touch": "self_service", "when": []},
    ],
    "tiers": [
        {"tier": "gold", "when": [condition("arr_share_above", "<", 30)]},
        {"tier": "gold", "when": [condition("touch", "is", "high"), condition("segment", "is_not", "Rest")]},
        {"tier": "silver", "when": [{"any": [condition("touch", "in", ["high", "mid"]), condition("complexity", ">", 95)]}]},
        {"tier": "silver", "when": [condition("days_to_renewal", "between", [0, 30]), condition("sentiment", "<=", 2)]},
        {"tier": "bronze", "when": [condition("touch", "is", "low"), condition("open_goals", "none_of", ["teach"])]},
        {"tier": "bronze", "when": [condition("attr:since", ">=", "2023-06-01")]},
        {"tier": "web", "when": [condition("touch", "is", "tech"), condition("currency", "is_not", "JPY")]},
        {"tier": "self", "when": []},
    ],
    "guards": {
        "paid_floor": True,
        "first_year": {"touch_levels": ["tech", "self_service"]},
        "dead_band": {"points": 2, "percent": 5},
        "minimum_stay": {"days": 90},
        "renewal_freeze": {"days": 60},
    },
}  # fmt: skip


def maybe(chance, value):
    return None if chance.random() < 0.15 else value


def points(chance):
    return maybe(chance, Decimal(chance.randrange(0, 10_001)) / 100)


def some_day(chance, earliest, latest):
    return maybe(chance, AS_OF + timedelta(days=chance.randrange(earliest, latest)))


def imagined(chance, number, words):
    """Whole numbers and divisions by powers of ten alone, so that any machine imagines the same customer."""
    arr = maybe(chance, Decimal(chance.randrange(1, 1000) * 10 ** chance.randrange(2, 7)) / 100)
    attributes = {
        "nps": maybe(chance, chance.randrange(-100, 101)),
        "plan": None if chance.random() < 0.01 else chance.choice(["big", "Small", "other"]),
        "licensed": maybe(chance, chance.random() < 0.5),
        "since": maybe(chance, str(AS_OF - timedelta(days=chance.randrange(2000)))),
    }
    return Customer(
        external_id=f"{chance.choice(['c', 'C', 'é', 'Z'])}-{number}",
        name=f"Customer {number}",
        vertical_id=maybe(chance, chance.choice(words["verticals"])),
        region_id=maybe(chance, chance.choice(words["regions"])),
        arr=arr,
        currency=chance.choice(["USD", *RATES]),
        potential_arr=maybe(chance, round((arr or 700) * Decimal(chance.randrange(50, 400)) / 100, 2)),
        products=chance.sample(["Core", "Mobile", "Ünïcode"], chance.randrange(4)),
        employees=maybe(chance, chance.randrange(1, 20_000)),
        adoption=points(chance),
        health=points(chance),
        health_on=some_day(chance, -400, 1),
        sentiment=maybe(chance, chance.randrange(1, 6)),
        champion=maybe(chance, chance.random() < 0.5),
        reputation=points(chance),
        complexity=points(chance),
        paid_tier_id=chance.choice(words["tiers"]) if chance.random() < 0.1 else None,
        first_renewal_done=maybe(chance, chance.random() < 0.7),
        renewal_date=some_day(chance, -20, 365),
        status="left" if chance.random() < 0.02 else "active",
        attributes=attributes,
    )


def words_and_rates():
    """What customers name, and a model over all of it in force."""
    for place, (slug, level) in enumerate(TIERS, start=1):
        factories.TierFactory(slug=slug, rank=place, touch_level=level)
    for slug, level in GOALS.items():
        GoalKind.objects.create(slug=slug, name=slug, asks_for=level)
    for slug, kind in (("nps", "number"), ("plan", "choice"), ("licensed", "yes_no"), ("since", "date")):
        CustomAttribute.objects.create(slug=slug, label=slug, kind=kind)
    ExchangeRate.objects.bulk_create(
        ExchangeRate(currency=currency, day=AS_OF - timedelta(days=2), rate=Decimal(rate), base="USD")
        for currency, rate in RATES.items()
    )
    TieringModel.objects.create(number=1, name="Everything", definition=MODEL, status="published")
    return {
        "verticals": [Vertical.objects.create(name=name).pk for name in VERTICALS],
        "regions": [Region.objects.create(name=name).pk for name in ("North", "South")],
        "tiers": list(Tier.objects.order_by("rank").values_list("pk", flat=True)),
    }


def write(order):
    """The company, its rows written in an order of its own."""
    words = words_and_rates()
    chance = random.Random(20240628)
    customers = [imagined(chance, number, words) for number in range(COUNT)]
    parents = [(chance.randrange(COUNT), chance.randrange(COUNT)) for _ in range(300)]
    goals = [(chance.randrange(COUNT), chance.choice(list(GOALS))) for _ in range(2500)]
    overridden = sorted({chance.randrange(COUNT) for _ in range(60)})
    order.shuffle(shuffled := list(customers))
    Customer.objects.bulk_create(shuffled, batch_size=500)
    ids = dict(Customer.objects.values_list("external_id", "pk"))
    pk = [ids[customer.external_id] for customer in customers]
    for child, parent in parents:
        if child > parent:
            Customer.objects.filter(pk=pk[child]).update(parent_id=pk[parent])
    kinds = dict(GoalKind.objects.values_list("slug", "pk"))
    opened = [
        Goal(customer_id=pk[at], kind_id=kinds[slug], starts_on=AS_OF) for at, slug in dict.fromkeys(goals)
    ]
    order.shuffle(opened)
    Goal.objects.bulk_create(opened, batch_size=500)
    asking, deciding = factories.UserFactory(), factories.UserFactory()
    Override.objects.bulk_create(
        Override(
            customer_id=pk[at],
            tier_id=words["tiers"][at % len(TIERS)],
            reason_kind="other",
            words="An exception.",
            starts_on=AS_OF,
            expires_on=AS_OF + timedelta(days=90),
            status="approved",
            asked_by=asking,
            decided_by=deciding,
            decided_at=datetime(2024, 6, 28, tzinfo=UTC),
            decided_words="Agreed",
        )
        for at in overridden
    )


def decisions(run):
    """A line a customer, in the order of external ids."""
    rows = TierDecision.objects.filter(run=run, customer__status="active").values_list(
        "customer__external_id", "segment", "score", "suggested__slug", "effective__slug", "decided_by"
    )
    return sorted("|".join(str(value) for value in row) for row in rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_database_and_any_order_of_rows_give_these_decisions(seed):
    write(random.Random(seed))
    take_statistics()
    run = answer("retier", "--as-of", str(AS_OF))
    lines = decisions(run["run"])
    assert len(lines) == Customer.objects.filter(status="active").count()
    # everything that can decide on a first run does, and every tier is given
    deciders = Counter(line.rsplit("|", 1)[1] for line in lines)
    assert set(deciders) == {"rule", "paid_floor", "first_year", "undecided", "override"}
    assert set(run["tiers"]) == {slug for slug, _ in TIERS}
    assert min(run["tiers"].values()) >= 50
    assert {line.split("|")[1] for line in lines} == {"Key", "Bank", "Saved", "Rest"}
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == DIGEST
