"""Thousands of customers in one statement, column by column: the ORM's own bulk writes cost ten times as much.

Amounts, points and days come as the text that both databases take (12.50, 2026-12-31); every other value passes through
its model field, each different one once, so that what is stored is what the ORM would store. Table and column names come
from the model, values are always parameters.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    DecimalField,
    Field,
    ForeignKey,
    IntegerField,
    JSONField,
)

from accounts.models import Customer, ImportFile

FIELDS: dict[str, Field[Any, Any]] = {
    field.attname: field for field in Customer._meta.concrete_fields if not field.primary_key
}
# Text is stored as it is.
TEXTS = frozenset(name for name, field in FIELDS.items() if isinstance(field, CharField))
READY = frozenset(name for name, field in FIELDS.items() if isinstance(field, DateField | DecimalField))
NUMBERED = frozenset(name for name, field in FIELDS.items() if isinstance(field, IntegerField | ForeignKey))
YES_NO = frozenset(name for name, field in FIELDS.items() if isinstance(field, BooleanField))
# What a field would give back unchanged.
AS_THEY_ARE: dict[str, set[type]] = {
    **{name: {str, type(None)} for name in READY},
    **{name: {int, type(None)} for name in NUMBERED},
    **{name: {bool, type(None)} for name in YES_NO},
}
LISTS = frozenset(name for name, field in FIELDS.items() if isinstance(field, JSONField))
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
ROWS_TOGETHER = 500
TO_ESCAPE = re.compile(r"[\\\t\n\r]")
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Insertion:
    """New customers as the database takes them: a text to copy (PostgreSQL), or columns (SQLite)."""

    named: str
    count: int
    columns: Sequence[Sequence[Any]]
    copied: str


def insertion_of(columns: Columns, count: int) -> Insertion:
    """So many customers given as {attname: values}; a field that is not named gets the model's default. Asks nothing."""
    defaults = {name: FIELDS[name].get_default() for name in FIELDS if name not in columns}
    made = {name: _prepared(name, values) for name, values in columns.items()}
    made |= {name: _prepared(name, [value]) * count for name, value in defaults.items() if value is not None}
    named, values = ", ".join(_quoted(name) for name in made), list(made.values())
    if connection.vendor == "postgresql":
        return Insertion(named, count, (), _copied(values))
    return Insertion(named, count, values, "")


def insert_customers(new: Insertion) -> None:
    """Insert them."""
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {_table()} ({new.named}) FROM STDIN") as copy:
                copy.write(new.copied)
            return
        _insert_together(new.named, new.columns, new.count)


def _insert_together(named: str, columns: Sequence[Sequence[Any]], count: int) -> None:
    """Hundreds of rows in a statement, as far as SQLite takes so many values: a statement a row costs a third more.

    By the driver itself: Django would look for places to fill in through every one of these thousands of marks. So nothing that
    watches Django's statements sees these.
    """
    driver: sqlite3.Connection = connection.connection
    most = min(ROWS_TOGETHER, driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(columns))
    row = f"({', '.join('?' * len(columns))})"
    for start in range(0, count, most):
        part = [values[start : start + most] for values in columns]
        rows = ", ".join([row] * len(part[0]))
        statement = f"INSERT INTO {_table()} ({named}) VALUES {rows}"  # noqa: S608 - names are the model's
        driver.execute(statement, list(chain.from_iterable(zip(*part, strict=True))))


def insert_file(*, batch_id: int, content: bytes) -> None:
    """Keep a file with its batch. PostgreSQL gets the bytes: the ORM's way spells them out in the statement, a third of a second
    for 14 MB.
    """
    if connection.vendor != "postgresql":
        ImportFile.objects.create(batch_id=batch_id, content=content)
        return
    connection.ensure_connection()
    table = connection.ops.quote_name(ImportFile._meta.db_table)
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(f"INSERT INTO {table} (batch_id, content) VALUES (%s, %b)", (batch_id, content))  # noqa: S608 - the model's name


def update_customers(columns: Columns, external_ids: Sequence[str]) -> None:
    """Set these columns ({attname: values}) of the customers with these external ids, and count their version up."""
    made = {name: _prepared(name, values) for name, values in columns.items()}
    version, key = _quoted("version"), _quoted("external_id")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sets = ", ".join(f"{_quoted(name)} = given.{_quoted(name)}::{_kind(name)}" for name in made)
            given = ", ".join(["%s::text[]"] * (len(made) + 1))
            names = ", ".join(map(_quoted, [*made, "external_id"]))
            cursor.execute(
                f"UPDATE {_table()} SET {sets}, {version} = {_table()}.{version} + 1 "  # noqa: S608 - names are the model's
                f"FROM unnest({given}) AS given ({names}) WHERE {_table()}.{key} = given.{key}",
                [*(list(map(_text, values)) for values in made.values()), list(external_ids)],
            )
            return
        sets = ", ".join(f"{_quoted(name)} = %s" for name in made)
        cursor.executemany(
            f"UPDATE {_table()} SET {sets}, {version} = {version} + 1 WHERE {key} = %s",  # noqa: S608 - names are the model's
            list(zip(*made.values(), external_ids, strict=True)),
        )


def _prepared(name: str, values: Sequence[Any]) -> list[Any]:
    """A column as the database takes it; each different value passes its field once."""
    if name in TEXTS:
        return list(values)
    if name in LISTS:
        return _as_json(values)
    if name in AS_THEY_ARE and set(map(type, values)) <= AS_THEY_ARE[name]:
        return list(values)
    field, database = FIELDS[name], connections[DEFAULT_DB_ALIAS]
    known: dict[Any, Any] = {None: None}
    for value in dict.fromkeys(values):
        if name in READY and isinstance(value, str):
            known[value] = value
        elif value is not None:
            known[value] = field.get_db_prep_save(value, database)
    return list(map(known.__getitem__, values))


def _as_json(values: Sequence[Any]) -> list[str]:
    if not all(type(value) is list for value in values):
        return list(map(json.dumps, values))
    lists = [tuple(value) for value in values]
    known = {items: json.dumps(items) for items in set(lists)}
    return list(map(known.__getitem__, lists))


def _copied(columns: Sequence[Sequence[Any]]) -> str:
    """Rows in the text form of COPY."""
    shown = [_shown(values) for values in columns]
    return "\n".join([*map("\t".join, zip(*shown, strict=True)), ""])


def _shown(values: Sequence[Any]) -> Sequence[str]:
    if set(map(type, values)) == {str}:
        return [value.translate(ESCAPED) for value in values] if TO_ESCAPE.search("".join(values)) else values
    known = {value: str(_text(value)).translate(ESCAPED) for value in dict.fromkeys(values)}
    return list(map((known | {None: r"\N"}).__getitem__, values))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _kind(name: str) -> str:
    """The type that a text is read as; one without a length, which would cut what is too long."""
    return str(FIELDS[name].db_type(connection)).partition("(")[0]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(str(FIELDS[name].column))


def _table() -> str:
    return connection.ops.quote_name(Customer._meta.db_table)
