"""Locking the tiering model."""

from __future__ import annotations

from typing import Any

from django import forms

from allocation.models import ModelLock
from allocation.services.models import LONGEST_WORDS


class LockForm(forms.ModelForm):
    """Until when, and why; the service decides whether the day makes sense."""

    class Meta:
        model = ModelLock
        fields = ("until", "words")
        widgets = {"until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].required = True


class LiftForm(forms.Form):
    words = forms.CharField(label="Why", max_length=LONGEST_WORDS)
