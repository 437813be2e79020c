"""Forms about touches: what is sent from a row of a list, and from the customer's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from allocation.forms.approvals import day_field
from allocation.services.touches import LONGEST_MINUTES, LONGEST_NAME, LONGEST_WORDS, NAMELESS


def minutes_field(*, required: bool) -> forms.IntegerField:
    return forms.IntegerField(
        label="Minutes it took", required=required, min_value=0, max_value=LONGEST_MINUTES
    )


def words_field(label: str, *, required: bool) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class DoneForm(forms.Form):
    """A day left empty is today, minutes left empty are those planned."""

    done_on = day_field("On", required=False)
    minutes = minutes_field(required=False)
    words = words_field("What came of it", required=False)


class SkipForm(forms.Form):
    words = words_field("Why it is skipped", required=True)


class MoveForm(forms.Form):
    due_on = day_field("To")


class LogForm(forms.Form):
    """One that was not planned. activities: of the customer's touch plan."""

    activity = forms.TypedChoiceField(label="Activity", required=False, coerce=int, empty_value=None)
    name = forms.CharField(
        label="Or what it was",
        required=False,
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Call about the renewal"}),
    )
    done_on = day_field("On")
    minutes = minutes_field(required=True)
    words = words_field("What came of it", required=False)

    def __init__(self, *args: Any, activities: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["activity"]
        choices.choices = [("", "Something else"), *activities]

    def clean(self) -> dict[str, Any]:
        """The sentence stands beside the field that has to be filled in."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors.keys() & {"activity", "name"} and not (given.get("activity") or given.get("name")):
            self.add_error("name", NAMELESS)
        return given
