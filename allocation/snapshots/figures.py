"""Active customers as columns of numbers, for figures of all of them at once: from the kept sheets, or from the rows themselves.

What a sheet says is true as long as no mark stands beside it (`allocation.models.figures`); whatever is marked is read from the
customers, so that the columns are those of now either way. On SQLite everything is read from the customers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
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


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """One position a customer, by rising id; goals, open and closed, name their customer by its position (`goal_of`).

    Ids are 0 where there is none, amounts, health, sentiment, reputation and champion UNKNOWN where nobody wrote one down.
    serial: names these very columns, which never change, in this process; 0 where they will not be seen again.
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
    serial: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def among(self, chosen: Column) -> CustomerFigures:
        """Those of them where `chosen` (one truth a customer) is true, with their goals."""
        if chosen.all():
            return self
        places = np.cumsum(chosen) - 1
        kept = chosen[self.goal_of]
        columns: dict[str, Any] = {name: getattr(self, name)[chosen] for name in _NAMES}
        goals: dict[str, Any] = {name: getattr(self, name)[kept] for name in _GOAL_NAMES}
        goals["goal_of"] = places[goals["goal_of"]]
        return CustomerFigures(**columns, **goals)


@dataclass(frozen=True, slots=True)
class Everybody:
    """Every active customer, sheet by sheet by rising id: what is told of them is worked out of each sheet and added up
    (`figures_summed`). A sheet whose customers did not change is the same from look to look.
    """

    sheets: tuple[CustomerFigures, ...]

    def __len__(self) -> int:
        return sum(map(len, self.sheets))

    def of(self, ids: Collection[int]) -> CustomerFigures:
        """The columns of those of these customers who are active."""
        asked, found = np.unique(np.fromiter(ids, dtype=np.int64, count=len(ids))), []
        for sheet in self.sheets:
            here = asked[slice(*np.searchsorted(asked, [sheet.ids[0], sheet.ids[-1] + 1]))]
            chosen = np.zeros(len(sheet), dtype=np.bool_)
            places = np.searchsorted(sheet.ids, here)
            chosen[places[sheet.ids[places] == here]] = True
            if chosen.any():
                found.append(sheet.among(chosen))
        return replace(_joined(found), serial=0)


_NAMES = tuple(name for name, *_ in _CUSTOMER)
_GOAL_NAMES = tuple(name for name, *_ in _GOAL)
_SERIALS = count(1)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a process has read of one sheet. state: of the sheet and its marks then, or earlier."""

    state: tuple[int | None, str | None]
    figures: CustomerFigures


# By database and number. Replaced as a whole, never changed, so that threads may read it; columns are never written to.
_READ: dict[str, Mapping[int, _Read]] = {}
# A sheet is written anew under another version, and whoever writes a customer leaves a mark with a number of its own, which goes
# only with that version: where version and marks are the same, so are the customers.
_STATE = """
    SELECT coalesce(s.number, m.number), s.version, m.marks
    FROM allocation_figuresheet s FULL JOIN (
        SELECT number, md5(string_agg(id || ' ' || xmin, ',' ORDER BY id)) AS marks FROM allocation_figuremark GROUP BY number
    ) m ON m.number = s.number
"""


def customer_figures() -> Everybody:
    """Of every active customer, as of now. One to three statements, at any size; on SQLite one."""
    if connection.vendor != "postgresql":  # which keeps no sheets
        return _everybody([_from_sqlite()])
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        states = {number: (version, marks) for number, version, marks in cursor.fetchall()}
    name = str(connection.settings_dict["NAME"])
    before = _READ.get(name, {})
    known = {
        number: before[number]
        for number, state in states.items()
        if number in before and before[number].state == state
    }
    if len(known) < len(states) or len(known) < len(before):
        lacking = {number: state for number, state in states.items() if number not in known}
        _READ[name] = known = {**known, **_read(lacking)}
    return _everybody(known[number].figures for number in sorted(known))


def _everybody(sheets: Iterable[CustomerFigures]) -> Everybody:
    return Everybody(tuple(sheet for sheet in sheets if len(sheet)))


def _read(states: Mapping[int, tuple[int | None, str | None]]) -> dict[int, _Read]:
    """Marked ones from the customers, the others as they are kept, or from the customers where they are not there any more.

    What is read may be newer than its state, never older: then it is read again at the next look.
    """
    found = {}
    for number, version, customers, goals in _kept_sheets(
        [n for n, (_, marks) in states.items() if marks is None]
    ):
        figures = replace(unpacked(customers=customers, goals=goals), serial=next(_SERIALS))
        found[number] = _Read((version, None), figures)
    live = [number for number in states if number not in found]
    for number, *columns in read_sheets(live) if live else ():
        figures = replace(_positioned(*columns), serial=next(_SERIALS))
        found[number] = _Read(states[number], figures)
    return found


def _joined(pieces: Sequence[CustomerFigures]) -> CustomerFigures:
    if not pieces:
        return _positioned(_empty(_CUSTOMER), _empty(_GOAL))
    if len(pieces) == 1:
        return pieces[0]
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    pieces = [
        replace(piece, goal_of=piece.goal_of + start) for piece, start in zip(pieces, starts, strict=True)
    ]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in (*_NAMES, *_GOAL_NAMES)
    }
    return CustomerFigures(**columns)


def _positioned(customers: Mapping[str, Column], goals: Mapping[str, Column]) -> CustomerFigures:
    """Goals that named their customer by id name it by position. customers: by rising id."""
    ids, of = customers["ids"], goals["goal_of"]
    places = np.searchsorted(ids, of)
    # One statement reads both; read apart, a goal may have come for a customer that is not here.
    there = places < len(ids)
    there[there] = ids[places[there]] == of[there]
    found: dict[str, Any] = {name: column[there] for name, column in goals.items()}
    return CustomerFigures(**{**customers, **found, "goal_of": places[there]})


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


def _kept_sheets(numbers: Sequence[int]) -> Iterator[tuple[int, int, bytes, bytes]]:
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


_CUSTOMERS = "SELECT {asked} FROM accounts_customer c WHERE c.status = 'active' {within} ORDER BY c.id"
_GOALS = (
    "SELECT {asked} FROM accounts_goal g JOIN accounts_customer c ON c.id = g.customer_id"
    " WHERE c.status = 'active' {within} ORDER BY g.customer_id, g.id"
)
# One range of keys a sheet, so that the index is used however many sheets there are.
_WITHIN = f"AND c.id >= sheet.number * {SHEET} AND c.id < (sheet.number + 1) * {SHEET}"


def read_sheets(numbers: Collection[int]) -> Iterator[tuple[int, dict[str, Column], dict[str, Column]]]:
    """Columns of the active customers of these sheets by rising id, and of their goals, whose `goal_of` is the customer's id: from the
    customers themselves. One statement; on PostgreSQL, which lays each column end to end: a row a customer would cost more to send
    and to take apart than to find.
    """
    listed = ", ".join(f"({int(number)}::int8)" for number in sorted(numbers))
    parts = ((_CUSTOMER, _CUSTOMERS), (_GOAL, _GOALS))
    laid = " CROSS JOIN LATERAL ".join(f"({_laid_out(*part)}) AS part_{at}" for at, part in enumerate(parts))
    statement = f"COPY (SELECT * FROM (VALUES {listed}) AS sheet(number) CROSS JOIN LATERAL {laid}) TO STDOUT (FORMAT BINARY)"  # noqa: S608 - columns of models, whole numbers
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(["int8", *["bytea"] * (len(_CUSTOMER) + len(_GOAL))])
        for number, *columns in copy.rows():
            yield number, _taken(_CUSTOMER, columns), _taken(_GOAL, columns[len(_CUSTOMER) :])


def _laid_out(columns: Any, rows: str) -> str:
    asked = ", ".join(f"{sql} AS {name}" for name, sql, *_ in columns)
    laid = (f"coalesce(string_agg(int{kind[2]}send({name}), ''::bytea), '')" for name, *_, kind in columns)
    return f"SELECT {', '.join(laid)} FROM ({rows.format(asked=asked, within=_WITHIN)}) AS q"  # noqa: S608


def _taken(columns: Any, parts: Iterable[bytes]) -> dict[str, Column]:
    return {
        name: np.frombuffer(part, dtype=kind.replace("<", ">")).astype(kind)
        for (name, *_, kind), part in zip(columns, parts, strict=False)
    }


def _from_sqlite() -> CustomerFigures:
    """One row, as texts with commas between the numbers. SQLite drops no order under an aggregate that shows it."""
    laid = []
    for columns, rows in ((_CUSTOMER, _CUSTOMERS), (_GOAL, _GOALS)):
        asked = ", ".join(f"{sql} AS {name}" for name, _, sql, _ in columns)
        of_each = ", ".join(f"group_concat({name})" for name, *_ in columns)
        laid.append(f"(SELECT {of_each} FROM ({rows.format(asked=asked, within='')}))")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {', '.join(laid)}")  # noqa: S608
        texts = cursor.fetchone()
    found = {
        name: np.fromstring(text, dtype=np.int64, sep=",").astype(kind) if text else np.zeros(0, dtype=kind)
        for (name, *_, kind), text in zip((*_CUSTOMER, *_GOAL), texts, strict=True)
    }
    return _positioned({name: found[name] for name in _NAMES}, {name: found[name] for name in _GOAL_NAMES})
