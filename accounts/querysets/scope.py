"""Who may see whose rows: the one place that turns a person into a condition on rows.

CS ops see everything, a manager the own teams and the teams below, a CSM the own book and those covered today, others
nothing.
Every `visible_to(user)` in the project is built from `csm_scope`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Q
from django.utils import timezone

from accounts import roles

if TYPE_CHECKING:
    from accounts.models import User

NOTHING = Q(pk__in=[])


def led_team_ids(user: User) -> frozenset[int]:
    """Ids of the teams that `user` manages, of those whose manager is away and delegated to `user`, and of all teams
    below them. Two queries a request. What holds is what holds today: rights are of the moment of asking.
    """
    cached: frozenset[int] | None = getattr(user, "_led_team_ids", None)
    if cached is not None:
        return cached
    found = teams_below(managers={user.pk, *managers_represented_by(user)})
    user._led_team_ids = found  # type: ignore[attr-defined]  # kept for the rest of the request
    return found


def managers_represented_by(user: User) -> frozenset[int]:
    """Ids of managers who delegated their decisions to `user` today, and who still are managers."""
    holding = apps.get_model("accounts", "Delegation").objects.holding(timezone.localdate())
    still = holding.filter(delegate=user, manager__groups__name=roles.MANAGER)
    return frozenset(still.values_list("manager_id", flat=True))


def teams_below(*, managers: Collection[int]) -> frozenset[int]:
    """Ids of the teams of these managers and of all teams below them. One query."""
    return teams_below_among(all_teams(), managers=managers)


def all_teams() -> list[tuple[int, int | None, int | None]]:
    """(id, team above, manager) of every team. One query."""
    return list(apps.get_model("accounts", "Team").objects.values_list("id", "parent_id", "manager_id"))


def teams_below_among(
    teams: Collection[tuple[int, int | None, int | None]], *, managers: Collection[int]
) -> frozenset[int]:
    """As `teams_below`, of teams that were read already: for whoever asks for many people."""
    return _grown({team for team, _, manager in teams if manager in managers}, teams)


def with_teams_below(*, team: int) -> frozenset[int]:
    """Ids of one team and of all teams below it. One query."""
    return _grown({team}, all_teams())


def _grown(found: set[int], teams: Collection[tuple[int, int | None, int | None]]) -> frozenset[int]:
    grew = bool(found)
    while grew:  # a forest: each round goes one level down, and a level is only entered once
        below = {team for team, parent, _ in teams if parent in found} - found
        found |= below
        grew = bool(below)
    return frozenset(found)


def covered_csm_ids(user: User) -> frozenset[int]:
    """Ids of the CSMs whose book `user` serves today while they are away. One query a request.

    Nothing has to run for it to begin or to end: it is what the days of the leave say at the moment of asking. Only the own
    book of who is away: not what that person covers, and not what a manager of the cover would see.
    """
    cached: frozenset[int] | None = getattr(user, "_covered_csm_ids", None)
    if cached is not None:
        return cached
    leaves = apps.get_model("accounts", "Leave").objects.covered_on(timezone.localdate())
    found = frozenset(leaves.filter(covered_by__user=user).values_list("csm_id", flat=True))
    user._covered_csm_ids = found  # type: ignore[attr-defined]  # kept for the rest of the request
    return found


def keep_covered(user: User, leaves: Iterable[Any], *, on: date) -> None:
    """For the rest of the request: what `covered_csm_ids` would read. leaves: at least all that hold on the day, each
    `with_cover` of it and joined with the cover. Does nothing where the day is no longer today.
    """
    if on != timezone.localdate():
        return
    user._covered_csm_ids = frozenset(  # type: ignore[attr-defined]
        row.csm_id
        for row in leaves
        if row.starts_on <= on < row.ends_before and row.is_covered and row.covered_by.user_id == user.pk
    )


def served_by(user: User, path: str) -> Q:
    """Condition on rows that reach, over `path`, the CSM that `user` is or one whom `user` covers today."""
    prefix = f"{path}__" if path else ""
    condition = Q(**{f"{prefix}user_id": user.pk})
    covered = covered_csm_ids(user)
    return condition | Q(**{f"{prefix}pk__in": covered}) if covered else condition


def ago(span: timedelta) -> datetime:
    """So long before the moment of asking: for a right that ends by itself."""
    return timezone.now() - span


def csm_scope(user: Any, path: str) -> Q:
    """Condition on rows that reach a CSM over `path` ("" when the row is the CSM itself).

    `path` ends without underscores: `csm_scope(user, "customer__csm")`.
    """
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return NOTHING
    if user.is_ops:
        return Q()
    prefix = f"{path}__" if path else ""
    condition = NOTHING
    if user.is_manager:
        condition |= Q(**{f"{prefix}team_id__in": led_team_ids(user)})
    if user.is_csm:
        condition |= served_by(user, path)
    return condition
