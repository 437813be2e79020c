"""One click: a draft of the model, or a resting policy, with the changes of a scenario. Neither is put in force."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.models import User
from allocation.engine.scenario_reading import UnusableScenario
from allocation.models import AllocationPolicy, Scenario, TieringModel
from allocation.selectors.scenario_definition import Understood, understood
from allocation.services.scenarios.rows import may_draft, seen
from allocation.snapshots.scenarios import base_policy

LONGEST_NAME = 200
AT_ONCE = "Somebody else drafted at the same moment; look at what is there now and try again."


class UnableToDraftScenario(ValueError):
    """There is nothing to be drafted, or not by this person; the message says why."""


def draft_model_of(*, scenario_id: int, actor: User | None) -> TieringModel:
    """A draft with the very document that the scenario is computed with. Raises UnableToDraftScenario.

    Caps, hours and people are no part of a model: they stay as they are.
    """
    with TieringModel.objects.in_turn(UnableToDraftScenario(AT_ONCE)):
        row, read = _read(scenario_id, actor)
        if row.drafted_model is not None:
            raise UnableToDraftScenario(
                f"Version {row.drafted_model.number} was drafted from “{row.name}” already."
            )
        if not read.question.model.is_another:
            raise UnableToDraftScenario(
                f"“{row.name}” changes nothing of the model's rules, so there is nothing to draft."
            )
        draft: TieringModel = TieringModel.objects.draft(
            name=_called(row.name), definition=read.document, created_by_id=_id_of(actor)
        )
        row.drafted_model = draft
        row.save(update_fields=["drafted_model"])
    return draft


def draft_policy_of(*, scenario_id: int, actor: User | None) -> AllocationPolicy:
    """A resting policy: the one the scenario starts from, named tiers included, with its changes. Raises UnableToDraftScenario."""
    try:
        with transaction.atomic():
            row, read = _read(scenario_id, actor)
            if row.drafted_policy is not None:
                raise UnableToDraftScenario(
                    f"The policy “{row.drafted_policy}” was made of “{row.name}” already."
                )
            if not read.question.policy:
                raise UnableToDraftScenario(
                    f"“{row.name}” changes nothing of the allocation policy, so there is nothing to draft."
                )
            changed = {name: getattr(read.policy, name) for name in read.question.policy}
            made: AllocationPolicy = AllocationPolicy.objects.copied(
                base_policy(name=read.question.policy_name), called=row.name, kind="scenario", **changed
            )
            row.drafted_policy = made
            row.save(update_fields=["drafted_policy"])
    except IntegrityError as error:
        raise UnableToDraftScenario(AT_ONCE) from error
    return made


def _read(scenario_id: int, actor: User | None) -> tuple[Scenario, Understood]:
    if not may_draft(actor):
        raise UnableToDraftScenario("Only CS ops may make a draft of a scenario.")
    row = seen(scenario_id=scenario_id, actor=actor, refusal=UnableToDraftScenario, locked=True)
    try:
        return row, understood(definition=row.definition)
    except UnusableScenario as refusal:
        raise UnableToDraftScenario(str(refusal)) from refusal


def _called(name: str) -> str:
    ending = " (scenario)"
    return f"{name[: LONGEST_NAME - len(ending)]}{ending}"


def _id_of(actor: User | None) -> int | None:
    return actor.pk if actor is not None else None
