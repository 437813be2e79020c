"""The index of parts of names, sorted in beside a long write (PostgreSQL with pg_trgm).

New rows come into a list that waits, and whoever fills that list sorts it into the index: in a long file a seventh of the writing,
between its rows. Another session does it meanwhile, on another core, and the one that writes may leave a longer list, so that it
never has to. A convenience: where there is no such index, where it is not ours, or no session is to be had, all goes as ever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)

INDEX = "customer_by_part"
WORTH_A_SESSION = 10_000  # new customers
LONGEST_LIST = "64MB"  # what a hundred thousand leave waiting if nobody sorts them in
SORT_IN = "SELECT gin_clean_pending_list(%s::regclass)"
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 2.0


@contextmanager
def search_index_sorted_beside(*, new_customers: int) -> Iterator[None]:
    """Inside a transaction that writes so many new customers: the index is sorted in until the end of the block."""
    if connection.vendor != "postgresql" or new_customers < WORTH_A_SESSION or not _is_ours():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL gin_pending_list_limit = '{LONGEST_LIST}'")
    done = threading.Event()
    beside = threading.Thread(target=_sort_in, args=(done,), name="search index", daemon=True)
    beside.start()
    try:
        yield
    finally:
        done.set()
        # Not for ever: it may wait for somebody who vacuums.
        beside.join(PATIENCE_SECONDS)


def _is_ours() -> bool:
    """Only the owner of an index may have it sorted in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
            " WHERE pg_class.oid = to_regclass(%s) AND indisvalid",
            [INDEX],
        )
        return (True,) in cursor.fetchall()


def _sort_in(done: threading.Event) -> None:
    """Again and again, and once more at the end. What waits is there for every session, committed or not."""
    try:
        ended = False
        while not ended:
            ended = done.wait(PAUSE_SECONDS)
            with connection.cursor() as cursor:
                cursor.execute(SORT_IN, [INDEX])
    except DatabaseError as refusal:
        logger.info("The search index is sorted in by whoever writes: %s", refusal)
    finally:
        connection.close()
