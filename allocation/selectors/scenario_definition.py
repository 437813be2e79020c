"""A scenario's definition against what is there today: names, model and policy, or a sentence for every fault."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.scenarios import ModelChange, Question
from allocation.engine.rules import UnusableRules
from allocation.engine.scenario_documents import altered_document
from allocation.engine.scenario_facts import rules_run_out
from allocation.engine.scenario_reading import UnusableScenario, listed, read_scenario
from allocation.models import AllocationPolicy, TieringModel
from allocation.selectors.model_checks import rules_of_definition
from allocation.snapshots.scenarios import ScenarioNames, altered_policy
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary

MOST_BYTES = 1_000_000
MOST_LEVELS = 50  # of lists and objects in one another; a model takes a handful


@dataclass(frozen=True, slots=True)
class Understood:
    """What a definition comes to today. document: the model's, with the changes; policy: a copy, never to be saved."""

    question: Question
    vocabulary: ModelVocabulary
    document: Any
    rules: TieringRules
    policy: AllocationPolicy


def understood(*, definition: Any) -> Understood:
    """Raises UnusableScenario with all faults. A few queries, none of them of customers unless their words are named."""
    if fault := _unstorable(definition):
        raise UnusableScenario([fault])
    names = ScenarioNames()
    question = read_scenario(definition=definition, names=names)
    question = replace(question, without=frozenset(map(names.key_of, question.without)))
    vocabulary = model_vocabulary()
    faults: list[str] = []
    document, rules, policy = None, None, None
    try:
        document = model_document(change=question.model)
        rules = rules_of_definition(definition=document, vocabulary=vocabulary)
    except (UnusableScenario, UnusableRules) as refusal:
        faults.extend(refusal.faults)
    try:
        policy = altered_policy(question=question)
    except UnusableScenario as refusal:
        faults.extend(refusal.faults)
    if faults or rules is None or policy is None:
        raise UnusableScenario(faults)
    return Understood(
        question=question,
        vocabulary=vocabulary,
        document=document,
        rules=rules_run_out(rules) if question.run_out else rules,
        policy=policy,
    )


def _unstorable(definition: Any) -> str:
    """Why no database would take it; empty when one would."""
    try:
        text = json.dumps(definition, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):  # NaN, half a character, an endless nesting
        return "The scenario holds what cannot be stored: a number without a value, half a character, or too deep a nesting."
    if "\\u0000" in text:
        return "The scenario holds the character NUL: take it out."
    if size > MOST_BYTES:
        return f"The scenario has more than {MOST_BYTES // 1000:,} kB: that is no scenario."
    return f"The scenario is nested more than {MOST_LEVELS} levels deep." if _is_deep(definition) else ""


def _is_deep(definition: Any) -> bool:
    """Level by level: what is read by functions that call themselves must end before their stack does."""
    level = [definition]
    for _ in range(MOST_LEVELS):
        level = [inner for one in level for inner in _inside(one)]
    return bool(level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def scenario_faults(*, definition: Any) -> tuple[str, ...]:
    """A sentence a fault; none when it can be computed."""
    try:
        understood(definition=definition)
    except UnusableScenario as refusal:
        return refusal.faults
    return ()


def model_document(*, change: ModelChange) -> Any:
    """The document of the model that a scenario is computed with. Raises UnusableScenario."""
    base = None if change.definition is not None else base_document(version=change.version)
    return altered_document(document=base, change=change)


def base_document(*, version: int | None) -> Any:
    """The document to start from: of that version, or of the published one. Raises UnusableScenario."""
    if version is None:
        model = TieringModel.objects.published().first()
        if model is None:
            raise UnusableScenario(
                ["No tiering model is published: publish one first, or name the version to start from."]
            )
        return model.definition
    model = TieringModel.objects.filter(number=version).first()
    if model is None:
        there = listed(map(str, TieringModel.objects.order_by("number").values_list("number", flat=True)))
        raise UnusableScenario([f"There is no version {version} of the model; there is: {there}."])
    return model.definition
