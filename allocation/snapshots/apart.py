"""Rows of one statement taken apart, so that several processes of a PostgreSQL server read them, and put together again.

A server lets its processes share the parts of a list of SELECTs, as many of them as its settings give; where it has none free, one
reads all parts. It is one statement with one look at the tables, so the parts are of one moment, within a transaction too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple


class Apart(NamedTuple):
    """place: of the values wanted, the one whose numbers rise and which no row lacks. keys: where the spans of it begin but for the
    first, two spans a part; none: the rows stay together.
    """

    place: int
    keys: Sequence[int]

    def statement(self, select: str, column: str) -> tuple[str, int]:
        """The statement of one row for each part, and how many parts there are."""
        if not self.keys:
            return select, 1
        selects = [f"{select} WHERE {condition}" for condition in conditions(column, self.keys)]
        return f"SELECT * FROM ({' UNION ALL '.join(selects)}) AS parts", len(selects)  # noqa: S608 - the ORM's own

    def together(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """The values of all parts end to end in the order of keys; parts come as they are done."""
        if len(rows) == 1:
            return rows[0]
        filled = sorted((row for row in rows if row[self.place]), key=self._first)
        return [_joined(column) for column in zip(*filled, strict=True)] or rows[0]

    def _first(self, row: tuple[Any, ...]) -> int:
        return int.from_bytes(row[self.place][:8], "big", signed=True)


def conditions(column: str, keys: Sequence[int]) -> list[str]:
    """Of each part; every number fulfils one of them. A part is two spans: one alone may be read in the order of its index, to and fro
    between rows there are and those that were written over, two are read page by page.
    """
    edges = [int(key) for key in keys]
    between = [f"{column} >= {low} AND {column} < {high}" for low, high in pairwise(edges)]
    spans = [f"{column} < {edges[0]}", *between, f"{column} >= {edges[-1]}"]
    return [" OR ".join(f"({span})" for span in spans[at : at + 2]) for at in range(0, len(spans), 2)]


def _joined(values: Sequence[Any]) -> Any:
    return b"".join(values) if isinstance(values[0], bytes) else list(chain.from_iterable(values))
