"""The form of a scenario: today's numbers with a field beside each, so that a question is asked without writing JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from accounts.admin.fields import StorableJSON
from allocation.forms.policies import BUYS, LABELS
from allocation.forms.scenario_definition import (
    ADDS,
    AMOUNTS,
    MOST_ROWS,
    OPENS,
    POLICY_FIELDS,
    WHERE,
    composed,
    taken_apart,
)
from allocation.models import AllocationPolicy
from allocation.selectors import wording
from allocation.selectors.scenario_ground import Ground, TierNow

MOST_HEADS = 500
CHANGEABLE = (
    ("arr", "ARR"),
    ("potential_arr", "Potential ARR"),
    ("employees", "Employees"),
    ("adoption", "Adoption"),
    ("health", "Health"),
    ("reputation", "Reputation"),
    ("complexity", "Complexity"),
)
WISH_CHOICES = (
    ("", "The model decides, as today"),
    ("wished, keeps", "Everyone gets what it wishes; who has said nothing keeps the tier of the model"),
    ("wished, highest", "Everyone gets what it wishes; who has said nothing is taken to wish the highest"),
)


def _choices(names: Iterable[str], empty: str) -> list[tuple[str, str]]:
    return [("", empty), *((name, name) for name in names)]


def _typed(value: Decimal) -> str:
    """As it would be typed into the field: hours of a year too."""
    return f"{value.normalize():f}"


def _number(label: str, now: Any, *, low: Any, high: Any, places: int = 2) -> forms.DecimalField:
    attrs = {"placeholder": now, "step": "any", "aria-label": label, "inputmode": "decimal"}
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=low,
        max_value=high,
        max_digits=18,
        decimal_places=places,
        widget=forms.NumberInput(attrs=attrs),
    )


def _whole(label: str, now: Any, *, low: int, high: int) -> forms.IntegerField:
    attrs = {"placeholder": now, "aria-label": label, "inputmode": "numeric"}
    return forms.IntegerField(
        label=label, required=False, min_value=low, max_value=high, widget=forms.NumberInput(attrs=attrs)
    )


def _one(label: str, choices: Sequence[tuple[str, str]], *, heard: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=choices,
        widget=forms.Select(attrs={"aria-label": heard} if heard else {}),
    )


class Document(StorableJSON):
    """Laid out to be read; nothing for nothing. A text is what somebody typed, and is shown as it is."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.strip() if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value, ensure_ascii=False, indent=2)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table of the form: what it is about, today's value, the fields."""

    words: str
    now: str
    fields: tuple[Any, ...]
    note: str = ""


class ScenarioForm(forms.Form):
    """`definition` is what was asked; what stands as it is today is left out of it."""

    name = forms.CharField(label="Name", max_length=200)
    words = forms.CharField(
        label="What is asked, and why",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    guards = forms.BooleanField(
        label="Guards run out: minimum stay, dead band and renewal freeze hold nobody back", required=False
    )
    books = forms.BooleanField(label="Plan the books anew under these changes", required=False)
    engagement = forms.ChoiceField(label="What customers wish", choices=WISH_CHOICES, required=False)
    more = Document(
        label="More, as JSON",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "code"}),
        error_messages={"invalid": "This is no JSON: give one object, as docs/scenarios.md has it."},
    )
    shown_version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        ground: Ground,
        definition: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """definition: what the fields show first; initial: name, words, or all fields as they were typed."""
        self.ground = ground
        values, rest = taken_apart(definition or {}, ground)
        values["more"] = rest or None
        super().__init__(*args, initial=values | dict(initial or {}), **kwargs)
        self._add_model()
        self._add_tiers()
        self._add_policy()
        self._add_people()
        self._add_customers()

    # ---- the fields ----

    def _add_model(self) -> None:
        versions = [(str(number), words) for number, words in self.ground.versions]
        self.fields["version"] = _one("Start from", versions or [("", "No model yet")])
        self.initial["version"] = self.initial["shown_version"] = str(self.ground.version or "")
        for place, weight in enumerate(self.ground.weights):
            self.fields[f"weight_{place}"] = _number(
                f"Weight of {weight.criterion}", _typed(weight.value), low=0, high=1000, places=3
            )
        for place, bound in enumerate(self.ground.bounds):
            label, now = f"{bound.rule_words}: {bound.words}", _typed(bound.value)
            self.fields[f"bound_{place}"] = _number(label, now, low=None, high=Decimal(10**12), places=4)

    def _add_tiers(self) -> None:
        for tier in self.ground.tiers:
            hours = f"Hours a year of {tier.name}"
            self.fields[f"hours_{tier.slug}"] = _number(hours, _typed(tier.hours), low=0, high=8760)
            if tier.has_csm:
                now = "no cap" if tier.cap is None else tier.cap
                self.fields[f"cap_{tier.slug}"] = _whole(f"Cap of {tier.name}", now, low=1, high=100_000)
                self.fields[f"nocap_{tier.slug}"] = forms.BooleanField(
                    label="no cap",
                    required=False,
                    widget=forms.CheckboxInput(attrs={"aria-label": f"No cap on {tier.name}"}),
                )

    def _add_policy(self) -> None:
        names = [
            (policy.name, f"{policy.name} (in force)" if policy.is_active else policy.name)
            for policy in self.ground.policies
        ]
        self.fields["policy"] = _one("Start from", names or [("", "The usual values")])
        self.initial.setdefault("policy", self.ground.policy("").name if names else "")
        for name in POLICY_FIELDS:
            field = AllocationPolicy._meta.get_field(name)
            label, as_today = LABELS.get(name, str(field.verbose_name).capitalize()), "as the policy says"
            if field.choices:
                self.fields[f"policy_{name}"] = _one(label, [("", as_today), *field.choices])
            elif name == "country_law":
                self.fields[f"policy_{name}"] = forms.TypedChoiceField(
                    label="Country law",
                    required=False,
                    choices=[("", as_today), ("True", "On"), ("False", "Off")],
                    coerce=lambda said: said == "True",
                    empty_value=None,
                )
            else:
                high = 50 if name.endswith("tolerance_pct") else 100 if name.endswith("_pct") else 10_000
                self.fields[f"policy_{name}"] = _number(label, as_today, low=0, high=high)
                self.fields[f"policy_{name}"].help_text = BUYS.get(name, "")

    def _add_people(self) -> None:
        offered = self._offered("any")
        for place in self._rows("add", ADDS):
            heard = f", row {place + 1} of the added CSMs"
            self.fields[f"add_{place}_heads"] = _whole(f"Heads{heard}", "0", low=1, high=MOST_HEADS)
            for name in ("vertical", "region", "country", "language"):
                label = name.capitalize()
                self.fields[f"add_{place}_{name}"] = _one(label, offered[name], heard=f"{label}{heard}")
            self.fields[f"add_{place}_seniority"] = _whole(f"Seniority{heard}", "mean", low=1, high=5)
            self.fields[f"add_{place}_hours"] = _number(
                f"Hours a month{heard}", "mean", low=1, high=744, places=1
            )
        self.fields["without"] = forms.MultipleChoiceField(
            label="Who is not there",
            required=False,
            choices=self.ground.csms,
            widget=forms.CheckboxSelectMultiple,
        )

    def _add_customers(self) -> None:
        self.fields["close"] = forms.MultipleChoiceField(
            label="Goals that are closed",
            required=False,
            choices=self.ground.goal_kinds,
            widget=forms.CheckboxSelectMultiple,
        )
        for place in self._rows("open", OPENS):
            heard = f", row {place + 1} of the opened goals"
            kinds = [("", "no goal"), *self.ground.goal_kinds]
            self.fields[f"open_{place}_kind"] = _one("Goal", kinds, heard=f"Goal{heard}")
            self._add_where(f"open_{place}", heard)
        for place in self._rows("amount", AMOUNTS):
            heard = f", row {place + 1} of the amounts"
            self.fields[f"amount_{place}_attribute"] = _one(
                "Amount", [("", "no amount"), *CHANGEABLE], heard=f"Amount{heard}"
            )
            self.fields[f"amount_{place}_change"] = _number(f"Change in %{heard}", "± %", low=-100, high=1000)
            self._add_where(f"amount_{place}", heard)

    def _add_where(self, prefix: str, heard: str) -> None:
        offered = self._offered("everywhere")
        for name in WHERE:
            label = "Tier today" if name == "tier" else name.capitalize()
            self.fields[f"{prefix}_{name}"] = _one(label, offered[name], heard=f"{label}{heard}")

    def _offered(self, empty: str) -> dict[str, list[tuple[str, str]]]:
        ground = self.ground
        return {
            "vertical": _choices(ground.verticals, empty),
            "region": _choices(ground.regions, empty),
            "country": _choices(ground.countries, empty),
            "language": _choices(ground.languages, empty),
            "tier": [("", empty), *((tier.slug, tier.name) for tier in ground.tiers)],
        }

    def _rows(self, prefix: str, least: int) -> range:
        """One more than what is there, so that there is always room for another."""
        names = [*self.initial, *self.data]
        used = [place for place in range(MOST_ROWS) if any(n.startswith(f"{prefix}_{place}_") for n in names)]
        asked = len(used) if self.is_bound else max(used, default=-1) + 2
        return range(min(max(asked, least), MOST_ROWS))

    # ---- what is refused ----

    def clean_more(self) -> dict[str, Any]:
        more = self.cleaned_data["more"]
        if more in (None, ""):
            return {}
        if not isinstance(more, dict):
            raise forms.ValidationError(
                "Give one JSON object, as docs/scenarios.md has it, or leave it empty."
            )
        return more

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("version") != given.get("shown_version"):
            self.add_error(
                "version", "Another version has other weights and bounds: press “Show its numbers” first."
            )
        for tier in self.ground.tiers:
            if given.get(f"cap_{tier.slug}") is not None and given.get(f"nocap_{tier.slug}"):
                self.add_error(f"cap_{tier.slug}", "Give a cap or tick “no cap”, not both.")
        self._complete("add", "heads", "Say how many, or leave the whole row empty.")
        self._complete("open", "kind", "Choose the goal that is opened, or leave the whole row empty.")
        self._complete("amount", "attribute", "Choose what changes, or leave the whole row empty.")
        self._complete("amount", "change", "Say by how many per cent, or leave the whole row empty.")
        return given

    def _complete(self, prefix: str, needed: str, sentence: str) -> None:
        for place in range(MOST_ROWS):
            names = [name for name in self.fields if name.startswith(f"{prefix}_{place}_")]
            some = any(self.cleaned_data.get(name) not in (None, "") for name in names)
            lacking = f"{prefix}_{place}_{needed}"
            if some and self.cleaned_data.get(lacking) in (None, "") and not self.has_error(lacking):
                self.add_error(lacking, sentence)

    @property
    def definition(self) -> dict[str, Any]:
        """Of a valid form: only what differs from today."""
        return composed(self.cleaned_data, self.ground)

    # ---- as the page shows it ----

    def weight_lines(self) -> Iterator[Line]:
        for place, weight in enumerate(self.ground.weights):
            yield Line(weight.criterion, _typed(weight.value), (self[f"weight_{place}"],))

    def bound_lines(self) -> Iterator[Line]:
        for place, bound in enumerate(self.ground.bounds):
            now = wording.grouped(bound.value, places=wording.places_of([bound.value]))
            yield Line(bound.rule_words, now, (self[f"bound_{place}"],), note=bound.words)

    def tier_lines(self) -> Iterator[tuple[TierNow, Any, Any, Any, str]]:
        """(tier, cap, no cap, hours, today's cap in words); a tier of nobody's book has no cap."""
        for tier in self.ground.tiers:
            cap, nocap = (
                (self[f"cap_{tier.slug}"], self[f"nocap_{tier.slug}"]) if tier.has_csm else (None, None)
            )
            now = "no cap" if tier.cap is None else wording.grouped(tier.cap)
            yield tier, cap, nocap, self[f"hours_{tier.slug}"], now if tier.has_csm else "nobody's book"

    def policy_fields(self) -> list[Any]:
        return [self[f"policy_{name}"] for name in POLICY_FIELDS]

    def rows_of(self, prefix: str) -> list[list[Any]]:
        rows = []
        for place in range(MOST_ROWS):
            names = [name for name in self.fields if name.startswith(f"{prefix}_{place}_")]
            if names:
                rows.append([self[name] for name in names])
        return rows

    def add_rows(self) -> list[list[Any]]:
        return self.rows_of("add")

    def open_rows(self) -> list[list[Any]]:
        return self.rows_of("open")

    def amount_rows(self) -> list[list[Any]]:
        return self.rows_of("amount")

    def typed(self) -> dict[str, Any]:
        """Every field as it was sent but what belongs to a version, for showing the same form over another one."""
        return {
            name: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name, field in self.fields.items()
            if not name.startswith(("weight_", "bound_")) and name not in ("version", "shown_version")
        }
