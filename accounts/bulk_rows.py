"""Many rows of one table in one statement, column by column: as objects of the ORM they take several times as long.

Each different value passes its model field once, so what is stored is what the ORM would store. Names come from the model,
values are always parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models, transaction

# Python's own kind of value is what their columns take.
PLAIN = (models.CharField, models.IntegerField, models.ForeignKey)


def insert_rows(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], *, over: str | None = None
) -> None:
    """columns: by the field's attname, all of one length; a field that is not named gets its default. One statement.

    over: a column that no two rows share; a row that is there with the same value is written over.
    """
    count = len(next(iter(columns.values())))
    if not count:
        return
    fields = {field.attname: field for field in model._meta.concrete_fields}
    defaults = {
        name: [field.get_default()] * count
        for name, field in fields.items()
        if name not in columns and not isinstance(field, models.AutoField)
    }
    given = {**columns, **defaults}
    made = [_prepared(fields[name], values) for name, values in given.items()]
    on_postgresql = connection.vendor == "postgresql"
    statement = _statement(connection.vendor, model, tuple(given), over)
    with transaction.mark_for_rollback_on_error(connection.alias), connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute(statement, made)
        else:
            cursor.executemany(statement, list(zip(*made, strict=True)))


def _prepared(field: Any, values: Sequence[Any]) -> list[Any]:
    """A column as the database takes it."""
    if isinstance(field, PLAIN):
        return list(values)
    if isinstance(field, models.JSONField):
        return [field.get_db_prep_save(value, connection) for value in values]
    known = {value: field.get_db_prep_save(value, connection) for value in dict.fromkeys(values)}
    return list(map(known.__getitem__, values))


@lru_cache(maxsize=32)
def _statement(vendor: str, model: type[models.Model], names: tuple[str, ...], over: str | None) -> str:
    quoted = connection.ops.quote_name
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    columns = [quoted(str(by_name[name].column)) for name in names]
    # Without lengths: a cast to one would cut what the column refuses.
    kinds = [str(by_name[name].db_type(connection)).partition("(")[0] for name in names]
    given = (
        f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"  # noqa: S608 - types are the model's
        if vendor == "postgresql"
        else f"VALUES ({', '.join(['%s'] * len(columns))})"
    )
    statement = f"INSERT INTO {quoted(model._meta.db_table)} ({', '.join(columns)}) {given}"
    if over is None:
        return statement
    key = quoted(str(by_name[over].column))
    anew = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns if column != key)
    return f"{statement} ON CONFLICT ({key}) DO UPDATE SET {anew}"
