"""Notices: mail to people of the company, written down with the decision it is about and sent after it is committed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from allocation.querysets.notices import NoticeQuerySet


class Notice(models.Model):
    """One mail to one person. Its text names no tier, segment, score, touch level or override: mail leaves the house.

    key: what makes it one of a kind, so that a second writing of the same notice does nothing. It is also the fixed part
    of the Message-ID: a mail that is sent twice after a crash is known as one.
    """

    class Kind(models.TextChoices):
        TO_DECIDE = "to_decide", "A decision waits"
        DECIDED = "decided", "A decision was made"
        ENDS_SOON = "ends_soon", "Something ends soon"
        ENDED = "ended", "Something ended"
        OBJECT = "object", "A change may be objected to"
        DELEGATED = "delegated", "Decisions were delegated"
        FAILED = "failed", "Work failed"
        DIGEST = "digest", "Digest"

    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=120, unique=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True, help_text="When the last attempt began.")
    fault = models.CharField(max_length=300, blank=True, help_text="Why the last attempt failed.")
    # The person wants no mail at once: it is a line of this digest, and is not sent by itself.
    told_in = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="notice_is_sent_or_told_in_a_digest",
                condition=Q(told_in__isnull=True) | Q(sent_at__isnull=True),
            ),
            models.CheckConstraint(
                name="digest_is_told_in_no_other", condition=Q(told_in__isnull=True) | ~Q(kind="digest")
            ),
        ]
        indexes = [models.Index(fields=["sent_at", "attempts"], name="notice_by_sent")]

    def __str__(self) -> str:
        return f"{self.subject} ({self.to})"
