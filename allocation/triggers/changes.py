"""The log of changes is only added to."""

from __future__ import annotations

from allocation.triggers.rules import Kept, Rule, never_deleted

LOG_STAYS = "What was changed by whom stays as it was logged."
NOT_DELETED = "A line of the log of changes is never deleted."

CHANGES = Kept(
    "auditlog_logentry",
    (Rule("stays", "UPDATE", "1 = 1", LOG_STAYS), never_deleted(NOT_DELETED)),
)
