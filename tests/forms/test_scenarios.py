"""The form of a scenario: only what differs from today, nothing lost on the way there and back, faults at their field."""

import copy
from decimal import Decimal

import pytest

from allocation.forms.scenario_definition import composed, merged, taken_apart
from allocation.forms.scenarios import ScenarioForm
from allocation.models import AllocationPolicy
from allocation.selectors.scenario_ground import BoundNow, Ground, TierNow, WeightNow
from allocation.selectors.scenario_presets import presets


@pytest.fixture
def today():
    """No database: what the form shows is in the ground."""
    return Ground(
        versions=((2, "Version 2: Now (published)"), (1, "Version 1: Before (retired)")),
        published=2,
        version=2,
        weights=(WeightNow("Revenue", Decimal(4)), WeightNow("Health", Decimal("1.5"))),
        bounds=(BoundNow("global", "Global", "arr", "ARR at least", Decimal(750_000)),),
        tiers=(
            TierNow("global", "Global", 1, 5, Decimal("120.5"), True),
            TierNow("scale", "Scale", 2, None, Decimal(6), True),
            TierNow("self", "Self", 3, None, Decimal(0), False),
        ),
        policies=(
            AllocationPolicy(name="Usual", is_active=True),
            AllocationPolicy(name="Resting", weight_hours=1),
        ),
        goal_kinds=(("adoption", "Adoption"), ("expansion", "Expansion")),
        verticals=("Retail", "Telco"),
        regions=("EMEA",),
        languages=("German",),
        countries=("Germany",),
        csms=(("ada@example.com", "Ada"), ("Ben", "Ben")),
    )


def sent(today, definition=None, **typed):
    """What a browser would send back of the form over this definition, with something typed over it."""
    form = ScenarioForm(ground=today, definition=definition or {}, initial={"name": "What if"})
    values = {}
    for name in form.fields:
        shown = form[name].value()
        if shown is not None and shown is not False and shown not in ("", []):
            values[name] = (
                "on" if (shown is True and name in ("guards", "books")) or name.startswith("nocap") else shown
            )
    return values | typed


def asked(today, definition=None, **typed):
    form = ScenarioForm(sent(today, definition, **typed), ground=today)
    assert form.is_valid(), form.errors
    return form.definition


def criterion_and_bound(today):
    return today.weights[0], today.bounds[0]


def test_an_untouched_form_asks_for_nothing(today):
    assert asked(today) == {}


def test_what_stands_as_it_is_today_is_left_out(today):
    weight, bound = criterion_and_bound(today)
    served = next(tier for tier in today.tiers if tier.cap)
    policy = today.policy("")
    typed = {
        "weight_0": str(weight.value),
        "bound_0": str(bound.value),
        f"cap_{served.slug}": str(served.cap),
        f"hours_{served.slug}": f"{served.hours:f}",
        "policy": policy.name,
        "policy_weight_hours": str(policy.weight_hours),
        "policy_vertical_fit": policy.vertical_fit,
    }
    assert asked(today, **typed) == {}


def test_each_field_says_its_part_of_the_definition(today):
    weight, bound = criterion_and_bound(today)
    served = next(tier for tier in today.tiers if tier.cap)
    typed = {
        "weight_0": "7.5", "bound_0": str(bound.value + 1), "guards": "on", "books": "on",
        f"cap_{served.slug}": str(served.cap + 1), f"hours_{served.slug}": "99",
        "policy_weight_hours": "11", "policy_country_law": "True",
        "add_0_heads": "2", "add_0_vertical": today.verticals[0], "add_0_hours": "120",
        "without": [today.csms[0][0]], "close": [today.goal_kinds[0][0]], "open_0_kind": today.goal_kinds[0][0],
        "open_0_tier": served.slug, "engagement": "wished, highest", "amount_0_attribute": "arr", "amount_0_change": "-10",
    }  # fmt: skip
    assert asked(today, **typed) == {
        "model": {
            "weights": {weight.criterion: 7.5},
            "bounds": [{"rule": bound.rule, "attribute": bound.attribute, "value": int(bound.value + 1)}],
            "guards": "run out",
        },
        "tiers": {served.slug: {"cap": served.cap + 1, "hours_a_year": 99}},
        "policy": {"country_law": True, "weight_hours": 11},
        "roster": {
            "add": [{"heads": 2, "verticals": [today.verticals[0]], "hours_per_month": 120}],
            "without": [today.csms[0][0]],
        },
        "goals": {
            "close": [today.goal_kinds[0][0]],
            "open": [{"kind": today.goal_kinds[0][0], "where": {"tier": [served.slug]}}],
        },
        "amounts": [{"attribute": "arr", "change_pct": -10}],
        "engagement": {"as": "wished", "without_a_wish": "highest"},
        "books": "planned anew",
    }


def definitions(today):
    weight, bound = criterion_and_bound(today)
    tier = today.tiers[0].slug
    return [
        {},
        {"model": {"weights": {weight.criterion: 9}, "bounds": [{"rule": bound.rule, "attribute": bound.attribute, "value": 1.5}]}},
        {"model": {"weights": {"Unknown": 3}, "guards": "run out"}},
        {"model": {"definition": {"segments": [{"name": "Everyone"}]}}},
        {"tiers": {tier: {"cap": None, "hours_a_year": 0}, "gone": {"cap": 3}}},
        {"policy": {"weight_arr": 5, "handover_days": 9}},
        {"roster": {"add": [{"heads": 2, "verticals": ["A", "B"]}, {"heads": 1, "products": ["Core"]}, {"heads": 3, "verticals": [today.verticals[0]]}], "without": ["nobody@example.com", today.csms[0][0]]}},
        {"goals": {"close": ["unknown", today.goal_kinds[0][0]], "open": [{"kind": today.goal_kinds[0][0], "where": {"vertical": ["A", "B"]}}]}},
        {"engagement": {"as": "wished", "without_a_wish": "keeps"}},
        {"amounts": [{"attribute": "health", "change_pct": 2.5, "where": {"country": [today.countries[0]]}}]},
        {"books": "planned anew"},
        {"policy": {"name": "Resting", "weight_fit": 3, "country_law": True, "region_fit": "hard"}},
        {"roster": "nonsense", "amounts": {"arr": 1}, "later": [1]},
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(13))
def test_a_definition_comes_back_whole_from_the_form_that_shows_it(today, place):
    definition = definitions(today)[place]
    before = copy.deepcopy(definition)
    assert unordered(asked(today, definition)) == unordered(definition)
    assert definition == before


def unordered(definition):
    """Lists of a definition say the same in any order."""
    if isinstance(definition, dict):
        return {name: unordered(part) for name, part in definition.items()}
    if isinstance(definition, list):
        return sorted((unordered(part) for part in definition), key=repr)
    return definition


def test_what_the_form_has_no_room_for_stays_in_the_box(today):
    definition = {"roster": {"add": [{"heads": 2, "verticals": ["A", "B"]}, {"heads": 1}]}}
    values, rest = taken_apart(definition, today)
    assert values["add_0_heads"] == 1
    assert rest == {"roster": {"add": [{"heads": 2, "verticals": ["A", "B"]}]}}
    assert composed(values | {"more": rest}, today)["roster"]["add"] == [
        {"heads": 1}, {"heads": 2, "verticals": ["A", "B"]},
    ]  # fmt: skip


def test_the_box_is_put_together_with_the_fields():
    assert merged({"a": {"x": 1}, "l": [1]}, {"a": {"y": 2}, "l": [1, 2], "b": 3}) == {
        "a": {"x": 1, "y": 2},
        "l": [1, 2],
        "b": 3,
    }


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"weight_0": "-1"}, "weight_0"),
        ({"add_0_vertical": "first"}, "add_0_heads"),  # a row with a vertical and no number
        ({"amount_0_attribute": "arr"}, "amount_0_change"),
        ({"amount_0_change": "5"}, "amount_0_attribute"),
        ({"open_0_tier": "global"}, "open_0_kind"),
        ({"amount_0_attribute": "arr", "amount_0_change": "-101"}, "amount_0_change"),
        ({"more": "[1]"}, "more"),
        ({"more": "{"}, "more"),
        ({"cap_global": "3", "nocap_global": "on"}, "cap_global"),
        ({"shown_version": "99"}, "version"),
    ],
)
def test_a_fault_is_said_at_its_field(today, typed, field):
    typed = {name: today.verticals[0] if value == "first" else value for name, value in typed.items()}
    form = ScenarioForm(sent(today, **typed), ground=today)
    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_presets_say_what_their_titles_say(today):
    found = {one.key: one for one in presets(ground=today, vertical=today.verticals[0])}
    assert set(found) == {"caps", "heads", "wishes", "highest", "arr", "guards"}
    assert found["heads"].definition["roster"] == {"add": [{"heads": 2, "verticals": [today.verticals[0]]}]}
    # Two tiers have a CSM here, so two caps.
    assert found["caps"].title == "Caps 8 / 20"
    assert found["caps"].definition["tiers"] == {"global": {"cap": 8}, "scale": {"cap": 20}}
    for one in found.values():
        assert unordered(asked(today, one.definition)) == unordered(one.definition)


def test_a_resting_policy_is_named_and_compared_with(today):
    assert asked(today, policy="Resting", policy_weight_hours="1") == {"policy": {"name": "Resting"}}


def test_there_is_always_an_empty_row_for_another(today):
    rows = [{"heads": number} for number in (1, 2, 3, 4)]
    form = ScenarioForm(ground=today, definition={"roster": {"add": rows}})
    assert len(form.add_rows()) == 5
    assert len(ScenarioForm(ground=today).add_rows()) == 3
