"""What the editor offers to choose from, and where it says that a fault lies."""

import pytest

from accounts.models import CustomAttribute
from allocation.engine.facts.attributes import ATTRIBUTES, Kind
from allocation.engine.rule_clauses import OPS
from allocation.selectors.model_editor import OP_WORDS, catalogue, located_faults
from allocation.snapshots.vocabulary import model_vocabulary
from tests import factories
from tests.queries.counting import queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tiers(db):
    factories.TierFactory(slug="top", name="Top", rank=1)
    factories.TierFactory(slug="base", name="Base", rank=2)


def offered():
    return catalogue(vocabulary=model_vocabulary())


def attributes():
    return {each["name"]: each for group in offered()["groups"] for each in group["attributes"]}


def test_every_attribute_is_offered_once_and_none_is_left_over():
    names = [each["name"] for group in offered()["groups"] for each in group["attributes"]]
    assert sorted(names) == sorted(ATTRIBUTES)
    assert "More" not in {group["label"] for group in offered()["groups"]}


def test_every_operator_has_its_words():
    ops = offered()["ops"]
    for kind in Kind:
        assert {op for op, _ in ops[kind.value]} == OPS[kind], kind
    assert all(words for named in OP_WORDS.values() for _, words in named)


def test_words_are_those_that_customers_have_or_that_people_keep():
    factories.VerticalFactory(name="Telco")
    factories.GoalKindFactory(slug="expansion", name="Expansion")
    factories.CustomerFactory(package="gold", country="Peru", products=["crm", "erp"])
    factories.CustomerFactory(package="gold", country="", products=["crm"])
    factories.CustomerFactory(package="forgotten", status="left")
    found = attributes()
    assert found["vertical"]["words"] == [("Telco", "Telco")]
    assert found["package"]["words"] == [("gold", "gold")]
    assert found["country"]["words"] == [("Peru", "Peru")]
    assert found["products"]["words"] == [("crm", "crm"), ("erp", "erp")]
    assert found["open_goals"]["words"] == [("expansion", "Expansion")]
    assert found["paid_tier"]["words"] == [("top", "Top"), ("base", "Base")]
    assert found["touch"]["words"][0] == ("high", "High touch")


def test_own_attributes_are_offered_with_their_values():
    CustomAttribute.objects.create(slug="grade", label="grade", kind="choice", choices=["a", "b"])
    CustomAttribute.objects.create(slug="mood", label="mood", kind="choice")
    CustomAttribute.objects.create(slug="seats", label="seats", kind="number")
    factories.CustomerFactory(attributes={"mood": "bright"})
    factories.CustomerFactory(attributes={"mood": "bright", "seats": 3})
    found = attributes()
    assert found["attr:grade"]["words"] == [("a", "a"), ("b", "b")]
    assert found["attr:mood"]["words"] == [("bright", "bright")]
    assert (found["attr:seats"]["kind"], "words" in found["attr:seats"]) == ("number", False)


def test_very_many_words_are_capped():
    for place in range(205):
        factories.CustomerFactory(package=f"package {place:03}")
    assert len(attributes()["package"]["words"]) == 200


def test_the_catalogue_asks_as_often_at_any_size():
    factories.CustomerFactory(package="one")
    few = len(queries_of(offered))
    for place in range(20):
        factories.CustomerFactory(package=str(place), products=[str(place)])
    assert len(queries_of(offered)) == few


DEFINITION = {
    "segments": [{"name": "Everyone"}],
    "criteria": [],
    "tiers": [{"tier": "top", "when": [{"attribute": "arr", "op": ">=", "value": 5}]}, {"tier": "base"}],
}
SHOE = {"attribute": "shoe_size", "op": ">=", "value": 43}
EMPTY = {"attribute": "arr", "op": ">=", "value": ""}
SCALE = {"kind": "linear", "low": 5, "high": 5}


@pytest.mark.parametrize(
    ("change", "places"),
    [
        ({}, []),
        ({"tiers": [{"tier": "top", "when": [EMPTY]}, {"tier": "base"}]}, [("tiers", 0)]),
        # two rules for one tier, and the second has the fault
        (
            {"tiers": [DEFINITION["tiers"][0], {"tier": "top", "when": [SHOE]}, {"tier": "base"}]},
            [("tiers", 1)],
        ),
        # a rule that was just added: it takes everyone, and the sentence names its place
        (
            {"tiers": [DEFINITION["tiers"][0], {"tier": "top", "when": []}, {"tier": "base"}]},
            [("tiers", 1)],
        ),
        # faults of several places are each said at theirs
        (
            {"segments": [{"name": "A", "when": [EMPTY]}, {"name": "B", "when": []}, {"name": "C"}]},
            [("segments", 0), ("segments", 1)],
        ),
        ({"tiers": DEFINITION["tiers"][:1]}, [("tiers", -1)]),
        ({"tiers": []}, [("tiers", -1)]),
        ({"segments": [{"name": "A", "when": [EMPTY]}, {"name": "B"}]}, [("segments", 0)]),
        ({"segments": [{"name": "", "when": []}]}, [("segments", 0)]),
        # the sentence is about both, so it belongs to the part
        (
            {"segments": [{"name": "A", "when": [SHOE | {"attribute": "arr"}]}, {"name": "A"}]},
            [("segments", -1)],
        ),
        ({"criteria": [{"attribute": "health", "weight": 1, "scale": SCALE}]}, [("criteria", 0)]),
        ({"touch": [{"touch": "nowhere"}]}, [("touch", 0)]),
        ({"goals": ["nonsense"]}, [("goals", -1)]),
        ({"guards": {"minimum_stay": {"days": "many"}}}, [("guards", -1)]),
        ({"nonsense": 1}, [("", -1)]),
        # the same sentence twice: it is said at the first
        ({"tiers": [{"tier": "top", "when": [SHOE, SHOE]}, {"tier": "base"}]}, [("tiers", 0), ("tiers", 0)]),
    ],
)
def test_a_fault_is_said_where_it_lies(change, places):
    found = located_faults(definition={**DEFINITION, **change})
    assert [(fault.part, fault.index) for fault in found] == places


def test_a_document_that_is_none_has_its_fault_nowhere():
    assert [(fault.part, fault.index) for fault in located_faults(definition=[])] == [("", -1)]
