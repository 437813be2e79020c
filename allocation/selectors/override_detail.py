"""One request for an override with everything its page shows: what was asked, and who changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Tier
from allocation.models import Override, OverrideEdit
from allocation.selectors import wording


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


def edit_lines(*, override: Override) -> list[EditLine]:
    """Changes of the request, the newest first. One statement: names of tiers."""
    edits = sorted(override.edits.all(), key=lambda edit: (edit.at, edit.pk), reverse=True)
    if not edits:
        return []
    tiers = dict(Tier.objects.values_list("slug", "name"))
    return [
        EditLine(str(edit.editor), wording.moment(edit.at), changes_of(edit=edit, tiers=tiers), edit.words)
        for edit in edits
    ]


def changes_of(*, edit: OverrideEdit, tiers: Mapping[str, str]) -> tuple[str, ...]:
    """ "Tier: Scale → Enterprise" for each part that was changed. tiers: names by slug; a slug that is none stands as it is."""
    labels = {"tier": "Tier", "starts_on": "Starts", "expires_on": "Expires"}
    return tuple(
        f"{label}: {_said(key, edit.before.get(key), tiers)} → {_said(key, edit.after.get(key), tiers)}"
        for key, label in labels.items()
        if edit.before.get(key) != edit.after.get(key)
    )


def _said(key: str, value: Any, tiers: Mapping[str, str]) -> str:
    if value is None:
        return wording.DASH
    return tiers.get(value, value) if key == "tier" else wording.day(date.fromisoformat(value))
