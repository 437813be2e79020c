"""Ask a scenario, change what it asks, ask it again of today's customers, copy it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import count
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from allocation.models import AnswerStatus, Scenario
from allocation.selectors.scenario_definition import scenario_faults
from allocation.selectors.scenarios import faults_for
from allocation.services.scenarios.rows import may_ask, own, seen

LONGEST_NAME = 200
LONGEST_WORDS = 500
TAKEN = "You have a scenario called “{name}” already: choose another name, or put that one away."


class UnableToAskScenario(ValueError):
    """What is asked cannot be computed, or not by this person; ``faults`` has one sentence a fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


def ask_scenario(
    *,
    name: str,
    words: str,
    definition: Any,
    actor: User | None,
    at: datetime,
    on: date,
    inherited: Any = None,
) -> Scenario:
    """A row that asks for an answer about today's customers. Raises UnableToAskScenario with all faults.

    ``on`` is the day that it is asked for; computing it names its own. ``inherited``: the definition it is a copy of, whose
    CSMs stay named though the person does not see them.
    """
    if not may_ask(actor):
        raise UnableToAskScenario("Scenarios are asked by CS ops and managers.")
    called, said = _checked(name, words, definition, actor, inherited)
    try:
        with transaction.atomic():
            return Scenario.objects.create(
                name=called,
                words=said,
                definition=definition,
                owner=actor,
                requested_by=actor,
                queued_at=at,
            )
    except IntegrityError as error:
        raise UnableToAskScenario(TAKEN.format(name=name.strip())) from error


def change_scenario(
    *,
    scenario_id: int,
    name: str,
    words: str,
    definition: Any,
    actor: User | None,
    at: datetime,
    on: date,
) -> Scenario:
    """Another question under the same row: it is queued anew, and its old answer goes. Raises UnableToAskScenario.

    Whoever computes the old question finds the claim lost and stops.
    """
    try:
        with transaction.atomic():
            row = own(scenario_id=scenario_id, actor=actor, refusal=UnableToAskScenario)
            called, said = _checked(name, words, definition, actor, row.definition)
            row.name, row.words, row.definition = called, said, definition
            row.drafted_model = row.drafted_policy = None
            return _queued_anew(row, actor, at)
    except IntegrityError as error:
        raise UnableToAskScenario(TAKEN.format(name=name.strip())) from error


def ask_again(*, scenario_id: int, actor: User | None, at: datetime, on: date) -> Scenario:
    """The same question of today's customers: it is queued anew. Raises UnableToAskScenario."""
    with transaction.atomic():
        row = own(scenario_id=scenario_id, actor=actor, refusal=UnableToAskScenario)
        if faults := scenario_faults(definition=row.definition):
            raise UnableToAskScenario(*faults)
        return _queued_anew(row, actor, at)


def copy_scenario(*, scenario_id: int, actor: User | None, at: datetime, on: date) -> Scenario:
    """The same question under a row of one's own, called "… (copy)" and queued. Raises UnableToAskScenario."""
    if not may_ask(actor):
        raise UnableToAskScenario("Scenarios are copied by CS ops and managers.")
    source = seen(scenario_id=scenario_id, actor=actor, refusal=UnableToAskScenario)
    taken = set(Scenario.objects.kept().filter(owner=actor).values_list("name", flat=True))
    return ask_scenario(
        name=_free_name(source.name, taken),
        words=source.words,
        definition=source.definition,
        actor=actor,
        at=at,
        on=on,
        inherited=source.definition,
    )


def _checked(name: str, words: str, definition: Any, actor: User | None, inherited: Any) -> tuple[str, str]:
    called, said = name.strip(), words.strip()
    faults: list[str] = []
    for text, what, longest in ((called, "name", LONGEST_NAME), (said, "words", LONGEST_WORDS)):
        if len(text) > longest:
            faults.append(f"The {what} may have {longest} characters at most, not {len(text)}.")
        if "\0" in text:  # PostgreSQL keeps none
            faults.append(f"The {what} may not hold the character NUL: take it out.")
        if not text.isprintable() and text.encode(errors="replace").decode() != text:
            faults.append(f"The {what} holds half a character: write it anew.")
    if not called:
        faults.append("A scenario needs a name.")
    faults.extend(faults_for(definition=definition, user=actor, inherited=inherited))
    if faults:
        raise UnableToAskScenario(*faults)
    return called, said


def _queued_anew(row: Scenario, actor: User | None, at: datetime) -> Scenario:
    """The row's lock is held. The fence goes up, so that a runner of the old question writes nothing any more."""
    if row.retired_at is not None:
        raise UnableToAskScenario(f"“{row.name}” was put away: copy it to go on with it.")
    for field, value in Scenario.objects.anew(at).items():
        setattr(row, field, value)
    row.status, row.requested_by, row.queued_at = AnswerStatus.QUEUED, actor, at
    row.lease_until = row.started_at = row.finished_at = row.as_of = row.movers = None
    row.result = {}
    row.fence += 1
    row.save()
    return row


def _free_name(name: str, taken: Sequence[str] | set[str]) -> str:
    endings = (" (copy)" if number == 1 else f" (copy {number})" for number in count(1))
    return next(
        free for ending in endings if (free := f"{name[: LONGEST_NAME - len(ending)]}{ending}") not in taken
    )
