"""Around the body of a task that works on a row: who works, and what becomes of the row when a fault ends the work.

Three kinds of fault. What can pass (the database or broker away for a moment, a deadlock, the time limit of one turn): the
row rests, longer each time, and the sweep rings again after that. A refusal is a sentence already and is kept as it is.
Anything else is an error of the program or of the data: it would be the same the next time, so the row fails at once, and
the log has the error under the reference that the sentence names. If the database is away while that is to be written,
nothing is: the lease of the row lapses, and the sweep takes it up.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from accounts.models import Job
from accounts.querysets.jobs import ATTEMPTS, KEPT_BY_BATCH

logger = logging.getLogger(__name__)

FIRST_REST_SECONDS = 10
# A fault and what it is called; the first that fits. Deadlocks and failed serialisations are Django's OperationalError.
PASSING: tuple[tuple[type[BaseException], str], ...] = (
    (SoftTimeLimitExceeded, "the work took longer than one turn may"),
    (OperationalError, "the database was busy or could not be reached"),
    (InterfaceError, "the connection to the database was lost"),
    # PostgreSQL ended a session that stood still within a transaction (DATABASE_IDLE_SECONDS): a frozen machine.
    (InternalError, "the connection to the database was lost"),
    (BrokerError, "the message broker could not be reached"),
    (ConnectionError, "a connection was refused or lost"),
    (TimeoutError, "an answer took too long"),
)
UNEXPECTED = "The program met an error it did not expect; nothing of this step was kept. CS ops: see the log, reference {reference}."
TRIED_OUT = "Given up after {attempts} attempts; the last one failed because {fault}. Start it again when that is over."


def runner_name() -> str:
    """Host and process, and a part that differs for each claim of the same process."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@contextmanager
def working(
    model: type[Job],
    pk: int,
    *,
    refusals: tuple[type[Exception], ...] = (),
    again: Callable[[], None] | None = None,
    loud: bool = False,
) -> Iterator[str]:
    """Gives the name to claim row `pk` with, and ends or rests the row when the body is ended by a fault.

    refusals: exceptions whose text is a sentence; a row that was claimed already fails with it. again: rings for the next
    turn where this one was too short for all the batches. loud: faults and refusals go on to the caller when the row is
    settled (a command, which tells its person); a task stays quiet, since the row has the answer.
    """
    owner = runner_name()
    before = _done(model, pk)
    try:
        yield owner
    except refusals as refusal:
        # The sentence is on the row, where those may read it who may see the row: it can name customers and tiers.
        logger.info("%s %s was refused (%s).", model._meta.verbose_name, pk, type(refusal).__name__)
        _settle(model, pk, partial(_rows(model).fail, pk, owner=owner, message=str(refusal)))
        if loud:
            raise
    except tuple(kind for kind, _ in PASSING) as fault:
        _settle(model, pk, partial(_rest, model, pk, owner, fault, before, again))
        if loud:
            raise
    except Exception:
        reference = owner.rpartition(":")[2]
        logger.exception("%s %s failed, reference %s", model._meta.verbose_name, pk, reference)
        said = UNEXPECTED.format(reference=reference)
        _settle(model, pk, partial(_rows(model).fail, pk, owner=owner, message=said))
        if loud:
            raise


def fault_words(fault: BaseException) -> str:
    """What a fault that can pass is called in a sentence."""
    return next(words for kind, words in PASSING if isinstance(fault, kind))


def rest_seconds(*, label: str, attempts: int) -> float:
    """Twice as long with every try, and up to a fifth more by the row's own name, so that rows do not all come back at once."""
    seconds = FIRST_REST_SECONDS * 2**attempts
    return seconds * (1 + zlib.crc32(f"{label}:{attempts}".encode()) % 1000 / 5000)


def _rows(model: type[Job]) -> Any:
    return model._default_manager.get_queryset()


def _done(model: type[Job], pk: int) -> int:
    """What of the batches under way was kept before this turn."""
    try:
        row = _rows(model).filter(pk=pk).only("status", "progress_done").first()
    except (DatabaseError, InterfaceError):
        return 0  # the body meets the fault again, and there it is seen to
    return row.progress_done if row is not None and row.status in KEPT_BY_BATCH else 0


def _settle(model: type[Job], pk: int, write: Callable[[], object]) -> None:
    """Write what became of the row; when the database is away as well, the lease lapses and the sweep sees to it."""
    try:
        if not connection.in_atomic_block:  # whoever opened that closes it
            connection.close_if_unusable_or_obsolete()
        write()
    except (DatabaseError, InterfaceError) as fault:
        logger.warning(
            "%s %s: what became of it could not be written (%s); the sweep takes it up.",
            model._meta.verbose_name,
            pk,
            fault,
        )


def _rest(
    model: type[Job],
    pk: int,
    owner: str,
    fault: BaseException,
    before: int,
    again: Callable[[], None] | None,
) -> None:
    words = fault_words(fault)
    row = _rows(model).filter(pk=pk, claimed_by=owner[:100]).first()
    if row is None:
        # Not claimed yet, or taken over: the row waits where it is, and the sweep rings for it.
        logger.warning("%s %s: %s (%s).", model._meta.verbose_name, pk, words, fault)
        return
    went_on = row.status in KEPT_BY_BATCH and row.progress_done > before
    if row.attempts >= ATTEMPTS and not went_on:
        logger.error("%s %s is given up: %s (%s).", model._meta.verbose_name, pk, words, fault)
        _rows(model).fail(pk, owner=owner, message=TRIED_OUT.format(attempts=row.attempts, fault=words))
        return
    logger.warning("%s %s rests: %s (%s).", model._meta.verbose_name, pk, words, fault)
    turn_over = isinstance(fault, SoftTimeLimitExceeded) and went_on
    seconds = 0.0 if turn_over else rest_seconds(label=f"{model._meta.label}-{pk}", attempts=row.attempts)
    rested = _rows(model).rest(
        pk,
        owner=owner,
        until=timezone.now() + timedelta(seconds=seconds),
        message=f"The last try failed because {words}." if not turn_over else row.message,
        forgiven=went_on,
    )
    if rested and turn_over and again is not None:
        again()
