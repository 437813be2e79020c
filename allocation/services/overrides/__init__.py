"""Overrides: ask for one, change the request, decide it, begin it, end it. The row is the record.

asked → approved | declined | withdrawn | expired; approved → withdrawn | expired. A state moves by a conditional UPDATE
that must change exactly one row, under the lock of the customer; so of two who decide at once one is told what the other did.
Whoever asked or edited does not decide, by these services and by the database.
"""

from allocation.services.overrides.asking import (
    UnableToEditOverride,
    UnableToRequestOverride,
    edit_override,
    request_override,
)
from allocation.services.overrides.deciding import (
    UnableToDecideOverride,
    approve_override,
    decline_override,
)
from allocation.services.overrides.ending import (
    UnableToWithdrawOverride,
    expire_overrides,
    warn_of_ending,
    withdraw_override,
)
from allocation.services.overrides.giving import begin_overrides

__all__ = [
    "UnableToDecideOverride",
    "UnableToEditOverride",
    "UnableToRequestOverride",
    "UnableToWithdrawOverride",
    "approve_override",
    "begin_overrides",
    "decline_override",
    "edit_override",
    "expire_overrides",
    "request_override",
    "warn_of_ending",
    "withdraw_override",
]
