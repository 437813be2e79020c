"""Admin screens of the decisions, of the customer, whose page shows them, of the tiers that a lock binds, and of who decides."""

from allocation.admin import (
    attention,
    books,
    customers,
    goals,
    handovers,
    importing,
    ledger,
    models_of_tiering,
    overrides,
    people,
    policies,
    scenarios,
    service,
    tiering,
    timetable,
    touches,
)

__all__ = [
    "attention",
    "books",
    "customers",
    "goals",
    "handovers",
    "importing",
    "ledger",
    "models_of_tiering",
    "overrides",
    "people",
    "policies",
    "scenarios",
    "service",
    "tiering",
    "timetable",
    "touches",
]
