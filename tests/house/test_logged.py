"""Writes that go past save() are logged where their model's changes are kept (accounts.changes).

Each such write of the product is listed here with whose rows it writes; a new one is not, until somebody looked at it.
"""

import ast

import pytest
from auditlog.registry import auditlog

from tests.house.source import FUNCTIONS, parsed

PAST_SAVE = {"update", "bulk_create", "bulk_update", "aupdate", "abulk_create", "abulk_update", "_raw_delete"}
# Statements that are kept and rows by the column (accounts.kept_statements, accounts.bulk_rows) are judged where they are named.
NAMED_PAST_SAVE = {"KeptChange", "insert_rows", "insert_long_rows"}
JOBS = {"RetierRun", "BookPlan", "ImportBatch", "Slot", "Sensitivity"}
SEEN = "inside `logged`, which looks at the rows before and after"

# (module, function) -> models whose rows it writes past save(), where the code does not name the model itself.
LISTED = {
    ("accounts/changes.py", "update_logged"): SEEN,
    ("accounts/changes.py", "logged"): {"LogEntry"},
    ("accounts/querysets/importing.py", "confirm"): {"ImportBatch"},
    ("accounts/querysets/jobs.py", "_changed"): JOBS,
    ("accounts/querysets/jobs.py", "KeptChange"): JOBS,
    ("accounts/bulk_rows.py", "insert_long_rows"): {"RunChunk"},
    ("accounts/kept_statements.py", "run"): {
        *JOBS,
        "Customer",
        "TierHolding",
        "BookHolding",
        "RunChunk",
        "TierDecision",
    },
    ("allocation/services/retiering/chunk_rows.py", "KeptChange"): {"RunChunk", "TierDecision"},
    ("allocation/services/decisions/__init__.py", "KeptChange"): {"TierHolding", "BookHolding"},
    ("allocation/services/decisions/__init__.py", "insert_rows"): {"TierHolding", "BookHolding"},
    ("accounts/querysets/jobs.py", "keep"): {"RetierRun", "BookPlan", "ImportBatch", "Sensitivity"},
    ("accounts/querysets/jobs.py", "ask_to_cancel"): {"RetierRun", "BookPlan", "ImportBatch", "Sensitivity"},
    ("accounts/querysets/jobs.py", "mark_unheld"): {"RetierRun", "BookPlan", "ImportBatch", "Sensitivity"},
    ("allocation/querysets/decisions.py", "take_wish_back"): {"RetierRun", "BookPlan"},
    ("accounts/querysets/jobs.py", "end_cancelled"): {"RetierRun", "BookPlan", "ImportBatch", "Sensitivity"},
    ("accounts/querysets/jobs.py", "rest"): {"RetierRun", "BookPlan", "ImportBatch", "Slot", "Sensitivity"},
    ("accounts/querysets/jobs.py", "fail"): {"RetierRun", "BookPlan", "ImportBatch", "Slot", "Sensitivity"},
    ("allocation/querysets/decisions.py", "outdate"): {"RetierRun"},
    ("allocation/querysets/decisions.py", "replace"): {"RetierRun", "BookPlan"},
    ("allocation/querysets/notices.py", "leave_each"): {"Notice"},
    ("allocation/querysets/timetable.py", "leave"): {"Pulse"},
    ("allocation/services/comparing.py", "discard_comparison"): {"BookPlan"},
    ("allocation/services/notices.py", "_send_one"): {"Notice"},
    ("allocation/services/overrides/deciding.py", "_take_the_place_of_others"): {"Override"},
    ("allocation/services/overrides/ending.py", "warn_of_ending"): {"Override"},
    ("allocation/services/planning/objecting.py", "open_objections"): {"BookPlan"},
    ("allocation/services/planning/objecting.py", "close_objections"): {"BookPlan"},
    ("allocation/services/planning/objecting.py", "object_to_move"): {"BookPlan"},
    ("allocation/services/planning/objecting.py", "withdraw_objection"): {"Objection", "BookPlan"},
    ("allocation/services/retiering/approving.py", "approve_run"): {"RetierRun"},
    ("allocation/services/retiering/approving.py", "decline_run"): {"RetierRun"},
    ("cstiers/signing_in/throttle.py", "_take"): {"Attempts"},
    ("cstiers/signing_in/throttle.py", "_give_back"): {"Attempts"},
    ("cstiers/signing_in/throttle.py", "give_place_back"): {"Attempts"},
    ("allocation/services/decisions/__init__.py", "note_departures"): {"Departure"},
    ("allocation/services/decisions/handing_over.py", "_cancel"): {"Handover"},
    ("allocation/services/handovers/escalating.py", "_end_where_nobody_signs_any_more"): {"Handover"},
    ("allocation/services/handovers/escalating.py", "_mark"): {"Handover"},
    ("allocation/services/handovers/signing.py", "cancel_handover"): {"Handover"},
    ("allocation/services/handovers/signing.py", "sign_handover"): {"Handover"},
    ("allocation/services/handovers/ticking.py", "tick_step"): {"HandoverStep"},
    ("allocation/services/handovers/ticking.py", "write_notes"): {"Handover"},
    ("allocation/services/importing/applying.py", "_apply_at_once"): {"ImportChunk"},
    ("allocation/services/importing/applying.py", "_skip_unchanged"): {"ImportChunk"},
    ("allocation/services/importing/applying.py", "_write_step"): {"ImportChunk"},
    ("allocation/services/accepting.py", "_accept"): {"RetierRun", "BookPlan"},
    ("allocation/services/importing/staging.py", "discard_import"): {"ImportBatch"},
    ("allocation/services/importing/writing_customers.py", "_set_goals"): {"Goal"},
    ("allocation/services/planning/applying.py", "_put_alternatives_aside"): {"BookPlan"},
    ("allocation/services/planning/proposing.py", "_store"): {"BookPlan"},
    ("allocation/services/planning/queueing.py", "stop_plan"): {"BookPlan"},
    ("allocation/services/planning/reviewing.py", "look_at_approvals"): {"BookPlan"},
    ("allocation/services/playbooks.py", "_write_tiers"): SEEN,
    ("allocation/services/retiering/queueing.py", "request_goals_run"): {"RetierRun"},
    ("allocation/services/retiering/reviewing.py", "refuse_rows"): {"TierDecision"},
    ("allocation/services/retiering/reviewing.py", "accept_rows"): {"TierDecision"},
    ("allocation/services/retiering/undoing.py", "_undo"): {"TierDecision"},
    ("allocation/services/saved_views.py", "save_view"): {"SavedView"},
    ("allocation/services/saved_views.py", "set_default_view"): {"SavedView"},
    **{
        ("allocation/services/touches/doing.py", name): {"Touch"}
        for name in ("do_touch", "skip_touch", "move_touch", "reopen_touch")
    },
    ("allocation/tasks/sweeping.py", "give_up"): {"RetierRun", "BookPlan", "ImportBatch", "Slot"},
}


def kept_models():
    return {model.__name__ for model in auditlog.get_models()}


def writes(module):
    """(function, call) of each write past save(). A call without keywords is of a dict, a set or a digest."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMED_PAST_SAVE:
            yield node.func.id, node
    for function in ast.walk(module):
        if not isinstance(function, FUNCTIONS):
            continue
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            named = node.func.attr
            if named in PAST_SAVE and not (named == "update" and node.args):
                yield function.name, node


def named_models(call):
    """Models the code in front of the call names: `Tier` of `Tier.objects.filter(…).update(…)`."""
    if isinstance(call.func, ast.Name):
        told = ast.unparse(call)
        names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name) and node.id[:1].isupper()}
        by_column = (told.partition("(")[2]).partition(",")[0]
        return {name for name in names if f"{name}.objects" in told or name == by_column}
    names = {node.id for node in ast.walk(call.func) if isinstance(node, ast.Name)}
    return {name for name in names if name[:1].isupper() and f"{name}.objects" in ast.unparse(call.func)}


def judged():
    for path, module in parsed():
        if "/engine/" in path:
            continue
        for function, call in writes(module):
            if ast.unparse(call.func).startswith("super()."):
                continue
            yield f"{path}:{call.lineno}", (path, function), named_models(call)


def test_no_write_past_save_goes_unlogged():
    tracked = kept_models()
    unlogged = [place for place, where, named in judged() if named & tracked and LISTED.get(where) != SEEN]
    assert unlogged == []


def test_each_write_past_save_whose_model_cannot_be_read_off_is_listed():
    unknown = [(place, where) for place, where, named in judged() if not named and where not in LISTED]
    assert unknown == []


def test_what_is_listed_is_there_and_of_no_model_whose_changes_are_kept():
    there = {where for _, where, _ in judged()}
    assert set(LISTED) - there == set()
    tracked = kept_models()
    assert [where for where, models in LISTED.items() if models != SEEN and set(models) & tracked] == []


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    Tier.objects.filter(pk=1).update(cap=3)",
        "def f():\n    CSM.objects.bulk_create(rows)",
        "ONE = KeptChange(lambda *, pk: (CSM.objects.filter(pk=pk), {}))",
        "def f():\n    insert_rows(CSM, columns)",
        "def f():\n    Team.objects.bulk_update(rows, ['manager'])",
    ],
)
def test_the_scan_sees_a_write_past_save(code):
    """The control: without it a scan that sees nothing would be green."""
    found = [named_models(call) for _, call in writes(ast.parse(code))]
    assert found
    assert all(named & kept_models() for named in found)
