"""The decisions. Import them from here."""

from allocation.models.attention import AttentionPolicy
from allocation.models.books import AllocationPolicy, BookPlan, Fit, Move, Variant
from allocation.models.figures import FigureMark, FigureSheet
from allocation.models.handovers import Handover, HandoverStep
from allocation.models.kept import RunChunk, RunTally, TierStanding
from allocation.models.ledger import BookHolding, Departure, Source, TierHolding
from allocation.models.locks import ModelLock
from allocation.models.named_tiers import NamedTiers
from allocation.models.notices import Notice
from allocation.models.objections import Objection
from allocation.models.overrides import Override, OverrideEdit
from allocation.models.pieces import PlanPiece
from allocation.models.readings import Reading, WrittenCustomer
from allocation.models.scenarios import AnswerStatus, Scenario, Sensitivity, Staffing
from allocation.models.statuses import OPEN_STATUSES, RowStatus, RunStatus
from allocation.models.tiering import RetierRun, TierDecision, TieringModel
from allocation.models.timetable import Freeze, Pulse, Schedule, Slot, Work
from allocation.models.touches import CalendarFeed, Touch
from allocation.models.views import BookDay, SavedView

__all__ = [
    "OPEN_STATUSES",
    "AllocationPolicy",
    "AnswerStatus",
    "AttentionPolicy",
    "BookDay",
    "BookHolding",
    "BookPlan",
    "CalendarFeed",
    "Departure",
    "FigureMark",
    "FigureSheet",
    "Fit",
    "Freeze",
    "Handover",
    "HandoverStep",
    "ModelLock",
    "Move",
    "NamedTiers",
    "Notice",
    "Objection",
    "Override",
    "OverrideEdit",
    "PlanPiece",
    "Pulse",
    "Reading",
    "RetierRun",
    "RowStatus",
    "RunChunk",
    "RunStatus",
    "RunTally",
    "SavedView",
    "Scenario",
    "Schedule",
    "Sensitivity",
    "Slot",
    "Source",
    "Staffing",
    "TierDecision",
    "TierHolding",
    "TierStanding",
    "TieringModel",
    "Touch",
    "Variant",
    "Work",
    "WrittenCustomer",
]
