"""What the pages of scenarios read: the list, one, several side by side, in words. All scoped to who asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from django.db.models import QuerySet

from accounts.models import CSM
from allocation.models import AnswerStatus, Scenario
from allocation.selectors.scenario_definition import scenario_faults
from allocation.selectors.scenario_words import NOTHING, changes_in_words
from allocation.selectors.wording import counted

# How a refusal ends that lists what could have been named (allocation.engine.scenario_reading).
NAMES_THAT_ARE = re.compile(r"; there is: .*$", re.DOTALL)


def scenarios(*, user: Any, away: bool = False) -> QuerySet[Scenario]:
    """Those the person may see, the newest first. away: those that were put away, else those that are kept."""
    rows = Scenario.objects.visible_to(user).filter(retired_at__isnull=not away)
    return rows.select_related("owner").defer("movers").order_by("-queued_at", "-pk")


def one_scenario(*, user: Any, pk: int) -> Scenario | None:
    """One that the person may see, put away or not, with what was made of it."""
    rows = Scenario.objects.visible_to(user).select_related(
        "owner", "requested_by", "drafted_model", "drafted_policy", "cancel_asked_by"
    )
    found: Scenario | None = rows.defer("drafted_model__definition").filter(pk=pk).first()
    return found


def free_name(*, user: Any, name: str) -> str:
    """The name, with a number behind it where the person keeps a scenario called so already."""
    taken = set(
        Scenario.objects.kept().filter(owner=user, name__startswith=name).values_list("name", flat=True)
    )
    tries = (name if number == 1 else f"{name} ({number})" for number in count(1))
    return next(one for one in tries if one not in taken)


def side_by_side(*, user: Any, ids: Sequence[int]) -> list[Scenario]:
    """The computed ones of these that the person may see, in the order asked for."""
    rows = Scenario.objects.visible_to(user).filter(pk__in=ids, status=AnswerStatus.DONE)
    found = {row.pk: row for row in rows.select_related("owner").defer("movers")}
    return [found[pk] for pk in ids if pk in found]


def readable(*, definition: Any, user: Any) -> tuple[Any, list[Any]]:
    """(what of a definition this person may read, the CSMs left out of it): a manager reads no name of another team."""
    roster = definition.get("roster") if isinstance(definition, dict) else None
    without = roster.get("without") if isinstance(roster, dict) else None
    if user.is_ops or not isinstance(without, list):
        return definition, []
    pairs = CSM.objects.visible_to(user).values_list("email", "name")
    known = {word.casefold() for pair in pairs for word in pair if word}
    named = [one for one in without if str(one).casefold() in known]
    hidden = [one for one in without if one not in named]
    return definition | {"roster": {**roster, "without": named}}, hidden


def changes_shown(*, scenario: Scenario, user: Any) -> tuple[str, ...]:
    """One sentence a change; of CSMs of other teams a manager reads how many are not there."""
    definition, hidden = readable(definition=scenario.definition, user=user)
    said = told(changes_in_words(definition), user=user)
    if not hidden:
        return said
    return (*(one for one in said if one != NOTHING), others_not_there(hidden))


def others_not_there(hidden: Sequence[Any]) -> str:
    """Without their names."""
    return f"{counted(len(hidden), 'CSM')} of other teams {'is' if len(hidden) == 1 else 'are'} not there."


def faults_for(*, definition: Any, user: Any, inherited: Any = None) -> tuple[str, ...]:
    """`scenario_faults`; a CSM whom this person does not see is none that there is, unless ``inherited``, the definition
    that this one is a copy or a change of, names it too. user None: the operator of the machine.
    """
    if user is None:
        return scenario_faults(definition=definition)
    _, hidden = readable(definition=definition, user=user)
    _, kept = readable(definition=inherited, user=user)
    unseen = [one for one in hidden if isinstance(one, str) and one.strip() and one not in kept]
    if unseen:
        roster = definition["roster"]
        left = [one for one in roster["without"] if one not in unseen]
        definition = definition | {"roster": {**roster, "without": left}}
    said = (f"The CSMs who are not there: there is no CSM “{one}”." for one in unseen)
    return (*scenario_faults(definition=definition), *said)


def told(faults: Iterable[str], *, user: Any) -> tuple[str, ...]:
    """Sentences as this person may read them: only CS ops are told which names could have been given instead."""
    if user.is_ops:
        return tuple(faults)
    return tuple(NAMES_THAT_ARE.sub(".", fault) for fault in faults)


def told_of(faults: Iterable[str], *, scenario: Scenario, user: Any) -> tuple[str, ...]:
    """The same of a scenario that somebody else may have written: without the names that it hides from this person."""
    _, hidden = readable(definition=scenario.definition, user=user)
    said = told(faults, user=user)
    for name in hidden:
        said = tuple(fault.replace(f" “{name}”", " of that name") for fault in said)
    return said
