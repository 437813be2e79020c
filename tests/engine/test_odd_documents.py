"""Whatever stands in a model's document, reading it either works or refuses it with sentences: nothing else comes out."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.rules import UnusableRules, read_rules
from allocation.engine.words import rules_in_words
from tests.engine.tiering_facts import BY_ARR, rules

PLAYBOOKS = sorted((Path(__file__).resolve().parents[2] / "allocation" / "playbooks").glob("*.json"))
TRIES = 500  # a playbook
NESTED: list[Any] = []
for _ in range(100):
    NESTED = [NESTED]
# What JSON can hold and no part of a model expects, and what one part expects in the place of another.
ODD: tuple[Any, ...] = (
    [], {}, None, True, False, 1e999, -1e999, float("nan"), 1e-320, 10**400, "1e-999999999", "x", "", "\u0000", "\ud800",
    -1, 0, 0.5, 101, [[]], [{}], {"": {}}, [None], ["x", "x"], NESTED, {"any": []}, {"all": [{}]}, "9" * 5000,
    "known", "between", [1, 0], ["2026-01-01", "x"], {"kind": []}, {"points": {"x": []}}, {"days": []},
)  # fmt: skip


def nodes(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a document, its own first."""
    yield path
    pairs = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in pairs:
        yield from nodes(value, (*path, key))


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_an_odd_value_anywhere_in_a_playbook_is_read_or_refused_with_sentences(path):
    file = json.loads(path.read_text(encoding="utf-8"))
    tiers = tuple(TierFacts(t["slug"], t["rank"], t["touch_level"], t["name"]) for t in file["tiers"])
    kinds = {kind["slug"]: kind.get("asks_for", "") for kind in file["goal_kinds"]}
    chance = Random(path.stem)  # the same tries every time
    refused: list[tuple[str, ...]] = []
    for _ in range(TRIES):
        document = file["model"]
        for _ in range(chance.choice((1, 1, 2, 3))):
            document = put(document, chance.choice(list(nodes(document))), chance.choice(ODD))
        try:
            read = read_rules(definition=document, attributes=ATTRIBUTES, tiers=tiers, goal_kinds=kinds)
        except UnusableRules as unusable:
            refused.append(unusable.faults)
        else:
            assert rules_in_words(rules=read, tiers=tiers)
    assert TRIES / 2 < len(refused) < TRIES
    assert all(faults and all(fault.endswith(".") for fault in faults) for faults in refused)


@pytest.mark.parametrize(
    ("scale", "sentence"),
    [
        ({"kind": []}, "Criterion “H”: the scale must be of a kind: linear, log, steps, choices, percentile."),
        ({"kind": {}}, "Criterion “H”: the scale must be of a kind: linear, log, steps, choices, percentile."),
        ({"kind": "percentile", "within": {}}, "Criterion “H”: a percentile is within everyone or segment, not {}."),
    ],
)  # fmt: skip
def test_a_list_where_a_scale_needs_a_word_is_told_in_a_sentence(scale, sentence):
    criteria = [{"name": "H", "attribute": "health", "scale": scale}]
    with pytest.raises(UnusableRules) as refusal:
        rules({**BY_ARR, "criteria": criteria})
    assert refusal.value.faults == (sentence,)
