"""Filters of runs, plans and the rows they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import CSM, Tier, Vertical
from allocation.engine.facts.ways import Way
from allocation.models import BookPlan, Move, Objection, RetierRun, RowStatus, RunStatus, TierDecision
from allocation.selectors.ways import TierWays

GUARDS = (
    ("paid_floor", "Paid floor"),
    ("first_year", "First year"),
    ("dead_band", "Dead band"),
    ("minimum_stay", "Minimum stay"),
    ("renewal_freeze", "Renewal freeze"),
)
DECIDERS = (("rule", "The rules"), *GUARDS, ("override", "Override"))


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
    """The rows of a run within one tab. `tab` decides which filters mean something, `user` which names show."""

    q = django_filters.CharFilter(label="Customer", method="by_words", max_length=200, widget=_search())
    was = django_filters.ModelChoiceFilter(
        label="From tier", field_name="previous", queryset=Tier.objects.none(), empty_label="Any tier"
    )
    to = django_filters.ModelChoiceFilter(
        label="To tier", field_name="effective", queryset=Tier.objects.none(), empty_label="Any tier"
    )
    way = django_filters.ChoiceFilter(
        label="Direction",
        method="by_way",
        choices=(
            (Way.UP.value, "Goes up"),
            (Way.DOWN.value, "Goes down"),
            (Way.NONE.value, "From a retired tier"),
        ),
        empty_label="Any direction",
    )
    guard = django_filters.ChoiceFilter(
        label="Held back by", field_name="decided_by", choices=GUARDS, empty_label="Any guard"
    )
    by = django_filters.ChoiceFilter(
        label="Decided by", field_name="decided_by", choices=DECIDERS, empty_label="Anything"
    )
    csm = django_filters.ModelChoiceFilter(
        label="CSM", field_name="customer__csm", queryset=CSM.objects.none(), empty_label="Any CSM"
    )
    vertical = django_filters.ModelChoiceFilter(
        label="Vertical",
        field_name="customer__vertical",
        queryset=Vertical.objects.none(),
        empty_label="Any vertical",
    )
    segment = django_filters.ChoiceFilter(label="Segment", choices=(), empty_label="Any segment")
    status = django_filters.ChoiceFilter(label="Row", choices=RowStatus.choices, empty_label="Any")

    class Meta:
        model = TierDecision
        fields: list[str] = []

    # What stands in sight; the others are behind "More filters".
    FIRST = ("q", "was", "to", "way", "guard")
    EVERYWHERE = frozenset({"q", "csm", "vertical", "segment"})
    OF_A_TAB: Mapping[str, frozenset[str]] = {
        "moves": frozenset({"was", "to", "way", "by", "status"}),
        "first": frozenset({"to", "by", "status"}),
        "held": frozenset({"guard", "to"}),
        "overridden": frozenset({"was", "to"}),
        "refused": frozenset({"was", "to", "way", "by"}),
        "skipped": frozenset({"was", "to", "way"}),
        "kept": frozenset({"was", "to", "way"}),
    }

    def __init__(
        self,
        *args: Any,
        tab: str,
        user: Any,
        ways: TierWays,
        tiers: QuerySet[Tier],
        segments: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        """`ways`, `tiers`, `segments`: of the run's own tiers and model, so that no row has to be read to know them."""
        super().__init__(*args, **kwargs)
        self.ways = ways
        wanted = self.EVERYWHERE | self.OF_A_TAB.get(tab, frozenset())
        for name in set(self.filters) - wanted:
            del self.filters[name]
        for name in {"was", "to"} & wanted:
            self.filters[name].queryset = tiers
        if tab == "held":
            self.filters["to"].label = "Keeps tier"
        self.filters["csm"].queryset = CSM.objects.visible_to(user).people().order_by("name", "pk")
        self.filters["vertical"].queryset = Vertical.objects.visible_to(user).order_by("name", "pk")
        self.filters["segment"].extra["choices"] = [(name, name) for name in segments]

    @property
    def first(self) -> list[Any]:
        return [field for field in self.form.visible_fields() if field.name in self.FIRST]

    @property
    def more(self) -> list[Any]:
        return [field for field in self.form.visible_fields() if field.name not in self.FIRST]

    @property
    def more_in_use(self) -> int:
        """How many filters behind "More filters" narrow the rows."""
        return sum(bool(self.form.data.get(field.name)) for field in self.more)

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(customer__name__icontains=value) | Q(customer__external_id__icontains=value))

    def by_way(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """As each row says of itself: pairs of tiers that go this way, a handful in all."""
        tiers = list(Tier.objects.order_by("rank"))
        fits = Q(pk__in=[])
        for before in tiers:
            others = [tier for tier in tiers if tier != before]
            after = [tier.pk for tier in others if self.ways.between(before, tier) == value]
            fits |= Q(previous=before, effective__in=after)
        return rows.filter(fits)


# What became of a move: key, words, the rows.
ROWS = (
    ("approval", "Waits for approval", Q(status="proposed", needs_approval=True, approved_by__isnull=True)),
    ("largest", "Largest customers", Q(needs_approval=True)),
    ("objected", "Objected to", Q(Exists(Objection.objects.standing().filter(move=OuterRef("pk"))))),
    (
        "unanswered",
        "Objection not answered",
        Q(Exists(Objection.objects.unanswered().filter(move=OuterRef("pk")))),
    ),
    ("repointed", "Re-pointed by a person", Q(repointed_by__isnull=False)),
    ("refused", "Refused", Q(status=RowStatus.REFUSED)),
    ("skipped", "Skipped", Q(status=RowStatus.SKIPPED)),
    ("kept", "Not restored", Q(status=RowStatus.KEPT)),
)


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
    row = django_filters.ChoiceFilter(
        label="Row", method="by_row", choices=[(key, words) for key, words, _ in ROWS], empty_label="Any"
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

    def by_row(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(next(fits for key, _, fits in ROWS if key == value))
