"""Forms that were sent with a fault and are shown again."""

from __future__ import annotations

from typing import TypeVar

from django import forms

SentForm = TypeVar("SentForm", bound=forms.BaseForm)


def with_focus(form: SentForm) -> SentForm:
    """The first field with a fault (of a form refused as a whole: its first field) gets the focus, so that the page opens there."""
    names = [name for name in form.fields if form.has_error(name)] or list(form.fields)
    shown = [name for name in names if not form.fields[name].widget.is_hidden]
    if shown:
        form.fields[shown[0]].widget.attrs["autofocus"] = True
    return form
