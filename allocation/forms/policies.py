"""The form of an allocation policy: what each number buys, and the sentences that refuse what makes no sense."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.db.models import Model

from allocation.models import AllocationPolicy, NamedTiers

WEIGHTS = (
    "weight_hours",
    "weight_arr",
    "weight_customers",
    "weight_fit",
    "weight_continuity",
    "weight_background",
)
TOLERANCES = ("hours_tolerance_pct", "arr_tolerance_pct")
MOST_TOLERANCE = 50

LABELS = {
    "vertical_fit": "Vertical",
    "region_fit": "Region",
    "language_fit": "Language",
    "product_fit": "Products",
    "weight_hours": "Even hours, points",
    "weight_arr": "Even ARR, points",
    "weight_customers": "Equal numbers, points",
    "weight_fit": "Fit, points",
    "weight_continuity": "Continuity, points",
    "weight_background": "Similar background, points",
    "hours_tolerance_pct": "Tolerance in hours, %",
    "arr_tolerance_pct": "Tolerance in ARR, %",
    "max_moves_pct": "Customers that may move, %",
    "max_moves_arr_pct": "ARR that may move, %",
    "approve_top": "Largest customers that need approval",
    "objection_days": "Time to object, days",
    "hold_before_renewal_days": "Before a renewal, days",
    "hold_first_days": "First days of a contract",
    "hold_after_move_days": "After a change of CSM, days",
    "handover_days": "With introduction, days",
    "short_handover_days": "Short, days",
    "full_time_hours": "Full time, hours a month",
    "search_iterations": "Steps of work",
}
BUYS = {
    "weight_hours": "Hours even against what each CSM has. 60: a book 20 % off costs as much as nine ordinary customers in the wrong hands.",
    "weight_arr": "ARR even among peers, more for the experienced. 30: half of what hours count. 0: ARR may be uneven.",
    "weight_customers": "Equal numbers of customers, whatever their hours. 0: hours decide. For teams that count heads, 60.",
    "weight_fit": "Skill and seniority. 1: one mismatch of an ordinary customer costs a point; a high-touch one counts four times.",
    "weight_continuity": "Keeping the CSM. 3: an ordinary customer moves only where that saves three points elsewhere. Higher: fewer moves.",
    "weight_background": "A similar CSM when a change is needed. 1: quite another background costs a point.",
    "hours_tolerance_pct": "Hours this close to the target count as even; nobody is moved for less.",
    "arr_tolerance_pct": "ARR this close to the target counts as even. Wider than hours: one large customer is more than a whole target.",
    "approve_top": "A change of CSM of these many customers of the highest ARR needs a manager's own approval. 0: none does.",
    "objection_days": "Each CSM concerned can object to a move for these days, and nothing is applied before. 0: no time of its own; CS ops can open one on a plan's page.",
    "handover_days": "By then both CSMs have signed, where the customer knows its CSM and the new one is introduced: high and mid touch.",
    "short_handover_days": "The same for all others: a note and a mail are enough.",
}
MOST_HANDOVER_DAYS = 365


class PolicyForm(forms.ModelForm):
    class Meta:
        model = AllocationPolicy
        fields = ("name", "country_law", "seniority_follows_value", "keep_families_together", *LABELS)
        labels = LABELS
        help_texts = BUYS

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        for field in TOLERANCES:
            band = given.get(field)
            if band is not None and band > MOST_TOLERANCE:
                self.add_error(
                    field,
                    f"Above {MOST_TOLERANCE} % nearly every book counts as even: give 0 to {MOST_TOLERANCE}.",
                )
        for field in ("handover_days", "short_handover_days"):
            days = given.get(field)
            if days is not None and not 1 <= days <= MOST_HANDOVER_DAYS:
                self.add_error(
                    field, f"Give 1 to {MOST_HANDOVER_DAYS} days: each handover has a day to be done by."
                )
        weights = [given.get(field) for field in WEIGHTS]
        if all(weight is not None and weight == 0 for weight in weights):
            raise forms.ValidationError(
                "All weights are 0, so every plan would be as good as any other: give at least one of them points."
            )
        if given.get("search_iterations") == 0:
            self.add_error(
                "search_iterations", "Without a step nothing is evened out: give 1 or more, 2000 is usual."
            )
        return given


class KnownRows:
    """Stands in for the queryset of an autocomplete whose chosen rows were read with the form already."""

    def __init__(self, asked: Any, known: Iterable[Model]) -> None:
        self.asked = asked
        self.known = {str(row.pk): row for row in known}

    def using(self, alias: str | None) -> KnownRows:
        return self

    def filter(self, **lookup: Collection[str]) -> Iterable[Model]:
        """The rows of these keys; asked for where a refused form names others."""
        (wanted,) = lookup.values()
        if set(wanted) <= set(self.known):
            return [row for key, row in self.known.items() if key in wanted]
        found: Iterable[Model] = self.asked.filter(**lookup)
        return found


class NamedTiersForm(forms.ModelForm):
    class Meta:
        model = NamedTiers
        fields = ("csm", "tiers")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            for name, known in (("csm", [self.instance.csm]), ("tiers", self.instance.tiers.all())):
                choices = forms.models.ModelChoiceIterator(self.fields[name])
                choices.queryset = KnownRows(choices.queryset, known)
                self.fields[name].widget.choices = choices

    def clean_tiers(self) -> Any:
        tiers = self.cleaned_data["tiers"]
        alone = [tier.name for tier in tiers if tier.touch_level == "self_service"]
        if alone:
            raise forms.ValidationError(
                f"{' and '.join(alone)} is self-service and has no CSM: leave it out."
            )
        gone = [tier.name for tier in tiers if tier.retired]
        if gone:
            raise forms.ValidationError(f"{' and '.join(gone)} is no longer in use: leave it out.")
        return tiers
