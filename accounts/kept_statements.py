"""Statements whose shape never changes: the ORM makes each once in a process; from then on only its values differ.

Making a statement of some subqueries takes the ORM several times as long as the database takes to answer it. Nothing of an
answer is kept: every call asks the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import JSONField, QuerySet
from django.db.models.sql import UpdateQuery

Value = int | str | date | bytes | dict[str, Any] | tuple[int | str, ...] | None
Convert = Callable[[Any], Any]
_Slot = tuple[str, int | None]
ALL = -1  # in the place of a place
# A whole number that fits every column of them.
_FIRST_DAY, _FIRST_MOMENT, _FIRST_NUMBER = date(1931, 3, 5), datetime(1931, 3, 5, tzinfo=UTC), 1_731_000_000


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
    whether it is None, true or false.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._made: dict[Any, _Made] = {}

    def rows(self, **values: Value) -> list[tuple[Any, ...]]:
        """What ``build(**values)`` gives, in one statement. Raises DerivedValue where a value is not in the query as it is."""
        shape = _shape_of(values)
        made = self._made.get(shape)
        if made is None:
            made = self._made[shape] = _made(lambda **marked: _selecting(self._build(**marked)), values)
        with connection.cursor() as cursor:
            cursor.execute(made.sql, _filled(made, values))
            rows = cursor.fetchall()
        return _converted(rows, made.converts) if made.converts else rows


class KeptChange:
    """build: gives rows, and what their columns become, for values by name; each is put into the query as it is, as in `Kept`.

    Where that cannot be (a value of another kind, one that its column makes another of) the ORM makes the statement each time.
    """

    def __init__(self, build: Callable[..., tuple[QuerySet[Any, Any], Mapping[str, Any]]]) -> None:
        self._build = build
        self._made: dict[Any, _Made | None] = {}

    def run(self, **values: Any) -> int:
        """How many rows there were; one statement."""
        made = self._statement(values)
        if made is None:
            rows, columns = self._build(**values)
            return rows.update(**columns)
        with transaction.mark_for_rollback_on_error(connection.alias), connection.cursor() as cursor:
            cursor.execute(made.sql, _filled(made, values))
            return int(cursor.rowcount)

    def _statement(self, values: Mapping[str, Any]) -> _Made | None:
        if not all(map(_can_be_kept, values.values())):
            return None
        shape = _shape_of(values)
        if shape not in self._made:
            try:
                self._made[shape] = _made(lambda **marked: _updating(*self._build(**marked)), values)
            except (DerivedValue, EmptyResultSet):
                self._made[shape] = None
        return self._made[shape]


def padded(ids: Sequence[int]) -> tuple[int, ...]:
    """The same ids, the last one again and again up to a power of two: a dozen statements then serve lists of every length."""
    return (*ids, *[ids[-1]] * ((1 << (len(ids) - 1).bit_length()) - len(ids))) if ids else ()


def _can_be_kept(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(one, int | str) and not _is_constant(one) for one in value)
    return value is None or isinstance(value, int | str | date | bytes | dict)


def _selecting(rows: QuerySet[Any, Any]) -> Any:
    return rows.query.get_compiler(connection=connection)


def _updating(rows: QuerySet[Any, Any], columns: Mapping[str, Any]) -> Any:
    query: Any = rows.query.chain(UpdateQuery)
    query.add_update_values(columns)
    query.clear_ordering(force=True)
    return query.get_compiler(connection=connection)


def _shape_of(values: Mapping[str, Any]) -> Any:
    return (connection.vendor, *((name, _shape(value)) for name, value in values.items()))


def _shape(value: Any) -> Any:
    if isinstance(value, tuple):
        return "of", len(value)
    return str(value) if _is_constant(value) else type(value) is datetime


def _is_constant(value: Any) -> bool:
    """There are too few of the kind to tell one from another."""
    return value is None or isinstance(value, bool)


def _filled(made: _Made, values: Mapping[str, Value]) -> list[Any]:
    filled = []
    for constant, slot in zip(made.constants, made.params, strict=True):
        if slot is None:
            filled.append(constant)
            continue
        name, place = slot
        value: Any = values[name]
        if place == ALL:
            filled.append(f"{{{','.join(map(str, value))}}}")
            continue
        one = value if place is None else value[place]
        filled.append(one if type(one) in _AS_THEY_ARE else _said(one))
    return filled


_AS_THEY_ARE = {int, str}  # by far most of them


def _said(value: Any) -> Any:
    """As the database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, dict):
        return connection.ops.adapt_json_value(value, None)
    if isinstance(value, bytes):
        return connection.Database.Binary(value)  # type: ignore[attr-defined]
    return (
        str(value) if isinstance(value, str) else value
    )  # an enumeration's own kind of text says nothing more


def _made(build: Callable[..., Any], values: Mapping[str, Value]) -> _Made:
    """Compiled twice with values that occur nowhere else: what differs and is none of them was worked on."""
    (sql, params, slots, converts), (other_sql, other_params, other_slots, _) = (
        _compiled(build, values, turn) for turn in range(2)
    )
    found = [slots.get(_key(param)) for param in params]
    if sql != other_sql or found != [other_slots.get(_key(param)) for param in other_params]:
        raise DerivedValue("The statement is not the same for two values.")
    constants = zip(params, other_params, found, strict=True)
    if any(slot is None and _held(param) != _held(other) for param, other, slot in constants):
        raise DerivedValue(
            "A value is worked on within the statement: give what follows from it by a name of its own."
        )
    if lacking := set(slots.values()) - set(found):
        raise DerivedValue(f"Not in the statement as it is: {sorted(name for name, _ in lacking)}.")
    sql, places = _with_words(
        sql, [None if slot else param for slot, param in zip(found, params, strict=True)]
    )
    kept = [(found[place], params[place]) for place in places]
    slots_left, constants_left = [slot for slot, _ in kept], [param for _, param in kept]
    return _Made(*_with_arrays(sql, slots_left, constants_left), converts=converts)


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


_LISTED = re.compile(r"IN \((%s(?:, %s)+)\)")


def _with_arrays(
    sql: str, slots: Sequence[_Slot | None], params: Sequence[Any]
) -> tuple[str, tuple[_Slot | None, ...], tuple[Any, ...]]:
    """On PostgreSQL ids come as one array: that is what it makes of a list, and the driver looks at each value of one."""
    if connection.vendor != "postgresql":
        return sql, tuple(slots), tuple(params)
    made, place, end = "", 0, 0
    given: list[_Slot | None] = []
    constants: list[Any] = []
    for found in _LISTED.finditer(sql):
        before = sql[end : found.start()]
        ahead = place + before.replace("%%", "").count("%s")
        count = found.group(1).count("%s")
        its = slots[ahead : ahead + count]
        first = its[0]
        if first is None or type(params[ahead]) is str or its != [(first[0], at) for at in range(count)]:
            continue
        made += f"{before}= ANY(%s::bigint[])"
        given += [*slots[place:ahead], (first[0], ALL)]
        constants += [*params[place:ahead], None]
        place, end = ahead + count, found.end()
    return made + sql[end:], (*given, *slots[place:]), (*constants, *params[place:])


def _compiled(
    build: Callable[..., Any], values: Mapping[str, Value], turn: int
) -> tuple[str, Sequence[Any], dict[Any, tuple[str, int | None]], tuple[tuple[int, Convert], ...]]:
    slots: dict[Any, tuple[str, int | None]] = {}

    def mark(value: Any, name: str, place: int | None = None) -> Any:
        if _is_constant(value):
            return value
        found = _marker(value, 1000 * turn + len(slots))
        slots[_key(_said(found))] = (name, place)
        return found

    marked = {
        name: tuple(mark(one, name, place) for place, one in enumerate(value))
        if isinstance(value, tuple)
        else mark(value, name)
        for name, value in values.items()
    }
    compiler: Any = build(**marked)
    sql, params = compiler.as_sql()
    columns = [column[0] for column in compiler.select[: compiler.col_count]] if compiler.select else []
    converts = tuple(
        (place, _converting(tuple(each), column))
        for place, (each, column) in compiler.get_converters(columns).items()
    )
    return sql, params, slots, converts


def _marker(value: Any, number: int) -> Any:
    """A value of the kind that is nowhere else."""
    if isinstance(value, datetime):
        return _FIRST_MOMENT + timedelta(days=number)
    if isinstance(value, date):
        return _FIRST_DAY + timedelta(days=number)
    if isinstance(value, dict):
        return {"kept": number}
    if isinstance(value, bytes):
        return f"kept {number}".encode()
    return f"kept {number}" if isinstance(value, str) else _FIRST_NUMBER + number


def _key(param: Any) -> tuple[type, Any]:
    """True is no 1. What cannot be looked up is no value either."""
    held = _held(param)
    if isinstance(held, dict):
        return dict, repr(held)
    kind = int if isinstance(held, int) and not isinstance(held, bool) else type(held)
    return kind, held if isinstance(held, int | str | date | bytes) else None


def _held(param: Any) -> Any:
    """Drivers wrap JSON and bytes."""
    return getattr(param, "obj", param)


def _converting(converters: Sequence[Callable[..., Any]], column: Any) -> Convert:
    """The field's own converters one after the other; the same few values come again and again, but for what a caller could change."""

    def converted(value: Any) -> Any:
        for convert in converters:
            value = convert(value, column, connection)
        return value

    may_be_changed = isinstance(getattr(column, "output_field", None), JSONField)
    return converted if may_be_changed else lru_cache(maxsize=16_384, typed=True)(converted)


def _converted(rows: Sequence[Any], converts: Sequence[tuple[int, Convert]]) -> list[tuple[Any, ...]]:
    columns = list(zip(*rows, strict=True))
    if not columns:
        return []
    for place, convert in converts:
        columns[place] = tuple(map(convert, columns[place]))
    return list(zip(*columns, strict=True))
