"""Limits that were broken before a plan and still are."""

from __future__ import annotations

from allocation.engine.books_eligibility import why_unable
from allocation.engine.books_planned import Planned
from allocation.engine.books_state import Books
from allocation.engine.facts.books import Breach, CsmFacts


def breaches(*, planned: Planned, books: Books) -> tuple[Breach, ...]:
    """By CSM, then by customer."""
    found = []
    for place, csm in enumerate(planned.csms):
        found += _limits_broken(planned, books, place, csm)
    for row, seat in enumerate(books.seat):
        if seat >= 0 and seat == planned.problem.current[row] and not _sits_well(planned, row, int(seat)):
            found.append(_misfit(planned, row, planned.csms[int(seat)]))
    return tuple(found)


def _misfit(planned: Planned, row: int, csm: CsmFacts) -> Breach:
    customers = planned.customers
    why = why_unable(customers=customers, position=row, csm=csm, policy=planned.policy)
    held = customers.hold[row]
    return Breach(
        csm=csm.key,
        kind="fit" if why else "leaver",
        tier="",
        external_id=customers.external_id[row],
        held=1,
        limit=0,
        reason=f"{csm.name} {why or 'leaves'}; " + (f"held: {held}." if held else "nobody else has room."),
    )


def _sits_well(planned: Planned, row: int, seat: int) -> bool:
    return bool(planned.fit.able[row, seat]) and not planned.must_move[row]


def _limits_broken(planned: Planned, books: Books, place: int, csm: CsmFacts) -> list[Breach]:
    problem, found = planned.problem, []
    for column, tier in enumerate(planned.tiers):
        held, limit = int(books.count[place, column]), int(problem.cap[place, column])
        if held > limit:
            reason = f"{csm.name} holds {held} {tier.name} customers, the cap is {limit}."
            found.append(Breach(csm.key, "cap", tier.slug, "", held, limit, reason))
    held, limit = int(books.load[place]), int(problem.capacity[place])
    if held > limit:
        reason = f"The book of {csm.name} asks for {_hours(held)} hours a month, there are {_hours(limit)}."
        found.append(Breach(csm.key, "hours", "", "", held, limit, reason))
    return found


def _hours(minutes: int) -> str:
    return f"{minutes // 60:,}:{minutes % 60:02}"
