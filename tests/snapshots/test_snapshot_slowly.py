"""A snapshot of a mixed world equals one that is made customer by customer, as people would write it first."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import CustomAttribute, Customer, ExchangeRate, Goal, Tier
from allocation.engine.facts.tiering import HeldTiers
from allocation.engine.kept import column_of, sources
from allocation.engine.rules import read_rules
from allocation.models import Override, Source, TierHolding, TierStanding
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run
from allocation.snapshots.customers import ALWAYS_KEPT, customer_snapshot, days
from allocation.snapshots.digests import digest
from allocation.snapshots.money import in_base
from allocation.snapshots.vocabulary import model_vocabulary
from tests import factories
from tests.services.retiering_cast import override, proposed

pytestmark = pytest.mark.django_db
TODAY = factories.TODAY
RATES = {"EUR": Decimal("0.86"), "CHF": Decimal("0.8")}
READ = (
    "arr", "potential_arr", "employees", "adoption", "health", "vertical", "region", "country", "package", "paid_tier",
    "champion", "first_renewal_done", "contract_start", "renewal_date", "currency", "has_parent", "attr:size", "attr:words",
    "attr:yes", "attr:day",
)  # fmt: skip


def world(count):
    """Customers of all sorts, each other value at its own pace."""
    for slug, kind in (("size", "number"), ("words", "choice"), ("yes", "yes_no"), ("day", "date")):
        CustomAttribute.objects.create(slug=slug, label=slug, kind=kind, choices=["a", "b"])
    verticals = [None, *(factories.VerticalFactory(name=name) for name in ("Telco", "Ünïcode", "Bank"))]
    kinds = [factories.GoalKindFactory(slug=f"goal-{letter}") for letter in "cab"]
    tiers = [None, *Tier.objects.order_by("rank")]
    held = {"size": 1.5, "words": "a", "yes": True, "day": "2026-02-28", "more": [1]}
    odd = {"size": "12.5", "words": 7, "yes": "yes", "day": "never"}
    rows = []
    for at in range(count):
        row = factories.CustomerFactory(
            arr=None if at % 7 == 3 else Decimal(at * at * 9173) / 100,
            potential_arr=None if at % 5 == 1 else Decimal(at * 771_911) / 100,
            currency=("USD", "EUR", "CHF")[at % 3],
            employees=None if at % 4 else at * 1000,
            adoption=None if at % 6 == 2 else Decimal(at % 100) + Decimal("0.05"),
            health=Decimal(at % 101),
            vertical=verticals[at % 4],
            country=("", "Norway", "Österreich")[at % 3],
            package=("Plus", "")[at % 2],
            paid_tier=tiers[at % 4] if at % 5 == 0 else None,
            champion=(None, True, False)[at % 3],
            first_renewal_done=(True, False, None, True)[at % 4],
            contract_start=None if at % 8 == 5 else TODAY - timedelta(days=at * 11),
            renewal_date=None if at % 9 == 5 else TODAY + timedelta(days=at * 3 - 40),
            products=[["Core"], [], ["Core", "Plus"]][at % 3],
            parent=rows[at - 1] if at % 10 == 9 else None,
            status=Customer.Status.LEFT if at % 12 == 11 else Customer.Status.ACTIVE,
            attributes=({}, held, odd, {"size": None})[at % 4],
        )
        rows.append(row)
        for kind in kinds[: at % 4]:
            factories.GoalFactory(customer=row, kind=kind, starts_on=TODAY - timedelta(days=20))
    return rows


@pytest.fixture
def mixed():
    """Some customers stand on a run; since then goals, overrides and customers came and went."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    rows = world(60)
    override(
        rows[4],
        "global",
        starts_on=TODAY - timedelta(days=9),
        expires_on=TODAY - timedelta(days=2),
        begun_at=timezone.now(),
    )
    day = TODAY - timedelta(days=5)
    for currency, rate in RATES.items():
        ExchangeRate.objects.create(currency=currency, rate=rate, day=day, base="USD")
    apply_run(run_id=proposed(as_of=day).pk, owner="test", at=timezone.now(), on=day)
    begun = {"begun_at": timezone.now()}
    override(rows[5], "enterprise", **begun)
    override(rows[6], "scale", starts_on=TODAY - timedelta(days=3), expires_on=TODAY, **begun)
    Goal.objects.filter(customer=rows[7]).update(ends_before=TODAY)
    factories.GoalFactory(customer=rows[8], kind=factories.GoalKindFactory(slug="goal-new"))
    factories.CustomerFactory(arr=Decimal(5))
    return rows


def rules_and_vocabulary():
    vocabulary = model_vocabulary()
    when = [{"attribute": name, "op": "known", "value": None} for name in READ]
    when.append({"attribute": "products", "op": "any_of", "value": ["Core"]})
    model = {
        "segments": [{"name": "All", "when": []}],
        "tiers": [{"tier": "global", "when": when}, {"tier": "scale", "when": []}],
        "guards": {"paid_floor": True, "renewal_freeze": 30},
    }
    rules = read_rules(
        definition=model,
        attributes=vocabulary.attributes,
        tiers=vocabulary.tiers,
        goal_kinds=vocabulary.goal_kinds,
    )
    return rules, vocabulary


def open_goals(customer):
    rows = Goal.objects.open_on(TODAY).filter(customer=customer).order_by("kind__slug", "pk")
    return tuple(rows.values_list("kind__slug", flat=True))


def overrides_of(customer):
    """(the one in force with its tier, the last of the others)"""
    force, ended = None, None
    every = Override.objects.in_force(TODAY) | Override.objects.begun_by(TODAY)
    for row in every.filter(customer=customer).order_by("pk"):
        if row.status == Override.Status.APPROVED and row.expires_on > TODAY:
            force = (row.pk, row.tier_id)
        else:
            ended = row.pk
    return force, ended


def lifecycle(customer):
    force, ended = overrides_of(customer)
    return digest(open_goals(customer), customer.status, customer.first_renewal_done, force or ended)


def value(customer, name):
    """Of one customer, as the engine is to see it; None is missing."""
    links = ("vertical", "region", "language")
    if name == "open_goals":
        return open_goals(customer)
    if name in ("arr", "potential_arr"):
        amount = getattr(customer, name)
        return None if amount is None else float(in_base(amount, customer.currency, rates=RATES, base="USD"))
    if name.startswith("attr:"):
        return custom(customer.attributes.get(name[5:]), name[5:])
    if name in links:
        return getattr(getattr(customer, name), "name", None)
    if name == "paid_tier":
        return getattr(customer.paid_tier, "slug", None)
    if name == "has_parent":
        return customer.parent_id is not None
    found = getattr(customer, name)
    if isinstance(found, Decimal | int) and not isinstance(found, bool):
        return float(found)
    return float(days(found)) if hasattr(found, "isoformat") else (None if found == "" else found)


def custom(held, slug):
    if held is None:
        return None
    if slug == "size":
        return float(held)
    if slug == "words":
        return str(held)
    if slug == "yes":
        return held if isinstance(held, bool) else None
    return {"2026-02-28": 20512.0}.get(held)


def held_slowly(customers, vocabulary, *, goals_only):
    found = HeldTiers.nothing(len(customers))
    stands = {row.customer_id: row for row in TierStanding.objects.all()}
    by_override = set(
        TierHolding.objects.current().set_by(Source.OVERRIDE).values_list("customer_id", flat=True)
    )
    for at, customer in enumerate(customers):
        force, before = overrides_of(customer)[0], stands.get(customer.pk)
        changed = before is None or before.lifecycle != lifecycle(customer)
        found.current[at] = vocabulary.place(customer.tier_id)
        found.paid[at] = vocabulary.place(customer.paid_tier_id)
        found.override[at] = -1 if force is None else vocabulary.place(force[1])
        found.since[at] = np.nan if customer.tier_since is None else days(customer.tier_since)
        found.goals_changed[at] = before is not None and before.goals != digest(open_goals(customer))
        ended = (customer.pk in by_override and changed) or (before and before.decided_by == "override")
        found.override_ended[at] = force is None and bool(ended)
        found.in_scope[at] = changed if goals_only else True
    return found


def same(fast, slow):
    assert type(fast) is type(slow)
    for name in slow.__dataclass_fields__:
        one, other = getattr(fast, name), getattr(slow, name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype, name
            np.testing.assert_array_equal(one, other, err_msg=name)
        else:
            assert one == other, name


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("goals_only", [False, True])
@pytest.mark.parametrize("also", [(), ("name",)])
@pytest.mark.parametrize("many", [1, 40_000])
def test_a_snapshot_is_what_each_customer_says(goals_only, also, many, monkeypatch):
    monkeypatch.setattr("allocation.snapshots.customers.MANY", many)
    rules, vocabulary = rules_and_vocabulary()
    fast = customer_snapshot(
        rules=rules,
        vocabulary=vocabulary,
        as_of=TODAY,
        rates=RATES,
        base="USD",
        goals_only=goals_only,
        also=also,
        in_parts=True,
    )
    customers = list(Customer.objects.order_by("pk").select_related("vertical", "paid_tier"))
    names = (*sources(rules), *ALWAYS_KEPT)
    assert set(fast.facts.columns) == set(names)
    for name in names:
        kind = vocabulary.attributes[name].kind
        same(fast.facts.columns[name], column_of(kind, [value(customer, name) for customer in customers]))
    same(fast.facts.held, held_slowly(customers, vocabulary, goals_only=goals_only))
    assert fast.keys.tolist() == [customer.pk for customer in customers]
    assert list(fast.facts.ids) == [customer.external_id for customer in customers]
    assert fast.facts.active.tolist() == [customer.status == "active" for customer in customers]
    assert fast.csm_ids.tolist() == [customer.csm_id or -1 for customer in customers]
    assert fast.lifecycles.tolist() == [lifecycle(customer) for customer in customers]
    assert fast.goals.tolist() == [digest(open_goals(customer)) for customer in customers]
    assert [row["name"] for row in fast.rows] == ([customer.name for customer in customers] if also else [])
    assert len(fast.digests) == (0 if also else len(customers))


@pytest.mark.usefixtures("mixed")
def test_who_stands_on_nothing_or_changed_goals_status_or_override_is_in_the_scope_of_a_goals_run(mixed):
    rules, vocabulary = rules_and_vocabulary()
    fast = customer_snapshot(
        rules=rules, vocabulary=vocabulary, as_of=TODAY, rates=RATES, base="USD", goals_only=True
    )
    scope = set(fast.keys[fast.facts.held.in_scope].tolist())
    assert {mixed[at].pk for at in (5, 6, 7, 8)} < scope
    assert len(scope) < 10


@pytest.mark.usefixtures("mixed")
def test_a_snapshot_takes_the_rates_of_the_currencies_it_meets_and_a_fixed_number_of_queries(
    django_assert_num_queries,
):
    rules, vocabulary = rules_and_vocabulary()
    given = {"rules": rules, "vocabulary": vocabulary, "as_of": TODAY, "base": "USD"}
    with django_assert_num_queries(6):
        assert customer_snapshot(**given, with_ids=False).rates == RATES
    with django_assert_num_queries(6 if connection.vendor == "postgresql" else 5):
        customer_snapshot(**given, rates=RATES, in_parts=True)
    with django_assert_num_queries(5):
        found = customer_snapshot(**given, rates=RATES, with_ids=False)
    assert list(found.facts.ids) == [str(key) for key in found.keys.tolist()]
