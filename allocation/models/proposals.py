"""What a re-tiering run and a book plan have in common: computed, read by people, then carried out or put away."""

from django.conf import settings
from django.db import models

from accounts.models import Job
from allocation.models.statuses import RunStatus


class Proposal(Job):
    """A dated proposal. Its status moves by conditional UPDATEs only (accounts.querysets.jobs)."""

    as_of = models.DateField()
    status = models.CharField(
        max_length=20, choices=RunStatus.choices, default=RunStatus.QUEUED, editable=False
    )
    # Counts and lists of the outcome, under the JSON keys of the command.
    summary = models.JSONField(default=dict, blank=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    approved_at = models.DateTimeField(null=True, blank=True, editable=False)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    applied_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True
