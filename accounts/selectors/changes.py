"""The log of changes as people read it: what changed, from what to what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auditlog import get_logentry_model
from auditlog.registry import auditlog
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.text import capfirst

DASH = "–"
SHORT = 90


@dataclass(frozen=True, slots=True)
class Difference:
    """One column: its name in words, what it was, what it is.

    added, taken: members of a relation to many; partly: `after` names the parts of a document that changed.
    """

    label: str
    before: str
    after: str
    added: bool = False
    taken: bool = False
    partly: bool = False


def lines() -> QuerySet:
    """Every line, the newest first, with what a page needs of each."""
    rows = get_logentry_model()._default_manager.select_related("actor", "content_type")
    return rows.order_by("-timestamp", "-pk")


def lines_of(*, row: models.Model) -> QuerySet:
    """The lines about one row."""
    return (
        lines()
        .filter(content_type__app_label=row._meta.app_label, content_type__model=row._meta.model_name)
        .filter(object_id=row.pk)
    )


def differences(*, line: Any, at_most: int | None = None) -> list[Difference]:
    """What a line says, by column name; long texts cut to `at_most` characters. No query."""
    model = line.content_type.model_class()
    return [_difference(model, name, found, at_most) for name, found in sorted((line.changes or {}).items())]


def _difference(model: type[models.Model] | None, name: str, found: Any, at_most: int | None) -> Difference:
    field = _field(model, name)
    label = capfirst(str(getattr(field, "verbose_name", name.replace("_", " "))))
    if isinstance(found, Mapping):
        members = _cut(", ".join(found.get("objects", [])), at_most)
        added = found.get("operation") == "add"
        return Difference(label, "" if added else members, members if added else "", added, not added)
    before, after = found
    if at_most is not None and isinstance(before, dict) and isinstance(after, dict):
        parts = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        return Difference(label, "", ", ".join(parts), partly=True)
    return Difference(label, _cut(_words(field, before), at_most), _cut(_words(field, after), at_most))


def _field(model: type[models.Model] | None, name: str) -> Any:
    try:
        return model._meta.get_field(name) if model is not None else None
    except FieldDoesNotExist:  # the column is gone since
        return None


def _words(field: Any, value: Any) -> str:
    if value in (None, "", "None", [], {}):
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    choices = {str(key): words for key, words in getattr(field, "flatchoices", None) or ()}
    if str(value) in choices:
        return str(choices[str(value)])
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
    return _dated(field, str(value))


def _dated(field: Any, text: str) -> str:
    if isinstance(field, models.DateTimeField):
        moment = parse_datetime(text)
        return f"{moment:%d %b %Y, %H:%M} UTC" if moment else text
    if isinstance(field, models.DateField):
        day = parse_date(text)
        return f"{day:%d %b %Y}" if day else text
    return text


def _cut(words: str, at_most: int | None) -> str:
    flat = " ".join(words.split()) if at_most is not None else words
    return flat if at_most is None or len(flat) <= at_most else flat[: at_most - 1] + "…"


def kinds() -> Iterable[type[models.Model]]:
    """Models whose changes are kept, by name."""
    return sorted(auditlog.get_models(), key=lambda model: str(model._meta.verbose_name).lower())
