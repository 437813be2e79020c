"""The timetable's clock: django-celery-beat's scheduler, made to outlive its database and to say that it lives.

The library ends beat when a query fails at the wrong moment (reading the schedule anew, or at the start), forgets which times
it had to write down, and keeps entries that the code no longer has.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import SCHEDULE_SYNC_MAX_INTERVAL, DatabaseScheduler

from cstiers.pulses import Pulses

logger = logging.getLogger(__name__)

# Marks the rows that come from cstiers/celery_settings.py, so that those of entries that are gone can be told from others.
OURS = "Written by beat at its start from the code; what is changed here is changed back."
AWAY = (DatabaseError, InterfaceError)


class Timetable(DatabaseScheduler):
    """Rings what is due, leaves the pulse “beat”, and goes on when a database that was away is back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pulses = Pulses("beat")
        self._left_at = float("-inf")
        self._is_set_up = self._away = False
        self._schedule: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Read the schedule and write the entries of the code; with the database away, the ticks try again."""
        try:
            close_old_connections()
            with transaction.atomic():
                self._write_entries()
            self._initial_read = True
            _ = self.schedule  # reads it
            self._is_set_up = True
            self._say_back()
        except AWAY as fault:
            self._say_away(fault)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One step; seconds until the next. A fault of the database costs this step and nothing else."""
        self._leave_pulse()
        if not self._is_set_up:
            self.setup_schedule()
        if not self._is_set_up:
            return self._at_most(self.max_interval)
        try:
            self._ask_database()  # while it is away nothing is rung for: a worker could do nothing either
            pause = super().tick(*args, **kwargs)
            self._say_back()
        except AWAY as fault:
            self._say_away(fault)
            # Whatever was to be read is read as soon as the database is back, not in five minutes.
            self._last_full_sync -= timedelta(seconds=SCHEDULE_SYNC_MAX_INTERVAL)
            pause = self.max_interval
        return self._at_most(pause)

    def sync(self) -> None:
        """Write down when entries ran last. What could not be written stays to be written."""
        waiting = set(self._dirty)
        super().sync()
        try:
            self._ask_database()
        except AWAY:
            self._dirty |= waiting & set(self._schedule)

    def _ask_database(self) -> None:
        """Raises one of AWAY where the database does not answer."""
        close_old_connections()
        self.Changes.last_change()

    def _write_entries(self) -> None:
        """The code's entries as rows; those that the code no longer has are taken away. All or nothing."""
        entries = self.app.conf.beat_schedule
        for name, fields in entries.items():
            self.Entry.from_entry(name, app=self.app, description=OURS, **_with_expiry(fields))
        PeriodicTask.objects.filter(description=OURS).exclude(name__in=entries).delete()

    def _leave_pulse(self) -> None:
        now = time.monotonic()
        if now - self._left_at >= settings.PULSE_SECONDS * 0.9:
            self._left_at = now
            self._pulses.leave(at=timezone.now())

    def _at_most(self, pause: float) -> float:
        return min(pause, settings.PULSE_SECONDS)

    def _say_away(self, fault: Exception) -> None:
        if not self._away:
            logger.warning(
                "Beat cannot reach the database (%s) and tries again every few seconds.", type(fault).__name__
            )
        self._away = True

    def _say_back(self) -> None:
        if self._away:
            logger.warning("Beat reaches the database again.")
        self._away = False


def _with_expiry(fields: dict[str, Any]) -> dict[str, Any]:
    """Celery says `expires`, the library's table `expire_seconds`, and it drops what it does not know."""
    options = dict(fields.get("options", {}))
    if "expires" in options:
        options.setdefault("expire_seconds", options.pop("expires"))
    return {**fields, "options": options}
