"""The numbers in docs/engine/scoring.md and docs/engine/tiering.md are what the engine gives."""

import json
import re
from pathlib import Path

import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import DECIDERS, TierFacts
from allocation.engine.rule_clauses import OPS
from allocation.engine.rules import read_rules
from allocation.engine.whatif import nearest_changes
from tests.engine.tiering_facts import BY_ARR, TIERS, decide, rules, scores

DOCS = Path(__file__).resolve().parents[2] / "docs" / "engine"
TIERING = (DOCS / "tiering.md").read_text(encoding="utf-8")
SCORING = (DOCS / "scoring.md").read_text(encoding="utf-8")
PLACES = {"nothing": -1, **{tier.name: place for place, tier in enumerate(TIERS)}}


def worked_example():
    """(name, facts, tier in force, who decided) of each row of the table."""
    rows = []
    for line in TIERING.split("### Worked example")[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 5 or cells[0] in {"customer", "---"}:
            continue
        name, arr, holds, _, decision = cells
        row = {"arr": float(re.match(r"[\d ]+(\.\d+)?", arr)[0].replace(" ", "")), "current": PLACES[holds]}
        if paid := re.search(r"pays for (\w+)", arr):
            row["paid"] = PLACES[paid[1]]
        tier, _, why = decision.partition(": ")
        rows.append((name, row, PLACES[cells[3]], PLACES[tier], why))
    return rows


@pytest.mark.parametrize(("name", "row", "suggested", "tier", "why"), worked_example())
def test_the_worked_example_of_tiering_is_what_the_engine_gives(name, row, suggested, tier, why):
    found = decide(BY_ARR, [row])
    assert found.suggestions.tier.tolist() == [suggested]
    assert found.guards.effective.tolist() == [tier]
    by = DECIDERS[found.guards.decided_by[0]].value.replace("_", " ")
    assert why.startswith(by) if why and not why.startswith("two bounds") else by == "rule"


def test_the_worked_example_has_all_its_rows():
    assert [row[0] for row in worked_example()] == ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir"]


def test_the_nearest_change_of_alder_is_as_told():
    found = decide(BY_ARR, [{"arr": 151000}])
    change = nearest_changes(findings=found, rules=rules(BY_ARR), tiers=TIERS, rows=[0])[0]
    assert "For Alder it is an ARR of 142 499.99, which gives Scale." in TIERING
    assert (change.after, TIERS[change.tier].name) == (142499.99, "Scale")


def test_the_example_of_a_document_is_a_good_one():
    document = json.loads(re.search(r"```json\n(.*?)```", TIERING, re.DOTALL)[1])
    tiers = (TierFacts("enterprise", 1, "mid"), TierFacts("scale", 2, "low"))
    assert read_rules(definition=document, attributes=ATTRIBUTES, tiers=tiers)


def test_every_attribute_and_operator_is_documented():
    told = set(re.findall(r"`([^`]+)`", TIERING))
    assert set(ATTRIBUTES) <= told
    assert {op for ops in OPS.values() for op in ops} <= told


def criterion(scale, attribute="health", weight=1):
    return {"name": attribute, "attribute": attribute, "weight": weight, "scale": scale}


def test_the_examples_of_scales_are_what_the_engine_gives():
    linear = criterion({"kind": "linear", "low": 20, "high": 60})
    assert "a health of 30 gives 25" in SCORING
    assert scores([linear], {"health": 30}) == [25.0]
    log = criterion({"kind": "log", "low": 10000, "high": 1000000}, "arr")
    assert "an ARR of 100 000 gives 50" in SCORING
    assert scores([log], {"arr": 100000}) == [50.0]
    steps = criterion({"kind": "steps", "steps": [[10, 20], [50, 80]]})
    assert "10 gives 20, 49 gives 20, 50 gives 80" in SCORING
    assert scores([steps], {"health": 10}, {"health": 49}, {"health": 50}) == [20.0, 20.0, 80.0]
    choices = criterion({"kind": "choices", "points": {"Finance": 80}, "other": 30}, "vertical")
    assert "Telco gives 30" in SCORING
    assert scores([choices], {"vertical": "Telco"}) == [30.0]
    assert "of 10, 20, 20, 40: 12.5, 50, 50, 87.5" in SCORING
    rows = [{"health": value} for value in (10, 20, 20, 40)]
    assert scores([criterion({"kind": "percentile"})], *rows) == [12.5, 50.0, 50.0, 87.5]


def test_the_example_of_a_missing_value_is_what_the_engine_gives():
    full = {"kind": "linear", "low": 0, "high": 100}
    assert "scores 40, not 30" in SCORING
    assert scores([criterion(full, weight=3), criterion(full, "adoption")], {"health": 40}) == [40.0]


def test_the_example_of_contributions_is_what_the_engine_gives():
    full = {"kind": "linear", "low": 0, "high": 100}
    three = [criterion(full, name) for name in ("health", "adoption", "reputation")]
    found = decide({**BY_ARR, "criteria": three}, [{"health": 100, "adoption": 100, "reputation": 100}])
    assert "the contributions 33.34, 33.33 and 33.33" in SCORING
    assert found.scores.contributions.tolist() == [[3334, 3333, 3333]]


def test_the_example_of_shares_is_what_the_engine_gives():
    definition = {
        **BY_ARR,
        "segments": [
            {"name": "Top", "when": [{"attribute": "arr_share_above", "op": "<", "value": 50}]},
            {"name": "Rest", "when": []},
        ],
    }
    found = decide(definition, [{"arr": arr} for arr in (50, 25, 15, 10)])
    assert found.derived.numbers("arr_share_above").tolist() == [0.0, 50.0, 75.0, 90.0]
