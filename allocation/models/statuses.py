"""The states of a run or plan (design section 4)."""

from django.db import models


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    COMPUTING = "computing", "Computing"
    PROPOSED = "proposed", "Proposed"
    AWAITING_APPROVAL = "awaiting_approval", "Awaiting approval"
    APPLYING = "applying", "Applying"
    APPLIED = "applied", "Applied"
    UNDOING = "undoing", "Undoing"
    UNDONE = "undone", "Undone"
    DISCARDED = "discarded", "Discarded"
    STALE = "stale", "Stale"
    FAILED = "failed", "Failed"


# States in which people can still decide about the proposal.
OPEN_STATUSES = (RunStatus.PROPOSED, RunStatus.AWAITING_APPROVAL)


class RowStatus(models.TextChoices):
    """The state of one row of a run or plan."""

    PROPOSED = "proposed", "Proposed"
    REFUSED = "refused", "Refused"
    APPLIED = "applied", "Applied"
    SKIPPED = "skipped", "Skipped"
    UNDONE = "undone", "Undone"
    KEPT = "kept", "Not restored"  # an undo left it: somebody changed the tier since
