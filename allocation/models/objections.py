"""Objections: what a CSM concerned says against a move of a plan, before it takes effect."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

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

    class Answer(models.TextChoices):
        REFUSED = "refused", "The move was refused"
        REPOINTED = "repointed", "The customer goes to somebody else"
        KEPT = "kept", "The move stays as it was planned"

    move = models.ForeignKey(Move, on_delete=models.PROTECT, related_name="objections")
    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="objections", verbose_name="CSM")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    reason_kind = models.CharField(max_length=20, choices=Reason.choices)
    words = models.CharField(max_length=1000)
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True, editable=False)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    answer_words = models.CharField(max_length=500, blank=True, editable=False)

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
            at_most_characters("answer_words", 500, "objection_answer_words_at_most_500"),
            models.CheckConstraint(
                name="objection_answer_says_by_whom",
                condition=Q(answer="", answered_by__isnull=True, answered_at__isnull=True)
                | (~Q(answer="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="objection_answerer_is_not_objector",
                condition=Q(answered_by__isnull=True) | ~Q(answered_by=F("by")),
                violation_error_message="Nobody answers the own objection.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.csm} objects to move {self.move_id}"
