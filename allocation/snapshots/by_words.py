"""Pairs of a number and a word, in the database's own order of words: for what hangs on many customers and says one of few things.

To put many rows in the order of a text is most of what PostgreSQL has to do for them, so there it sorts the words alone and sends the
numbers of each; those of one word come in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connections
from django.db.models import QuerySet

from allocation.snapshots.arrays import (
    Array,
    ArrayQuery,
    Coded,
    Whole,
    array_query,
    laid_out,
    named_columns,
)
from allocation.snapshots.sent import fetched, integers


@dataclass(frozen=True, slots=True)
class ByWords:
    """query: of a number and a word that no row lacks."""

    query: ArrayQuery

    def read(self, instead: Mapping[int, int] | None = None) -> Mapping[str, Array]:
        """One query, as that of `ArrayQuery`."""
        query, on = self.query, connections[self.query.alias]
        if on.vendor != "postgresql" or not query.sql:
            return query.read(instead)
        number, word = query.wanted
        statement = (
            f"SELECT c1::text, {laid_out(number)} FROM ({query.sql}) AS q ({named_columns(query.wanted)}) "  # noqa: S608 - the ORM's own
            "GROUP BY c1 ORDER BY c1"
        )
        rows = fetched(on, statement, query.given(instead))
        values = [integers(sent) for _, sent in rows]
        codes = np.repeat(np.arange(len(values)), [len(each) for each in values])
        return {
            number.name: Whole(np.concatenate([np.zeros(0, dtype=np.int64), *values])),
            word.name: Coded(codes, tuple(said for said, _ in rows)),
        }


def by_words(*, rows: QuerySet[Any], number: str, word: str) -> ByWords:
    """The values of two fields of these rows, not read yet."""
    apart = connections[rows.db].vendor == "postgresql"
    ordered = rows.order_by() if apart else rows.order_by(word, "pk")
    return ByWords(array_query(rows=ordered, fields=(number, word)))
