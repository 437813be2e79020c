"""Book plans: ask for one, compute it, review it, approve it, apply it, undo it, discard it. The row is the record.

queued → computing → proposed (→ awaiting approval) → applying → applied → undoing → undone; or discarded, stale, failed.
Proposing writes no customer. Computing, applying and undoing are claimed, kept by heartbeats and finished under a fence,
so that a crashed runner's work is taken over by the next and a late runner can change nothing.
"""

from allocation.services.planning.applying import apply_plan, ask_to_finish_plan, is_half_applied
from allocation.services.planning.approving import UnableToApproveMoves, approve_moves, decline_moves
from allocation.services.planning.cancelling import UnableToCancelPlan, cancel_plan
from allocation.services.planning.objecting import (
    UnableToAnswerObjections,
    UnableToObject,
    UnableToOpenObjections,
    answer_objections,
    close_objections,
    object_to_move,
    open_objections,
    withdraw_objection,
)
from allocation.services.planning.pieces import compute_piece, forget_pieces
from allocation.services.planning.proposing import propose_plan
from allocation.services.planning.queueing import (
    PlanStillOpen,
    UnableToPlanBooks,
    discard_plan,
    queue_plan,
    queue_plan_unless_open,
    stop_plan,
)
from allocation.services.planning.reviewing import (
    UnableToReviewPlan,
    accept_moves,
    refuse_moves,
    repoint_move,
)
from allocation.services.planning.seating import Placed, UnableToPlaceSeats, place_seats, remove_seats
from allocation.services.planning.undoing import (
    UnableToUndoPlan,
    ask_to_undo_plan,
    plan_can_be_undone,
    undo_plan,
)

__all__ = [
    "Placed",
    "PlanStillOpen",
    "UnableToAnswerObjections",
    "UnableToApproveMoves",
    "UnableToCancelPlan",
    "UnableToObject",
    "UnableToOpenObjections",
    "UnableToPlaceSeats",
    "UnableToPlanBooks",
    "UnableToReviewPlan",
    "UnableToUndoPlan",
    "accept_moves",
    "answer_objections",
    "apply_plan",
    "approve_moves",
    "ask_to_finish_plan",
    "ask_to_undo_plan",
    "cancel_plan",
    "close_objections",
    "compute_piece",
    "decline_moves",
    "discard_plan",
    "forget_pieces",
    "is_half_applied",
    "object_to_move",
    "open_objections",
    "place_seats",
    "plan_can_be_undone",
    "propose_plan",
    "queue_plan",
    "queue_plan_unless_open",
    "refuse_moves",
    "remove_seats",
    "repoint_move",
    "stop_plan",
    "undo_plan",
    "withdraw_objection",
]
