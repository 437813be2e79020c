"""Signs of life of the parts beside the site: a worker's main process and beat say every few seconds that they live.

A pulse is a row that is written anew (allocation.models.Pulse); `/healthz` and the landing page read how old it is. Nothing
that goes wrong here stops what the process is for.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from celery import bootsteps
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

logger = logging.getLogger(__name__)

PATIENCE_MS = 1000  # a pulse that has to wait is a pulse too late; the next one follows


class Pulses:
    """Leaves the pulse of one part. A database that is away is told once, and once when it is back."""

    def __init__(self, part: str) -> None:
        self.part, self.faulty = part, False

    def leave(self, *, at: datetime) -> bool:
        """Write the pulse; False when the database did not take it. Never raises for the database's sake."""
        from allocation.models import Pulse  # the apps are not loaded yet when Celery imports its parts

        try:
            with connection.cursor() as cursor:
                _be_quick(cursor)
            Pulse.objects.leave(part=self.part, at=at)
        except (DatabaseError, InterfaceError) as fault:
            if not self.faulty:
                logger.warning("The pulse of %s could not be left: %s", self.part, type(fault).__name__)
            self.faulty = True
            return False
        finally:
            _hang_up()
        if self.faulty:
            logger.warning("The pulse of %s is left again.", self.part)
        self.faulty = False
        return True


def _be_quick(cursor: Any) -> None:
    """Do not wait for a lock as long as a page would: who leaves the pulse has other things to do."""
    if connection.vendor == "postgresql":
        cursor.execute(f"SET lock_timeout = {PATIENCE_MS}")
        cursor.execute(f"SET statement_timeout = {PATIENCE_MS}")
    else:
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")


def _hang_up() -> None:
    """Nobody who is forked later inherits the connection, and the next pulse finds a server that was restarted."""
    try:
        connection.close()
    except (DatabaseError, InterfaceError):  # already broken
        connection.connection = None


class WorkerPulse(bootsteps.StartStopStep):
    """In a worker's main process, by its timer: the pool may be busy for as long as it likes."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")

    def __init__(self, parent: Any, **options: Any) -> None:
        self.timer_entry: Any = None
        self.pulses = Pulses("worker")
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:
        self._leave()
        self.timer_entry = parent.timer.call_repeatedly(settings.PULSE_SECONDS, self._leave)

    def stop(self, parent: Any) -> None:
        if self.timer_entry is not None:
            self.timer_entry.cancel()
            self.timer_entry = None

    def _leave(self) -> None:
        self.pulses.leave(at=timezone.now())
