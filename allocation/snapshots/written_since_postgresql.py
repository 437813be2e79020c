"""Who was written since a run read, as PostgreSQL numbers its transactions.

Each row carries the number of the transaction that wrote it (``xmin``). A run notes, before it reads, the oldest number that was not
over then; whatever was written under that number or a later one is to be compared again. Numbers belong to one database of one
cluster, so a run that was carried over in a dump has nothing to compare with. Goals may also be deleted, which leaves no row: they are
read, and compared as what the run kept of them.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from django.db import ProgrammingError, connection, transaction

from accounts.models import Customer, Language, Region, Tier, Vertical
from allocation.engine.facts.tiering import Integers
from allocation.models import Override
from allocation.snapshots.customer_rows import goal_digests_now

# Their names and slugs are read with each customer.
NAMED = (Vertical, Region, Language, Tier)
FAR = 2**30  # transactions after which numbers may have come round

_HERE = (
    "(SELECT system_identifier FROM pg_control_system())::text, "
    "(SELECT oid FROM pg_database WHERE datname = current_database())::text, "
    "pg_snapshot_xmin(pg_current_snapshot())::text"
)


def reading_begins() -> str:
    """This database of this cluster, and the oldest number that is not over; empty where that may not be asked."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT {_HERE}")
            return " ".join(cursor.fetchone())
    except ProgrammingError:  # a host that lets nobody ask what cluster this is
        return ""


def written_since(*, noted: str, keys: Integers, goals: Integers, as_of: date) -> Integers | None:
    """As allocation.snapshots.written_since; None also where one of them is gone. Two statements."""
    *then, begun = noted.split()
    span: dict[str, int | str] = {
        "first": int(keys[0]),
        "middle": int(keys[len(keys) // 2]),
        "last": int(keys[-1]),
        "begun": str(int(begun) % 2**32),
    }
    with connection.cursor() as cursor:
        cursor.execute(_written(), span)
        *here, now, names, there, customers, overrides = cursor.fetchone()
    if then != here or not 0 <= int(now) - int(begun) < FAR or names:
        return None
    written = np.array(sorted(customers or ()), dtype=np.int64)
    # Between the keys of the run there are only customers that were added since.
    if there - np.count_nonzero(~np.isin(written, keys)) != len(keys):
        return None
    other_goals = keys[goal_digests_now(keys=keys, as_of=as_of) != goals]
    also = np.array(sorted(overrides or ()), dtype=np.int64)
    return keys[np.isin(keys, np.concatenate([written, also, other_goals]))]


def _written() -> str:
    """Where we are; whether a name was written; how many customers there are, which of them were, and whose overrides.

    Customers are asked for as two spans: that is read page by page, where one span may be read in the order of its index, which goes
    to and fro between the rows there are and those that a run has written over: more than twice the work.
    """
    anew = "age(xmin) <= age(%(begun)s::xid)"  # rows carry the last 32 bits of a number
    names = " OR ".join(f"EXISTS (SELECT 1 FROM {_table(model)} WHERE {anew})" for model in NAMED)  # noqa: S608
    overrides = (
        f"SELECT array_agg(DISTINCT customer_id) FROM {_table(Override)} "  # noqa: S608 - names are the models'
        f"WHERE customer_id BETWEEN %(first)s AND %(last)s AND {anew}"
    )
    return (
        f"SELECT {_HERE}, {names}, count(*), array_agg(id) FILTER (WHERE {anew}), ({overrides}) "  # noqa: S608
        f"FROM {_table(Customer)} "
        "WHERE id BETWEEN %(first)s AND %(middle)s OR (id > %(middle)s AND id <= %(last)s)"
    )


def _table(model: type[Customer | Override | Vertical | Region | Language | Tier]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
