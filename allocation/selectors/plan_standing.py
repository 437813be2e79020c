"""A plan as it stands while people review it: its rows over the facts it was made from, and what follows from them.

Reading the facts takes a fixed number of statements, whatever the size of the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.utils.text import capfirst

from accounts.models import CSM
from allocation.engine.books_report import book_rows
from allocation.engine.books_review import (
    NOBODY,
    Broken,
    Candidate,
    Desk,
    budget_use,
    candidates,
    in_words,
    newly_broken,
    review_desk,
)
from allocation.engine.facts.books import IntColumn
from allocation.models import AllocationPolicy, BookPlan, Move, RowStatus
from allocation.selectors import wording
from allocation.selectors.balance import measured, workload_answer
from allocation.selectors.plan_answers import budget_values
from allocation.snapshots.books import Snapshot, book_snapshot

HIDDEN = "a CSM of another team"
SENTENCES = 3  # said in one refusal; the rest is counted


@dataclass(frozen=True, slots=True)
class Row:
    """What the review needs of a move."""

    pk: int
    external_id: str
    name: str
    from_csm_id: int | None
    to_csm_id: int | None
    status: str
    needs_approval: bool
    repointed_by_id: int | None


_COLUMNS = (
    "pk", "customer__external_id", "customer__name", "from_csm_id", "to_csm_id", "status", "needs_approval",
    "repointed_by_id",
)  # fmt: skip


@dataclass(frozen=True)
class PlanTable:
    """The facts of a plan, its rows by id, and the desk of the engine."""

    plan: BookPlan
    snapshot: Snapshot
    rows: Mapping[int, Row]

    @cached_property
    def desk(self) -> Desk:
        return review_desk(facts=self.snapshot.facts, policy=self.snapshot.policy)

    @cached_property
    def is_stale(self) -> bool:
        """Policy, tiers or books changed since the plan was computed."""
        active = AllocationPolicy.objects.active().first()
        another = active is not None and active.pk != self.plan.policy_id
        return another or self.snapshot.digest != self.plan.facts_digest

    @cached_property
    def keys(self) -> Mapping[int | None, str]:
        """CSM keys by id; nobody is ""."""
        return {None: "", **{pk: key for key, pk in self.snapshot.csm_ids.items()}}

    def seats(self, rows: Mapping[int, Row] | None = None) -> IntColumn:
        """Who sits where if these rows were applied; without any, as the plan stands."""
        given = {}
        for row in (self.rows if rows is None else rows).values():
            to = row.from_csm_id if row.status == RowStatus.REFUSED else row.to_csm_id
            given[row.external_id] = self.keys.get(to, "")
        return self.desk.seats(given)

    def broken_by(self, after: Mapping[int, Row]) -> tuple[Broken, ...]:
        """Limits that the plan keeps now and would break with these rows."""
        return newly_broken(desk=self.desk, before=self.seats(), after=self.seats(after))

    def candidates(self, move_id: int) -> tuple[Candidate, ...]:
        """Every other CSM for the customer of one row, those who can take it now first."""
        external_id = self.rows[move_id].external_id
        return candidates(desk=self.desk, seats=self.seats(), external_id=external_id)

    def sentences(self, broken: Collection[Broken], *, user: Any) -> list[str]:
        """What would not hold, for this person: CSMs out of sight are not named."""
        seen = {csm.key: csm.name for csm in CSM.objects.visible_to(user).only("email", "name")}
        csms = {csm.key: seen.get(csm.key, HIDDEN) for csm in self.desk.csms}
        customers = {row.external_id: row.name for row in self.rows.values()}
        tiers = {tier.slug: tier.name for tier in self.desk.tiers}
        said = [capfirst(in_words(broken=one, csms=csms, customers=customers, tiers=tiers)) for one in broken]
        return list(dict.fromkeys(said))


def read_table(*, plan: BookPlan) -> PlanTable:
    """The plan over the facts as they are now. Raises UnknownRate where an exchange rate is missing."""
    snapshot = book_snapshot(as_of=plan.as_of, policy=plan.policy, max_moves_pct=plan.max_moves_pct)
    rows = Move.objects.filter(plan=plan).order_by("pk").values_list(*_COLUMNS)
    return PlanTable(plan=plan, snapshot=snapshot, rows={row[0]: Row(*row) for row in rows})


def shortened(sentences: Sequence[str]) -> str:
    """The first sentences, and how many more there are."""
    more = len(sentences) - SENTENCES
    return " ".join(sentences[:SENTENCES]) + (f" And {more} more." if more > 0 else "")


def reviewed_results(*, table: PlanTable, rows: Mapping[int, Row]) -> dict[str, Any]:
    """The columns of the stored plan that follow from its rows as they stand: summary and balance after."""
    desk, seats = table.desk, table.seats(rows)
    placed = desk.served & (seats != NOBODY)
    at = np.flatnonzero(placed)
    stands_in = at[desk.fit.fallback[at, seats[at]]]
    refused = [row for row in rows.values() if row.status == RowStatus.REFUSED]
    counts = {
        "assigned": int(placed.sum()),
        **budget_values(
            budget=budget_use(desk=desk, seats=seats),
            customers=int(desk.served.sum()),
            arr_cents=int(desk.customers.arr_cents.sum()),
        ),
        "fallbacks": [desk.customers.external_id[row] for row in stands_in],
        "refused": len(refused),
        "left_without": sum(row.from_csm_id is None for row in refused),
        "repointed": sum(row.repointed_by_id is not None for row in rows.values()),
    }
    return {
        "summary": {**table.plan.summary, **counts},
        "balance_after": workload_answer(found=measured(rows=_books(table, seats))),
    }


def _books(table: PlanTable, seats: IntColumn) -> Any:
    desk = table.desk
    return book_rows(
        customers=desk.customers,
        csms=desk.csms,
        tiers=desk.tiers,
        caps=desk.cap,
        seats=[desk.csms[seat].key if seat != NOBODY else "" for seat in seats],
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """One CSM on the page of a row: who can take the customer, with what is left then; who cannot, with why."""

    csm_id: int
    name: str
    key: str
    why_not: str
    fit: str
    hours_left: str
    cap_left: str
    utilisation: str


def offers(*, table: PlanTable, move_id: int, user: Any) -> tuple[list[Offer], list[Offer], int]:
    """Who can take the customer of a row, who cannot and why, and how many CSMs are out of this person's sight."""
    ids = {csm.key: csm.pk for csm in CSM.objects.visible_to(user).only("pk", "email", "name")}
    every = table.candidates(move_id)
    shown = [one for one in every if one.csm in ids]
    why = [table_words(table, one) for one in shown]
    made = [_offer(one, ids[one.csm], words) for one, words in zip(shown, why, strict=True)]
    can = [offer for offer in made if not offer.why_not]
    return can, [offer for offer in made if offer.why_not], len(every) - len(shown)


def table_words(table: PlanTable, one: Candidate) -> str:
    """Why a CSM in sight cannot take the customer; "" when it can."""
    if one.why_not is None:
        return ""
    customers = {row.external_id: row.name for row in table.rows.values()}
    tiers = {tier.slug: tier.name for tier in table.desk.tiers}
    said = in_words(broken=one.why_not, csms={one.csm: one.name}, customers=customers, tiers=tiers)
    return str(capfirst(said))


def _offer(one: Candidate, csm_id: int, why_not: str) -> Offer:
    return Offer(
        csm_id=csm_id,
        name=one.name,
        key=one.csm,
        why_not=why_not,
        fit=_fit(one),
        hours_left=wording.hours_and_minutes(one.minutes_left),
        cap_left="no cap" if one.cap_left is None else wording.grouped(one.cap_left),
        utilisation=wording.percent(None if one.utilisation is None else 100 * one.utilisation),
    )


def _fit(one: Candidate) -> str:
    if one.fallback:
        return "a generalist in a specialist's place"
    if one.mismatch <= 0:
        return "everything fits"
    return f"mismatch {one.mismatch:.2f}".rstrip("0").rstrip(".")
