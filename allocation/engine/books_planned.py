"""The facts of a plan in canonical order, and what was made from them before anybody is seated."""

from __future__ import annotations

from dataclasses import dataclass

from allocation.engine.books_eligibility import Eligibility
from allocation.engine.books_state import NOBODY, Problem
from allocation.engine.facts.books import (
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    MoveCode,
    TierFacts,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """Facts in canonical order and what was made from them. ``customers`` are the served ones among ``everyone``.

    ``must_move``: sits where it should not. ``preferred``: who may have whom before generalists stand in.
    """

    everyone: CustomerColumns
    customers: CustomerColumns
    csms: tuple[CsmFacts, ...]
    tiers: tuple[TierFacts, ...]
    policy: BookPolicy
    fit: Eligibility
    problem: Problem
    must_move: BoolColumn
    preferred: BoolColumn

    def causes(self) -> list[MoveCode]:
        """Why each customer would have to be seated anew, if it had to."""
        return [self._cause(row) for row in range(len(self.customers))]

    def _cause(self, row: int) -> MoveCode:
        if not self.customers.csm[row]:
            return "no_csm"
        current = int(self.problem.current[row])
        if current == NOBODY or self.csms[current].leaving == "gone":
            return "leaver"
        if not self.fit.lawful[row, current]:
            return "country_law"
        return "leaver" if self.csms[current].leaving == "soon" else "unable"

    def csm_name(self, key: str) -> str:
        """The name people know; a CSM who is no longer in the facts keeps its key."""
        return next((csm.name for csm in self.csms if csm.key == key), key)
