"""Tiers and goal kinds: while a lock holds, what the published model reads of them stays as it is.

Publishing a version is refused by the lock; editing these would change what the version in force decides all the same.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.utils import timezone

from accounts.admin import service
from accounts.models import GoalKind, Tier
from allocation.selectors.model_checks import refusal_to_edit_around


class LockedForm(forms.ModelForm):
    """`read_by_rules`: the fields that decide something. The others, and a new row, are nobody's concern."""

    read_by_rules: ClassVar[frozenset[str]] = frozenset()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        touched = self.touched()
        refusal = refusal_to_edit_around(on=timezone.localdate()) if touched else ""
        for name in touched if refusal else ():
            self.add_error(name, refusal)
        return cleaned

    def touched(self) -> list[str]:
        return [] if self.instance.pk is None else sorted(self.read_by_rules & set(self.changed_data))


class TierForm(LockedForm):
    read_by_rules = frozenset({"rank", "touch_level", "retired"})

    def touched(self) -> list[str]:
        """A new tier between the others may be the nearest higher one of a first year: it goes below them."""
        rank = self.cleaned_data.get("rank")
        if self.instance.pk is not None or rank is None:
            return super().touched()
        lowest = Tier.objects.aggregate(lowest=Max("rank"))["lowest"] or 0
        return ["rank"] if rank <= lowest else []


class GoalKindForm(LockedForm):
    read_by_rules = frozenset({"asks_for"})


@admin.register(Tier)
class TierAdmin(service.TierAdmin):
    form = TierForm


@admin.register(GoalKind)
class GoalKindAdmin(service.GoalKindAdmin):
    form = GoalKindForm
