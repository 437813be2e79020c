"""Touches: contacts planned with customers and those that took place; and the calendar they are read from."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import CSM, Customer, TouchActivity
from accounts.models.checks import between
from allocation.querysets.touches import CalendarFeedQuerySet, TouchQuerySet


class Touch(models.Model):
    """One planned or done contact with a customer. It belongs to the customer: whoever serves the customer does it.

    `slot_on` is its place in the rhythm of the activity and never changes; `due_on` is the day it is to take place, which
    people may move. One without a slot was planned by hand, or (`logged`) written down when it had taken place. Whether an open one is due
    or late is read from the day (allocation.querysets.touches), never stored.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", "Planned"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="touches")
    activity = models.ForeignKey(
        TouchActivity, null=True, blank=True, on_delete=models.PROTECT, related_name="touches"
    )
    name = models.CharField(max_length=200)
    slot_on = models.DateField(null=True, blank=True, editable=False)
    due_on = models.DateField()
    hours = models.DecimalField(
        max_digits=6, decimal_places=2, help_text="Hours planned; once done, the hours it took."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNED)
    done_on = models.DateField(null=True, blank=True)
    done_by = models.ForeignKey(CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="touches")
    logged = models.BooleanField(
        default=False, editable=False, help_text="Never planned: written down when it had taken place."
    )
    words = models.TextField(blank=True, help_text="What came of it, or why it was skipped.")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text="Who wrote it down.",
    )
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TouchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "touches"
        constraints = [
            between("hours", 0, 1000, "touch_hours_0_to_1000", "Hours are 0 to 1000."),
            models.CheckConstraint(
                name="touch_done_has_a_day", condition=~Q(status="done") | Q(done_on__isnull=False)
            ),
            models.CheckConstraint(
                name="touch_skipped_says_why",
                condition=~Q(status="skipped") | ~Q(words=""),
                violation_error_message="Say why it is skipped.",
            ),
            models.CheckConstraint(
                name="touch_without_slot_is_no_plan",
                condition=Q(slot_on__isnull=True) | Q(activity__isnull=False),
            ),
            models.CheckConstraint(
                name="touch_logged_has_taken_place",
                condition=Q(logged=False) | Q(status="done", slot_on__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["customer", "activity", "slot_on"],
                condition=Q(slot_on__isnull=False),
                name="one_touch_a_slot",
            ),
        ]
        indexes = [
            # The lists of what is due and late, and the calendars, read open touches by day.
            models.Index(fields=["due_on"], condition=Q(status="planned"), name="open_touches_by_day"),
            models.Index(fields=["customer", "due_on"], name="touches_of_customer_by_day"),
            # What was done lately, of all that was ever done.
            models.Index(
                fields=["closed_at"], condition=Q(closed_at__isnull=False), name="closed_touches_by_moment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} with {self.customer}"


class CalendarFeed(models.Model):
    """The secret address of a CSM's calendar. Only a digest of it is kept: it is shown once, and can be revoked."""

    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="calendars", verbose_name="CSM")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    read_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When it was last read.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["csm"], condition=Q(revoked_at__isnull=True), name="one_calendar_address_a_csm"
            ),
        ]

    def __str__(self) -> str:
        return f"Calendar of {self.csm}"
