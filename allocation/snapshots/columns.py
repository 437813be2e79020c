"""A query's rows as columns, for snapshots of a hundred thousand customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from django.db import connections
from django.db.models import JSONField, QuerySet
from django.db.models.sql.constants import MULTI


def read_columns(*, rows: QuerySet[Any], fields: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The values that `values_list` gives, by field: one query.

    What the driver gives is made a value of the field once for each different one: SQLite keeps decimals, days and flags as
    numbers and texts, and making them anew for every row took longer than the query.
    """
    compiler = rows.values_list(*fields).query.get_compiler(using=rows.db)
    found = list(zip(*chain.from_iterable(compiler.execute_sql(MULTI)), strict=True))
    columns: list[Sequence[Any]] = [*found] if found else [()] * len(fields)
    converters = compiler.get_converters([selected[0] for selected in compiler.select]) if found else {}
    for place, (steps, expression) in converters.items():
        connection = connections[rows.db]

        def made(value: Any, steps: Any = steps, expression: Any = expression, on: Any = connection) -> Any:
            for step in steps:
                value = step(value, expression, on)
            return value

        shared = not isinstance(expression.output_field, JSONField)  # a list of one customer is no other's
        columns[place] = _once(made, columns[place]) if shared else list(map(made, columns[place]))
    return dict(zip(fields, columns, strict=True))


def _once(made: Callable[[Any], Any], column: Sequence[Any]) -> list[Any]:
    known = {value: made(value) for value in set(column)}
    return list(map(known.__getitem__, column))
