"""Asking for a run or a plan: what the person may choose."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from allocation.models import RetierRun
from allocation.selectors.plan_requests import BIGGEST_WEIGHT

BIGGEST_SEED = 2_147_483_647


class AsOfForm(forms.Form):
    """A day up to today; nothing given means today, so that a bare button starts the ordinary thing."""

    as_of = forms.DateField(
        label="As of", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        self.today = today
        super().__init__(*args, initial={"as_of": today, **kwargs.pop("initial", {})}, **kwargs)

    def clean_as_of(self) -> date:
        day: date = self.cleaned_data["as_of"] or self.today
        if day > self.today:
            raise forms.ValidationError("Choose today or a day in the past.")
        return day


class RunForm(AsOfForm):
    scope = forms.ChoiceField(
        label="Scope",
        required=False,
        choices=[("full", "Full: every customer"), ("goals", "Goals: what changed since")],
    )

    def clean_scope(self) -> str:
        return self.cleaned_data["scope"] or RetierRun.Scope.FULL


class ComparisonForm(AsOfForm):
    """What plans side by side have in common."""

    max_moves_pct = forms.DecimalField(
        label="Customers that may move, %",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"placeholder": "as the policy says", "step": "any"}),
    )
    seed = forms.IntegerField(label="Seed", required=False, min_value=0, max_value=BIGGEST_SEED, initial=1)

    def clean_seed(self) -> int:
        seed = self.cleaned_data["seed"]
        return 1 if seed is None else int(seed)


class PlanForm(ComparisonForm):
    field_order = ("as_of", "max_moves_pct", "continuity_weight", "seed")
    continuity_weight = forms.DecimalField(
        label="Weight of continuity",
        required=False,
        min_value=0,
        max_value=BIGGEST_WEIGHT,
        max_digits=9,
        decimal_places=4,
        widget=forms.NumberInput(attrs={"placeholder": "as the policy says", "step": "any"}),
    )
