"""Active customers as columns of numbers, for figures of all of them at once: from the kept sheets, or from the rows themselves.

What a sheet says is true as long as no mark stands beside it (`allocation.models.figures`); whatever is marked is read from the
customers, so that the columns are those of now either way. On SQLite everything is read from the customers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from allocation.models.figures import SHEET

Column = npt.NDArray[Any]
UNKNOWN = -1

# name, SQL of PostgreSQL, SQL of SQLite, how it is kept. Everything is a whole number: money in cents, health and reputation in
# hundredths, days as Python counts them (0: none), a currency as the codes of its three letters.
_CUSTOMER: Final = (
    ("ids", "c.id::int8", "c.id", "<i8"),
    ("tier", "coalesce(c.tier_id, 0)::int4", "coalesce(c.tier_id, 0)", "<i4"),
    ("csm", "coalesce(c.csm_id, 0)::int4", "coalesce(c.csm_id, 0)", "<i4"),
    ("vertical", "coalesce(c.vertical_id, 0)::int4", "coalesce(c.vertical_id, 0)", "<i4"),
    ("region", "coalesce(c.region_id, 0)::int4", "coalesce(c.region_id, 0)", "<i4"),
    (
        "currency",
        "(ascii(c.currency)::int8 << 42) | (ascii(substr(c.currency, 2, 1))::int8 << 21) | ascii(substr(c.currency, 3, 1))",
        "(unicode(c.currency) << 42) | (unicode(substr(c.currency, 2, 1)) << 21) | unicode(substr(c.currency, 3, 1))",
        "<i8",
    ),
    ("arr", "coalesce(c.arr * 100, -1)::int8", "coalesce(CAST(round(c.arr * 100) AS INTEGER), -1)", "<i8"),
    (
        "potential",
        "coalesce(c.potential_arr * 100, -1)::int8",
        "coalesce(CAST(round(c.potential_arr * 100) AS INTEGER), -1)",
        "<i8",
    ),
    ("health", "coalesce(c.health * 100, -1)::int2", "coalesce(CAST(round(c.health * 100) AS INTEGER), -1)", "<i2"),
    ("sentiment", "coalesce(c.sentiment, -1)::int2", "coalesce(c.sentiment, -1)", "<i2"),
    (
        "reputation",
        "coalesce(c.reputation * 100, -1)::int2",
        "coalesce(CAST(round(c.reputation * 100) AS INTEGER), -1)",
        "<i2",
    ),
    ("champion", "coalesce(c.champion::int, -1)::int2", "coalesce(c.champion, -1)", "<i2"),
    (
        "renewal",
        "coalesce(c.renewal_date - DATE '0001-01-01' + 1, 0)::int4",
        "coalesce(CAST(julianday(c.renewal_date) - julianday('0001-01-01') AS INTEGER) + 1, 0)",
        "<i4",
    ),
)  # fmt: skip
_GOAL: Final = (
    ("goal_of", "g.customer_id::int8", "g.customer_id", "<i8"),
    ("goal_kind", "g.kind_id::int4", "g.kind_id", "<i4"),
    ("goal_starts", "(g.starts_on - DATE '0001-01-01' + 1)::int4", "CAST(julianday(g.starts_on) - julianday('0001-01-01') AS INTEGER) + 1", "<i4"),
    (
        "goal_ends",
        "coalesce(g.ends_before - DATE '0001-01-01' + 1, 0)::int4",
        "coalesce(CAST(julianday(g.ends_before) - julianday('0001-01-01') AS INTEGER) + 1, 0)",
        "<i4",
    ),
)  # fmt: skip
_FROM_CUSTOMERS = "accounts_customer c"
_FROM_GOALS = "accounts_goal g JOIN accounts_customer c ON c.id = g.customer_id"


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """One position a customer, in no order; goals, open and closed, name their customer by its position (`goal_of`).

    Ids are 0 where there is none, amounts, health, sentiment, reputation and champion UNKNOWN where nobody wrote one down.
    """

    ids: Column
    tier: Column
    csm: Column
    vertical: Column
    region: Column
    currency: Column
    arr: Column
    potential: Column
    health: Column
    sentiment: Column
    reputation: Column
    champion: Column
    renewal: Column
    goal_of: Column
    goal_kind: Column
    goal_starts: Column
    goal_ends: Column

    def __len__(self) -> int:
        return len(self.ids)

    def among(self, chosen: Column) -> CustomerFigures:
        """Those of them where `chosen` (one truth a customer) is true, with their goals."""
        if chosen.all():
            return self
        places = np.cumsum(chosen) - 1
        kept = chosen[self.goal_of]
        columns = {name: getattr(self, name)[chosen] for name in _NAMES}
        goals = {name: getattr(self, name)[kept] for name in _GOAL_NAMES}
        goals["goal_of"] = places[goals["goal_of"]]
        return CustomerFigures(**columns, **goals)


_NAMES = tuple(name for name, *_ in _CUSTOMER)
_GOAL_NAMES = tuple(name for name, *_ in _GOAL)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a process has read of the sheets: which version of each, where it begins and ends, and all of them one after the other."""

    versions: Mapping[int, int]
    spans: Mapping[int, tuple[slice, slice]]
    figures: CustomerFigures


# By database. Replaced as a whole, never changed, so that threads may read it; columns are never written to.
_READ: dict[str, _Kept] = {}


def customer_figures() -> CustomerFigures:
    """Of every active customer, as of now. One to four statements, at any size; on SQLite three."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, version FROM allocation_figuresheet s"
            " WHERE NOT EXISTS (SELECT 1 FROM allocation_figuremark m WHERE m.number = s.number)"
            " UNION ALL SELECT DISTINCT number, CAST(NULL AS bigint) FROM allocation_figuremark"
        )
        state = cursor.fetchall()
    if connection.vendor != "postgresql":  # which has neither
        return _positioned(read_customers(None), read_goals(None))
    kept, gone = _kept({number: version for number, version in state if version is not None})
    marked = [*gone, *(number for number, version in state if version is None)]
    if not marked:
        return kept
    return _joined([kept, _positioned(read_customers(marked), read_goals(marked))])


def _kept(versions: Mapping[int, int]) -> tuple[CustomerFigures, list[int]]:
    """The sheets of these versions, or newer; and those that were not there any more. No statement where all were read before."""
    name = str(connection.settings_dict["NAME"])
    before = _READ.get(name) or _Kept({}, {}, _positioned(_empty(_CUSTOMER), _empty(_GOAL)))
    if before.versions == versions:
        return before.figures, []
    lacking = [number for number, version in versions.items() if before.versions.get(number) != version]
    pieces = {
        number: _piece(before.figures, *before.spans[number])
        for number, version in versions.items()
        if before.versions.get(number) == version
    }
    now = {number: versions[number] for number in pieces}
    for number, version, customers, goals in _sheets(lacking):
        pieces[number], now[number] = unpacked(customers=customers, goals=goals), version
    order = sorted(pieces)
    figures = _joined([pieces[number] for number in order])
    spans, at, goal_at = {}, 0, 0
    for number in order:
        size, goals_there = len(pieces[number]), len(pieces[number].goal_of)
        spans[number] = (slice(at, at + size), slice(goal_at, goal_at + goals_there))
        at, goal_at = at + size, goal_at + goals_there
    _READ[name] = _Kept(now, spans, figures)
    return figures, [number for number in lacking if number not in pieces]


def _piece(figures: CustomerFigures, customers: slice, goals: slice) -> CustomerFigures:
    columns = {name: getattr(figures, name)[customers] for name in _NAMES}
    of_goals = {name: getattr(figures, name)[goals] for name in _GOAL_NAMES}
    of_goals["goal_of"] = of_goals["goal_of"] - customers.start
    return CustomerFigures(**columns, **of_goals)


def _joined(pieces: Sequence[CustomerFigures]) -> CustomerFigures:
    pieces = [piece for piece in pieces if len(piece)] or list(pieces[:1])
    if not pieces:
        return _positioned(_empty(_CUSTOMER), _empty(_GOAL))
    if len(pieces) == 1:
        return pieces[0]
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    pieces = [
        replace(piece, goal_of=piece.goal_of + start) for piece, start in zip(pieces, starts, strict=True)
    ]
    return CustomerFigures(
        **{one.name: np.concatenate([getattr(piece, one.name) for piece in pieces]) for one in fields(CustomerFigures)}
    )  # fmt: skip


def _positioned(customers: Mapping[str, Column], goals: Mapping[str, Column]) -> CustomerFigures:
    """Goals that named their customer by id name it by position. customers: by rising id."""
    ids, of = customers["ids"], goals["goal_of"]
    places = np.searchsorted(ids, of)
    # A customer may have left, and a goal have come, between the two statements.
    there = places < len(ids)
    there[there] = ids[places[there]] == of[there]
    found = {name: column[there] for name, column in goals.items()}
    return CustomerFigures(**customers, **{**found, "goal_of": places[there]})


def _empty(columns: Any) -> dict[str, Column]:
    return {name: np.zeros(0, dtype=kind) for name, _, _, kind in columns}


def packed(*, customers: Mapping[str, Column], goals: Mapping[str, Column]) -> tuple[bytes, bytes]:
    """As the two fields of a sheet keep them: one column after the other."""
    return (
        b"".join(customers[name].tobytes() for name in _NAMES),
        b"".join(goals[name].tobytes() for name in _GOAL_NAMES),
    )


def unpacked(*, customers: bytes, goals: bytes) -> CustomerFigures:
    """What `packed` made of a sheet."""
    return _positioned(_columns(customers, _CUSTOMER), _columns(goals, _GOAL))


def _columns(data: bytes, columns: Any) -> dict[str, Column]:
    count = len(data) // sum(np.dtype(kind).itemsize for *_, kind in columns)
    found, at = {}, 0
    for name, _, _, kind in columns:
        found[name] = np.frombuffer(data, dtype=kind, count=count, offset=at)
        at += count * np.dtype(kind).itemsize
    return found


def _sheets(numbers: Sequence[int]) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Number, version and columns of sheets, binary: as text a sheet is twice as long and is to be decoded."""
    if not numbers:
        return
    asked = ", ".join(map(str, map(int, numbers)))
    statement = (
        "COPY (SELECT number, version, customers, goals FROM allocation_figuresheet"  # noqa: S608 - whole numbers
        f" WHERE number IN ({asked})) TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(["int8", "int8", "bytea", "bytea"])
        yield from copy.rows()


def read_customers(numbers: Collection[int] | None) -> dict[str, Column]:
    """Columns of the active customers of these sheets (None: of all), by rising id, from the customers themselves."""
    return _read(_CUSTOMER, _FROM_CUSTOMERS, numbers, order="c.id")


def read_goals(numbers: Collection[int] | None) -> dict[str, Column]:
    """Of their goals, open and closed; `goal_of` is the customer's id."""
    return _read(_GOAL, _FROM_GOALS, numbers, order="g.customer_id, g.id")


def _read(columns: Any, source: str, numbers: Collection[int] | None, *, order: str) -> dict[str, Column]:
    on_postgresql = connection.vendor == "postgresql"
    asked = ", ".join(there if on_postgresql else here for _, there, here, _ in columns)
    where = "c.status = 'active'"
    if numbers is not None:
        # One range of keys a sheet, so that the index is used however many sheets there are.
        listed = ", ".join(f"({int(number) * SHEET}::int8)" for number in numbers)
        source = f"(VALUES {listed}) AS sheet(first) JOIN {source} ON c.id >= sheet.first AND c.id < sheet.first + {SHEET}"
    statement = f"SELECT {asked} FROM {source} WHERE {where} ORDER BY {order}"  # noqa: S608 - columns of models, whole numbers
    if on_postgresql:
        return _copied(columns, statement)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    turned: Iterable[Any] = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return {
        name: np.array(values, dtype=kind) for (name, *_, kind), values in zip(columns, turned, strict=True)
    }


_HEAD = 19  # bytes before the first row of a binary COPY


def _copied(columns: Any, statement: str) -> dict[str, Column]:
    """By binary COPY: each row has the same length, since no column is ever null, so that the whole is one array."""
    row = [("fields", ">i2")]
    for name, *_, kind in columns:
        row += [(f"{name} bytes", ">i4"), (name, kind.replace("<", ">"))]
    kinds = np.dtype(row)
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)") as copy:  # fmt: skip
        data = b"".join(bytes(part) for part in copy)
    count = (len(data) - _HEAD) // kinds.itemsize
    table = np.frombuffer(data, dtype=kinds, count=count, offset=_HEAD)
    return {name: table[name].astype(kind) for name, *_, kind in columns}
