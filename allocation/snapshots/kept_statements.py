"""Statements whose shape never changes: the ORM makes each once in a process; from then on only its values differ.

Making a statement of some subqueries takes the ORM several times as long as the database takes to answer it. Nothing of an
answer is kept: every call asks the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Value = int | str | date | tuple[int, ...] | None
Convert = Callable[[Any], Any]
_FIRST_DAY, _FIRST_NUMBER = date(1931, 3, 5), 7_310_000_000_000


class DerivedValue(ValueError):
    """A value was worked on before it came into the statement: it must be worked on by whoever gives it."""


@dataclass(frozen=True, slots=True)
class _Made:
    """params: constants, and where a value belongs its name and, of a tuple, its place. converts: by the place of a column."""

    sql: str
    params: tuple[tuple[str, int | None] | None, ...]
    constants: tuple[Any, ...]
    converts: tuple[tuple[int, Convert], ...]


class Kept:
    """build: gives the rows as ``values_list`` for values it is given by name, and puts each into the query as it is: an id, a
    text, a day, some ids. What follows from a value is a value of its own; which conditions there are depends on no value but on
    whether it is None.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._made: dict[Any, _Made] = {}

    def rows(self, **values: Value) -> list[tuple[Any, ...]]:
        """What ``build(**values)`` gives, in one statement. Raises DerivedValue where a value is not in the query as it is."""
        shape = (connection.vendor, *((name, _shape(value)) for name, value in values.items()))
        made = self._made.get(shape)
        if made is None:
            made = self._made[shape] = _made(self._build, values)
        with connection.cursor() as cursor:
            cursor.execute(made.sql, _filled(made, values))
            rows = cursor.fetchall()
        return _converted(rows, made.converts) if made.converts else rows


def _shape(value: Value) -> Any:
    return len(value) if isinstance(value, tuple) else value is None


def _filled(made: _Made, values: Mapping[str, Value]) -> list[Any]:
    filled = []
    for constant, slot in zip(made.constants, made.params, strict=True):
        if slot is None:
            filled.append(constant)
            continue
        name, place = slot
        value: Any = values[name]
        filled.append(_said(value if place is None else value[place]))
    return filled


def _said(value: Any) -> Any:
    """As the database takes it."""
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _made(build: Callable[..., QuerySet[Any, Any]], values: Mapping[str, Value]) -> _Made:
    """Compiled twice with values that occur nowhere else: what differs and is none of them was worked on."""
    (sql, params, slots, converts), (other_sql, other_params, other_slots, _) = (
        _compiled(build, values, turn) for turn in range(2)
    )
    found = tuple(slots.get(_key(param)) for param in params)
    if sql != other_sql or found != tuple(other_slots.get(_key(param)) for param in other_params):
        raise DerivedValue("The statement is not the same for two values.")
    constants = zip(params, other_params, found, strict=True)
    if any(slot is None and param != other for param, other, slot in constants):
        raise DerivedValue(
            "A value is worked on within the statement: give what follows from it by a name of its own."
        )
    if lacking := set(slots.values()) - set(found):
        raise DerivedValue(f"Not in the statement as it is: {sorted(name for name, _ in lacking)}.")
    sql, places = _with_words(
        sql, [None if slot else param for slot, param in zip(found, params, strict=True)]
    )
    kept = [(found[place], params[place]) for place in places]
    return _Made(sql, tuple(slot for slot, _ in kept), tuple(param for _, param in kept), converts)


_PLACE = re.compile(r"(?<!%)%s")  # as Django and the drivers read it
_WORD = re.compile(r"[\w ]*")


def _with_words(sql: str, constants: Sequence[Any]) -> tuple[str, list[int]]:
    """The statement with its constant words written into it, and which of its parameters are left: a hundred of them are sent
    in vain with each call. constants: None where a value belongs.
    """
    first, *rest = _PLACE.split(sql)
    made, left = [first], []
    for place, (constant, after) in enumerate(zip(constants, rest, strict=True)):
        if isinstance(constant, str) and _WORD.fullmatch(constant):
            made.append(f"'{constant!s}'")
        else:
            made.append("%s")
            left.append(place)
        made.append(after)
    return "".join(made), left


def _compiled(
    build: Callable[..., QuerySet[Any, Any]], values: Mapping[str, Value], turn: int
) -> tuple[str, Sequence[Any], dict[Any, tuple[str, int | None]], tuple[tuple[int, Convert], ...]]:
    slots: dict[Any, tuple[str, int | None]] = {}

    def mark(value: Any, name: str, place: int | None = None) -> Any:
        number = 1000 * turn + len(slots)
        found: Any = _FIRST_NUMBER + number
        if isinstance(value, date):
            found = _FIRST_DAY + timedelta(days=number)
        elif isinstance(value, str):
            found = f"kept {number}"
        slots[_key(_said(found))] = (name, place)
        return found

    marked = {
        name: tuple(mark(one, name, place) for place, one in enumerate(value))
        if isinstance(value, tuple)
        else value
        if value is None
        else mark(value, name)
        for name, value in values.items()
    }
    compiler: Any = build(**marked).query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    columns = [column[0] for column in compiler.select[: compiler.col_count]]
    converts = tuple(
        (place, _converting(tuple(each), column))
        for place, (each, column) in compiler.get_converters(columns).items()
    )
    return sql, params, slots, converts


def _key(param: Any) -> tuple[type, Any]:
    """True is no 1. What cannot be looked up is no value either."""
    return type(param), param if isinstance(param, int | str | date) else None


def _converting(converters: Sequence[Callable[..., Any]], column: Any) -> Convert:
    """The field's own converters one after the other; the same few values come again and again."""

    @lru_cache(maxsize=16_384, typed=True)
    def converted(value: Any) -> Any:
        for convert in converters:
            value = convert(value, column, connection)
        return value

    return converted


def _converted(rows: Sequence[Any], converts: Sequence[tuple[int, Convert]]) -> list[tuple[Any, ...]]:
    columns = list(zip(*rows, strict=True))
    if not columns:
        return []
    for place, convert in converts:
        columns[place] = tuple(map(convert, columns[place]))
    return list(zip(*columns, strict=True))
