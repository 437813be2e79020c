"""Filters of the customer list and of a book. Choices hold only what the person may see."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.models import CSM, Customer, Goal, GoalKind, Region, Team, Tier, TouchLevel, Vertical
from accounts.querysets.scope import with_teams_below
from allocation.selectors.risks import at_risk
from allocation.selectors.tiers import tiers_in_use

SOON = (("30", "in 30 days"), ("90", "in 90 days"), ("180", "in 180 days"), ("past", "date has passed"))
HEALTH = (("low", "below 40"), ("middle", "40 to 66"), ("good", "67 and above"))
HEALTH_BOUNDS = {"low": (0, 40), "middle": (40, 67), "good": (67, 101)}
RISK = (("yes", "at risk"), ("no", "not at risk"))
GAPS = (
    ("no_tier", "without a tier"),
    ("retired_tier", "in a tier no longer in use"),
    ("no_csm", "without a CSM"),
    ("no_health", "without health"),
    ("no_renewal", "without a renewal date"),
)

# What a filter says that changes nothing: it is no filter in use.
AS_IT_IS = {"status": "active"}


class CustomerFilter(django_filters.FilterSet):
    """`today` and `user` are given by the view; the filters live in the address."""

    q = django_filters.CharFilter(
        label="Name or id",
        method="by_words",
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Part of a name or id", "autocomplete": "off"}
        ),
    )
    tier = django_filters.ModelChoiceFilter(
        label="Tier", queryset=Tier.objects.none(), empty_label="Any tier"
    )
    touch = django_filters.ChoiceFilter(
        label="Touch level",
        field_name="tier__touch_level",
        choices=TouchLevel.choices,
        empty_label="Any touch level",
    )
    csm = django_filters.ModelChoiceFilter(label="CSM", queryset=CSM.objects.none(), empty_label="Any CSM")
    team = django_filters.ModelChoiceFilter(
        label="Team", queryset=Team.objects.none(), method="by_team", empty_label="Any team"
    )
    vertical = django_filters.ModelChoiceFilter(
        label="Vertical", queryset=Vertical.objects.none(), empty_label="Any vertical"
    )
    region = django_filters.ModelChoiceFilter(
        label="Region", queryset=Region.objects.none(), empty_label="Any region"
    )
    goal = django_filters.ModelChoiceFilter(
        label="Open goal", queryset=GoalKind.objects.none(), method="by_goal", empty_label="Any goal"
    )
    renewal = django_filters.ChoiceFilter(
        label="Renewal", choices=SOON, method="by_renewal", empty_label="Any renewal"
    )
    health = django_filters.ChoiceFilter(
        label="Health", choices=HEALTH, method="by_health", empty_label="Any health"
    )
    risk = django_filters.ChoiceFilter(
        label="Risk", choices=RISK, method="by_risk", empty_label="At risk or not"
    )
    gap = django_filters.ChoiceFilter(
        label="Missing", choices=GAPS, method="by_gap", empty_label="Nothing in particular"
    )
    status = django_filters.ChoiceFilter(
        label="Status",
        choices=(("active", "Active"), ("left", "Left"), ("all", "Active and left")),
        method="by_status",
        empty_label=None,
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    # What stands in sight; the others are behind "More filters".
    FIRST = ("q", "tier", "csm", "renewal")
    # Without meaning inside one book.
    OF_A_LIST_ONLY = ("csm", "team")

    # Each a choice of one row; what customers they leave comes to is known without reading the customers.
    BY_FIGURES = frozenset({"tier", "csm", "team", "vertical", "region"})

    def __init__(
        self,
        *args: Any,
        user: Any,
        today: date,
        in_book: bool = False,
        several: bool = False,
        **kwargs: Any,
    ) -> None:
        """several: the own book and others that the CSM covers, which only the CSM tells apart."""
        self.user, self.today = user, today
        super().__init__(*args, **kwargs)
        visible = self.queryset
        self.filters["tier"].queryset = self._tiers()
        self.filters["goal"].queryset = GoalKind.objects.filter(retired=False).order_by("name", "pk")
        self.filters["vertical"].queryset = self._words(Vertical, visible)
        self.filters["region"].queryset = self._words(Region, visible)
        self.filters["csm"].queryset = CSM.objects.visible_to(user).people().order_by("name", "pk")
        self.filters["team"].queryset = Team.objects.visible_to(user).order_by("name", "pk")
        if in_book or not (user.is_ops or user.is_manager):
            for name in self.OF_A_LIST_ONLY:
                if not (several and name == "csm"):
                    del self.filters[name]

    def _tiers(self) -> QuerySet[Tier]:
        return tiers_in_use()

    def _words(self, model: Any, visible: QuerySet[Any]) -> QuerySet[Any]:
        """Ops know every word; others those of their own customers, so that no foreign word shows."""
        every = model.objects.order_by("name", "pk")
        if self.user.is_ops:
            return every
        column = f"{model._meta.model_name}_id"
        return every.filter(pk__in=visible.order_by().values(column).distinct())

    @property
    def first(self) -> list[Any]:
        return [field for field in self.form.visible_fields() if field.name in self.FIRST]

    @property
    def more(self) -> list[Any]:
        return [field for field in self.form.visible_fields() if field.name not in self.FIRST]

    @property
    def more_in_use(self) -> int:
        """How many filters behind "More filters" narrow the list; one that says what holds without it does not."""
        return sum(self._narrows(field.name) for field in self.more)

    @property
    def in_use(self) -> int:
        """How many filters narrow the list, in sight and behind "More filters"."""
        return sum(self._narrows(name) for name in self.filters)

    @property
    def by_figures(self) -> dict[str, int] | None:
        """The filters in use, where each names one thing that figures are kept by (`BY_FIGURES`); None where another is in use."""
        in_use = {name for name in self.filters if self._narrows(name)}
        if not in_use <= self.BY_FIGURES or not self.form.is_valid():
            return None
        return {name: self.form.cleaned_data[name].pk for name in in_use}

    def _narrows(self, name: str) -> bool:
        return self.form.data.get(name) not in {None, "", AS_IT_IS.get(name)}

    @property
    def qs(self) -> QuerySet[Any]:
        found = super().qs
        return found if self.form.data.get("status") in {"left", "all"} else found.filter(status="active")

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(name__icontains=value) | Q(external_id__icontains=value))

    def by_team(self, rows: QuerySet[Any], name: str, value: Team) -> QuerySet[Any]:
        """Of the team and of those below it, as on the balance and the pyramid."""
        return rows.filter(csm__team_id__in=with_teams_below(team=value.pk))

    def by_goal(self, rows: QuerySet[Any], name: str, value: GoalKind) -> QuerySet[Any]:
        return rows.filter(pk__in=Goal.objects.open_on(self.today).filter(kind=value).values("customer_id"))

    def by_renewal(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "past":
            return rows.filter(renewal_date__lt=self.today)
        return rows.filter(
            renewal_date__gte=self.today, renewal_date__lte=self.today + timedelta(days=int(value))
        )

    def by_health(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        low, high = HEALTH_BOUNDS[value]
        return rows.filter(health__gte=low, health__lt=high)

    def by_risk(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        found = at_risk(on=self.today)
        return rows.filter(found) if value == "yes" else rows.exclude(found)

    def by_gap(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "no_csm":
            # Self-service customers have no CSM by design: nothing is missing there.
            return rows.filter(csm__isnull=True, tier__isnull=False).exclude(
                tier__touch_level=TouchLevel.SELF_SERVICE
            )
        if value == "retired_tier":
            return rows.filter(tier__retired=True)
        missing = {"no_tier": "tier", "no_health": "health", "no_renewal": "renewal_date"}[value]
        return rows.filter(**{f"{missing}__isnull": True})

    def by_status(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(status="left") if value == "left" else rows
