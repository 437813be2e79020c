"""Leave and its cover: rows of a CSM, and the screen of all."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import CSAdmin, CSTabularInline
from accounts.admin.filters import FixedFilter
from accounts.models import Leave


class LeavesOfOne(forms.BaseInlineFormSet):
    """The leaves of one CSM as they are sent together: the model compares each with those that are stored."""

    def clean(self) -> None:
        super().clean()
        days = sorted(
            (form.cleaned_data["starts_on"], form.cleaned_data["ends_before"])
            for form in self.forms
            if form.is_valid()
            and form.cleaned_data.get("starts_on")
            and form.cleaned_data.get("ends_before")
            and not form.cleaned_data.get("DELETE")
        )
        if any(second[0] < first[1] for first, second in pairwise(days)):
            raise ValidationError("Two of these leaves have a day in common: change one of them.")


class LeaveInline(CSTabularInline):
    model = Leave
    formset = LeavesOfOne
    fk_name = "csm"
    fields = ("starts_on", "ends_before", "covered_by")
    verbose_name_plural = "leave"
    deletable = True


class AwayNow(FixedFilter):
    """By today: who is away, whom nobody covers, who will be."""

    title = "leave"
    parameter_name = "away"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "Away now"), ("uncovered", "Now or to come, without a cover"), ("coming", "To come")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        today = timezone.localdate()
        if self.value() == "now":
            return queryset.holding(today)
        if self.value() == "uncovered":
            return queryset.lacking_cover(today)
        return queryset.filter(starts_on__gt=today) if self.value() == "coming" else queryset


@admin.register(Leave)
class LeaveAdmin(CSAdmin):
    lead = "Days away, and who covers. Thirty days and more reduce the capacity of the book; shorter ones do not."
    form_lead = (
        "In these days, and no others, the cover sees the book and serves it: customers, goals, overrides, objections. "
        "The hours count with the cover, the customers stay with their CSM, and it ends by itself. A cover who is away too "
        "covers nobody meanwhile."
    )
    list_display = ("csm", "starts_on", "ends_before", "covered_by", "standing")
    list_filter = (AwayNow,)
    list_select_related = ("csm", "covered_by")
    search_fields = ("csm__name", "csm__email")
    search_help_text = "CSM"
    date_hierarchy = "starts_on"
    ordering = ("-starts_on", "pk")
    deletable = True

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows: Any = super().get_queryset(request)
        return rows.with_cover(timezone.localdate())

    @admin.display(description="Standing", ordering="ends_before")
    def standing(self, row: Any) -> str:
        """Never by colour alone: over, to come, or away with or without a cover."""
        today = timezone.localdate()
        if row.ends_before <= today:
            return badges.badge(words="Over", tone="neutral", icon_name="check")
        if row.starts_on > today:
            return badges.badge(words="To come", tone="info", icon_name="clock")
        if row.is_covered:
            return badges.badge(words="Away, covered", tone="good", icon_name="check")
        return badges.badge(words="Away, nobody covers", tone="warn", icon_name="alert")
