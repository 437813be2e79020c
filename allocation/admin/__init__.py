"""Admin screens of the decisions, and of the customer, whose page shows them."""

from allocation.admin import (
    attention,
    books,
    customers,
    goals,
    importing,
    ledger,
    models_of_tiering,
    tiering,
)

__all__ = ["attention", "books", "customers", "goals", "importing", "ledger", "models_of_tiering", "tiering"]
