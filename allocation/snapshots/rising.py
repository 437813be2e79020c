"""Rows in the order of their keys, where the database was not asked for one.

A database that is to give many rows in order fetches one after the other by an index; as they lie they are read in half the time,
and are nearly in order already.
"""

from __future__ import annotations

import numpy as np

from allocation.engine.facts.tiering import Integers
from allocation.snapshots.arrays import Array, Coded, Whole


def rising(read: dict[str, Array], *, by: str) -> dict[str, Array]:
    """The rows of a query by its column of keys, of which no two are the same."""
    keys = read[by]
    if not isinstance(keys, Whole):
        raise TypeError(f"{by} is no column of keys")
    if (keys.values[1:] > keys.values[:-1]).all():
        return read
    order = np.argsort(keys.values, kind="stable")
    return {name: _taken(column, order) for name, column in read.items()}


def _taken(column: Array, places: Integers) -> Array:
    if isinstance(column, Whole):
        return Whole(column.values[places], column.unit)
    return Coded(column.codes[places], column.words)
