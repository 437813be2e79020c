"""Form fields and widgets that the admin needs beyond Django's own."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from accounts.importing.currencies import is_currency

SEPARATOR = ";"


class DayInput(forms.DateInput):
    """The browser's own date picker: right on a phone, with a keyboard and in the dark."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class ListOfTexts(forms.CharField):
    """A JSON list of texts as a person writes it: Germany; Austria."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("help_text", "Several are divided by a semicolon.")
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{SEPARATOR} ".join(str(item) for item in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        texts = [text.strip() for text in (value or "").split(SEPARATOR)]
        return list(dict.fromkeys(text for text in texts if text))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class CurrencyCode(forms.CharField):
    """An ISO 4217 code, in any case; the same list as the importer's."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=3, **kwargs)

    def clean(self, value: Any) -> str:
        code = str(super().clean(value)).upper()
        if code and not is_currency(code):
            raise forms.ValidationError(f"{code} is no currency code of ISO 4217, such as EUR.")
        return code


class KnownOrNot(forms.NullBooleanField):
    """Yes, no, or not known; a missing fact is never quietly a no."""

    widget = forms.Select(choices=(("", "Not known"), ("true", "Yes"), ("false", "No")))

    def prepare_value(self, value: Any) -> Any:
        return {True: "true", False: "false", None: ""}.get(value, value)


class StorableJSON(forms.JSONField):
    """A JSON document that every database can keep.

    PostgreSQL knows no NaN, no Infinity, no character NUL and no half of a character (a lone surrogate); a document
    with the last could not even be shown again.
    """

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
            written = json.dumps(found, allow_nan=False, ensure_ascii=False)
        except (ValueError, RecursionError):
            raise forms.ValidationError(
                "Enter valid JSON: finite numbers, and not too many brackets inside one another."
            ) from None
        if not _is_text(written):
            raise forms.ValidationError(
                "A text in it holds half of a character (from \\ud800 to \\udfff, alone): take it out."
            )
        if "\\u0000" in written:
            raise forms.ValidationError("A text in it holds the character NUL (\\u0000): take it out.")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, shown again beside the refusal."""
        try:
            found = super().bound_data(data, initial)
            return found if _is_text(json.dumps(found, ensure_ascii=False)) else InvalidJSONInput(data)
        except (ValueError, RecursionError):  # a number of thousands of digits; brackets without end
            return InvalidJSONInput(data)


def _is_text(written: str) -> bool:
    """Whether it can be written in UTF-8, as databases and pages do."""
    try:
        written.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
