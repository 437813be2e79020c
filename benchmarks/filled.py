"""A company of any size in a migrated database, quickly and the same for a seed: the demonstration company, multiplied.

The first customers are written by `seed_demo`; the others are copies of them with amounts of their own, by COPY
(PostgreSQL) or executemany (SQLite). Then the first run gives everybody a tier, through the services.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from secrets import token_urlsafe
from typing import Any

from benchmarks.isolation import Emit, clock

FIRST = 2_000  # customers written by `seed_demo`
PLAYBOOK = "three-axis"
SINCE = timedelta(days=1)  # when the first run was, before the day of the measurement
OWN_AMOUNTS = ("arr", "potential_arr")
SPREAD = 0.25  # by how much a copy's amounts differ at most, as a share


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """The child that fills; ``written`` says how many rows of each kind there are."""
    installed(job)
    with clock(emit):
        written = fill(
            customers=job["customers"],
            csms=job["csms"],
            seed=job["seed"],
            run_of_all=job.get("run_of_all", True),
        )
    return {"written": written}


def installed(job: Mapping[str, Any]) -> None:
    """Django on the job's own database, never that of an installation."""
    os.environ["VAR_DIR"] = job["folder"]
    os.environ.pop("DATABASE_URL", None)
    if job["database_url"]:
        os.environ["DATABASE_URL"] = job["database_url"]
        os.environ.setdefault(
            "SECRET_KEY", token_urlsafe(48)
        )  # a server asks for one; nothing here is signed
    os.environ["DJANGO_SETTINGS_MODULE"] = "cstiers.settings"
    import django

    django.setup()


def fill(*, customers: int, csms: int, seed: int, run_of_all: bool = True) -> dict[str, int]:
    """Migrate, write, give tiers. The same seed gives the same customers on every database.

    run_of_all: off where it is enough that the first customers were in a run: copies have their tiers, and no decisions.
    """
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from accounts.models import Customer, Goal
    from allocation.models import BookHolding, TierHolding
    from allocation.services.demo import seed_demo
    from allocation.services.playbooks import load_playbook

    call_command("migrate", verbosity=0)
    today = timezone.localdate()
    first = min(customers, FIRST)
    seed_demo(customers=first, csms=csms, seed=seed, today=today, base_currency=settings.BASE_CURRENCY)
    load_playbook(slug=PLAYBOOK, publish=True, at=timezone.now())
    if not run_of_all:
        _tier(today - SINCE)
    of_copies = [Customer, Goal, BookHolding, *([] if run_of_all else [TierHolding])]
    _multiply(of_copies, first=first, customers=customers, seed=seed)
    if run_of_all:
        _tier(today - SINCE)
    return {model.__name__: model._default_manager.count() for model in (Customer, Goal, BookHolding)}


def _multiply(models: Sequence[Any], *, first: int, customers: int, seed: int) -> None:
    """Copies of the first customers (the first model) and of what hangs on them, until there are enough."""
    from django.core.management.color import no_style
    from django.db import connection, transaction

    lowest = models[0]._default_manager.order_by("pk")[0].pk
    # In a database of its own the keys of customers follow on one another.
    keys = range(lowest, lowest + first)
    with transaction.atomic(), connection.cursor() as cursor:
        for model in models:
            columns = [field.column for field in model._meta.concrete_fields]
            table = model._meta.db_table
            cursor.execute(f"SELECT {_listed(columns)} FROM {table} ORDER BY id")  # noqa: S608
            rows = cursor.fetchall()
            _insert(
                cursor,
                table,
                columns,
                _copies(columns, rows, keys=keys, customers=customers, chance=Random(seed)),
            )
        for reset in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(reset)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _copies(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, keys: range, customers: int, chance: Random
) -> Iterator[list[Any]]:
    """Rows of the customers beyond the first, whose ``keys`` these are: keys follow on, external ids and amounts are their own."""
    places = {column: place for place, column in enumerate(columns)}
    owner = places.get("customer_id", places["id"])
    step = max((row[0] for row in rows), default=0) - min((row[0] for row in rows), default=0) + 1
    for copy in range(1, -(-customers // len(keys))):
        for row in rows:
            if row[owner] - keys[0] + copy * len(keys) >= customers:
                continue
            made = list(row)
            made[0] = row[0] + copy * step
            if "customer_id" in places:
                made[owner] = row[owner] + copy * len(keys)
            if "external_id" in places:
                made[places["external_id"]] = f"{row[places['external_id']]}-{copy}"
                made[places["parent_id"]] = None
            for name in OWN_AMOUNTS:
                if name in places and row[places[name]] is not None:
                    amount = float(row[places[name]]) * (1 + SPREAD * (2 * chance.random() - 1))
                    made[places[name]] = round(amount, 2)
            yield made


def _insert(cursor: Any, table: str, columns: Sequence[str], rows: Iterator[list[Any]]) -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} ({_listed(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" for _ in columns)
    # The driver's own cursor: Django's would translate the statement for every row.
    connection.connection.executemany(
        f"INSERT INTO {table} ({_listed(columns)}) VALUES ({marks})",  # noqa: S608
        rows,
    )


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _tier(on: date) -> None:
    """The first run, applied."""
    from django.utils import timezone

    from allocation.services.retiering import apply_run, propose_run, queue_run

    run = queue_run(as_of=on, at=timezone.now())
    propose_run(run_id=run.pk, owner="bench")
    apply_run(run_id=run.pk, owner="bench", at=timezone.now(), on=on)
