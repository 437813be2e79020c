"""Who decides about a customer: the manager of its team, else the one above; who is away is represented by a delegate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from accounts import roles
from accounts.models import Delegation, Team, User

NO_TEAM = "No team has this customer, so no manager can decide: give it a CSM who is in a team."
NOBODY_ABOVE = "No other manager can decide this: name a manager of the team, or of a team above it."
NO_OTHER_MANAGER = "No other manager can decide this: give another person the role Manager."


@dataclass(frozen=True, slots=True)
class Approvers:
    """people: ids of those who are asked, nearest manager first and then the delegates. Empty: nobody can decide."""

    people: tuple[int, ...]
    # Why there are none, as a sentence for CS ops; empty when there are some.
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class Managers:
    """The company's managers on one day, read once, to be asked about many teams.

    names: the active ones. delegates: who decides for whom. teams: {id: (team above, manager)}.
    """

    names: Mapping[int, str]
    delegates: Mapping[int, tuple[int, ...]]
    teams: Mapping[int, tuple[int | None, int | None]]

    def of_team(self, team_id: int | None, *, without: Collection[int] = ()) -> Approvers:
        """Who decides for a team: as `approvers_of_team` says."""
        if team_id is None:
            return Approvers((), NO_TEAM)
        for manager in self._going_up(team_id):
            people = self._who_may([manager], without)
            if people:
                return Approvers(people)
        return Approvers((), NOBODY_ABOVE)

    def of_everybody(self, *, without: Collection[int] = ()) -> Approvers:
        """Who is asked about what concerns all teams: managers of teams that are below no other.

        Where none of them may, every manager who may is asked.
        """
        top = sorted(manager for above, manager in self.teams.values() if above is None and manager)
        people = self._who_may(top, without) or self._who_may(sorted(self.names), without)
        return Approvers(people, "" if people else NO_OTHER_MANAGER)

    def _who_may(self, managers: Iterable[int], without: Collection[int]) -> tuple[int, ...]:
        """Of these managers and their delegates, those who are active managers and not barred."""
        asked = [pk for manager in managers for pk in (manager, *self.delegates.get(manager, ()))]
        return tuple(pk for pk in dict.fromkeys(asked) if pk in self.names and pk not in without)

    def _going_up(self, team_id: int) -> list[int]:
        """Managers of the team and of the teams above, the nearest first."""
        found: list[int] = []
        here: int | None = team_id
        seen: set[int] = set()
        while here is not None and here in self.teams and here not in seen:
            seen.add(here)
            above, manager = self.teams[here]
            if manager is not None:
                found.append(manager)
            here = above
        return found


def managers_on(*, on: date) -> Managers:
    """Managers, delegations and teams as they are on the day; three queries."""
    people = User.objects.filter(is_active=True, groups__name=roles.MANAGER).order_by("pk")
    delegates: dict[int, tuple[int, ...]] = {}
    for manager, delegate in (
        Delegation.objects.holding(on).order_by("pk").values_list("manager_id", "delegate_id")
    ):
        delegates[manager] = (*delegates.get(manager, ()), delegate)
    teams = Team.objects.values_list("pk", "parent_id", "manager_id")
    return Managers(
        names={person.pk: str(person) for person in people.only("pk", "name", "email")},
        delegates=delegates,
        teams={pk: (above, manager) for pk, above, manager in teams},
    )


def cs_ops() -> frozenset[int]:
    """Ids of those who sign in as CS ops; one query."""
    is_ops = Q(groups__name=roles.OPS) | Q(is_superuser=True)
    return frozenset(User.objects.filter(is_ops, is_active=True).order_by().values_list("pk", flat=True))


def approvers_of_team(*, team_id: int | None, on: date, without: Collection[int] = ()) -> Approvers:
    """Who decides for a team on the day. without: ids of those who may not (they asked, or edited).

    The nearest active manager going up who may; if that one is away, the delegates too. Nobody is never everybody: a
    request without an approver waits, and CS ops is told what is missing. Three queries.
    """
    return managers_on(on=on).of_team(team_id, without=set(without))
