"""Which task is rung for which waiting rows."""

from accounts.models import ImportBatch
from allocation.models import BookPlan, PlanPiece, RetierRun, Scenario, Sensitivity, Slot
from allocation.tasks.importing import apply_import, stage_import
from allocation.tasks.planning import (
    apply_book_plan,
    compute_plan_piece,
    propose_book_plan,
    undo_book_plan,
)
from allocation.tasks.retiering import apply_retier_run, propose_retier_run, undo_retier_run
from allocation.tasks.scenarios import compute_scenario
from allocation.tasks.sensitivity import compute_sensitivity
from allocation.tasks.sweeping import Errand
from allocation.tasks.timetable import carry_out_slot

ERRANDS = (
    Errand(ImportBatch, ("queued", "staging"), stage_import, "batch_id"),
    Errand(ImportBatch, ("confirmed", "applying"), apply_import, "batch_id"),
    Errand(RetierRun, ("queued", "computing"), propose_retier_run, "run_id"),
    Errand(RetierRun, ("applying",), apply_retier_run, "run_id"),
    Errand(RetierRun, ("undoing",), undo_retier_run, "run_id"),
    Errand(RetierRun, ("proposed",), apply_retier_run, "run_id", accepted=True),
    Errand(BookPlan, ("queued", "computing"), propose_book_plan, "plan_id"),
    Errand(PlanPiece, ("queued", "computing"), compute_plan_piece, "piece_id"),
    Errand(BookPlan, ("applying",), apply_book_plan, "plan_id"),
    Errand(BookPlan, ("undoing",), undo_book_plan, "plan_id"),
    Errand(BookPlan, ("proposed",), apply_book_plan, "plan_id", accepted=True),
    Errand(Scenario, ("queued", "computing"), compute_scenario, "scenario_id"),
    Errand(Sensitivity, ("queued", "computing"), compute_sensitivity, "sensitivity_id"),
    Errand(Slot, ("queued", "working"), carry_out_slot, "slot_id"),
)
