"""Customers held while a chunk of a run is applied, so that none is edited between the look at it and the commit."""

from __future__ import annotations

from django.db import OperationalError, ProgrammingError, connection, transaction

from accounts.models import Customer
from allocation.engine.facts.tiering import Integers
from allocation.services.retiering.walking import in_parts

# Of PostgreSQL: the table is in use; this user of the database may not hold it.
REFUSED = {"55P03", "42501"}
# From so many customers on their table is held, where it can be had: to lock a row is to write it.
MANY = 1_000


def hold_customers(keys: Integers) -> None:
    """These customers (rising keys) are held until the end of the transaction, who is to stay as well as who changes: what is
    said of a chunk then holds until its commit. Whoever edits facts locks the customer's row first, and whoever adds what hangs
    on a customer asks for its row, so an edit falls before the look or after the commit.

    Many are held by their table, if nobody is writing or locking a customer at this moment; else, and when they are few, row by row,
    waiting for each. SQLite has no such locks: there the transaction holds the whole database from its beginning.
    """
    if not connection.features.has_select_for_update:
        return
    if len(keys) < MANY or not hold_table():
        hold_rows(keys)


def hold_table() -> bool:
    """Whether nobody was writing or locking a customer, and so nobody can until the transaction ends; people go on reading.

    Any other fault (the session was ended) is raised: whoever goes on would find a transaction that is over. EXCLUSIVE, since one that let others lock rows would let them wait for us with a row that we want. Never waited for: who
    waits for a table makes everybody else wait behind.
    """
    table = connection.ops.quote_name(Customer._meta.db_table)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE NOWAIT")
    except (OperationalError, ProgrammingError) as fault:
        if getattr(fault.__cause__, "sqlstate", None) not in REFUSED:
            raise
        return False
    return True


def hold_rows(keys: Integers) -> None:
    """Each of these rows, in the order of keys."""
    for part in in_parts("pk", keys, exactly=True):
        rows = Customer.objects.select_for_update(of=("self",)).filter(part).order_by("pk")
        # Counted by the database: nothing of the rows is needed here.
        statement, given = rows.values("pk").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({statement}) AS held", given)  # noqa: S608 - a statement of the ORM
