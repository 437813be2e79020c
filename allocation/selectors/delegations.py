"""Who decides for whom, for the card on the page of approvals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Delegation
from allocation.selectors import wording


@dataclass(frozen=True, slots=True)
class DelegationLine:
    """title: who decides for whom, as the reader says it. can_end: the reader may take it back."""

    pk: int
    title: str
    days: str
    words: str
    holds: bool
    can_end: bool


def delegation_lines(*, user: Any, on: date) -> list[DelegationLine]:
    """Those that hold or are to come, the person's own ones first; CS ops see everybody's. One statement."""
    rows = Delegation.objects.visible_to(user).filter(ended_at__isnull=True, ends_before__gt=on)
    lines = [
        DelegationLine(
            pk=row.pk,
            title=_title(row, user),
            days=f"from {wording.day(row.starts_on)}, back on {wording.day(row.ends_before)}",
            words=row.words,
            holds=row.starts_on <= on,
            can_end=user.is_ops or row.manager_id == user.pk,
        )
        for row in rows.select_related("manager", "delegate").order_by("starts_on", "pk")
    ]
    return sorted(lines, key=lambda line: not line.title.endswith("for you"))


def _title(row: Delegation, user: Any) -> str:
    delegate = "You" if row.delegate_id == user.pk else str(row.delegate)
    verb = "decide" if delegate == "You" else "decides"
    return f"{delegate} {verb} for {'you' if row.manager_id == user.pk else row.manager}"
