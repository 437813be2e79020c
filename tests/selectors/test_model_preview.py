"""What a version would do today: numbers of a hand-made company, counted by the engine and stored nowhere."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import ExchangeRate, Tier
from allocation.engine.rules import UnusableRules
from allocation.models import RetierRun, TierDecision
from allocation.selectors import model_preview
from allocation.selectors.model_preview import RuleCount, preview_model
from allocation.snapshots.money import UnknownRate
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY
BIG = {"attribute": "arr", "op": ">=", "value": 500}
TELCO = {"attribute": "vertical", "op": "in", "value": ["Telco"]}
ILL = {"attribute": "health", "op": "<", "value": 40}
DEFINITION = {
    "segments": [{"name": "Large", "when": [BIG]}, {"name": "Small"}],
    "criteria": [
        {
            "name": "Health",
            "attribute": "health",
            "weight": 1,
            "scale": {"kind": "linear", "low": 0, "high": 100},
        }
    ],
    "touch": [{"touch": "high", "when": [ILL]}, {"touch": "low"}],
    "tiers": [{"tier": "top", "when": [BIG]}, {"tier": "middle", "when": [TELCO]}, {"tier": "base"}],
    "guards": {"dead_band": None},
}


@pytest.fixture(autouse=True)
def company(db):
    """Seven active customers and one that left.

    | customer | ARR | vertical | health | tier now | tier by the rules        |
    |----------|-----|----------|--------|----------|--------------------------|
    | A        | 900 | Telco    | 30     | top      | top                      |
    | B        | 500 |          | 50     | base     | top                      |
    | C        | 100 | Telco    | 39     | base     | middle                   |
    | D        | 100 | Telco    |        | none     | middle                   |
    | E        | 100 | Finance  | 90     | top      | base                     |
    | F        | 100 |          |        | base     | base                     |
    | G        | 100 |          |        | base     | base; pays for top       |
    | left     | 999 | Telco    | 10     | base     | not counted              |
    """
    top, _, base = (
        factories.TierFactory(slug=slug, name=slug.title(), rank=rank)
        for rank, slug in enumerate(("top", "middle", "base"), start=1)
    )
    telco, finance = (factories.VerticalFactory(name=name) for name in ("Telco", "Finance"))

    def customer(name, arr, vertical, health, tier, **more):
        since = None if tier is None else TODAY - timedelta(days=400)
        return factories.CustomerFactory(
            external_id=name,
            name=name,
            arr=arr,
            vertical=vertical,
            health=health,
            tier=tier,
            tier_since=since,
            **more,
        )

    return {
        "A": customer("A", 900, telco, 30, top),
        "B": customer("B", 500, None, 50, base),
        "C": customer("C", 100, telco, 39, base),
        "D": customer("D", 100, telco, None, None),
        "E": customer("E", 100, finance, 90, top),
        "F": customer("F", 100, None, None, base),
        "G": customer("G", 100, None, None, base, paid_tier=top),
        "left": customer("left", 999, telco, 10, base, status="left"),
    }


def preview(**changes):
    return preview_model(definition={**DEFINITION, **changes}, as_of=TODAY)


def test_each_rule_counts_who_matches_and_who_gets_it():
    found = preview()
    assert found.customers == 7
    # A and B are large; A, C and D are Telco, of whom A was taken by the rule above
    assert found.segments == (RuleCount(2, 2), RuleCount(7, 5))
    assert found.rules == (RuleCount(2, 2), RuleCount(3, 2), RuleCount(7, 3))
    assert found.touch == (RuleCount(2, 2), RuleCount(7, 5))
    assert found.criteria_known == (4,)


def test_tiers_moves_and_guards_are_counted():
    found = preview()
    # up: B, C and G (by the paid floor); down: E; D gets a first tier
    assert (found.moves, found.ups, found.downs, found.first_tiers) == (4, 3, 1, 1)
    lines = {line.tier.slug if line.tier else None: (line.before, line.after) for line in found.tiers}
    assert lines == {"top": (2, 3), "middle": (0, 2), "base": (4, 2), None: (1, 0)}
    assert found.held == (("Paid floor", 1),)
    assert (found.about, found.over_limit, found.undecided) == (False, False, 0)


def test_out_of_a_retired_tier_goes_neither_up_nor_down():
    """Base is retired, so its rules' place is taken by middle: B, C, F and G leave it, E comes down from top."""
    Tier.objects.filter(slug="base").update(retired=True)
    found = preview(tiers=[DEFINITION["tiers"][0], {"tier": "middle"}])
    assert (found.moves, found.ups, found.downs, found.from_retired) == (5, 0, 1, 4)
    assert found.directions == "0 up, 1 down, 4 from tiers no longer in use"
    assert {row.external_id: row.way for row in found.shown} == {
        "B": "none", "C": "none", "F": "none", "G": "none", "E": "down",
    }  # fmt: skip


def test_whom_a_guard_holds_back_is_listed_with_its_name():
    found = preview(guards={"dead_band": None, "minimum_stay": {"days": 500}}).held_shown
    assert [(row.name, row.guard, row.gets.slug, row.suggested.slug) for row in found] == [
        ("G", "Paid floor", "top", "base"),
        ("B", "Minimum stay", "base", "top"),
        ("C", "Minimum stay", "base", "middle"),
        ("E", "Minimum stay", "top", "base"),
    ]
    assert found[1].reason.startswith("minimum stay: the tier changed not long ago (the rules say Top: ")


def test_twenty_of_those_held_back_are_listed_and_none_for_counts():
    top = Tier.objects.get(slug="top")
    for _ in range(25):
        factories.CustomerFactory(arr=1, paid_tier=top, tier=top, tier_since=TODAY)
    found = preview()
    assert (found.held_back, len(found.held_shown)) == (26, 20)
    assert preview_model(definition=DEFINITION, as_of=TODAY, moves_shown=0).held_shown == ()


def test_a_guard_taken_out_holds_nobody():
    found = preview(guards={"dead_band": None, "paid_floor": False})
    assert (found.held, found.held_shown) == ((), ())


def test_the_change_limit_is_the_models_own():
    limit = {"percent": 5, "customers": 3}
    assert preview(guards={"dead_band": None, "change_limit": limit}).over_limit
    assert not preview(guards={"dead_band": None, "change_limit": {**limit, "customers": 4}}).over_limit


def test_moves_are_shown_from_the_top_with_their_reason():
    found = preview()
    assert [(row.external_id, row.before.slug, row.after.slug, row.way) for row in found.shown] == [
        ("B", "base", "top", "up"),
        ("G", "base", "top", "up"),
        ("C", "base", "middle", "up"),
        ("E", "top", "base", "down"),
    ]
    assert found.shown[0].reason.startswith("Top: ARR ≥ 500")
    assert found.shown[0].reason.endswith("ARR 500, health 50")
    assert found.shown[1].reason.startswith("paid floor")
    assert [row.score for row in found.shown] == ["50.00", "–", "39.00", "90.00"]
    assert len(preview_model(definition=DEFINITION, as_of=TODAY, moves_shown=2).shown) == 2


def test_nothing_is_stored_and_nobody_is_moved(company):
    preview()
    assert not RetierRun.objects.exists()
    assert not TierDecision.objects.exists()
    company["B"].refresh_from_db()
    assert company["B"].tier.slug == "base"


def test_customers_that_are_not_decided_are_counted():
    criteria = [{**DEFINITION["criteria"][0], "missing": "undecided"}]
    assert preview(criteria=criteria).undecided == 3  # D, F and G


def test_a_model_with_faults_is_refused():
    with pytest.raises(UnusableRules):
        preview(tiers=[])


def test_money_takes_the_rate_of_the_day_and_a_missing_one_is_a_sentence():
    factories.CustomerFactory(arr=Decimal(400), currency="GBP")
    with pytest.raises(UnknownRate, match="GBP"):
        preview()
    ExchangeRate.objects.create(currency="GBP", day=TODAY, rate=Decimal("0.8"), base="USD")
    assert preview().segments[0] == RuleCount(3, 3)  # 400 ÷ 0.8 is 500


def test_a_company_without_customers_is_no_error():
    for customer in model_preview.Customer.objects.all():
        customer.delete()
    found = preview()
    assert (found.customers, found.moves, found.shown) == (0, 0, ())


def test_above_the_limit_a_sample_stands_for_everyone(monkeypatch):
    """Every third customer, scaled to all: the numbers are about right and say so."""
    monkeypatch.setattr(model_preview, "EXACT_UP_TO", 40)
    for place in range(113):
        factories.CustomerFactory(arr=1000 if place % 2 else 10)
    found = preview()
    assert found.about
    assert found.customers == 120
    assert abs(found.segments[0].gets - 58) <= 12  # 56 and A and B are large
    assert sum(line.after for line in found.tiers) == pytest.approx(120, abs=2)


@pytest.mark.parametrize("limit", [40, 1000])
def test_a_sample_does_not_decide_which_rates_are_needed(monkeypatch, limit):
    """One customer of many has an amount without a rate: whoever is looked at, everybody's currencies count."""
    monkeypatch.setattr(model_preview, "EXACT_UP_TO", limit)
    made = [factories.CustomerFactory(arr=10) for _ in range(113)]
    for customer in made[50:53]:  # of three in a row a sample of every third has one, and two not
        model_preview.Customer.objects.filter(pk=customer.pk).update(currency="GBP")
        with pytest.raises(UnknownRate, match="GBP"):
            preview()
        model_preview.Customer.objects.filter(pk=customer.pk).update(currency="USD")
