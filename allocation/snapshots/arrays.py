"""A query's rows as arrays, without a Python value for each: for snapshots of a hundred thousand customers and more.

The ORM builds the query, so rights and filters stay in one place; only how its values come over is our own: the database lays
each column end to end and sends it as one value, PostgreSQL as bytes, SQLite as text. Every kind of field has one form on both: whole numbers (an amount in the last place it is kept to, a day since 1970-01-01), or positions in the
different values of the column where these are texts or JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import QuerySet

from allocation.engine.facts.tiering import Flags, Floats, Integers
from allocation.snapshots.apart import Apart
from allocation.snapshots.sent import fetched, integers

MISSING = int(np.iinfo(np.int64).min)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers, MISSING where there is none: keys, counts, yes (1) and no (0), days since 1970-01-01, and decimals in units
    of their last place (``unit`` of them make 1).
    """

    values: Integers
    unit: int = 1

    def __len__(self) -> int:
        return len(self.values)

    @property
    def known(self) -> Flags:
        return np.asarray(self.values != MISSING)

    def numbers(self) -> Floats:
        """The nearest float64 of each, NaN where missing."""
        found = self.values / self.unit if self.unit > 1 else self.values.astype(np.float64)
        found[~self.known] = np.nan
        return found

    def or_else(self, none: int) -> Integers:
        """With ``none`` where there is no value."""
        return np.where(self.known, self.values, none)


@dataclass(frozen=True, slots=True)
class Coded:
    """Positions in the different ``words`` of the column, these in any order; -1 where there is none."""

    codes: Integers
    words: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def mapped(self, given: Callable[[Any], int], none: int) -> Integers:
        """A whole number for each row by its word, asked for once a word."""
        return np.array([*map(given, self.words), none], dtype=np.int64)[self.codes]  # -1 reaches the last


Array: TypeAlias = Whole | Coded


class _Codes(dict[Any, int]):
    """Positions of words, given as they are asked for."""

    def __missing__(self, word: Any) -> int:
        self[word] = place = len(self)
        return place


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One array to make: of a column of the query, and of its JSON objects only the value under ``key``."""

    name: str
    column: int
    field: Any
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ArrayQuery:
    """A query whose rows come as arrays, written once for many values. sql: empty where nobody can match.

    rising: the column by which rows are put in order here, since the statement leaves it open; none where it does not.
    """

    alias: str
    sql: str
    params: tuple[Any, ...]
    wanted: tuple[_Wanted, ...]
    rising: str = ""

    def read(
        self, instead: Mapping[int, int] | None = None, *, apart: Sequence[int] = ()
    ) -> dict[str, Array]:
        """One query. instead: values for the whole numbers that stand in its place among the parameters.

        apart: rising values of ``rising`` (which no row may lack) at which a server may take the rows apart, for several of its processes.
        """
        if not self.sql:
            return {each.name: _empty(each) for each in self.wanted}
        params = self.given(instead)
        on = connections[self.alias]
        if on.vendor == "postgresql":
            found = _from_postgresql(
                on, self.sql, params, self.wanted, Apart(self._place, apart if self.rising else ())
            )
        else:
            found = _from_sqlite(on, self.sql, params, self.wanted)
        return _in_order(found, by=self.rising) if self.rising else found

    def given(self, instead: Mapping[int, int] | None) -> tuple[Any, ...]:
        """The parameters with these values in place of others, as in `read`."""
        if not instead:
            return self.params
        return tuple(instead.get(one, one) if isinstance(one, int) else one for one in self.params)

    @property
    def _place(self) -> int:
        return next((at for at, each in enumerate(self.wanted) if each.name == self.rising), -1)


def read_arrays(
    *, rows: QuerySet[Any], fields: Sequence[str], keys: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Array]:
    """The values that `values_list` gives, by field, in the order of the rows: one query.

    keys: of these JSON fields only some keys of each object, as ``field:key``. The query must be ordered.
    """
    return array_query(rows=rows, fields=fields, keys=keys).read()


def array_query(
    *, rows: QuerySet[Any], fields: Sequence[str], keys: Mapping[str, Sequence[str]] | None = None
) -> ArrayQuery:
    """As `read_arrays`, not read yet."""
    rising = _rising(rows, fields)
    if rising:
        rows = rows.order_by()
    compiler = rows.values_list(*fields).query.get_compiler(using=rows.db)
    try:
        sql, params = compiler.as_sql(with_col_aliases=True)
    except EmptyResultSet:
        sql, params = "", ()
    outputs = [selected[0].output_field for selected in compiler.select]
    if not outputs:  # nobody can match, and nothing was looked at
        outputs = [_field_of(rows.model, name) for name in fields]
    wanted = tuple(
        _Wanted(name if key is None else f"{name}:{key}", place, _plain(output), key)
        for place, (name, output) in enumerate(zip(fields, outputs, strict=True))
        for key in (keys or {}).get(name, (None,))
    )
    return ArrayQuery(rows.db, sql, tuple(params), wanted, rising)


def _rising(rows: QuerySet[Any], fields: Sequence[str]) -> str:
    """The field that alone orders these rows; empty where there is none. Rows mostly lie in that order anyway: to be given them in it
    SQLite copies row by row under an aggregate, and PostgreSQL fetches one after the other by an index, each a third of its time.
    An order ends in what is unique, so one field says it all.
    """
    query = rows.query
    if query.is_sliced or query.distinct or query.combinator:
        return ""
    if len(query.order_by) != 1 or query.order_by[0] not in fields:
        return ""
    name = str(query.order_by[0])
    return "" if _is_coded(_field_of(rows.model, name)) else name


def _in_order(read: dict[str, Array], *, by: str) -> dict[str, Array]:
    """The rows in the order of a column of numbers."""
    column = read[by]
    if not isinstance(column, Whole) or (column.values[1:] >= column.values[:-1]).all():
        return read
    order = np.argsort(column.values, kind="stable")
    return {name: _taken(each, order) for name, each in read.items()}


def _taken(column: Array, places: Integers) -> Array:
    if isinstance(column, Whole):
        return Whole(column.values[places], column.unit)
    return Coded(column.codes[places], column.words)


def arrays_of(
    *,
    model: type[models.Model],
    columns: Mapping[str, Sequence[Any]],
    keys: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Array]:
    """The same arrays of Python values that were read anyway; ``columns`` by the name of the model's field."""
    found: dict[str, Array] = {}
    for name, values in columns.items():
        field = _field_of(model, name)
        if not _is_coded(field):
            unit = _unit(field)
            found[name] = Whole(np.array([_whole(value, unit) for value in values], dtype=np.int64), unit)
            continue
        for key in (keys or {}).get(name, (None,)):
            said = values if key is None else [held.get(key) for held in values]
            codes: dict[str, int] = {}
            words: list[Any] = []
            coded = []
            for value in said:
                code = -1 if value is None else codes.setdefault(repr(value), len(words))
                if code == len(words):
                    words.append(value)
                coded.append(code)
            found[name if key is None else f"{name}:{key}"] = Coded(
                np.array(coded, dtype=np.int64), tuple(words)
            )
    return found


def _field_of(model: type[models.Model], path: str) -> Any:
    for step in path.split("__"):
        field: Any = model._meta.pk if step == "pk" else _of_name(model, step)
        model = field.remote_field.model if field.remote_field else model
    return _plain(field)


def _of_name(model: type[models.Model], name: str) -> Any:
    return next(field for field in model._meta.concrete_fields if name in (field.name, field.attname))


def _whole(value: Any, unit: int) -> int:
    if value is None:
        return MISSING
    if isinstance(value, date):
        return (value - EPOCH).days
    return int(Decimal(value) * unit) if unit > 1 else int(value)


def _plain(field: Any) -> Any:
    """The field whose values a foreign key holds."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def _empty(each: _Wanted) -> Array:
    none = np.zeros(0, dtype=np.int64)
    return Coded(none, ()) if _is_coded(each.field) else Whole(none, _unit(each.field))


def _is_coded(field: Any) -> bool:
    return isinstance(field, models.CharField | models.TextField | models.JSONField)


def _unit(field: Any) -> int:
    return int(10**field.decimal_places) if isinstance(field, models.DecimalField) else 1


def _from_postgresql(
    on: Any, sql: str, params: tuple[Any, ...], wanted: Sequence[_Wanted], apart: Apart
) -> dict[str, Array]:
    """One row for each part, with a value for each column: all of it end to end."""
    given = ", ".join(map(laid_out, wanted))
    before = tuple(each.key for each in wanted if each.key is not None)
    select = f"SELECT {given} FROM ({sql}) AS q ({named_columns(wanted)})"  # noqa: S608 - the ORM's own
    statement, parts = apart.statement(select, f"c{wanted[apart.place].column}")
    rows = fetched(on, statement, (*before, *params) * parts)
    return {each.name: _made(each, value) for each, value in zip(wanted, apart.together(rows), strict=True)}


def named_columns(wanted: Sequence[_Wanted]) -> str:
    return ", ".join(f"c{place}" for place in range(max(each.column for each in wanted) + 1))


def laid_out(each: _Wanted) -> str:
    column = f"c{each.column}"
    if each.key is not None:
        return f"array_agg(({column} -> %s::text)::text)"
    if _is_coded(each.field):
        return f"array_agg({column}::text)"
    if isinstance(each.field, models.DecimalField):
        column = f"({column} * {_unit(each.field)})"
    elif isinstance(each.field, models.BooleanField):
        column = f"{column}::int4"
    elif isinstance(each.field, models.DateField):
        column = f"({column} - DATE '{EPOCH}')"
    return f"string_agg(int8send(coalesce({column}::int8, {MISSING})), ''::bytea)"


def _made(each: _Wanted, value: Any) -> Array:
    if not _is_coded(each.field):
        return Whole(integers(value), _unit(each.field))
    codes = _Codes()
    return _coded(each, _places(codes, value or ()), codes)


def _places(codes: _Codes, words: Sequence[Any]) -> Integers:
    """Numbers for these words, from 0 in the order of their appearance; none is a word like any other."""
    return np.fromiter(map(codes.__getitem__, words), dtype=np.int64, count=len(words))


def _coded(each: _Wanted, places: Integers, codes: _Codes) -> Coded:
    """Numbers as positions in the words themselves: none, and a JSON null, are -1."""
    is_json = isinstance(each.field, models.JSONField)
    words: dict[Any, int] = {}
    values: list[Any] = []
    new = []
    for word in codes:
        value = json.loads(word) if is_json and word is not None else word
        if value is None:
            new.append(-1)
            continue
        # Two texts of one JSON value are one word; 1, 1.0 and true are not.
        known = words.setdefault(repr(value) if is_json else value, len(values))
        if known == len(values):
            values.append(value)
        new.append(known)
    return Coded(np.array(new or [-1], dtype=np.int64)[places], tuple(values))


def _from_sqlite(on: Any, sql: str, params: tuple[Any, ...], wanted: Sequence[_Wanted]) -> dict[str, Array]:
    """The same, as texts: numbers with commas between them, words as a JSON list. Rows keep the order of the query, since SQLite
    drops no order under an aggregate that shows it.
    """
    asked = {each.column: _listed(each) for each in wanted}
    with on.cursor() as cursor:
        listed = ", ".join(asked.values())
        cursor.execute(f"WITH q({named_columns(wanted)}) AS ({sql}) SELECT {listed} FROM q", params)  # noqa: S608 - the ORM's own
        texts = dict(zip(asked, cursor.fetchone(), strict=True))
    coded = {each.column for each in wanted if _is_coded(each.field)}
    read = {column: json.loads(text) if column in coded else _numbers(text) for column, text in texts.items()}
    return {each.name: _read(each, read[each.column]) for each in wanted}


def _listed(each: _Wanted) -> str:
    column = f"c{each.column}"
    if _is_coded(each.field):
        return f"json_group_array({column})"
    if isinstance(each.field, models.DecimalField):  # kept as a float, or as a whole number
        column = f"CAST(round({column} * {_unit(each.field)}) AS INTEGER)"
    elif isinstance(each.field, models.DateField):
        column = f"CAST(julianday({column}) - {_JULIAN} AS INTEGER)"
    return f"group_concat(coalesce({column}, '{_NONE}'))"


_JULIAN = 2440587.5  # of 1970-01-01
_NONE = "n"  # short, since there are many


def _numbers(text: str | None) -> Integers:
    if not text:
        return np.zeros(0, dtype=np.int64)
    return np.fromstring(text.replace(_NONE, str(MISSING)), dtype=np.int64, sep=",")


def _read(each: _Wanted, values: Any) -> Array:
    """An array of numbers, or of words that were taken out of their JSON list."""
    if not _is_coded(each.field):
        return Whole(values, _unit(each.field))
    if each.key is not None:
        under = _ValuesUnder(each.key)
        values = [under[word] for word in values]
    codes = _Codes()
    return _coded(each, _places(codes, values), codes)


class _ValuesUnder(dict[Any, str | None]):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def __missing__(self, text: Any) -> str | None:
        held = json.loads(text) if text is not None else None
        value = held.get(self.key) if isinstance(held, dict) else None
        self[text] = found = None if value is None else json.dumps(value)
        return found
