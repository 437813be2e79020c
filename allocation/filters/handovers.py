"""Filters of the list of handovers. Choices hold only what the person may see."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.models import CSM, Team
from accounts.querysets.scope import served_by
from allocation.models import Handover

WAYS = (("in", "Taken over"), ("out", "Handed over"))


class HandoverFilter(django_filters.FilterSet):
    """`user` is given by the view; the filters live in the address."""

    q = django_filters.CharFilter(
        label="Customer",
        method="by_words",
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Part of a name or id", "autocomplete": "off"}
        ),
    )
    way = django_filters.ChoiceFilter(label="Way", choices=WAYS, method="by_way", empty_label="Both ways")
    team = django_filters.ModelChoiceFilter(
        label="Team", queryset=Team.objects.none(), method="by_team", empty_label="Any team"
    )
    csm = django_filters.ModelChoiceFilter(
        label="CSM", queryset=CSM.objects.none(), method="by_csm", empty_label="Any CSM"
    )
    path = django_filters.ChoiceFilter(label="Kind", choices=Handover.Path.choices, empty_label="Any kind")

    class Meta:
        model = Handover
        fields: list[str] = []

    # What a CSM's own list has no use for, and what only that one has.
    OF_LEADS = ("team", "csm")
    OF_CSMS = ("way",)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.filters["team"].queryset = Team.objects.visible_to(user).order_by("name", "pk")
        self.filters["csm"].queryset = CSM.objects.visible_to(user).people().order_by("name", "pk")
        leads = user.is_ops or user.is_manager
        for name in () if leads else self.OF_LEADS:
            del self.filters[name]
        for name in () if user.is_csm else self.OF_CSMS:
            del self.filters[name]

    @property
    def fields_shown(self) -> list[Any]:
        return list(self.form.visible_fields())

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        words = value.replace("\0", "")
        return rows.filter(Q(customer__name__icontains=words) | Q(customer__external_id__icontains=words))

    def by_way(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(served_by(self.user, "to_csm" if value == "in" else "from_csm"))

    def by_team(self, rows: QuerySet[Any], name: str, value: Team) -> QuerySet[Any]:
        return rows.filter(Q(from_csm__team=value) | Q(to_csm__team=value))

    def by_csm(self, rows: QuerySet[Any], name: str, value: CSM) -> QuerySet[Any]:
        return rows.of_csms([value.pk])  # type: ignore[attr-defined,no-any-return]
