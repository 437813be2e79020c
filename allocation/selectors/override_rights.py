"""Who may do what with an override of a customer the person sees: said once, for services, pages and the admin.

Asking needs no rule of its own: whoever sees a customer (its CSM, managers of its team, CS ops) may ask. For lists the
same rule is a condition on rows: `Override.objects.decidable_by`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import Customer
from accounts.querysets.scope import led_team_ids
from allocation.models import Override

NO_MANAGER = "An override is decided by a manager of the customer's team."
OWN = "You asked for it yourself: another manager has to decide."
CHANGED = "You changed this request yourself: another manager has to decide."
NOT_YOURS = "It is changed and withdrawn by who asked, by a manager of the team or by CS ops."


@dataclass(frozen=True, slots=True)
class Rights:
    """Whatever its state. change: its days and tier, and taking it back. not_deciding: why the person decides nothing here."""

    change: bool
    not_deciding: str = ""

    @property
    def decide(self) -> bool:
        return not self.not_deciding


def override_rights(*, override: Override, customer: Customer, user: Any) -> Rights:
    """By who asked and changed it, and by whose team has the customer now (with its CSM joined: no query for that)."""
    leads = _leads(customer, user)
    own = override.asked_by_id == user.pk
    return Rights(
        change=bool(user.is_ops or own or leads),
        not_deciding=_not_deciding(override, user, leads=leads, own=own),
    )


def _not_deciding(override: Override, user: Any, *, leads: bool, own: bool) -> str:
    if own and user.is_manager:
        return OWN
    if not leads:
        return NO_MANAGER
    # Not the editors' query of an override without any: its version counts them.
    if override.version > 1 and user.pk in {edit.editor_id for edit in override.edits.all()}:
        return CHANGED
    return ""


def _leads(customer: Customer, user: Any) -> bool:
    """Whether this person manages the customer's team, one above it, or stands in for who does."""
    team = customer.csm.team_id if customer.csm else None
    return bool(user.is_manager and team is not None and team in led_team_ids(user))
