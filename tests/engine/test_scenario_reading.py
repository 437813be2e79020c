"""A scenario's definition is read as a whole; every fault has its sentence, and all are told at once."""

from decimal import Decimal

import pytest

from allocation.engine.facts.scenarios import (
    AddedHeads,
    AmountChange,
    BoundChange,
    OpenedGoal,
    Question,
    TierChange,
    Where,
)
from allocation.engine.scenario_reading import NAMES_SHOWN, UnusableScenario, read_scenario

NAMES = {
    "tier": ("global", "scale"),
    "goal kind": ("adoption", "expansion"),
    "vertical": ("Telco", "Finance"),
    "region": ("North",),
    "country": ("Chile",),
    "language": ("German",),
    "product": ("Core",),
    "team": ("Team A",),
    "policy": ("Three axes",),
    "policy field": ("max_moves_pct",),
    "CSM": ("Ada Book", "ada@example.com"),
}


def read(definition):
    return read_scenario(definition=definition, names=NAMES.__getitem__)


def faults(definition):
    with pytest.raises(UnusableScenario) as refusal:
        read(definition)
    return refusal.value.faults


def test_an_empty_definition_changes_nothing():
    assert read({}) == Question()


def test_what_a_definition_says_is_what_is_read():
    found = read(
        {
            "model": {
                "version": 2,
                "weights": {"ARR": 3.5},
                "bounds": [{"rule": "Global", "attribute": "arr", "value": 5}],
                "guards": "run out",
            },
            "tiers": {"global": {"cap": 8}, "scale": {"cap": None, "hours_a_year": 12}},
            "policy": {"name": "three axes", "max_moves_pct": 20},
            "roster": {
                "add": [{"heads": 2, "verticals": ["telco"], "team": "Team A"}],
                "without": ["Ada Book"],
            },
            "goals": {"close": ["adoption"], "open": [{"kind": "expansion", "where": {"region": ["North"]}}]},
            "engagement": {"as": "wished", "without_a_wish": "highest"},
            "amounts": [{"attribute": "arr", "change_pct": -10}],
            "books": "planned anew",
        }
    )
    assert (found.model.version, found.model.weights) == (2, {"ARR": Decimal("3.5")})
    assert found.model.bounds == (BoundChange("Global", "arr", Decimal(5)),)
    assert found.tiers == {"global": TierChange(True, 8), "scale": TierChange(True, None, 60)}
    assert (found.policy_name, found.policy) == ("Three axes", {"max_moves_pct": 20})
    assert found.added == (AddedHeads(2, verticals=("Telco",), team="Team A"),)
    assert found.without == {"Ada Book"}
    assert found.closed_goals == {"adoption"}
    assert found.opened_goals == (OpenedGoal("expansion", Where(region=("North",))),)
    assert found.amounts == (AmountChange("arr", Decimal(-10)),)
    assert found.run_out and found.as_wished and found.silent_take_highest and found.planned_anew


def test_names_are_asked_for_only_where_some_are_named():
    asked = []
    read_scenario(
        definition={"tiers": {"scale": {"cap": 3}}}, names=lambda kind: asked.append(kind) or ["scale"]
    )
    assert set(asked) == {"tier"}


BAD = [
    (None, "must be an object"),
    ([], "must be an object"),
    ({"modell": {}}, "unknown part “modell”; it may have model, tiers, policy"),
    ({"model": 3}, "The model must be an object"),
    ({"model": {"version": "x"}}, "The version of the model must be a number"),
    ({"model": {"version": 1.5}}, "must be a whole number"),
    ({"model": {"guards": "off"}}, "“as the model says” or “run out”"),
    ({"model": {"weights": {"ARR": -1}}}, "The weight of “ARR” must be from 0 to 1,000"),
    ({"model": {"weights": {"ARR": "much"}}}, "The weight of “ARR” must be a number"),
    ({"model": {"weights": [3]}}, "The weights must be an object"),
    ({"model": {"bounds": [{"rule": "Global"}]}}, "A bound names its rule, its attribute and its value."),
    ({"model": {"bounds": [{"rule": "G", "attribute": "arr", "value": None}]}}, "must be a number, not empty"),
    ({"model": {"definition": {}, "version": 1}}, "A whole definition stands for itself"),
    ({"tiers": {"gold": {"cap": 8}}}, "there is no tier “gold”; there is: global, scale."),
    ({"tiers": {"global": {"cap": -1}}}, "The cap of “global” must be from 0 to"),
    ({"tiers": {"global": {"cap": 1.5}}}, "must be a whole number"),
    ({"tiers": {"global": {"cap": True}}}, "must be a number"),
    ({"tiers": {"global": {"hours_a_year": 9000}}}, "must be from 0 to 8,760"),
    ({"tiers": {"global": {"hours": 3}}}, "unknown part “hours”; it may have cap, hours_a_year"),
    ({"policy": {"name": "Nobody's"}}, "there is no policy “Nobody's”; there is: Three axes."),
    ({"policy": {"is_active": True}}, "there is no policy field “is_active”"),
    ({"policy": []}, "The policy must be an object"),
    ({"roster": {"add": [{"heads": 0}]}}, "The heads to add must be from 1 to 500"),
    ({"roster": {"add": [{"heads": 300}, {"heads": 300}]}}, "At most 500 CSMs can be added, not 600."),
    ({"roster": {"add": [{"verticals": ["Space"]}]}}, "there is no vertical “Space”; there is: Telco, Finance."),
    ({"roster": {"add": [{"countries": ["Peru"]}]}}, "there is no country “Peru”; there is: Chile."),
    ({"roster": {"add": [{"verticals": "Telco"}]}}, "must be a list, not 'Telco'"),
    ({"roster": {"add": [{"team": "Team Z"}]}}, "there is no team “Team Z”"),
    ({"roster": {"add": [{"seniority": 6}]}}, "must be from 1 to 5"),
    ({"roster": {"add": [{"hours_per_month": 800}]}}, "must be from 0 to 744"),
    ({"roster": {"add": {}}}, "The CSMs to add must be a list"),
    ({"roster": {"without": ["Bob"]}}, "there is no CSM “Bob”; there is: Ada Book, ada@example.com."),
    ({"roster": {"without": [7]}}, "7 is no name of a CSM"),
    ({"goals": {"close": ["fun"]}}, "there is no goal kind “fun”; there is: adoption, expansion."),
    ({"goals": {"open": [{"where": {}}]}}, "None is no name of a goal kind"),
    ({"goals": {"close": ["adoption"], "open": [{"kind": "adoption"}]}}, "is both closed and opened"),
    ({"engagement": {"as": "paid"}}, "can be “wished”, not 'paid'"),
    ({"engagement": {}}, "can be “wished”, not None"),
    ({"engagement": {"as": "wished", "without_a_wish": "low"}}, "“keeps” or “highest”"),
    ({"amounts": [{"attribute": "sentiment", "change_pct": 1}]}, "'sentiment' cannot be changed; what can is arr,"),
    ({"amounts": [{"attribute": "arr", "change_pct": -101}]}, "must be from -100 to 1,000"),
    ({"amounts": [{"attribute": "arr"}]}, "must be a number, not empty"),
    ({"amounts": [{"attribute": "arr", "change_pct": 1, "where": {"team": []}}]}, "unknown part “team”"),
    ({"amounts": {}}, "The amounts must be a list"),
    ({"books": "new"}, "“as they are” or “planned anew”"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "said"), BAD)
def test_each_fault_has_its_sentence(definition, said):
    found = faults(definition)
    assert any(said in sentence for sentence in found), found
    assert all(sentence.endswith(".") for sentence in found)


def test_all_faults_are_told_at_once():
    assert len(faults({"books": "x", "tiers": {"gold": {}}, "amounts": 3, "other": 1})) == 4


def test_of_many_names_the_first_are_listed_and_the_rest_counted():
    many = [f"V{n:02}" for n in range(NAMES_SHOWN + 5)]
    with pytest.raises(UnusableScenario, match="V39 and 5 more"):
        read_scenario(definition={"roster": {"add": [{"verticals": ["X"]}]}}, names=lambda kind: many)
