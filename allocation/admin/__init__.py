"""Admin screens of the decisions, of the customer, whose page shows them, and of the tiers that a lock binds."""

from allocation.admin import (
    attention,
    books,
    customers,
    goals,
    importing,
    ledger,
    models_of_tiering,
    overrides,
    policies,
    service,
    tiering,
)

__all__ = [
    "attention",
    "books",
    "customers",
    "goals",
    "importing",
    "ledger",
    "models_of_tiering",
    "overrides",
    "policies",
    "service",
    "tiering",
]
