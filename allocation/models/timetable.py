"""The timetable: what is done by the calendar, what became of it, when nothing may be applied, who still breathes."""

from django.db import models
from django.db.models import F, Q

from accounts.models import Job
from accounts.models.checks import at_most_characters, between, not_blank
from allocation.models.books import BookPlan
from allocation.models.tiering import RetierRun
from allocation.querysets.timetable import (
    FreezeQuerySet,
    PulseQuerySet,
    ScheduleQuerySet,
    SlotQuerySet,
)


class Work(models.TextChoices):
    """What is done by the calendar. Nothing of it changes a tier or a CSM: it proposes, ends what is over, and tells."""

    FULL_RUN = "full_run", "Full re-tiering run"
    GOALS_RUN = "goals_run", "Goals run"
    BOOK_PLAN = "book_plan", "Book plan"
    OVERRIDES = "overrides", "Overrides that begin and end"
    LEAVE = "leave", "Leave that begins and ends"
    RATES = "rates", "Exchange rates"
    TOUCHES = "touches", "Touch plans"
    HANDOVERS = "handovers", "Late handovers"
    BOOK_DAYS = "book_days", "Figures of the books"
    DIGESTS = "digests", "Digests by mail"
    HOUSEKEEPING = "housekeeping", "Housekeeping"


class Schedule(models.Model):
    """When one kind of work is due, in the company's time zone. CS ops change it; beat follows within seconds.

    A day of the month is 1 to 28, so that there is one in every month.
    """

    class Rhythm(models.TextChoices):
        HOURLY = "hourly", "Every hour"
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"
        YEARLY = "yearly", "Every year"

    class Weekday(models.IntegerChoices):
        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    class Month(models.IntegerChoices):
        JANUARY = 1, "January"
        FEBRUARY = 2, "February"
        MARCH = 3, "March"
        APRIL = 4, "April"
        MAY = 5, "May"
        JUNE = 6, "June"
        JULY = 7, "July"
        AUGUST = 8, "August"
        SEPTEMBER = 9, "September"
        OCTOBER = 10, "October"
        NOVEMBER = 11, "November"
        DECEMBER = 12, "December"

    work = models.CharField(max_length=20, choices=Work.choices, unique=True)
    enabled = models.BooleanField("switched on", default=True)
    rhythm = models.CharField(max_length=10, choices=Rhythm.choices)
    month = models.PositiveSmallIntegerField(
        choices=Month.choices, default=Month.JANUARY, help_text="Of a yearly schedule."
    )
    day = models.PositiveSmallIntegerField(
        "day of the month",
        default=1,
        help_text="Of a monthly or yearly schedule: 1 to 28, so that every month has one.",
    )
    weekday = models.PositiveSmallIntegerField(
        choices=Weekday.choices, default=Weekday.MONDAY, help_text="Of a weekly schedule."
    )
    at_time = models.TimeField(
        "at", help_text="In the company's time zone; an hourly one takes the minutes only."
    )
    # What was due before somebody switched it on, or changed its time, is nobody's omission.
    since = models.DateTimeField(editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            between("day", 1, 28, "schedule_day_1_to_28", "Choose a day from 1 to 28: every month has it."),
            between("weekday", 0, 6, "schedule_weekday_0_to_6", "Choose a day of the week."),
            between("month", 1, 12, "schedule_month_1_to_12", "Choose a month."),
            models.CheckConstraint(
                name="schedule_rhythm_is_known",
                condition=Q(rhythm__in=["hourly", "daily", "weekly", "monthly", "yearly"]),
            ),
        ]

    def __str__(self) -> str:
        return self.get_work_display()


class Slot(Job):
    """One time at which work was due, and what became of it. At most one a kind and time, however many ask."""

    WORKING = ("working",)

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        WORKING = "working", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        MISSED = "missed", "Missed"

    work = models.CharField(max_length=20, choices=Work.choices)
    # The wall clock's words in the company's zone, such as "2026-11-27 02:30": a day on which the clock is put back has
    # this time twice and the work once.
    slot = models.CharField("time", max_length=20)
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED, editable=False)
    run = models.ForeignKey(
        RetierRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    plan = models.ForeignKey(
        BookPlan, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    objects = SlotQuerySet.as_manager()

    class Meta:
        verbose_name = "scheduled work"
        verbose_name_plural = "scheduled work"
        constraints = [
            models.UniqueConstraint(fields=["work", "slot"], name="work_is_done_once_a_slot"),
            models.UniqueConstraint(
                fields=["work"],
                condition=Q(status__in=["queued", "working"]),
                name="one_slot_of_a_work_is_open",
            ),
        ]
        indexes = [models.Index(fields=["status", "finished_at"], name="slot_by_status")]

    def __str__(self) -> str:
        return f"{self.get_work_display()}, {self.slot}"


class Freeze(models.Model):
    """Days on which runs and book plans are proposed, but not applied (the end of a quarter, say)."""

    name = models.CharField(max_length=100)
    starts_on = models.DateField("first day")
    ends_before = models.DateField(
        "ends",
        help_text="First day on which runs and plans are applied again; today ends it at once, and what was accepted meanwhile is applied.",
    )
    words = models.CharField("why", max_length=300, blank=True)

    objects = FreezeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="freeze_ends_no_earlier_than_it_starts",
                condition=Q(ends_before__gte=F("starts_on")),
                violation_error_message="A freeze cannot end before its first day.",
            ),
            not_blank("name", "freeze_has_a_name", "A freeze needs a name."),
            at_most_characters("name", 100, "freeze_name_at_most_100"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.starts_on:%d %b %Y} to {self.ends_before:%d %b %Y}"


class Pulse(models.Model):
    """The last sign of life of a part that runs beside the site: a worker, the one that keeps the timetable."""

    part = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField()

    objects = PulseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.part
