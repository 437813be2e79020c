"""How a rule about rows as they were becomes triggers of SQLite and of PostgreSQL.

No constraint sees the row as it was, so what must never change is kept by triggers, whoever writes. On SQLite
nothing forbids deleting (emptying a test database deletes rows there); on PostgreSQL emptying is TRUNCATE, so
deleting can be refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not happen to a row: SQL over OLD and NEW, with ``<=>`` between what may not differ."""

    name: str
    event: Literal["INSERT", "UPDATE", "DELETE"]
    refused_when: str
    says: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A table and its rules, looked at in this order."""

    table: str
    rules: tuple[Rule, ...]

    @property
    def short(self) -> str:
        return self.table.partition("_")[2]


def differs(*columns: str) -> str:
    """One of these columns is being changed."""
    return "(" + " OR ".join(f"NEW.{column} <=> OLD.{column}" for column in columns) + ")"


def never_deleted(says: str, *, when: str = "") -> Rule:
    return Rule("not_deleted", "DELETE", when or "1 = 1", says)


def sqlite_names(kept: Kept) -> tuple[str, ...]:
    """A trigger a rule; none for deleting."""
    return tuple(f"{kept.short}_{rule.name}" for rule in kept.rules if rule.event != "DELETE")


def sqlite_statements(kept: Kept) -> Iterable[str]:
    rules = [rule for rule in kept.rules if rule.event != "DELETE"]
    for name, rule in zip(sqlite_names(kept), rules, strict=True):
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield (
            f"CREATE TRIGGER {name} BEFORE {rule.event} ON {kept.table}\n"
            f"WHEN {rule.refused_when.replace('<=>', 'IS NOT')}\n"
            f"BEGIN SELECT RAISE(ABORT, '{rule.says}'); END"
        )


def postgresql_statements(kept: Kept) -> Iterable[str]:
    """One function and one trigger a table."""
    name = f"{kept.short}_stays"
    # An event at a time: a row that this event does not have may not even be named.
    events = [event for event in ("INSERT", "UPDATE", "DELETE") if any(r.event == event for r in kept.rules)]
    body = "".join(
        f"  IF TG_OP = '{event}' THEN\n"
        + "".join(
            f"    IF {rule.refused_when.replace('<=>', 'IS DISTINCT FROM')} THEN\n"
            f"      RAISE EXCEPTION '{rule.says}' USING ERRCODE = 'check_violation';\n"
            f"    END IF;\n"
            for rule in kept.rules
            if rule.event == event
        )
        + f"    RETURN {'OLD' if event == 'DELETE' else 'NEW'};\n  END IF;\n"
        for event in events
    )
    yield (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        f"BEGIN\n{body}  RETURN NULL;\nEND $$"
    )
    yield f"DROP TRIGGER IF EXISTS {name} ON {kept.table}"
    yield (
        f"CREATE TRIGGER {name} BEFORE {' OR '.join(events)} ON {kept.table}\n"
        f"FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
