"""What mail a person wants."""

from django.db import models

from accounts.models.people import User
from accounts.querysets.people import PreferenceQuerySet


class NoticePreference(models.Model):
    """Without a row: a digest on Mondays, and mail at once when something waits for one's decision."""

    class Digest(models.TextChoices):
        DAILY = "daily", "Every day there is something to say"
        WEEKLY = "weekly", "On Mondays"
        NEVER = "never", "Never"

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="notice_preference")
    digest = models.CharField(max_length=10, choices=Digest.choices, default=Digest.WEEKLY)
    at_once = models.BooleanField(
        "mail at once",
        default=True,
        help_text="When something waits for your decision, or somebody decided what you asked for.",
    )

    objects = PreferenceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user}: {self.get_digest_display().lower()}"
