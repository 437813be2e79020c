"""Rows as an earlier version of the program left them, or as nobody may leave them: what no trigger lets anybody write."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from allocation.triggers import EVERY, drop_statements, ensure_triggers


@contextmanager
def before_the_triggers(table: str) -> Iterator[None]:
    """Within, rows of this table can be written over; afterwards not any more."""
    kept = next(kept for kept in EVERY if kept.table == table)
    _settle()
    with connection.cursor() as cursor:
        for statement in drop_statements(connection.vendor, kept):
            cursor.execute(statement)
    yield
    _settle()
    ensure_triggers(using="default")


def _settle() -> None:
    """PostgreSQL changes no table while checks of it wait for the end of the transaction."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
