"""What was decided cannot be rewritten: kept by the database itself, whoever writes.

Beside that SQLite notes who was written since a run read (allocation.triggers.written).

A file a noun; allocation.triggers.rules says how a rule becomes a trigger. They are taken away before every migrate and
made again after it: a migration may bring rows of an earlier version into a new form, and SQLite could not build a table
anew that a trigger of another one looks at. A migrate that failed leaves them away; the check W005 says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections, transaction

from allocation.triggers import versions, written
from allocation.triggers.changes import CHANGES
from allocation.triggers.ledger import LEDGERS
from allocation.triggers.overrides import EDITS, OBJECTIONS, OVERRIDES
from allocation.triggers.proposals import PROPOSALS
from allocation.triggers.rules import Kept, postgresql_statements, sqlite_names, sqlite_statements
from allocation.triggers.versions import NEVER_CHANGES, NOT_DELETED, ONLY_FORWARD

__all__ = [
    "EVERY",
    "NEVER_CHANGES",
    "NOT_DELETED",
    "ONLY_FORWARD",
    "drop_statements",
    "drop_triggers_before_migrate",
    "ensure_triggers",
    "ensure_triggers_after_migrate",
    "tables_without_triggers",
]

EVERY: tuple[Kept, ...] = (
    versions.VERSIONS,
    *LEDGERS,
    OVERRIDES,
    EDITS,
    OBJECTIONS,
    *PROPOSALS,
    CHANGES,
)


def ensure_triggers(*, using: str) -> None:
    """Make the triggers of this database anew; safe to repeat, and nothing for a table that is not there."""
    _execute(using, _statements, written.made_anew)


def _execute(
    using: str,
    statements_of: Callable[[str, Kept], Iterable[str]],
    also_on_sqlite: Callable[[Iterable[str]], Iterable[str]],
) -> None:
    """All of them for each table that is there, in one transaction."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for kept in EVERY:
            if kept.table in there:
                for statement in statements_of(connection.vendor, kept):
                    cursor.execute(statement)
        for statement in also_on_sqlite(there) if connection.vendor == "sqlite" else ():
            cursor.execute(statement)


def _statements(vendor: str, kept: Kept) -> tuple[str, ...]:
    if vendor == "postgresql":
        return tuple(postgresql_statements(kept))
    also = versions.SQLITE_ONLY if kept is versions.VERSIONS else ()
    return (*sqlite_statements(kept), *also)


def drop_triggers_before_migrate(*, using: str, **kwargs: Any) -> None:
    """Nothing where there are none."""
    _execute(using, drop_statements, lambda there: written.DROPPED)


def drop_statements(vendor: str, kept: Kept) -> tuple[str, ...]:
    """What takes the triggers of a table away."""
    if vendor == "postgresql":
        return (f"DROP TRIGGER IF EXISTS {kept.short}_stays ON {kept.table}",)
    names = (*sqlite_names(kept), *(versions.SQLITE_ONLY_NAMES if kept is versions.VERSIONS else ()))
    return tuple(f"DROP TRIGGER IF EXISTS {name}" for name in names)


def tables_without_triggers(*, using: str) -> list[str]:
    """Tables whose rows anybody could rewrite just now. One query, beside the list of tables."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute(_NAMES[connection.vendor])
        found = {table for (table,) in cursor.fetchall()}
    return [kept.table for kept in EVERY if kept.table in there and kept.table not in found]


_NAMES = {
    "sqlite": "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'written%'",
    "postgresql": "SELECT DISTINCT event_object_table::text FROM information_schema.triggers"
    " WHERE trigger_schema = current_schema()",
}


def ensure_triggers_after_migrate(*, using: str, **kwargs: Any) -> None:
    ensure_triggers(using=using)
