"""PostgreSQL's driver as it is, where Django's cursors would turn bytes into texts and take twice as long."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import psycopg


def driver_cursor(on: Any) -> AbstractContextManager[Any]:
    """A cursor of this connection of Django's that binds on the server and takes bytes; it is counted and logged like Django's own."""
    on.ensure_connection()
    cursor: AbstractContextManager[Any] = on._prepare_cursor(psycopg.Cursor(on.connection))
    return cursor
