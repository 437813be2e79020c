"""Filters of runs, plans and the rows they hold."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.models import CSM, Tier
from allocation.models import BookPlan, Move, RetierRun, RowStatus, RunStatus, TierDecision

GUARDS = (
    ("paid_floor", "Paid floor"),
    ("first_year", "First year"),
    ("dead_band", "Dead band"),
    ("minimum_stay", "Minimum stay"),
    ("renewal_freeze", "Renewal freeze"),
)


def _search() -> forms.TextInput:
    return forms.TextInput(
        attrs={"type": "search", "placeholder": "Part of a name or id", "autocomplete": "off"}
    )


class RunFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=RunStatus.choices, empty_label="Any status")
    scope = django_filters.ChoiceFilter(choices=RetierRun.Scope.choices, empty_label="Any scope")

    class Meta:
        model = RetierRun
        fields: list[str] = []


class PlanFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=RunStatus.choices, empty_label="Any status")

    class Meta:
        model = BookPlan
        fields: list[str] = []


class DecisionFilter(django_filters.FilterSet):
    """The moves of a run, or what the guards held back."""

    q = django_filters.CharFilter(label="Customer", method="by_words", max_length=200, widget=_search())
    to = django_filters.ModelChoiceFilter(
        label="To tier",
        field_name="effective",
        queryset=Tier.objects.order_by("rank"),
        empty_label="Any tier",
    )
    guard = django_filters.ChoiceFilter(
        label="Held back by", field_name="decided_by", choices=GUARDS, empty_label="Any guard"
    )
    status = django_filters.ChoiceFilter(label="Row", choices=RowStatus.choices, empty_label="Any")

    class Meta:
        model = TierDecision
        fields: list[str] = []

    def __init__(self, *args: Any, held_back: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("to", "status") if held_back else ("guard",):
            del self.filters[name]

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(customer__name__icontains=value) | Q(customer__external_id__icontains=value))


class MoveFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="Customer", method="by_words", max_length=200, widget=_search())
    csm = django_filters.ModelChoiceFilter(
        label="CSM (from or to)", method="by_csm", queryset=CSM.objects.none(), empty_label="Any CSM"
    )
    kind = django_filters.ChoiceFilter(
        label="Kind",
        method="by_kind",
        choices=(("first", "First CSM"), ("forced", "Forced change"), ("chosen", "Chosen change")),
        empty_label="Any kind",
    )

    class Meta:
        model = Move
        fields: list[str] = []

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["csm"].queryset = CSM.objects.visible_to(user).order_by("name", "pk")

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(customer__name__icontains=value) | Q(customer__external_id__icontains=value))

    def by_csm(self, rows: QuerySet[Any], name: str, value: CSM) -> QuerySet[Any]:
        return rows.filter(Q(from_csm=value) | Q(to_csm=value))

    def by_kind(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "first":
            return rows.filter(from_csm__isnull=True)
        return rows.filter(from_csm__isnull=False, forced=value == "forced")
