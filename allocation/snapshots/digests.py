"""Digests of what decides a customer: the same for the same values on any machine and database, another for any other.

They are for noticing a change, not for secrecy. Two kinds: of a handful of values together (goals, lifecycles; what standings
keep), and column by column for everybody's facts (what a run keeps).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from allocation.engine.facts.tiering import Integers
from allocation.engine.mixing import Bits, mixed
from allocation.snapshots.arrays import MISSING, Array, Coded

BITS = 40  # of a digest of facts: a change goes unnoticed once in a million million


def digest(*values: object) -> int:
    """A signed number of 64 bits; the same values give the same digest on any machine and database."""
    short = hashlib.blake2b(repr(values).encode(), digest_size=16).digest()[:8]
    return int.from_bytes(short, "big", signed=True)


def column_digests(*, columns: Mapping[str, Array], count: int) -> Integers:
    """Digests of ``count`` rows, from 0 to 2**BITS - 1. The names of the columns belong to their values; their order does not."""
    total = np.zeros(count, dtype=np.uint64)
    for name, column in columns.items():
        total += mixed(_as_numbers(column) + _salt(name))
    return (mixed(total) >> np.uint64(64 - BITS)).astype(np.int64)


def _as_numbers(column: Array) -> Bits:
    """Every value as 64 bits; none is MISSING, which no value is."""
    if isinstance(column, Coded):
        return column.mapped(digest, MISSING).view(np.uint64)
    return column.values.view(np.uint64)


def _salt(name: str) -> np.uint64:
    return np.uint64(digest(name) % 2**64)
