"""Re-tiering runs: queue, propose, review, approve, apply, undo, repeat. The run's row is the record of what is to be done.

queued → computing → proposed (→ awaiting approval) → applying → applied → undoing → undone; or discarded, stale, failed.
Proposing writes no customer; applying and undoing are repeatable, one transaction a chunk of customers.
"""

from allocation.services.retiering.applying import (
    UnableToApplyRun,
    apply_run,
    ask_to_finish_run,
    is_half_applied,
)
from allocation.services.retiering.approving import (
    UnableToApproveRun,
    UnableToDeclineRun,
    approve_run,
    decline_run,
)
from allocation.services.retiering.cancelling import UnableToCancelRun, cancel_run
from allocation.services.retiering.proposing import UnableToProposeRun, propose_run
from allocation.services.retiering.queueing import (
    RunInProgress,
    RunStillOpen,
    UnableToDiscardRun,
    UnableToQueueRun,
    discard_run,
    queue_full_run_unless_open,
    queue_run,
    request_goals_run,
)
from allocation.services.retiering.repeating import Repeated, UnableToRepeatRun, repeat_run
from allocation.services.retiering.reviewing import UnableToReviewRun, accept_rows, refuse_rows
from allocation.services.retiering.undoing import UnableToUndoRun, ask_to_undo_run, can_be_undone, undo_run

__all__ = [
    "Repeated",
    "RunInProgress",
    "RunStillOpen",
    "UnableToApplyRun",
    "UnableToApproveRun",
    "UnableToCancelRun",
    "UnableToDeclineRun",
    "UnableToDiscardRun",
    "UnableToProposeRun",
    "UnableToQueueRun",
    "UnableToRepeatRun",
    "UnableToReviewRun",
    "UnableToUndoRun",
    "accept_rows",
    "apply_run",
    "approve_run",
    "ask_to_finish_run",
    "ask_to_undo_run",
    "can_be_undone",
    "cancel_run",
    "decline_run",
    "discard_run",
    "is_half_applied",
    "propose_run",
    "queue_full_run_unless_open",
    "queue_run",
    "refuse_rows",
    "repeat_run",
    "request_goals_run",
    "undo_run",
]
