"""The row that is acted on, and the refusals that all have in common."""

from __future__ import annotations

from datetime import date
from typing import Any

from allocation.models import Handover
from allocation.selectors.handover_sides import Standing, standing_in

LONGEST_NOTES = 4000
LONGEST_WORDS = 450  # what is kept says whose words they are, too
CHANGED = "Somebody changed this handover just now: look at it again."


class UnableToHandOver(ValueError):
    """It cannot be done, or not by this person; the message says why and what to do."""


def open_handover(*, handover_id: int, actor: Any, on: date) -> tuple[Handover, Standing]:
    """The handover, locked, and what the person may do in it. In a transaction; raises UnableToHandOver."""
    rows = Handover.objects.visible_to(actor).filter(pk=handover_id)
    # Locked by its key alone: the outer joins of the scope cannot be locked.
    locked = Handover.objects.select_for_update(of=("self",)).filter(
        pk__in=list(rows.values_list("pk", flat=True))
    )
    row: Handover | None = locked.select_related("customer", "from_csm__user", "to_csm__user").first()
    if row is None:
        raise UnableToHandOver("There is no such handover among those you may see.")
    if row.status != Handover.Status.OPEN:
        raise UnableToHandOver(
            f"This handover is {row.get_status_display().lower()}: nothing is left to do in it."
        )
    return row, standing_in(handover=row, user=actor, on=on)
