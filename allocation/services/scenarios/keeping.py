"""Share a scenario with CS ops and managers, take that back, and put one away."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from allocation.models import Scenario
from allocation.services.scenarios.rows import own


class UnableToKeepScenario(ValueError):
    """The scenario cannot be shared or put away by this person; the message says why."""


def share_scenario(*, scenario_id: int, shared: bool, actor: User | None) -> Scenario:
    """On: CS ops and managers see it. Repeating changes nothing. Raises UnableToKeepScenario."""
    with transaction.atomic():
        row = own(scenario_id=scenario_id, actor=actor, refusal=UnableToKeepScenario)
        row.shared = shared
        row.save(update_fields=["shared"])
    return row


def retire_scenario(*, scenario_id: int, actor: User | None, at: datetime) -> Scenario:
    """Put it away; its name is free again. Repeating changes nothing. Raises UnableToKeepScenario."""
    with transaction.atomic():
        row = own(scenario_id=scenario_id, actor=actor, refusal=UnableToKeepScenario)
        if row.is_busy:
            raise UnableToKeepScenario(
                f"“{row.name}” is being computed: wait for it or cancel it, then put it away."
            )
        if row.retired_at is None:
            row.retired_at = at
            row.save(update_fields=["retired_at"])
    return row
