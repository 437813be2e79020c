"""Overrides: human exceptions to the model, asked for by one person and decided by another."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Customer, Tier
from accounts.models.checks import at_most_characters, not_blank
from allocation.querysets.overrides import OverrideEditQuerySet, OverrideQuerySet

LONGEST_WORDS = 2000


def _person(related_name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name=related_name,
        editable=False,
    )


class Override(models.Model):
    """A human exception: wins over the model from the day it starts until it expires, once a manager approved it.

    asked → approved | declined | withdrawn | expired; approved → withdrawn | expired. No state is left for an earlier
    one, and what was decided never changes: allocation.triggers sees to both, whoever writes.
    """

    class Status(models.TextChoices):
        ASKED = "asked", "Asked"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    class Reason(models.TextChoices):
        RELATIONSHIP = "relationship", "Relationship"
        RISK = "risk", "Risk the model does not see"
        POTENTIAL = "potential", "Potential the model does not see"
        PROMISE = "promise", "A promise made"
        DATA = "data", "The data is wrong"
        OTHER = "other", "Other"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="overrides")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    reason_kind = models.CharField(max_length=20, choices=Reason.choices)
    words = models.TextField(max_length=LONGEST_WORDS)
    evidence = models.TextField(max_length=LONGEST_WORDS, blank=True)
    starts_on = models.DateField()
    expires_on = models.DateField(help_text="First day it no longer holds.")
    # What the customer held, and what the model said of it, when this was asked for: what is overruled is counted.
    tier_when_asked = models.ForeignKey(
        Tier, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    model_said = models.JSONField(default=dict, blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ASKED, editable=False)
    # Goes up with every edit: an approval is of the request as it was looked at.
    version = models.PositiveIntegerField(default=1, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="overrides_asked", editable=False
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    due_on = models.DateField(null=True, editable=False, help_text="By when somebody should have decided it.")
    decided_by = _person("overrides_decided")
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decided_words = models.TextField(max_length=LONGEST_WORDS, blank=True, editable=False)
    # When its tier was given to the customer; empty for one that begins later.
    begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    warned_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the asker was told that it ends soon."
    )
    # Withdrawn by whom, or expired by the calendar (nobody).
    ended_by = _person()
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_words = models.TextField(max_length=LONGEST_WORDS, blank=True, editable=False)

    objects = OverrideQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(status="asked"),
                name="one_override_of_a_customer_is_asked",
                violation_error_message="An override is asked for this customer already.",
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(status="approved"),
                name="one_override_of_a_customer_is_in_force",
            ),
            models.CheckConstraint(
                name="override_approver_is_not_requester",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                violation_error_message="Nobody decides the own request.",
            ),
            models.CheckConstraint(
                name="override_decided_by_and_at_together",
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="override_approval_has_an_approver",
                condition=~Q(status__in=["approved", "declined"]) | Q(decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="override_decision_has_words",
                condition=Q(decided_by__isnull=True) | ~Q(decided_words=""),
            ),
            models.CheckConstraint(
                name="override_end_is_dated",
                condition=~Q(status__in=["withdrawn", "expired"]) | Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="override_expires_after_it_starts",
                condition=Q(expires_on__gt=F("starts_on")),
                violation_error_message="An override must expire after it starts.",
            ),
            not_blank("words", "override_has_words", "Say why, so that the approver can judge."),
            at_most_characters("words", LONGEST_WORDS, "override_words_at_most_2000"),
            at_most_characters("evidence", LONGEST_WORDS, "override_evidence_at_most_2000"),
            at_most_characters("decided_words", LONGEST_WORDS, "override_decided_words_at_most_2000"),
            at_most_characters("ended_words", LONGEST_WORDS, "override_ended_words_at_most_2000"),
        ]
        indexes = [models.Index(fields=["status", "due_on"], name="override_by_status_and_due")]

    def __str__(self) -> str:
        return f"{self.customer} → {self.tier}"

    def get_status_display(self) -> str:
        """One that was approved and that people ended is not a request that was taken back."""
        if self.status == self.Status.WITHDRAWN and self.decided_at is not None:
            return "Ended"
        return str(self.Status(self.status).label)


class OverrideEdit(models.Model):
    """A change of a request that waits. Whoever edited it does not decide it (allocation.triggers)."""

    override = models.ForeignKey(Override, on_delete=models.PROTECT, related_name="edits")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    words = models.CharField(max_length=500, blank=True)

    objects = OverrideEditQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Override {self.override_id} changed by {self.editor}"
