"""Objections: what a CSM concerned says against a move of a plan, before it takes effect."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import CSM
from accounts.models.checks import at_most_characters, not_blank
from allocation.models.books import Move
from allocation.querysets.overrides import ObjectionQuerySet


class Objection(models.Model):
    """One a CSM and move. Silence is consent; one taken back counts as silence."""

    class Reason(models.TextChoices):
        RELATIONSHIP = "relationship", "A relationship would break"
        TIMING = "timing", "The wrong moment: renewal, escalation, project"
        WORKLOAD = "workload", "More than I can take on"
        SKILL = "skill", "I lack the skill, language or product"
        CONFLICT = "conflict", "A conflict of interest"
        DATA = "data", "The data is wrong"
        OTHER = "other", "Other"

    move = models.ForeignKey(Move, on_delete=models.PROTECT, related_name="objections")
    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="objections", verbose_name="CSM")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    reason_kind = models.CharField(max_length=20, choices=Reason.choices)
    words = models.CharField(max_length=1000)
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["move", "csm"],
                condition=Q(withdrawn_at__isnull=True),
                name="one_standing_objection_a_csm_and_move",
            ),
            not_blank("words", "objection_has_words", "Say why, so that the approver can judge."),
            at_most_characters("words", 1000, "objection_words_at_most_1000"),
        ]

    def __str__(self) -> str:
        return f"{self.csm} objects to move {self.move_id}"
