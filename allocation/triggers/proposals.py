"""What a run or plan proposed never changes once people are through with it; a row's state only goes on."""

from __future__ import annotations

from allocation.triggers.rules import Kept, Rule, differs, never_deleted

PROPOSED_STAYS = "What a run or plan proposed never changes once it is applied: undo it, or decide anew."
ONLY_FORWARD = "A row that was applied can only be undone, and one that was skipped or undone stays as it is."
APPLIED_STAYS = "Who asked for, approved and applied a run or plan, and as of when, never changes afterwards."
DECLINED_STAYS = "A run that a manager declined stays declined: start another."
NOT_DELETED = "What an applied run or plan decided is never deleted."

# States in which people still decide about the proposal, or nobody does any more without it having been carried out.
_OPEN = "('queued', 'computing', 'proposed', 'awaiting_approval', 'failed')"
_DONE = "('applied', 'skipped', 'undone', 'kept')"


def _rows(table: str, parent: str, key: str, *, proposed: tuple[str, ...], reviewed: tuple[str, ...]) -> Kept:
    """proposed: what the program said; reviewed: what people say about it while it is open."""
    still_open = f"EXISTS (SELECT 1 FROM {parent} WHERE id = OLD.{key} AND status IN {_OPEN})"  # noqa: S608  # constants
    is_over = f"(OLD.status IN {_DONE} OR NOT {still_open})"
    return Kept(
        table,
        (
            Rule(
                "proposed_stays", "UPDATE", f"{differs(*proposed, *reviewed)} AND {is_over}", PROPOSED_STAYS
            ),
            Rule(
                "only_forward",
                "UPDATE",
                f"(OLD.status IN {_DONE} AND NEW.status <=> OLD.status"
                f"  AND NOT (OLD.status = 'applied' AND NEW.status IN ('undone', 'kept')))"
                f" OR (OLD.status IN ('skipped', 'undone', 'kept') AND {differs('words')})",
                ONLY_FORWARD,
            ),
            never_deleted(NOT_DELETED, when=is_over),
        ),
    )


DECISIONS = _rows(
    "allocation_tierdecision",
    "allocation_retierrun",
    "run_id",
    proposed=(
        "id", "run_id", "customer_id", "segment", "score", "previous_id", "previous_since", "suggested_id",
        "effective_id", "decided_by", "guards", "reason", "is_move",
    ),
    reviewed=("refused_by_id", "refused_at"),
)  # fmt: skip
MOVES = _rows(
    "allocation_move",
    "allocation_bookplan",
    "plan_id",
    proposed=(
        "id", "plan_id", "customer_id", "from_csm_id", "to_csm_id", "runner_up_id", "tier_id", "pool", "reason",
        "forced", "needs_approval",
    ),
    reviewed=(
        "refused_by_id", "refused_at", "planned_csm_id", "repointed_by_id", "repointed_at", "repoint_words",
        "approved_by_id", "approved_at", "approval_words",
    ),
)  # fmt: skip
# Kept with a move when it is applied, so that it can be given back.
SINCE = Rule(
    "since_stays", "UPDATE", f"OLD.status IN {_DONE} AND {differs('previous_since')}", PROPOSED_STAYS
)


def _proposal(table: str, *what: str) -> Kept:
    who = ("id", "as_of", "requested_by_id", "approved_by_id", "approved_at", "applied_by_id", "applied_at")
    return Kept(
        table,
        (
            Rule(
                "applied_stays",
                "UPDATE",
                f"OLD.status IN ('applied', 'undone') AND {differs(*who, *what)}",
                APPLIED_STAYS,
            ),
            never_deleted(NOT_DELETED, when="OLD.status IN ('applied', 'undoing', 'undone')"),
        ),
    )


RUNS = _proposal("allocation_retierrun", "scope", "tiering_model_id", "base_currency", "rates", "vocabulary")
DECLINED = Rule(
    "declined_stays",
    "UPDATE",
    f"OLD.declined_by_id IS NOT NULL AND {differs('declined_by_id', 'declined_words', 'status')}",
    DECLINED_STAYS,
)

PROPOSALS = (
    DECISIONS,
    Kept(MOVES.table, (*MOVES.rules, SINCE)),
    Kept(RUNS.table, (*RUNS.rules, DECLINED)),
    _proposal("allocation_bookplan", "policy_id", "seed", "policy_values", "objective", "bound", "gap_pct"),
)
