"""What the `workload_balance` command says beside the lines of the CSMs: sums by team, and renewals by quarter."""

from __future__ import annotations

from datetime import date
from typing import Any

from accounts.models import Team, User
from allocation.engine.attention import hours_of
from allocation.selectors.balance import Workload, money_number
from allocation.selectors.balance_groups import Forest, Group, by_team
from allocation.selectors.renewals import renewals_answer


def summed_answer(*, found: Workload, user: User | None, on: date) -> dict[str, Any]:
    """Keys `teams` and `renewals`, of the same books as the lines; one query. A team holds the books of those below too."""
    teams = Team.objects.all() if user is None else Team.objects.visible_to(user)
    forest = Forest(list(teams.order_by("name", "pk")))
    return {
        "teams": [_team(group) for group in by_team(found.rows, forest=forest)],
        "renewals": renewals_answer(
            found=[found.renewals[row.csm] for row in found.rows if row.csm in found.renewals], on=on
        ),
    }


def _team(group: Group) -> dict[str, Any]:
    share = group.utilisation
    slugs = dict.fromkeys(slug for row in group.rows for slug in row.by_tier)
    return {
        "team": group.team.name if group.team else None,
        "part_of": group.above or None,
        "csms": len(group.rows),
        "customers": group.customers,
        "by_tier": {slug: group.of_tier(slug) for slug in slugs},
        "arr": money_number(cents=group.arr_cents),
        "hours": float(hours_of(group.minutes)),
        "capacity": float(hours_of(group.capacity_minutes)),
        "utilisation": None if share is None else round(float(share), 4),
        "heads_to_spare": group.heads,
    }
