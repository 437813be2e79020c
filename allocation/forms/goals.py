"""Forms of a goal on the customer's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from allocation.services.goals import LONGEST_WORDS

Choices = Sequence[tuple[int, str]]


class GoalForm(forms.Form):
    """Owner and words of a goal. `owners` are the people to choose from."""

    owner = forms.TypedChoiceField(label="Owner", required=False, coerce=int, empty_value=None)
    words = forms.CharField(
        label="What would count as done",
        required=False,
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, owners: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = [("", "Nobody in particular"), *owners]  # type: ignore[attr-defined]


class OpenGoalForm(GoalForm):
    """A new goal: its kind as well."""

    kind = forms.TypedChoiceField(label="Goal", coerce=int)

    field_order = ("kind", "owner", "words")

    def __init__(self, *args: Any, kinds: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "Choose a goal"), *kinds]  # type: ignore[attr-defined]
