"""Small customer lists with the tiers they must get: read, correct and add rows without knowing the code.

`tiering/NAME.csv` has a customer a line, with what it holds and pays for, and the segment, tier and decider it must get.
`tiering/NAME.json` has the tiers from the highest down and the model; without it they are those of the playbook NAME.
"""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from allocation.engine.facts.attributes import ATTRIBUTES, Kind
from allocation.engine.facts.tiering import DECIDERS, TierFacts
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers
from tests.engine.tiering_facts import facts

FOLDER = Path(__file__).parent / "tiering"
PLAYBOOKS = Path(__file__).resolve().parents[2] / "allocation" / "playbooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.csv"))


def set_up(name: str) -> tuple[tuple[TierFacts, ...], dict[str, Any], dict[str, str] | None]:
    """Tiers, model, and what each goal kind asks for (None: the scenario names no kinds)."""
    own = FOLDER / f"{name}.json"
    if own.exists():
        file = json.loads(own.read_text(encoding="utf-8"))
        tiers = tuple(TierFacts(slug, rank, level) for rank, (slug, level) in enumerate(file["tiers"], 1))
        return tiers, file["model"], None
    file = json.loads((PLAYBOOKS / f"{name}.json").read_text(encoding="utf-8"))
    tiers = tuple(
        TierFacts(tier["slug"], tier["rank"], tier["touch_level"], tier["name"]) for tier in file["tiers"]
    )
    return tiers, file["model"], {kind["slug"]: kind.get("asks_for", "") for kind in file["goal_kinds"]}


def value(kind: Kind, text: str) -> Any:
    if kind is Kind.SET:
        return text.split(";") if text else []
    if not text:
        return None
    readers = {
        Kind.NUMBER: float,
        Kind.DATE: date.fromisoformat,
        Kind.FLAG: {"yes": True, "no": False}.__getitem__,
    }
    return readers.get(kind, str)(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_customer_of_a_scenario_gets_its_tier(name: str) -> None:
    tiers, model, goal_kinds = set_up(name)
    places = {tier.slug: place for place, tier in enumerate(tiers)} | {"": -1}
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = [
        {
            **{
                key: value(ATTRIBUTES[key].kind, text)
                for key, text in row.items()
                if key in ATTRIBUTES and key != "segment"
            },
            "current": places[row["holds"]],
            "paid": places[row.get("pays_for") or ""],
        }
        for row in rows
    ]
    rules = read_rules(definition=model, attributes=ATTRIBUTES, tiers=tiers, goal_kinds=goal_kinds)
    found = decide_tiers(facts=facts(known), rules=rules, tiers=tiers)
    given = [
        (row["id"], rules.segments[segment].name, tiers[tier].slug, DECIDERS[by].value)
        for row, segment, tier, by in zip(
            rows, found.suggestions.segment, found.guards.effective, found.guards.decided_by, strict=True
        )
    ]
    assert given == [(row["id"], row["segment"], row["tier"], row["decided_by"]) for row in rows]


def test_there_are_scenarios() -> None:
    assert "three-axis" in NAMES
