"""Re-tiering runs: queue, propose, approve, apply, discard. The run's row is the record of what is to be done.

queued → computing → proposed (→ awaiting approval) → applying → applied; or discarded, stale, failed.
Proposing writes no customer; applying is repeatable, one transaction a batch.
"""

from allocation.services.retiering.applying import UnableToApplyRun, apply_run
from allocation.services.retiering.proposing import UnableToProposeRun, propose_run
from allocation.services.retiering.queueing import (
    RunInProgress,
    UnableToApproveRun,
    UnableToDiscardRun,
    UnableToQueueRun,
    approve_run,
    discard_run,
    queue_run,
    request_goals_run,
)

__all__ = [
    "RunInProgress",
    "UnableToApplyRun",
    "UnableToApproveRun",
    "UnableToDiscardRun",
    "UnableToProposeRun",
    "UnableToQueueRun",
    "apply_run",
    "approve_run",
    "discard_run",
    "propose_run",
    "queue_run",
    "request_goals_run",
]
