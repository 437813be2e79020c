"""Delegation: a manager who is away hands the decisions over to another one."""

from django.db import models
from django.db.models import F, Q

from accounts.models.people import User
from accounts.querysets.people import DelegationQuerySet


class Delegation(models.Model):
    """`starts_on` to `ends_before` (exclusive). The delegate sees and decides what the manager sees and decides.

    It is never deleted: what the delegate decided was right at the time.
    """

    manager = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_taken")
    starts_on = models.DateField()
    ends_before = models.DateField("back on", help_text="First day the manager decides again.")
    words = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Taken back before its time."
    )
    ended_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = DelegationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="delegation_is_to_another",
                condition=~Q(manager=F("delegate")),
                violation_error_message="Nobody delegates to oneself.",
            ),
            models.CheckConstraint(
                name="delegation_ends_after_it_starts",
                condition=Q(ends_before__gt=F("starts_on")),
                violation_error_message="The first day back must be after the first day away.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} decides for {self.manager}"
