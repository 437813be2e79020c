"""Who was written since a run read, noted by SQLite itself, whoever writes and in the same transaction.

Of customers, goals and overrides the customer is noted; of what is read with every customer, everybody. A note is a look at two
small tables, and writes nothing a second time before the next reading. Who is added needs none, since no run has read it, and a
trigger on inserting would make an import of new customers a third slower (each row a statement that may have to be taken back).
REPLACE deletes what is in its way; the settings let it fire the triggers on deleting (recursive_triggers).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

READINGS, NOTES = "allocation_reading", "allocation_writtencustomer"
CUSTOMERS = "accounts_customer"
OF_A_CUSTOMER = ("accounts_goal", "allocation_override")
OF_EVERYBODY = (
    "accounts_vertical", "accounts_region", "accounts_language", "accounts_tier", "accounts_goalkind",
)  # fmt: skip
TABLES = (CUSTOMERS, *OF_A_CUSTOMER, *OF_EVERYBODY)


@dataclass(frozen=True, slots=True)
class Noted:
    """A trigger: when it fires, on what, and what it does."""

    event: str
    table: str
    does: str

    @property
    def name(self) -> str:
        return f"written_{self.table}_{self.event.lower().replace(' ', '_')}"

    @property
    def statement(self) -> str:
        return f"CREATE TRIGGER {self.name} {self.event} ON {self.table} BEGIN {self.does} END"


def _note(whom: str) -> str:
    """An upsert: where the statement that fires says OR REPLACE or OR IGNORE, an OR of ours would be overruled by it."""
    return (
        f"INSERT INTO {NOTES} (customer_id, reading) SELECT {whom}, number FROM {READINGS} WHERE true"  # noqa: S608
        " ON CONFLICT (customer_id) DO UPDATE SET reading = excluded.reading WHERE reading <> excluded.reading;"
    )


def _of_customers() -> Iterable[Noted]:
    for event in ("AFTER UPDATE", "AFTER DELETE"):
        yield Noted(event, CUSTOMERS, _note("OLD.id"))


def _of_a_customer(table: str) -> Iterable[Noted]:
    yield Noted("AFTER INSERT", table, _note("NEW.customer_id"))
    yield Noted("AFTER UPDATE", table, _note("OLD.customer_id") + _note("NEW.customer_id"))
    yield Noted("AFTER DELETE", table, _note("OLD.customer_id"))


def _of_everybody(table: str) -> Iterable[Noted]:
    for event in ("AFTER UPDATE", "AFTER DELETE"):
        yield Noted(event, table, f"UPDATE {READINGS} SET everybody = number WHERE everybody <> number;")  # noqa: S608


TRIGGERS = (
    *_of_customers(),
    *(noted for table in OF_A_CUSTOMER for noted in _of_a_customer(table)),
    *(noted for table in OF_EVERYBODY for noted in _of_everybody(table)),
)
NAMES = tuple(noted.name for noted in TRIGGERS)
DROPPED = tuple(f"DROP TRIGGER IF EXISTS {name}" for name in NAMES)
# Whatever was noted before tells nothing of what was written while they were away.
_NEW_ERA = (
    f"INSERT INTO {READINGS} (id, era, number, everybody) VALUES (1, lower(hex(randomblob(8))), 1, 0)"  # noqa: S608
    " ON CONFLICT (id) DO UPDATE SET era = excluded.era"
)


def made_anew(there: Iterable[str]) -> tuple[str, ...]:
    """Statements; none where one of the tables is not there (yet, or any more)."""
    if not {*TABLES, READINGS, NOTES} <= set(there):
        return ()
    return (*DROPPED, *(noted.statement for noted in TRIGGERS), _NEW_ERA)
