"""Long work as a row: what is to be done, who does it now, how far it is."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone


class Job(models.Model):
    """Base of runs, plans and imports. Subclasses name their WAITING and WORKING statuses."""

    WAITING: tuple[str, ...] = ("queued",)
    WORKING: tuple[str, ...] = ("computing", "applying", "undoing")

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    progress_done = models.PositiveIntegerField(default=0, editable=False)
    progress_total = models.PositiveIntegerField(default=0, editable=False)
    message = models.CharField(max_length=500, blank=True, editable=False)
    claimed_by = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Counts the claims: a runner that was overtaken names an old fence and can write nothing.
    fence = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    # After a fault that can pass: nobody takes the row up before then, and each try waits longer than the one before.
    rest_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Somebody wants it stopped: whoever works on it looks here between two steps.
    cancel_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancel_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )

    class Meta:
        abstract = True

    @property
    def progress_pct(self) -> int:
        """Whole per cent done, 0 while nothing is known."""
        return 100 * self.progress_done // self.progress_total if self.progress_total else 0

    @property
    def is_being_stopped(self) -> bool:
        """Somebody asked for it, and its runner has not seen it yet."""
        return self.cancel_asked_at is not None and self.status in self.WORKING  # type: ignore[attr-defined]

    def is_unheld(self, at: datetime) -> bool:
        """It waits for a runner, or its runner is gone or let go: JobQuerySet.unheld of one row."""
        gone = self.lease_until is None or self.lease_until < at or not self.claimed_by
        status: str = self.status  # type: ignore[attr-defined]
        return status in self.WAITING or (status in self.WORKING and gone)

    def may_be_cancelled(self, at: datetime) -> bool:
        """Nobody asked for it to be stopped, or whoever would have seen that is gone: cancelled again it ends at once."""
        return not self.is_being_stopped or self.is_unheld(at)

    @property
    def was_stopped(self) -> bool:
        """It ended because somebody wanted that, not by a fault."""
        ended = self.status in ("failed", "discarded")  # type: ignore[attr-defined]
        return self.cancel_asked_at is not None and ended

    @property
    def is_accepted(self) -> bool:
        """An open proposal that somebody wished applied (allocation.services.accepting); a worker takes it up."""
        return bool(getattr(self, "apply_when_proposed", False)) and self.status == "proposed"  # type: ignore[attr-defined]

    @property
    def is_busy(self) -> bool:
        """It waits for a worker or has one."""
        at_work = self.status in self.WAITING or self.status in self.WORKING  # type: ignore[attr-defined]
        return at_work or self.is_accepted
