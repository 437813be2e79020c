"""Locks on the tiering model: "do not change the model before …"."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from allocation.querysets.versions import ModelLockQuerySet


class ModelLock(models.Model):
    """A lock set or lifted. Rows are only ever added; the newest counts, and one without a day lifts."""

    until = models.DateField(
        "do not change the model before",
        null=True,
        blank=True,
        help_text="First day on which a version may be published again.",
    )
    words = models.CharField(
        "why", max_length=300, help_text="What people read who want to publish meanwhile."
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    set_at = models.DateTimeField()

    objects = ModelLockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="model_lock_says_why",
                condition=~Q(words=""),
                violation_error_message="Say why.",
            ),
        ]

    def __str__(self) -> str:
        return f"Lock until {self.until:%d %b %Y}" if self.until else "Lock lifted"

    def in_words(self) -> str:
        """ "The model is locked until 1 Jan 2027 by Ada: “Year-end.”" """
        by = f" by {self.set_by}" if self.set_by else ""
        day = f"{self.until.day} {self.until:%b %Y}" if self.until else "no day"
        return f"The model is locked until {day}{by}: “{self.words}”"
