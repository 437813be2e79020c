"""What-if scenarios: ask, compute, keep, share, copy, put away, and make a draft of one. The row is the record.

queued → computing → done; or failed, or discarded when it was cancelled. A scenario reads the customers and writes nothing
but its own answer (docs/scenarios.md).
"""

from allocation.services.scenarios.asking import (
    UnableToAskScenario,
    ask_again,
    ask_scenario,
    change_scenario,
    copy_scenario,
)
from allocation.services.scenarios.cancelling import UnableToCancelScenario, cancel_scenario
from allocation.services.scenarios.computing import UnableToComputeScenario, answer_now, compute_scenario
from allocation.services.scenarios.drafting import UnableToDraftScenario, draft_model_of, draft_policy_of
from allocation.services.scenarios.keeping import UnableToKeepScenario, retire_scenario, share_scenario

__all__ = [
    "UnableToAskScenario",
    "UnableToCancelScenario",
    "UnableToComputeScenario",
    "UnableToDraftScenario",
    "UnableToKeepScenario",
    "answer_now",
    "ask_again",
    "ask_scenario",
    "cancel_scenario",
    "change_scenario",
    "compute_scenario",
    "copy_scenario",
    "draft_model_of",
    "draft_policy_of",
    "retire_scenario",
    "share_scenario",
]
