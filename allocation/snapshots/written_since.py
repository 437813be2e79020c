"""Which customers may be others than a run read them, as PostgreSQL itself knows: their rows, or what hangs on them, were written since.

Each row carries the number of the transaction that wrote it (``xmin``). A run notes, before it reads, the oldest number that was not
over then; whatever was written under that number or a later one is to be compared again. Numbers belong to one database of one
cluster, so a run that was carried over in a dump has nothing to compare with, and everybody is looked at. SQLite keeps no
such numbers. Goals may also be deleted, which leaves no row: they are read, and compared as what the run kept of them.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from django.db import connection

from accounts.models import Customer, Goal, Language, Region, Tier, Vertical
from allocation.engine.facts.tiering import Integers
from allocation.models import Override
from allocation.snapshots.digests import digest

# Their names and slugs are read with each customer.
NAMED = (Vertical, Region, Language, Tier)
FAR = 2**30  # transactions after which numbers may have come round

_HERE = (
    "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()), "
    "pg_snapshot_xmin(pg_current_snapshot())::text FROM pg_control_system()"
)


def reading_begins() -> str:
    """What a run notes before it reads; empty where the database cannot tell what was written since."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(_HERE)
        return " ".join(map(str, cursor.fetchone()))


def written_since(*, noted: str, keys: Integers, goals: Integers, as_of: date) -> Integers | None:
    """Of these customers (rising keys) all that may be others than they were, by what `reading_begins` gave; rising.

    goals: digests of the goals that were open on the day. None: that cannot be told, or one of them is gone; look at everybody.
    """
    number = _number(noted)
    if number is None or not len(keys) or _names_written(number):
        return None
    first, last = int(keys[0]), int(keys[-1])
    with connection.cursor() as cursor:
        cursor.execute(_customers(), [number, first, last])
        there, found = cursor.fetchone()
        written = np.array(sorted(found or ()), dtype=np.int64)
        cursor.execute(_overrides(), [first, last, number])
        overrides = [key for (key,) in cursor.fetchall()]
    # Between the keys of the run there are only customers that were added since.
    if there - len(np.setdiff1d(written, keys)) != len(keys):
        return None
    other_goals = keys[_goals_now(keys, as_of) != goals]
    return np.intersect1d(keys, np.concatenate([written, np.array(overrides, dtype=np.int64), other_goals]))


def _number(noted: str) -> str | None:
    """The number to compare with, if it is one of this database; as the 32 bits that rows carry."""
    if not noted or connection.vendor != "postgresql":
        return None
    *then, begun = noted.split()
    *here, now = reading_begins().split()
    if then != here or not 0 <= int(now) - int(begun) < FAR:
        return None
    return str(int(begun) % 2**32)


def _names_written(number: str) -> bool:
    looks = " OR ".join(
        f"EXISTS (SELECT 1 FROM {_table(model)} WHERE age(xmin) <= age(%s::xid))"  # noqa: S608 - names are the models'
        for model in NAMED
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {looks}", [number] * len(NAMED))
        return bool(cursor.fetchone()[0])


def _customers() -> str:
    return (
        "SELECT count(*), array_agg(id) FILTER (WHERE age(xmin) <= age(%s::xid)) "  # noqa: S608
        f"FROM {_table(Customer)} WHERE id BETWEEN %s AND %s"
    )


def _overrides() -> str:
    return (
        f"SELECT customer_id FROM {_table(Override)} WHERE customer_id BETWEEN %s AND %s "  # noqa: S608
        "AND age(xmin) <= age(%s::xid)"
    )


def _table(model: type[Customer | Override | Vertical | Region | Language | Tier]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _goals_now(keys: Integers, as_of: date) -> Integers:
    """Digests of the goals open on the day, as snapshots of customers make them."""
    rows = Goal.objects.open_on(as_of).filter(customer_id__gte=int(keys[0]), customer_id__lte=int(keys[-1]))
    slugs: dict[int, tuple[str, ...]] = {}
    for key, slug in rows.order_by("kind__slug", "pk").values_list("customer_id", "kind__slug"):
        slugs[key] = (*slugs.get(key, ()), slug)
    known: dict[tuple[str, ...], int] = {several: digest(several) for several in set(slugs.values())}
    found = np.full(len(keys), digest(()), dtype=np.int64)
    held = np.array(sorted(slugs), dtype=np.int64)
    digests = np.array([known[slugs[key]] for key in held.tolist()], dtype=np.int64)
    its = np.isin(held, keys)
    found[np.searchsorted(keys, held[its])] = digests[its]
    return found
