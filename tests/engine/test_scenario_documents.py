"""Weights and bounds are put into a copy of the model's document, where exactly one place is meant."""

import copy
from decimal import Decimal

import pytest

from allocation.engine.facts.scenarios import BoundChange, ModelChange
from allocation.engine.scenario_documents import altered_document, bound_now, weight_now
from allocation.engine.scenario_reading import UnusableScenario

DOCUMENT = {
    "segments": [
        {"name": "Large", "when": [{"any": [{"attribute": "arr", "op": ">=", "value": 100}, {"all": [
            {"attribute": "employees", "op": ">", "value": 10}, {"attribute": "health", "op": "between", "value": [1, 2]}]}]}]},
        {"name": "All", "when": []},
    ],
    "criteria": [{"name": "Revenue", "attribute": "arr", "weight": 4}, {"attribute": "health"}],
    "touch": [{"touch": "high", "when": [{"attribute": "score", "op": ">=", "value": 50}]}, {"touch": "low", "when": []}],
    "tiers": [
        {"tier": "gold", "when": [{"attribute": "score", "op": ">=", "value": 70}, {"attribute": "score", "op": "<", "value": 90}]},
        {"tier": "tin", "when": []},
    ],
}  # fmt: skip


def put(*bounds, **weights):
    change = ModelChange(
        weights={name: Decimal(str(value)) for name, value in weights.items()},
        bounds=tuple(BoundChange(rule, attribute, Decimal(str(value))) for rule, attribute, value in bounds),
    )
    return altered_document(document=DOCUMENT, change=change)


def refusal(*bounds, **weights):
    with pytest.raises(UnusableScenario) as refused:
        put(*bounds, **weights)
    return str(refused.value)


def test_a_weight_is_put_where_its_criterion_stands_and_the_document_stays_as_it_was():
    before = copy.deepcopy(DOCUMENT)
    found = put(Revenue=3, health=1.5)
    assert [row["weight"] for row in found["criteria"]] == [3, 1.5]
    assert before == DOCUMENT


@pytest.mark.parametrize(
    ("bound", "where"),
    [
        (("Large", "arr", 50), lambda d: d["segments"][0]["when"][0]["any"][0]),
        (("Large", "employees", 5), lambda d: d["segments"][0]["when"][0]["any"][1]["all"][0]),
        (("high", "score", 40), lambda d: d["touch"][0]["when"][0]),
    ],
)
def test_a_bound_is_found_in_segments_touch_rules_and_tiers_and_within_groups(bound, where):
    assert where(put(bound))["value"] == bound[2]


def test_what_is_not_there_is_refused_with_what_is():
    assert "no criterion “Fun”; there is: Revenue, health." in refusal(Fun=1)
    assert "no rule “Small”; there is: All, Large, gold, high, low, tin." in refusal(("Small", "arr", 1))
    assert "“Large” has no bound of health; it has bounds of: arr, employees." in refusal(
        ("Large", "health", 1)
    )


def test_names_are_found_in_other_letters_and_as_written_first():
    assert put(revenue=2)["criteria"][0]["weight"] == 2
    assert put(("LARGE", "arr", 7))["segments"][0]["when"][0]["any"][0]["value"] == 7
    both = {
        "segments": [{"name": "Gold", "when": [{"attribute": "arr", "op": ">=", "value": 1}]}],
        "tiers": [{"tier": "gold", "when": [{"attribute": "arr", "op": ">=", "value": 2}]}],
    }
    found = altered_document(
        document=both, change=ModelChange(bounds=(BoundChange("gold", "arr", Decimal(9)),))
    )
    assert [found[part][0]["when"][0]["value"] for part in ("segments", "tiers")] == [1, 9]


def test_where_two_bounds_could_be_meant_neither_is_changed():
    assert "has 2 bounds of score: give the whole definition" in refusal(("gold", "score", 60))


def test_a_whole_definition_stands_in_for_the_document():
    assert altered_document(document=DOCUMENT, change=ModelChange(definition={"tiers": []})) == {"tiers": []}


def test_what_stands_there_now_can_be_said():
    assert weight_now(document=DOCUMENT, name="Revenue") == 4
    assert weight_now(document=DOCUMENT, name="health") == 1
    assert bound_now(document=DOCUMENT, bound=BoundChange("high", "score", Decimal(1))) == 50
    assert bound_now(document=DOCUMENT, bound=BoundChange("gold", "score", Decimal(1))) is None


@pytest.mark.parametrize(
    "odd", [None, [], {"segments": 3}, {"tiers": [None, {"when": 7}]}, {"criteria": [{}]}]
)
def test_odd_documents_are_refused_by_the_sentence_and_not_by_an_error(odd):
    with pytest.raises(UnusableScenario):
        altered_document(
            document=odd,
            change=ModelChange(weights={"A": Decimal(1)}, bounds=(BoundChange("x", "y", Decimal(1)),)),
        )
