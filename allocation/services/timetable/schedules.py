"""Schedules: what an installation begins with, what CS ops change, and the rows that beat reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from allocation.models import Schedule, Work

# The task that beat rings for a schedule; it looks at the clock itself.
TASK = "allocation.keep_timetable"
Rhythm = Schedule.Rhythm

# At night, after what they build on: leave and overrides of the day, then the goals run, then books.
BEGINNING: Mapping[str, Mapping[str, Any]] = {
    Work.OVERRIDES: {"rhythm": Rhythm.HOURLY, "at_time": time(0, 5)},
    # Who falls ill in the morning is away from today.
    Work.LEAVE: {"rhythm": Rhythm.HOURLY, "at_time": time(0, 15)},
    Work.GOALS_RUN: {"rhythm": Rhythm.DAILY, "at_time": time(0, 30)},
    # With the goals of the day; what a run changes of tiers is planned when it is applied.
    Work.TOUCHES: {"rhythm": Rhythm.DAILY, "at_time": time(0, 45)},
    Work.HOUSEKEEPING: {"rhythm": Rhythm.DAILY, "at_time": time(1, 0)},
    Work.FULL_RUN: {"rhythm": Rhythm.YEARLY, "month": 1, "day": 15, "at_time": time(2, 0)},
    Work.BOOK_PLAN: {"rhythm": Rhythm.MONTHLY, "day": 1, "at_time": time(4, 0)},
    # Before the digests, so that they tell of it.
    Work.HANDOVERS: {"rhythm": Rhythm.DAILY, "at_time": time(6, 30)},
    Work.DIGESTS: {"rhythm": Rhythm.DAILY, "at_time": time(7, 0)},
    # The central bank publishes in the afternoon of working days.
    Work.RATES: {"rhythm": Rhythm.DAILY, "at_time": time(18, 0)},
    # What the day came to.
    Work.BOOK_DAYS: {"rhythm": Rhythm.DAILY, "at_time": time(23, 30)},
}


def ensure_schedules(*, at: datetime) -> None:
    """Every kind of work has a schedule, and beat knows it. Safe to repeat: what people changed stays."""
    there = set(Schedule.objects.values_list("work", flat=True))
    for work, timing in BEGINNING.items():
        if work not in there:
            Schedule.objects.get_or_create(work=work, defaults={**timing, "since": at})
    for schedule in Schedule.objects.order_by("work"):
        _tell_beat(schedule)


def change_schedule(*, schedule: Schedule, at: datetime) -> None:
    """Keep a schedule that a person changed; from now on it counts, and what was due before is nobody's omission."""
    with transaction.atomic():
        schedule.since = at
        schedule.save()
        _tell_beat(schedule)


def _tell_beat(schedule: Schedule) -> None:
    """Write the row that beat reads, where it differs: writing makes beat read its timetable anew."""
    crontab = _crontab(schedule)
    found = CrontabSchedule.objects.filter(**crontab).order_by("pk").first()
    row = PeriodicTask.objects.filter(name=schedule.work).select_related("crontab").first()
    wanted = {"task": TASK, "enabled": schedule.enabled}
    if (
        row is not None
        and found is not None
        and row.crontab_id == found.pk
        and all(getattr(row, name) == value for name, value in wanted.items())
    ):
        return
    found = found or CrontabSchedule.objects.create(**crontab)
    PeriodicTask.objects.update_or_create(
        name=schedule.work,
        # Rung late it would only say what the next ring says again.
        defaults={**wanted, "crontab": found, "description": str(schedule), "expire_seconds": 3600},
    )


def _crontab(schedule: Schedule) -> dict[str, Any]:
    rhythm, at = schedule.rhythm, schedule.at_time
    return {
        "minute": str(at.minute),
        "hour": "*" if rhythm == Rhythm.HOURLY else str(at.hour),
        # cron counts from Sunday, we from Monday.
        "day_of_week": str((schedule.weekday + 1) % 7) if rhythm == Rhythm.WEEKLY else "*",
        "day_of_month": str(schedule.day) if rhythm in (Rhythm.MONTHLY, Rhythm.YEARLY) else "*",
        "month_of_year": str(schedule.month) if rhythm == Rhythm.YEARLY else "*",
        "timezone": ZoneInfo(settings.TIME_ZONE),
    }
