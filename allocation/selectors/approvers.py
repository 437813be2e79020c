"""Who decides about a customer: the manager of its team, else the one above; who is away is represented by a delegate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts import roles
from accounts.models import Delegation, Team, User


@dataclass(frozen=True, slots=True)
class Approvers:
    """people: ids of those who are asked, nearest manager first and then the delegates. Empty: nobody can decide."""

    people: tuple[int, ...]
    # Why there are none, as a sentence for CS ops; empty when there are some.
    lacking: str = ""


def approvers_of_team(*, team_id: int | None, on: date, without: Collection[int] = ()) -> Approvers:
    """Who decides for a team on the day. without: ids of those who may not (they asked, or edited).

    The nearest active manager going up who may; if that one is away, the delegates too. Nobody is never everybody: a
    request without an approver waits, and CS ops is told what is missing. Three queries.
    """
    if team_id is None:
        return Approvers(
            (), "No team has this customer, so no manager can decide: give it a CSM who is in a team."
        )
    barred = set(without)
    active = dict(_managers())
    represented: dict[int, list[int]] = {}
    for manager, delegate in Delegation.objects.holding(on).values_list("manager_id", "delegate_id"):
        represented.setdefault(manager, []).append(delegate)
    for manager in _going_up(team_id):
        people = [pk for pk in (manager, *represented.get(manager, ())) if pk in active and pk not in barred]
        if people:
            return Approvers(tuple(dict.fromkeys(people)))
    return Approvers(
        (), "No other manager can decide this: name a manager of the team, or of a team above it."
    )


def _managers() -> Any:
    rows = User.objects.filter(is_active=True, groups__name=roles.MANAGER)
    return rows.values_list("pk", "email")


def _going_up(team_id: int) -> list[int]:
    """Managers of the team and of the teams above, the nearest first."""
    teams = {
        pk: (parent, manager)
        for pk, parent, manager in Team.objects.values_list("pk", "parent_id", "manager_id")
    }
    found: list[int] = []
    here: int | None = team_id
    seen: set[int] = set()
    while here is not None and here in teams and here not in seen:
        seen.add(here)
        parent, manager = teams[here]
        if manager is not None:
            found.append(manager)
        here = parent
    return found
