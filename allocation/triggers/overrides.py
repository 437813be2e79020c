"""An override goes forward only, what was decided stays, and nobody decides what he asked for or edited."""

from __future__ import annotations

from allocation.triggers.rules import Kept, Rule, differs, never_deleted

ONLY_FORWARD = "An override goes from asked to approved, declined, withdrawn or expired, and no way back."
REQUEST_STAYS = "A request that was decided is not changed any more: ask anew."
ASKER_STAYS = "For whom, by whom and when an override was asked never changes."
DECISION_STAYS = "What was decided about an override never changes."
NOT_BY_EDITOR = "Nobody decides a request that he asked for or edited."
EDIT_STAYS = "What was edited in a request stays as it was written."
EDITED_TOO_LATE = "A request that was decided is not edited any more: ask anew."
OBJECTION_STAYS = (
    "An objection stays as it was raised; it is taken back or answered once, and that never changes."
)
NOT_DELETED = "Overrides, their edits and objections are never deleted."

_FORWARD = (
    "((OLD.status = 'asked' AND NEW.status IN ('approved', 'declined', 'withdrawn', 'expired'))"
    " OR (OLD.status = 'approved' AND NEW.status IN ('withdrawn', 'expired')))"
)
_REQUEST = (
    "tier_id", "reason_kind", "words", "evidence", "starts_on", "expires_on", "tier_when_asked_id", "model_said",
    "version", "due_on",
)  # fmt: skip
_EDITED_BY_DECIDER = (
    "EXISTS (SELECT 1 FROM allocation_overrideedit"
    " WHERE override_id = NEW.id AND editor_id = NEW.decided_by_id)"
)

_ANSWER = ("answer", "answered_by_id", "answered_at", "answer_words")

OVERRIDES = Kept(
    "allocation_override",
    (
        Rule("asker_stays", "UPDATE", differs("id", "customer_id", "asked_by_id", "asked_at"), ASKER_STAYS),
        Rule("only_forward", "UPDATE", f"NEW.status <=> OLD.status AND NOT {_FORWARD}", ONLY_FORWARD),
        Rule("request_stays", "UPDATE", f"OLD.status <> 'asked' AND {differs(*_REQUEST)}", REQUEST_STAYS),
        Rule(
            "decision_stays",
            "UPDATE",
            f"(OLD.decided_by_id IS NOT NULL AND {differs('decided_by_id', 'decided_at', 'decided_words')})"
            f" OR (OLD.ended_at IS NOT NULL AND {differs('ended_by_id', 'ended_at', 'ended_words')})"
            f" OR (OLD.begun_at IS NOT NULL AND {differs('begun_at')})",
            DECISION_STAYS,
        ),
        Rule(
            "not_by_editor",
            "UPDATE",
            f"NEW.decided_by_id IS NOT NULL AND OLD.decided_by_id IS NULL"
            f" AND (NEW.decided_by_id = NEW.asked_by_id OR {_EDITED_BY_DECIDER})",
            NOT_BY_EDITOR,
        ),
        never_deleted(NOT_DELETED),
    ),
)
EDITS = Kept(
    "allocation_overrideedit",
    (
        Rule(
            "too_late",
            "INSERT",
            "EXISTS (SELECT 1 FROM allocation_override WHERE id = NEW.override_id AND status <> 'asked')",
            EDITED_TOO_LATE,
        ),
        Rule(
            "stays",
            "UPDATE",
            differs("id", "override_id", "editor_id", "at", "before", "after", "words"),
            EDIT_STAYS,
        ),
        never_deleted(NOT_DELETED),
    ),
)
OBJECTIONS = Kept(
    "allocation_objection",
    (
        Rule(
            "stays",
            "UPDATE",
            f"{differs('id', 'move_id', 'csm_id', 'by_id', 'reason_kind', 'words', 'at')}"
            f" OR (OLD.withdrawn_at IS NOT NULL AND {differs('withdrawn_at', *_ANSWER)})"
            f" OR (OLD.answered_at IS NOT NULL AND {differs('withdrawn_at', *_ANSWER)})",
            OBJECTION_STAYS,
        ),
        never_deleted(NOT_DELETED),
    ),
)
