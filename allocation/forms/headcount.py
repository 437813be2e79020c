"""What heads are counted with, as it is tried on: what is left out is as in the staffing in force."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from allocation.models import Staffing
from allocation.selectors.headcount import INPUT_NAMES, Inputs

USUALLY_BLANK = ("head_hours_a_year", "spent_pct", "cost_a_head")
"""Empty means something: as the company is, or no costs."""
_LIMITS: Mapping[str, tuple[int, int, str]] = {
    "months": (1, 36, "Look 1 to 36 months ahead."),
    "growth_pct": (0, 1000, "Growth is 0 to 1 000 % a year."),
    "churn_pct": (0, 100, "Churn is 0 to 100 % a year."),
    "attrition_pct": (0, 100, "Attrition is 0 to 100 % a year."),
    "head_hours_a_year": (1, 8760, "Hours a year are 1 to 8 760."),
    "spent_pct": (1, 100, "The share spent on customers is 1 to 100 %."),
    "leave_days": (0, 259, "Leave is 0 to 259 working days a year."),
    "ramp_months": (0, 36, "Ramp is 0 to 36 months."),
    "ramp_start_pct": (0, 100, "Ramp at the start is 0 to 100 %."),
    "cost_a_head": (0, 10_000_000, "The cost of a head is 0 to 10 000 000 a year."),
}


class HeadcountForm(forms.ModelForm):
    """`kept`: what is in force; `data`: what is tried. A field that is not sent is as it is kept."""

    class Meta:
        model = Staffing
        fields = (
            "growth_pct", "churn_pct", "attrition_pct", "head_hours_a_year", "spent_pct", "leave_days", "ramp_months",
            "ramp_start_pct", "cost_a_head", "months",
        )  # fmt: skip

    def __init__(self, data: Mapping[str, Any], *, kept: Inputs) -> None:
        known = {name: _written(getattr(kept, name)) for name in INPUT_NAMES}
        super().__init__({**known, **{name: data[name] for name in INPUT_NAMES if name in data}})
        for name, (least, most, words) in _LIMITS.items():
            field = self.fields[name]
            field.min_value, field.max_value = least, most  # type: ignore[attr-defined]
            field.widget.attrs |= {"min": least, "max": most}
            field.error_messages |= {"invalid": words, "required": words}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, (least, most, words) in _LIMITS.items():
            value = cleaned.get(name)
            if value is not None and not least <= value <= most:
                self.add_error(name, words)
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """The limits above are those of the table; asking the database the same ten times over is left out."""
        return {*super()._get_validation_exclusions(), *self.Meta.fields}  # type: ignore[misc]

    @property
    def inputs(self) -> Inputs:
        """Of a valid form."""
        return Inputs(**{name: self.cleaned_data[name] for name in INPUT_NAMES})

    @property
    def sentences(self) -> list[str]:
        """What is wrong, each fault once."""
        return list(dict.fromkeys(str(error) for errors in self.errors.values() for error in errors))


def _written(value: Decimal | int | None) -> str:
    """As somebody would write it: without zeros at the end."""
    if value is None:
        return ""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
