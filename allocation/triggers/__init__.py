"""What was decided cannot be rewritten: kept by the database itself, whoever writes.

A file a noun; allocation.triggers.rules says how a rule becomes a trigger. They are made again after every migrate:
SQLite drops them when Django builds a table anew. And there they are taken away before: a table that a trigger of
another one looks at could not be built anew.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

from allocation.triggers import versions
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
    "drop_triggers_before_migrate",
    "ensure_triggers",
    "ensure_triggers_after_migrate",
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
    connection = connections[using]
    there = set(connection.introspection.table_names())
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for kept in EVERY:
            if kept.table in there:
                for statement in _statements(connection.vendor, kept):
                    cursor.execute(statement)


def _statements(vendor: str, kept: Kept) -> tuple[str, ...]:
    if vendor == "postgresql":
        return tuple(postgresql_statements(kept))
    also = versions.SQLITE_ONLY if kept is versions.VERSIONS else ()
    return (*sqlite_statements(kept), *also)


def drop_triggers_before_migrate(*, using: str, **kwargs: Any) -> None:
    """On SQLite; on PostgreSQL nothing may be rewritten during a migration either."""
    if connections[using].vendor != "sqlite":
        return
    with connections[using].cursor() as cursor:
        for kept in EVERY:
            for name in sqlite_names(kept):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def ensure_triggers_after_migrate(*, using: str, **kwargs: Any) -> None:
    ensure_triggers(using=using)
