"""Stop a scenario on its way: nothing of it is kept but the question."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from allocation.models import AnswerStatus, Scenario
from allocation.selectors.stopping import stopped_by
from allocation.services.scenarios.rows import own


class UnableToCancelScenario(ValueError):
    """There is nothing to be stopped, or not by this person; the message says why."""


def cancel_scenario(*, scenario_id: int, actor: User | None, at: datetime) -> str:
    """Stop the computing. The sentence says what that means. Raises UnableToCancelScenario.

    Where no worker has it (any more) it is discarded at once, else within seconds. It can be asked again.
    """
    by = actor.pk if actor is not None else None
    with transaction.atomic():
        row = own(scenario_id=scenario_id, actor=actor, refusal=UnableToCancelScenario)
        if Scenario.objects.ask_to_cancel(scenario_id, by_id=by, at=at):
            return f"“{row.name}” is stopped within a few seconds."
        if Scenario.objects.mark_unheld(scenario_id, by_id=by, at=at):
            return end_cancelled(scenario_id=scenario_id, fence=row.fence)
        if row.is_being_stopped:
            raise UnableToCancelScenario(f"{stopped_by(row)} asked for that already: it stops in seconds.")
        raise UnableToCancelScenario(
            f"“{row.name}” is {row.get_status_display().lower()}: only a scenario that waits or is computed can be "
            "cancelled."
        )


def end_cancelled(*, scenario_id: int, fence: int) -> str:
    """End a scenario that was to be stopped, and say how. Its runner calls this, or who cancels where it has none."""
    row = Scenario.objects.select_related("cancel_asked_by").get(pk=scenario_id)
    message = f"Cancelled by {stopped_by(row)}; nothing of it was kept."
    Scenario.objects.end_cancelled(scenario_id, fence=fence, status=AnswerStatus.DISCARDED, message=message)
    return f"“{row.name}”: {message}"
