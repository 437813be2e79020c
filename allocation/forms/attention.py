"""What a lead may try on the attention page: another basis, floor or cap. Nothing is stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms

from allocation.engine.facts.attention import AttentionRules, Basis
from allocation.models import AttentionPolicy
from allocation.selectors.attention_words import IDEAS, basis_label


class AttentionPolicyForm(forms.ModelForm):
    """A policy as CS ops write it: labels that say of what a number is, and a sentence for each basis."""

    class Meta:
        model = AttentionPolicy
        fields = ("name", "basis", "floor_pct", "cap_pct")
        labels = {"floor_pct": "Floor, % of an even share", "cap_pct": "Cap, % of the hours left"}
        help_texts = {"basis": " ".join(f"{basis_label(basis)}: {idea}." for basis, idea in IDEAS.items())}


class TryAttentionForm(forms.Form):
    """Read from the address; what is left out or refused stays as it is in force."""

    basis = forms.ChoiceField(choices=AttentionPolicy.Basis.choices, required=False)
    floor = forms.DecimalField(
        label="Floor, % of an even share", min_value=0, max_value=100, decimal_places=2, required=False
    )
    cap = forms.DecimalField(
        label="Cap, % of the hours left", min_value=0, max_value=100, decimal_places=2, required=False
    )

    def __init__(self, data: Any, *, in_force: AttentionRules) -> None:
        asked = {name: data.get(name) for name in self.base_fields if data.get(name)}
        shown = {
            "basis": in_force.basis,
            "floor": _plain(in_force.floor_pct),
            "cap": _plain(in_force.cap_pct),
        }
        super().__init__(shown | asked)
        self.in_force = in_force
        self.asked = bool(asked)

    @property
    def rules(self) -> AttentionRules:
        """What is tried: the values that make sense, else those in force."""
        self.is_valid()
        given = self.cleaned_data
        return AttentionRules(
            basis=cast(Basis, given.get("basis") or self.in_force.basis),
            floor_pct=_or(given.get("floor"), self.in_force.floor_pct),
            cap_pct=_or(given.get("cap"), self.in_force.cap_pct),
        )

    @property
    def is_trying(self) -> bool:
        return self.rules != self.in_force


def _or(given: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if given is None else given


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
