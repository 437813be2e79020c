"""Filters of the queue of what waits for a decision; its three kinds are narrowed alike."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q

from accounts.models import CSM, Team
from allocation.models import Override
from allocation.selectors.approvals import KINDS, Queue, mine_to_decide

STATES = (("decided", "Decided in the last 30 days"),)
DUE = (("overdue", "Overdue"), ("week", "Within 7 days"), ("later", "Later"))
WEEK = timedelta(days=7)


class ApprovalFilter(django_filters.FilterSet):
    """`user` and `on` are given by the view; the filters live in the address."""

    q = django_filters.CharFilter(
        label="Customer",
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Part of a name or id", "autocomplete": "off"}
        ),
    )
    kind = django_filters.ChoiceFilter(label="What", choices=KINDS, empty_label="Everything")
    mine = django_filters.ChoiceFilter(
        label="Who decides", choices=(("yes", "Mine to decide"),), empty_label="Anybody"
    )
    due = django_filters.ChoiceFilter(label="Due", choices=DUE, empty_label="Any day")
    team = django_filters.ModelChoiceFilter(
        label="Team", queryset=Team.objects.none(), empty_label="Any team"
    )
    csm = django_filters.ModelChoiceFilter(label="CSM", queryset=CSM.objects.none(), empty_label="Any CSM")
    state = django_filters.ChoiceFilter(label="State", choices=STATES, empty_label="Waiting")

    class Meta:
        model = Override
        fields: list[str] = []

    def __init__(self, *args: Any, user: Any, on: date, **kwargs: Any) -> None:
        super().__init__(*args, queryset=Override.objects.none(), **kwargs)
        self.user, self.on = user, on
        if not user.is_manager:  # who decides nothing has nothing of the own to look for
            del self.filters["mine"]
        self.filters["team"].queryset = Team.objects.visible_to(user).order_by("name", "pk")
        self.filters["csm"].queryset = CSM.objects.visible_to(user).people().order_by("name", "pk")

    @property
    def given(self) -> dict[str, Any]:
        """What was asked for and can be read."""
        self.is_valid()
        return dict(self.form.cleaned_data)

    @property
    def wants_decided(self) -> bool:
        return self.given.get("state") == "decided"

    def narrowed(self, queue: Queue) -> Queue:
        """The queue as the filters say."""
        given = self.given
        if given.get("kind"):
            queue = queue.only(given["kind"])
        if given.get("mine"):
            queue = mine_to_decide(queue, user=self.user)
        if given.get("due") and not queue.is_decided:
            queue = queue.due(self._due(given["due"]))
        if given.get("team"):
            team = given["team"]
            queue = queue.of_customers(
                overrides=Q(customer__csm__team=team),
                moves=Q(customer__csm__team=team) | Q(from_csm__team=team) | Q(to_csm__team=team),
            )
        if given.get("csm"):
            csm = given["csm"]
            queue = queue.of_customers(
                overrides=Q(customer__csm=csm), moves=Q(customer__csm=csm) | Q(from_csm=csm) | Q(to_csm=csm)
            )
        if given.get("q"):
            named = Q(customer__name__icontains=given["q"]) | Q(customer__external_id__icontains=given["q"])
            queue = queue.of_customers(overrides=named, moves=named)
        return queue

    def _due(self, value: str) -> Q:
        week = self.on + WEEK
        return {
            "overdue": Q(when__lt=self.on),
            "week": Q(when__gte=self.on, when__lte=week),
            "later": Q(when__gt=week) | Q(when__isnull=True),
        }[value]
