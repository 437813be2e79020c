"""Keeping a claim through steps that take longer than its lease.

Reading and deciding a million customers is one long step without a place to write a heartbeat in; with two workers
the second would take such a row from the first again and again. A thread of the runner's process keeps the claim
instead: it lives and dies with the process, and stands still when the process does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from accounts.models import Job

logger = logging.getLogger(__name__)

BEATS_IN_A_LEASE = 4
PATIENCE_SECONDS = 2.0


@contextmanager
def lease_kept(model: type[Job], pk: int, *, fence: int) -> Iterator[None]:
    """The claim named by `fence` does not lapse while this process works inside, however long a step takes.

    Whoever works finds out by the heartbeat or the finish, as ever, when the claim is lost all the same.
    """
    done = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(model, pk, fence, done), name=f"lease of {model.__name__} {pk}", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        done.set()
        # Not for ever: it may wait for a row that a transaction around us holds.
        keeper.join(PATIENCE_SECONDS)


def _keep(model: type[Job], pk: int, fence: int, done: threading.Event) -> None:
    try:
        while not done.wait(settings.LEASE_SECONDS / BEATS_IN_A_LEASE):
            try:
                if model._default_manager.is_locked(pk):  # type: ignore[attr-defined]
                    continue  # nobody takes it from a transaction that holds the row itself
                if not model._default_manager.keep(pk, fence=fence):  # type: ignore[attr-defined]
                    return
            except DatabaseError as away:
                # The next beat tries anew; if the database stays away the lease lapses, as it should.
                logger.warning("The claim of %s %s could not be kept: %s", model.__name__, pk, away)
                connection.close()
    finally:
        connection.close()
