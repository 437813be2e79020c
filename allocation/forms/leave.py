"""A CSM's days away and who covers: on the page of the book, for managers and CS ops."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from accounts.models import CSM, Leave
from allocation.forms.approvals import day_field


class LeaveForm(forms.Form):
    """leave: the one that is changed; empty for a new one. Those are offered as covers who are in the person's scope."""

    leave = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    starts_on = day_field("Away from")
    ends_before = day_field("Back on")
    covered_by = forms.ModelChoiceField(
        label="Covered by", queryset=CSM.objects.none(), required=False, empty_label="Nobody yet"
    )

    def __init__(
        self, *args: Any, csm: CSM, user: Any, on: date, row: Leave | None = None, **kwargs: Any
    ) -> None:
        initial: dict[str, Any] = {"starts_on": on}
        if row is not None:
            initial = {
                "leave": row.pk,
                "starts_on": row.starts_on,
                "ends_before": row.ends_before,
                "covered_by": row.covered_by_id,
            }
        super().__init__(*args, initial=initial, auto_id=f"leave_{row.pk if row else 0}_%s", **kwargs)
        there = CSM.objects.visible_to(user).serving(on)
        # Who covers already stays a choice, whatever team the cover is of.
        kept = CSM.objects.filter(pk=row.covered_by_id) if row and row.covered_by_id else CSM.objects.none()
        choices: Any = self.fields["covered_by"]
        choices.queryset = CSM.objects.filter(pk__in=there.values("pk")).exclude(pk=csm.pk) | kept
        choices.queryset = choices.queryset.order_by("name", "pk")
