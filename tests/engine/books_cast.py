"""Small companies for the planning tests: say only what the test is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from allocation.engine.books import propose_books
from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    BookProposal,
    CsmFacts,
    CustomerColumns,
    TierFacts,
)

GLOBAL = TierFacts(slug="global", name="Global", touch_level="high", cap=6)
ENTERPRISE = TierFacts(slug="enterprise", name="Enterprise", touch_level="mid", cap=15)
SCALE = TierFacts(slug="scale", name="Scale", touch_level="low", cap=40)
ALONE = TierFacts(slug="self", name="Self-service", touch_level="self_service", cap=None)
TIERS = (GLOBAL, ENTERPRISE, SCALE, ALONE)

_NOTHING: Mapping[str, Any] = {
    "tier": "scale",
    "csm": "",
    "minutes": 60,
    "arr": 10_000,
    "vertical": "",
    "region": "",
    "country": "",
    "language": "",
    "products": frozenset(),
    "family": "",
    "hold": "",
}


def csm(key: str, **given: Any) -> CsmFacts:
    """A full-time CSM with 128 net hours who can do everything."""
    values = {
        "name": key.title(),
        "team": "one",
        "contract_minutes": 160 * 60,
        "capacity_minutes": 128 * 60,
        **given,
    }
    for listed in ("verticals", "regions", "countries", "languages", "products"):
        values[listed] = frozenset(values.get(listed, ()))
    return CsmFacts(key=key, **values)


def customers(rows: Sequence[Mapping[str, Any]]) -> CustomerColumns:
    """Columns from rows; a row without ``id`` is numbered."""
    full = [{"id": f"c{place:05d}", **_NOTHING, **row} for place, row in enumerate(rows)]

    def column(name: str) -> tuple[Any, ...]:
        return tuple(row[name] for row in full)

    return CustomerColumns(
        external_id=column("id"),
        tier=column("tier"),
        csm=column("csm"),
        minutes=np.array(column("minutes"), dtype=np.int64),
        arr_cents=np.array([arr * 100 for arr in column("arr")], dtype=np.int64),
        vertical=column("vertical"),
        region=column("region"),
        country=column("country"),
        language=column("language"),
        products=tuple(frozenset(products) for products in column("products")),
        family=column("family"),
        hold=column("hold"),
    )


def company(
    rows: Sequence[Mapping[str, Any]], csms: Sequence[CsmFacts], tiers: Sequence[TierFacts] = TIERS
) -> BookFacts:
    """Facts as of a fixed day."""
    return BookFacts(as_of=date(2026, 11, 1), customers=customers(rows), csms=tuple(csms), tiers=tuple(tiers))


def plan(facts: BookFacts, *, seed: int = 1, **policy: Any) -> BookProposal:
    """Plan and check that no law of planning is broken."""
    rules = BookPolicy(**policy)
    proposal = propose_books(facts=facts, policy=rules, seed=seed)
    check_laws(facts, rules, proposal)
    return proposal


def check_laws(facts: BookFacts, policy: BookPolicy, proposal: BookProposal) -> None:
    """Counted anew from the assignment, by other code than the planner's: nobody who is given a customer breaks a limit."""
    by_key = {one.key: one for one in facts.csms}
    caps = {tier.slug: tier.cap for tier in facts.tiers}
    served = {tier.slug for tier in facts.tiers if tier.served}
    columns = facts.customers
    rows = {external_id: row for row, external_id in enumerate(columns.external_id)}
    assert set(proposal.assignment) == {e for e, row in rows.items() if columns.tier[row] in served}
    books: dict[str, list[int]] = {key: [] for key in by_key}
    for external_id, key in proposal.assignment.items():
        if key:
            books[key].append(rows[external_id])
    for key, book in books.items():
        one = by_key[key]
        new = [row for row in book if columns.csm[row] != key]
        if not new:
            continue
        assert one.accepting and one.leaving == "no", f"{key} takes nobody"
        assert sum(int(columns.minutes[row]) for row in book) <= one.capacity_minutes, (
            f"{key} is out of hours"
        )
        share = min(one.contract_minutes, policy.full_time_minutes) / policy.full_time_minutes
        for slug, cap in caps.items():
            held = sum(columns.tier[row] == slug for row in book)
            assert cap is None or held <= int(cap * share + 1e-9), f"{key} is over the cap of {slug}"
        for row in new:
            if policy.country_law and columns.country[row]:
                assert columns.country[row] in one.countries, f"{key} does not cover {columns.country[row]}"
    chosen = [move for move in proposal.moves if move.kind == "chosen"]
    assert len(chosen) == proposal.budget.chosen
    if policy.max_moves_pct is not None:
        assert len(chosen) <= policy.max_moves_pct * len(proposal.assignment) / 100
    if policy.max_moves_arr_pct is not None:
        total = sum(int(columns.arr_cents[rows[external_id]]) for external_id in proposal.assignment)
        assert sum(move.arr_cents for move in chosen) <= policy.max_moves_arr_pct * total / 100
    held = {external_id for external_id, row in rows.items() if columns.hold[row] and columns.csm[row]}
    assert not [move for move in chosen if move.external_id in held]


def counts(proposal: BookProposal) -> dict[str, int]:
    """Customers per CSM after the plan."""
    return {row.csm: row.customers for row in proposal.after}
