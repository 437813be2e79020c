"""Which customers may be others than a run read them, as the database itself knows: they, or what hangs on them, were written since.

PostgreSQL numbers its transactions and says of each row under which one it was written; SQLite has triggers that note it.
In doubt everybody may be another.
"""

from __future__ import annotations

from datetime import date

from django.db import connection

from allocation.engine.facts.tiering import Integers
from allocation.snapshots import written_since_postgresql, written_since_sqlite


def reading_begins() -> str:
    """What a run notes before it reads; empty where the database cannot tell what was written since."""
    return (
        written_since_postgresql.reading_begins()
        if connection.vendor == "postgresql"
        else written_since_sqlite.reading_begins()
    )


def written_since(*, noted: str, keys: Integers, goals: Integers, as_of: date) -> Integers | None:
    """Of these customers (rising keys) all that may be others than they were, by what `reading_begins` gave; rising. Within a
    transaction that keeps others from writing them, or it says what was so a moment ago. At most two statements.

    goals: digests of the goals that were open on the day. None: that cannot be told; look at everybody.
    """
    if not noted or not len(keys):
        return None
    if connection.vendor == "postgresql":
        return written_since_postgresql.written_since(noted=noted, keys=keys, goals=goals, as_of=as_of)
    return written_since_sqlite.written_since(noted=noted, keys=keys)
