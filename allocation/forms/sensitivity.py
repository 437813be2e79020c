"""Which version's numbers are to be turned, and which of its numbers are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from allocation.engine.facts.knobs import KnobKind
from allocation.models import TieringModel
from allocation.selectors.knob_words import EFFECTIVE, SUGGESTED

KIND_WORDS = {
    KnobKind.WEIGHT: "Weights",
    KnobKind.BOUND: "Bounds",
    KnobKind.SCALE: "Scales",
    KnobKind.GUARD: "Guards",
}


class VersionForm(forms.Form):
    model = forms.TypedChoiceField(label="Version of the model", coerce=int)

    def __init__(self, *args: Any, versions: Sequence[TieringModel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each.pk, f"{each} ({each.get_status_display().lower()})") for each in versions]
        field: Any = self.fields["model"]
        field.choices = choices


class KnobFilter(forms.Form):
    """In the address; what means nothing is as if it were not there."""

    kind = forms.ChoiceField(
        label="Numbers", required=False, choices=[("", "All"), *((k.value, w) for k, w in KIND_WORDS.items())]
    )
    counted = forms.ChoiceField(
        label="Customers counted",
        required=False,
        choices=[(EFFECTIVE, "who would move now"), (SUGGESTED, "once guards have run out")],
    )
