"""Forms of saved views."""

from __future__ import annotations

from django import forms

from allocation.services.saved_views import LONGEST_NAME


class ViewNameForm(forms.Form):
    """What a view is called."""

    name = forms.CharField(
        label="Name", max_length=LONGEST_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class SaveViewForm(ViewNameForm):
    """A new view, or another content for one that is called so."""

    default = forms.BooleanField(label="Open my book with it", required=False)
