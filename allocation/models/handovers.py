"""Handovers: a change of CSM as people feel it, with a checklist and the signatures of both CSMs."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import CSM, Customer
from accounts.models.checks import at_most_characters, not_blank
from allocation.models.books import Move
from allocation.querysets.handovers import HandoverQuerySet, HandoverStepQuerySet


def _by_whom() -> models.ForeignKey:
    """A person who did something; empty as long as nobody did."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )


def _together(when: str, who: str) -> Q:
    """The moment and the person stand together, or neither does."""
    return Q(**{f"{when}__isnull": True, f"{who}__isnull": True}) | Q(
        **{f"{when}__isnull": False, f"{who}__isnull": False}
    )


class Handover(models.Model):
    """A change of CSM as people feel it: who introduces whom, by when.

    It is done when both CSMs have signed; where there is no former CSM (or one who signs in no more), when the new one
    has. One that the books have overtaken is cancelled.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    class Path(models.TextChoices):
        FULL = "full", "With introduction"
        SHORT = "short", "Short: a note and a mail"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="handovers")
    move = models.OneToOneField(
        Move, null=True, blank=True, on_delete=models.PROTECT, related_name="handover"
    )
    from_csm = models.ForeignKey(
        CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="handovers_out"
    )
    to_csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="handovers_in")
    path = models.CharField(max_length=10, choices=Path.choices, default=Path.FULL)
    opened_on = models.DateField(null=True, blank=True, editable=False)
    due_on = models.DateField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    notes = models.TextField(blank=True, help_text="What the former CSM wants the new one to know.")

    from_signed_at = models.DateTimeField(null=True, blank=True, editable=False)
    from_signed_by = _by_whom()
    to_signed_at = models.DateTimeField(null=True, blank=True, editable=False)
    to_signed_by = _by_whom()
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_words = models.CharField(max_length=500, blank=True, editable=False)
    escalated_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the managers were told that it is late."
    )

    objects = HandoverQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(status="open"), name="one_open_handover_a_customer"
            ),
            models.CheckConstraint(
                name="handover_is_between_two_people",
                condition=Q(from_csm__isnull=True) | ~Q(from_csm=F("to_csm")),
            ),
            models.CheckConstraint(
                name="handover_former_signature_says_whose",
                condition=_together("from_signed_at", "from_signed_by"),
            ),
            models.CheckConstraint(
                name="handover_new_signature_says_whose", condition=_together("to_signed_at", "to_signed_by")
            ),
            at_most_characters("closed_words", 500, "handover_closed_words_at_most_500"),
        ]
        indexes = [
            models.Index(fields=["due_on"], condition=Q(status="open"), name="open_handovers_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.customer} to {self.to_csm}"


class HandoverStep(models.Model):
    """A line of a handover's checklist, ticked by whoever did it."""

    class Side(models.TextChoices):
        FORMER = "former", "Former CSM"
        NEW = "new", "New CSM"
        BOTH = "both", "Both"

    handover = models.ForeignKey(Handover, on_delete=models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=200)
    side = models.CharField(max_length=10, choices=Side.choices)
    done_at = models.DateTimeField(null=True, blank=True, editable=False)
    done_by = _by_whom()

    objects = HandoverStepQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["handover", "position"], name="handover_step_once_at_a_place"),
            models.CheckConstraint(
                name="handover_step_says_by_whom", condition=_together("done_at", "done_by")
            ),
            not_blank("words", "handover_step_has_words", "Say what is to be done."),
            at_most_characters("words", 200, "handover_step_words_at_most_200"),
        ]

    def __str__(self) -> str:
        return self.words
