"""Ringing the bell: tell a worker, after the commit, that a row waits for it.

The row is the record of what is to be done. If the broker is away the ring is lost and logged, the person gets the
answer all the same, and the sweep rings again.
"""

import logging
from functools import partial

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1  # twice: the publish policy tries once more


def ring(task: Task, /, **ids: int | str | list[int]) -> None:
    """Have `task` called with these ids once the current transaction is committed; never raises.

    Outside a transaction the ring is at once. Only ids belong in a message: it may be read by whoever reads the broker.
    """
    transaction.on_commit(partial(_publish, task, ids), robust=True)


def _publish(task: Task, ids: dict[str, int | str | list[int]]) -> bool:
    """True when the broker took the message."""
    try:
        # A connection of its own, with a shorter patience than the worker's: somebody waits for this page.
        with task.app.connection_for_write(
            transport_options={"socket_timeout": PATIENCE_SECONDS}
        ) as connection:
            task.apply_async(kwargs=ids, connection=connection)
    except (OperationalError, OSError) as error:
        logger.warning(
            "The broker did not take %s %s (%s); the sweep will ring again.", task.name, ids, error
        )
        return False
    return True
