"""What PostgreSQL sends as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg

from accounts.driver_cursor import driver_cursor
from allocation.engine.facts.tiering import Integers


def fetched(on: Any, statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows with their bytes as they are."""
    with driver_cursor(on) as cursor:
        cursor.cursor.format = psycopg.pq.Format.BINARY
        cursor.execute(statement, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def integers(sent: bytes | None) -> Integers:
    """Numbers laid end to end by PostgreSQL."""
    return np.frombuffer(sent or b"", dtype=">i8").astype(np.int64)
