"""How customers stand in the database, as one text each: made by the database, compared and fingerprinted as it is.

A text is a JSON list of the columns of a file. Two that are alike say the same, so a file sent again is compared
without making two million values; only a row whose texts differ is taken apart. Texts that differ may still say the
same (escapes, 5 and 5.0): whoever finds a difference compares the values.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from json.encoder import encode_basestring
from typing import Any

from django.db import connection
from django.db.models import Case, F, Func, TextField, Value, When

from accounts.importing.customers import ATTRIBUTE_PREFIX
from accounts.models import Customer, Goal
from allocation.services.importing.columns import Column

AMOUNTS = ("arr", "potential_arr")
POINTS = ("adoption", "health", "reputation", "complexity")
TEXTS = ("name", "country", "currency", "package", "wished_engagement", "status")
YES_NO = ("champion", "loss_felt", "first_renewal_done")
# Where a column of the file lives; the others live in the field of their own name.
PATHS = {
    "parent": "parent__external_id",
    "vertical": "vertical__name",
    "region": "region__name",
    "language": "language__name",
    "paid_tier": "paid_tier__slug",
}
# Added to the database's text in Python: one attribute of many, and goals, which are rows of their own.
GOALS = "goals"


class _JsonList(Func):
    """The values of its expressions as the text of a JSON list."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, function="JSON_ARRAY", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(%(function)s(%(expressions)s))::text"
        return super().as_sql(compiler, connection, function="JSON_BUILD_ARRAY", template=template, **context)


class _Among(Func):
    """The members of a JSON list, as rows."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(SELECT value FROM json_each(%(expressions)s))"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(SELECT json_array_elements_text(%(expressions)s::json)::%(kind)s)"
        return super().as_sql(compiler, connection, template=template, **context)


def among(values: Sequence[int] | Sequence[str]) -> Func:
    """For `field__in`: any number of ids or keys as one parameter."""
    kind = "text" if values and isinstance(values[0], str) else "bigint"
    return _Among(Value(json.dumps(list(values)), output_field=TextField()), kind=kind)


class Texts:
    """Texts of customers in the columns of one file."""

    def __init__(self, columns: Sequence[str], on: date) -> None:
        self.on = on
        self.plain = [
            column for column in columns if column != GOALS and not column.startswith(ATTRIBUTE_PREFIX)
        ]
        self.attributes = [column for column in columns if column.startswith(ATTRIBUTE_PREFIX)]
        self.goals = GOALS in columns
        self._known: dict[str, dict[Any, str]] = {}

    @property
    def _added(self) -> list[str]:
        return [*self.attributes, *([GOALS] if self.goals else [])]

    def stored(self, pks: Sequence[int]) -> dict[int, str]:
        """The text of each of these customers, by id. One statement, and one more where the file names goals."""
        query = Customer.objects.filter(pk__in=among(pks)).order_by("pk")
        text = _JsonList(*map(_expression, self.plain))
        if not self._added:
            return dict(query.values_list("pk", text))
        goals = self._goals_of(pks)
        found: dict[int, str] = {}
        for pk, shown, attributes in query.values_list("pk", text, "attributes"):
            added = [attributes.get(column.removeprefix(ATTRIBUTE_PREFIX)) for column in self.attributes]
            found[pk] = shown + _dumps([*added, *([goals.get(pk, [])] if self.goals else [])])
        return found

    def _goals_of(self, pks: Sequence[int]) -> dict[int, list[str]]:
        found: dict[int, set[str]] = {}
        if self.goals:
            there = Goal.objects.open_on(self.on).filter(customer_id__in=among(pks))
            for pk, slug in there.values_list("customer_id", "kind__slug"):
                found.setdefault(pk, set()).add(slug)
        return {pk: sorted(slugs) for pk, slugs in found.items()}

    def wanted(self, columns: Mapping[str, Column]) -> list[str]:
        """The text that each row of these columns asks for."""
        separator = "," if connection.vendor == "sqlite" else ", "
        shown = [
            list(map(self._of_cells(name, columns[name]).__getitem__, columns[name].cells))
            for name in self.plain
        ]
        rows = len(next(iter(columns.values()), ()))
        inner = map(separator.join, zip(*shown, strict=True)) if shown else iter([""] * rows)
        texts = [f"[{text}]" for text in inner]
        if not self._added:
            return texts
        added = zip(*(columns[name].values() for name in self._added), strict=True)
        return [text + _dumps(values) for text, values in zip(texts, added, strict=True)]

    def _of_cells(self, name: str, column: Column) -> dict[Any, str]:
        """The texts of a column's distinct cells; made once for a file."""
        if name not in self._known:
            write = _write_of(name)
            self._known[name] = {
                cell: "null" if value is None else write(value) for cell, value in column.by_cell.items()
            }
        return self._known[name]

    def read(self, text: str) -> dict[str, Any]:
        """The values of a stored text by column, in the form of `rows.plain`."""
        values, end = _DECODER.raw_decode(text)
        found = {column: _value(column, value) for column, value in zip(self.plain, values, strict=True)}
        return found | (dict(zip(self._added, json.loads(text[end:]), strict=True)) if self._added else {})


_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _dumps(values: Any) -> str:
    return _ENCODER.encode(values)


def _expression(column: str) -> Any:
    if column == "csm":
        nobody = When(csm__email__isnull=True, then=F("csm__name"))
        return Case(
            nobody,
            When(csm__email="", then=F("csm__name")),
            default=F("csm__email"),
            output_field=TextField(),
        )
    return F(PATHS.get(column, column))


def _value(column: str, value: Any) -> Any:
    if column in AMOUNTS or column in POINTS:
        return None if value is None else f"{value:.2f}"
    if column in YES_NO:
        return None if value is None else bool(value)
    if column in PATHS or column == "csm":
        return value or ""
    if column == "products" and isinstance(value, str):
        return json.loads(value)
    return value


def _write_of(column: str) -> Callable[[Any], str]:
    """What turns a plain value of this column into the text that the database makes of it."""
    if column in PATHS or column == "csm":
        return lambda value: encode_basestring(value) if value else "null"
    if column in AMOUNTS or column in POINTS:
        return _number if connection.vendor == "sqlite" else str
    if column in YES_NO:
        return _zero_or_one if connection.vendor == "sqlite" else _true_or_false
    if column == "products":
        return _products
    return encode_basestring if column in TEXTS else _text_or_number


def _text_or_number(value: Any) -> str:
    return encode_basestring(value) if isinstance(value, str) else str(value)


def _number(text: str) -> str:
    """12.50 as SQLite keeps it: 12.5; 12.00 is 12."""
    return text.rstrip("0").rstrip(".")


def _zero_or_one(value: bool) -> str:
    return "1" if value else "0"


def _true_or_false(value: bool) -> str:
    return "true" if value else "false"


def _products(items: list[str]) -> str:
    stored = json.dumps(items)
    return (
        encode_basestring(stored) if connection.vendor == "sqlite" else json.dumps(items, ensure_ascii=False)
    )
