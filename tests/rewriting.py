"""Rows as an earlier version of the program left them, which no trigger lets anybody write today."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from allocation.triggers import EVERY, ensure_triggers
from allocation.triggers.rules import sqlite_names


@contextmanager
def before_the_triggers(table: str) -> Iterator[None]:
    """Within, rows of this table can be written over; afterwards not any more."""
    kept = next(kept for kept in EVERY if kept.table == table)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no trigger is dropped while events wait
            cursor.execute(f"DROP TRIGGER {kept.short}_stays ON {table}")
        else:
            for name in sqlite_names(kept):
                cursor.execute(f"DROP TRIGGER {name}")
        yield
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    ensure_triggers(using="default")
