"""Many rows of one table in one statement, column by column: as objects of the ORM they take several times as long.

What is stored is what the ORM would store: a value that a driver does not take as it is passes its model field, each different one
once. Names come from the model, values are always parameters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models, transaction

from accounts.driver_cursor import driver_cursor

# Python's own kind of value is what their columns take.
PLAIN = (models.CharField, models.IntegerField, models.ForeignKey)


def insert_rows(
    model: type[models.Model],
    columns: Mapping[str, Sequence[Any]],
    *,
    alike: Mapping[str, Any] | None = None,
    over: str | None = None,
) -> None:
    """columns: by the field's attname, all of one length; alike: what is the same in all rows. A field that is not named gets its
    default. One statement on PostgreSQL, one that is repeated on SQLite: in a transaction of the caller's. Raises ValueError for
    columns of different lengths.

    over: a column that no two rows share; a row that is there with the same value is written over.
    """
    (count, *others) = {len(values) for values in columns.values()}
    if others:
        raise ValueError("Columns of different lengths.")
    if not count:
        return
    fields = {field.attname: field for field in model._meta.concrete_fields}
    blank = model()
    same = {
        field.attname: field.pre_save(blank, add=True)  # its default, or the moment where it keeps that
        for field in _given(model)
        if field.attname not in columns
    } | dict(alike or {})
    on_postgresql = connection.vendor == "postgresql"
    statement = _statement(connection.vendor, model, tuple(columns), tuple(same), over)
    constants = [fields[name].get_db_prep_save(value, connection) for name, value in same.items()]
    with transaction.mark_for_rollback_on_error(connection.alias), connection.cursor() as cursor:
        if on_postgresql:
            arrays = [_array(fields[name], values) for name, values in columns.items()]
            cursor.execute(statement, [*constants, *arrays])
            return
        made = [_prepared(fields[name], values) for name, values in columns.items()]
        cursor.executemany(statement, [(*constants, *row) for row in zip(*made, strict=True)])


def insert_long_rows(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """A few objects of one model with many bytes each; they learn nothing of their keys. In a transaction of the caller's.

    PostgreSQL is given the bytes as they are, by the driver's own cursor: Django's write them out as text, twice as long, which the
    server then has to read.
    """
    if not rows:
        return
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows)
        return
    fields, statement = _given(model), _long_statement(model)
    with transaction.mark_for_rollback_on_error(connection.alias), driver_cursor(connection) as cursor:
        for row in rows:
            cursor.execute(statement, [_as_it_is(field, row) for field in fields])


def _as_it_is(field: Any, row: models.Model) -> Any:
    value = field.pre_save(row, add=True)
    if isinstance(field, models.BinaryField):
        return value
    stored = field.get_db_prep_save(value, connection)
    return str(stored) if isinstance(stored, str) else stored  # the driver has its own ideas of enumerations


def _given(model: type[models.Model]) -> list[Any]:
    """The fields that a new row is given; its key comes of itself."""
    return [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]


@lru_cache(maxsize=8)
def _long_statement(model: type[models.Model]) -> str:
    quoted, fields = connection.ops.quote_name, _given(model)
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    marks = ", ".join("%b" if isinstance(field, models.BinaryField) else "%s" for field in fields)
    return f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names are the model's


def _prepared(field: Any, values: Sequence[Any]) -> Sequence[Any]:
    """A column as SQLite takes it."""
    if isinstance(field, PLAIN):
        return values
    if isinstance(field, models.JSONField):
        return _made_once(values, lambda value: field.get_db_prep_save(value, connection))
    known = {value: _stored(connection.vendor, field, value) for value in dict.fromkeys(values)}
    return list(map(known.__getitem__, values))


def _made_once(values: Sequence[Any], made: Callable[[Any], Any]) -> list[Any]:
    """Of JSON, which cannot be looked up: what is written the same is the same."""
    said = list(map(repr, values))
    by_word = {word: made(value) for word, value in dict(zip(said, values, strict=True)).items()}
    return list(map(by_word.__getitem__, said))


@lru_cache(maxsize=16_384, typed=True)
def _stored(vendor: str, field: Any, value: Any) -> Any:
    """Scores and days come again with every run."""
    return field.get_db_prep_save(value, connection)


def _array(field: Any, values: Sequence[Any]) -> str:
    """A column as PostgreSQL writes an array: the driver takes several times as long for a list."""
    if isinstance(field, models.JSONField):
        values = _made_once(
            values, lambda value: None if value is None else json.dumps(value, cls=field.encoder)
        )
    elif not isinstance(field, PLAIN):
        values = _prepared(field, values)
    known = {value: _element(value) for value in set(values)}
    return f"{{{','.join(map(known.__getitem__, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)


@lru_cache(maxsize=32)
def _statement(
    vendor: str, model: type[models.Model], names: tuple[str, ...], alike: tuple[str, ...], over: str | None
) -> str:
    quoted = connection.ops.quote_name
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    columns = [quoted(str(by_name[name].column)) for name in (*alike, *names)]
    # Without lengths: a cast to one would cut what the column refuses.
    kinds = [str(by_name[name].db_type(connection)).partition("(")[0] for name in (*alike, *names)]
    if vendor == "postgresql":
        constants = "".join(f"%s::{kind}, " for kind in kinds[: len(alike)])
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds[len(alike) :])
        given = f"SELECT {constants}given.* FROM unnest({arrays}) AS given"  # noqa: S608 - types are the model's
    else:
        given = f"VALUES ({', '.join(['%s'] * len(columns))})"
    statement = f"INSERT INTO {quoted(model._meta.db_table)} ({', '.join(columns)}) {given}"
    if over is None:
        return statement
    key = quoted(str(by_name[over].column))
    anew = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns if column != key)
    return f"{statement} ON CONFLICT ({key}) DO UPDATE SET {anew}"
