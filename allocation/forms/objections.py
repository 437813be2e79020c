"""Forms of objections: a CSM's reason and words, and the day before which one can object."""

from __future__ import annotations

from django import forms

from allocation.models import Objection
from allocation.services.planning.objecting import LONGEST_WORDS


class ObjectionForm(forms.Form):
    """Why a customer should not leave the own book, or not come into it."""

    reason_kind = forms.ChoiceField(
        label="Reason", choices=[("", "Choose a reason"), *Objection.Reason.choices]
    )
    words = forms.CharField(
        label="In your words",
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "Whoever answers reads this"}),
    )


class WindowForm(forms.Form):
    """The first day on which nobody can object any more."""

    until = forms.DateField(
        label="CSMs can object before",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
