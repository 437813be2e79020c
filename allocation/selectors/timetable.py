"""The timetable for people: when what is due next, what became of the last time, what needs looking at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Subquery

from allocation.engine.timetable import Timing, next_due
from allocation.models import BookPlan, RetierRun, RunStatus, Schedule, Slot, Work
from allocation.selectors import wording
from allocation.selectors.freezes import frozen
from allocation.selectors.signs_of_life import PARTS, silent_parts
from allocation.selectors.todo import Todo

# So long what was missed stays on the landing page: somebody has read it by then, or the mail of it.
MISSED_SHOWN = timedelta(days=7)


def timing_of(*, schedule: Schedule) -> Timing:
    """The rhythm and clock of a schedule, in the company's zone."""
    return Timing(
        rhythm=schedule.rhythm,  # type: ignore[arg-type]  # a constraint holds it to the known ones
        at=schedule.at_time,
        zone=ZoneInfo(settings.TIME_ZONE),
        month=schedule.month,
        day=schedule.day,
        weekday=schedule.weekday,
    )


def when_words(*, schedule: Schedule) -> str:
    """Such as "every Monday at 07:00" or "on 15 January at 02:00"."""
    at = f"{schedule.at_time:%H:%M}"
    match schedule.rhythm:
        case Schedule.Rhythm.HOURLY:
            return f"every hour at {schedule.at_time:%M} past"
        case Schedule.Rhythm.DAILY:
            return f"every day at {at}"
        case Schedule.Rhythm.WEEKLY:
            return f"every {schedule.get_weekday_display()} at {at}"
        case Schedule.Rhythm.MONTHLY:
            return f"on day {schedule.day} of every month at {at}"
        case _:
            return f"on {schedule.day} {schedule.get_month_display()} at {at}"


def next_times(*, schedule: Schedule, after: datetime, many: int) -> list[datetime]:
    """The coming moments, in the company's zone; none while it is switched off."""
    if not schedule.enabled:
        return []
    timing, found = timing_of(schedule=schedule), [after]
    for _ in range(many):
        found.append(next_due(timing=timing, after=found[-1]).at)
    return [at.astimezone(timing.zone) for at in found[1:]]


def last_slot(field: str) -> Subquery:
    """A column of the newest slot of a schedule's work, for a list of schedules."""
    rows = Slot.objects.filter(work=OuterRef("work")).order_by("-due_at", "-pk")
    return Subquery(rows.values(field)[:1])


@dataclass(frozen=True, slots=True)
class Trouble:
    """A slot that failed and was not made up for since, or how many were missed of a work."""

    work: str
    title: str
    words: str


def troubles(*, at: datetime) -> list[Trouble]:
    """What of the timetable somebody has to look at; two statements."""
    return [*_failed(), *_missed(at)]


def _failed() -> list[Trouble]:
    """The newest slot of a work failed: one that went well later has made up for it, or what a person asked for since. Work
    that is switched off is not looked for.
    """
    later = Slot.objects.filter(
        work=OuterRef("work"),
        due_at__gt=OuterRef("due_at"),
        status__in=(Slot.Status.DONE, Slot.Status.FAILED),
    )
    off = Schedule.objects.filter(work=OuterRef("work"), enabled=False)
    failed = Slot.objects.filter(~Exists(later), ~Exists(off), ~_asked_for_since(), status=Slot.Status.FAILED)
    return [
        Trouble(
            slot.work,
            f"{slot.get_work_display()} of the timetable failed",
            f"Due {_moment(slot.due_at)}: {slot.message}",
        )
        for slot in failed.order_by("work")
    ]


def _asked_for_since() -> Q:
    """A run or plan of the slot's kind was asked for after the slot was due, and did not fail."""
    went_well = Q(queued_at__gt=OuterRef("due_at")) & ~Q(
        status=RunStatus.FAILED, cancel_asked_at__isnull=True
    )
    runs, scope = RetierRun.objects.filter(went_well), RetierRun.Scope
    plans = BookPlan.objects.filter(went_well, compared_with__isnull=True)
    return (
        Q(Exists(runs.filter(scope=scope.FULL)), work=Work.FULL_RUN)
        | Q(Exists(runs.filter(scope=scope.GOALS)), work=Work.GOALS_RUN)
        | Q(Exists(plans), work=Work.BOOK_PLAN)
    )


def _missed(at: datetime) -> list[Trouble]:
    rows = (
        Slot.objects.filter(status=Slot.Status.MISSED, queued_at__gte=at - MISSED_SHOWN)
        .order_by("work")
        .values("work")
        .annotate(times=Count("pk"), first=Min("due_at"), last=Max("due_at"))
    )
    return [
        Trouble(
            row["work"],
            f"{Work(row['work']).label}: {wording.counted(row['times'], 'time')} missed",
            f"{_span(row['first'], row['last'])} nobody kept the timetable, or the one before took too long. "
            "What was due then is made up for by the next one.",
        )
        for row in rows
    ]


def _span(first: datetime, last: datetime) -> str:
    return f"On {_moment(first)}" if first == last else f"From {_moment(first)} to {_moment(last)}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(settings.TIME_ZONE)):%d %b %Y %H:%M}"


def timetable_todos(*, at: datetime, on: date) -> list[Todo]:
    """Lines for the landing page of CS ops: what failed, what was missed, what is silent and the freeze
    that holds; six statements."""
    lines = [
        *(
            Todo("silent", "bad", f"The {PARTS[part.part]} is silent", part.sentence)
            for part in silent_parts(at=at)
        ),
        *(Todo("slots", "bad", trouble.title, trouble.words) for trouble in troubles(at=at)),
        *_failed_jobs(),
    ]
    freeze = frozen(on=on)
    if freeze is not None:
        words = "Runs and book plans are proposed, and what is accepted is applied by itself on that day."
        lines.append(
            Todo(
                "freeze",
                "info",
                f"{freeze.name}: nothing is applied before {wording.day(freeze.free_on)}",
                words,
            )
        )
    return lines


def _failed_jobs() -> Iterable[Todo]:
    """The newest run of a scope, and the newest plan, where it failed; one that follows it has made up for it.

    One that a person stopped did not fail; its page says who did.
    """
    newest = RetierRun.objects.order_by().values("scope").annotate(last=Max("pk")).values("last")
    failed = RetierRun.objects.filter(pk__in=newest, status=RunStatus.FAILED, cancel_asked_at__isnull=True)
    for run in failed.order_by("pk"):
        yield Todo(
            "run", "bad", f"{run.get_scope_display()} re-tiering run {run.pk} failed", run.message, run.pk
        )
    last: Any = BookPlan.objects.filter(compared_with__isnull=True).order_by("-pk").first()
    if last is not None and last.status == RunStatus.FAILED and not last.was_stopped:
        yield Todo("plan", "bad", f"Book plan {last.pk} failed", last.message, last.pk)
