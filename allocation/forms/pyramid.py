"""What the pyramid is narrowed to. Choices hold only what the person may see; an unknown word narrows nothing."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Customer, Region, Team, Vertical
from allocation.selectors.pyramid_lines import Chosen

NAMES = ("team", "vertical", "region")


class PyramidForm(forms.Form):
    """`user`: who looks. The choices live in the address."""

    team = forms.ModelChoiceField(Team.objects.none(), required=False, empty_label="Any team")
    vertical = forms.ModelChoiceField(Vertical.objects.none(), required=False, empty_label="Any vertical")
    region = forms.ModelChoiceField(Region.objects.none(), required=False, empty_label="Any region")

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__({name: data.get(name, "") for name in NAMES})
        visible = Customer.objects.visible_to(user).order_by()
        self.fields["team"].queryset = Team.objects.visible_to(user).order_by("name", "pk")  # type: ignore[attr-defined]
        for name, model in (("vertical", Vertical), ("region", Region)):
            every = model.objects.order_by("name", "pk")  # type: ignore[attr-defined]
            if not user.is_ops:  # others read only the words of their own customers
                every = every.filter(pk__in=visible.values(f"{name}_id").distinct())
            self.fields[name].queryset = every  # type: ignore[attr-defined]

    @property
    def picked(self) -> dict[str, Any]:
        """The things chosen, by name."""
        self.full_clean()
        return {name: self.cleaned_data[name] for name in NAMES if self.cleaned_data.get(name)}

    @property
    def chosen(self) -> Chosen:
        return Chosen(**{name: thing.pk for name, thing in self.picked.items()})
