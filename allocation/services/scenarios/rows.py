"""The row of a scenario and who may do what with it. What one may not see is refused as what is not there."""

from __future__ import annotations

from typing import Any

from allocation.models import Scenario
from allocation.querysets.decisions import leads


def may_ask(actor: Any) -> bool:
    """CS ops and managers; a command without ``--as`` acts for the operator of the machine."""
    return actor is None or leads(actor)


def may_draft(actor: Any) -> bool:
    """CS ops; a command without ``--as`` acts for the operator of the machine."""
    return actor is None or (leads(actor) and actor.is_ops)


def seen(*, scenario_id: int, actor: Any, refusal: type[Exception], locked: bool = False) -> Scenario:
    """A scenario that the person may look at. Raises ``refusal``. locked: nobody else changes it in this transaction."""
    rows = Scenario.objects.all() if actor is None else Scenario.objects.visible_to(actor)
    if locked:
        rows = rows.select_for_update(of=("self",))
    found: Scenario | None = rows.filter(pk=scenario_id).first()
    if found is None:
        raise refusal(f"There is no scenario {scenario_id}.")
    return found


def own(*, scenario_id: int, actor: Any, refusal: type[Exception]) -> Scenario:
    """A scenario that the person may change: the own one, of CS ops any. Inside a transaction. Raises ``refusal``."""
    found = seen(scenario_id=scenario_id, actor=actor, refusal=refusal, locked=True)
    if actor is not None and not actor.is_ops and found.owner_id != actor.pk:
        raise refusal(f"“{found.name}” is somebody else's: copy it, and change the copy.")
    return found
