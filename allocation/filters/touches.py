"""Filters of the lists of touches; they live in the address."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.models import CSM, Team, TouchActivity
from allocation.models import Touch


class TouchFilter(django_filters.FilterSet):
    """`user` is given by the view. several: a CSM who covers other books, which only the CSM tells apart."""

    q = django_filters.CharFilter(
        label="Customer",
        method="by_words",
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Part of a name or id", "autocomplete": "off"}
        ),
    )
    team = django_filters.ModelChoiceFilter(
        label="Team", field_name="customer__csm__team", queryset=Team.objects.none(), empty_label="Any team"
    )
    csm = django_filters.ModelChoiceFilter(
        label="CSM", field_name="customer__csm", queryset=CSM.objects.none(), empty_label="Any CSM"
    )
    channel = django_filters.ChoiceFilter(
        label="Channel",
        field_name="activity__channel",
        choices=TouchActivity.Channel.choices,
        empty_label="Any channel",
    )

    class Meta:
        model = Touch
        fields: list[str] = []

    def __init__(self, *args: Any, user: Any, several: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["team"].queryset = Team.objects.visible_to(user).order_by("name", "pk")
        self.filters["csm"].queryset = CSM.objects.visible_to(user).people().order_by("name", "pk")
        if not (user.is_ops or user.is_manager):
            del self.filters["team"]
            if not several:
                del self.filters["csm"]

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any(self.form.data.get(name) for name in self.filters)

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(customer__name__icontains=value) | Q(customer__external_id__icontains=value))
