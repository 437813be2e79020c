"""What the pages of scenarios read: the list, one with its movers, several side by side. All scoped to who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.models import CSM
from allocation.models import Scenario

SOMEBODY = "a CSM of another team"


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


def side_by_side(*, user: Any, ids: Sequence[int]) -> list[Scenario]:
    """The computed ones of these that the person may see, in the order asked for."""
    rows = Scenario.objects.visible_to(user).filter(pk__in=ids, status="done")
    found = {row.pk: row for row in rows.select_related("owner").defer("movers")}
    return [found[pk] for pk in ids if pk in found]


def shown_definition(*, scenario: Scenario, user: Any) -> dict[str, Any]:
    """The definition as this person may read it: a manager reads no name of a CSM of another team."""
    definition: dict[str, Any] = dict(scenario.definition)
    roster = definition.get("roster")
    if user.is_ops or not isinstance(roster, dict) or not isinstance(roster.get("without"), list):
        return definition
    seen = CSM.objects.visible_to(user).values_list("email", "name")
    known = {word.casefold() for pair in seen for word in pair if word}
    named = [one if str(one).casefold() in known else SOMEBODY for one in roster["without"]]
    return definition | {"roster": roster | {"without": named}}
