"""Forms of the approvals: changing a request for an override, and handing decisions over while away."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts import roles
from accounts.models import Tier, User
from allocation.models import Override
from allocation.services import delegating
from allocation.services.overrides.asking import LONGEST_EDIT_WORDS


def day_field(label: str, **more: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **more)


def managers_to_choose() -> QuerySet[User]:
    """Active people who decide, by name."""
    return User.objects.filter(is_active=True, groups__name=roles.MANAGER).order_by("name", "email", "pk")


class EditOverrideForm(forms.Form):
    """Tier and days of a request that waits, and why they are changed."""

    tier = forms.ModelChoiceField(label="Tier", queryset=Tier.objects.none(), empty_label=None)
    starts_on = day_field("Starts")
    expires_on = day_field("Expires (first day it no longer holds)")
    words = forms.CharField(
        label="Why it is changed",
        max_length=LONGEST_EDIT_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why the request is changed."},
    )

    def __init__(self, *args: Any, override: Override, **kwargs: Any) -> None:
        initial = {
            "tier": override.tier_id,
            "starts_on": override.starts_on,
            "expires_on": override.expires_on,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["tier"].queryset = Tier.objects.filter(retired=False).order_by("rank", "pk")  # type: ignore[attr-defined]


class DelegationForm(forms.Form):
    """Who decides for whom, and when. CS ops name the manager; a manager delegates the own decisions."""

    manager = forms.ModelChoiceField(
        label="Who is away", queryset=User.objects.none(), empty_label="Choose a manager"
    )
    delegate = forms.ModelChoiceField(
        label="Who decides meanwhile", queryset=User.objects.none(), empty_label="Choose a manager"
    )
    starts_on = day_field("From")
    ends_before = day_field("Back on")
    words = forms.CharField(label="Words", required=False, max_length=delegating.LONGEST_WORDS)

    def __init__(self, *args: Any, user: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, initial={"starts_on": today}, **kwargs)
        managers: Any = self.fields["manager"]
        delegates: Any = self.fields["delegate"]
        delegates.queryset = managers_to_choose()
        if user.is_ops:
            managers.queryset = managers_to_choose()
        else:
            del self.fields["manager"]
            delegates.queryset = managers_to_choose().exclude(pk=user.pk)
