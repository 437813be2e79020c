"""Rows of the ledgers are added and closed, never changed."""

from __future__ import annotations

from allocation.triggers.rules import Kept, Rule, differs, never_deleted

ONLY_CLOSED = "A ledger row is written once and closed once; it never changes. Decide anew instead."
NOT_DELETED = "A ledger row is never deleted."

_HOLDING = (
    "id",
    "customer_id",
    "starts_on",
    "source",
    "source_id",
    "gives_back",
    "actor_id",
    "words",
    "recorded_at",
)


def _ledger(table: str, *what: str) -> Kept:
    closed_again = "(OLD.ends_before IS NOT NULL AND NEW.ends_before <=> OLD.ends_before)"
    return Kept(
        table,
        (
            Rule("only_closed", "UPDATE", f"{differs(*_HOLDING, *what)} OR {closed_again}", ONLY_CLOSED),
            never_deleted(NOT_DELETED),
        ),
    )


LEDGERS = (
    _ledger("allocation_tierholding", "tier_id"),
    _ledger("allocation_bookholding", "csm_id"),
    _ledger("allocation_departure"),
)
