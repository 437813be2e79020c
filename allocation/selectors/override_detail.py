"""One request for an override with everything its page shows: what was asked, who changed it, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Customer, Tier
from allocation.models import Override, OverrideEdit
from allocation.selectors import wording

NO_MANAGER = "An override is decided by a manager of the customer's team."


@dataclass(frozen=True, slots=True)
class Rights:
    """What the person may do with it while it is open. not_deciding: why the person decides nothing here."""

    decide: bool
    edit: bool
    withdraw: bool
    not_deciding: str = ""


@dataclass(frozen=True, slots=True)
class EditLine:
    """One change of the request: who, when, what from and to, and why."""

    who: str
    when: str
    changes: tuple[str, ...]
    words: str


def override_in_scope(*, user: Any, pk: int) -> Override | None:
    """The override with who and what belongs to it, if the person may see its customer."""
    joins = ("customer__csm__team", "customer__tier", "tier", "tier_when_asked", "asked_by", "decided_by")
    rows = Override.objects.visible_to(user).select_related(*joins, "ended_by")
    found: Override | None = rows.prefetch_related("edits__editor").filter(pk=pk).first()
    return found


def override_rights(*, override: Override, user: Any) -> Rights:
    """By role and by who asked and changed it, whatever its state; the services decide again."""
    editors = {edit.editor_id for edit in override.edits.all()}
    leads = Customer.objects.filter(pk=override.customer_id).led_by(user).exists()
    own = override.asked_by_id == user.pk
    changes = user.is_ops or own or leads
    reason = ""
    if own:
        reason = "You asked for it yourself: another manager has to decide."
    elif user.pk in editors:
        reason = "You changed this request yourself: another manager has to decide."
    elif not leads:
        reason = NO_MANAGER
    return Rights(decide=not reason, edit=changes, withdraw=changes, not_deciding=reason)


def edit_lines(*, override: Override) -> list[EditLine]:
    """Changes of the request, the newest first. One statement: names of tiers."""
    edits = sorted(override.edits.all(), key=lambda edit: (edit.at, edit.pk), reverse=True)
    if not edits:
        return []
    tiers = dict(Tier.objects.values_list("slug", "name"))
    return [
        EditLine(str(edit.editor), wording.moment(edit.at), _changes(edit, tiers), edit.words)
        for edit in edits
    ]


def _changes(edit: OverrideEdit, tiers: dict[str, str]) -> tuple[str, ...]:
    labels = {"tier": "Tier", "starts_on": "Starts", "expires_on": "Expires"}
    return tuple(
        f"{label}: {_said(key, edit.before.get(key), tiers)} → {_said(key, edit.after.get(key), tiers)}"
        for key, label in labels.items()
        if edit.before.get(key) != edit.after.get(key)
    )


def _said(key: str, value: Any, tiers: dict[str, str]) -> str:
    if value is None:
        return wording.DASH
    return tiers.get(value, value) if key == "tier" else wording.day(date.fromisoformat(value))
