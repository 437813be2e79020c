"""From seats to findings: moves with reason and runner-up, what is missing in heads, breaches, books before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from allocation.engine.books_breaches import breaches
from allocation.engine.books_eligibility import pool_names, why_unable
from allocation.engine.books_groups import left_out_points
from allocation.engine.books_objective import customer_weights
from allocation.engine.books_planned import Planned
from allocation.engine.books_proof import gap_pct, proofs, proven_bound
from allocation.engine.books_search import Searched
from allocation.engine.books_shortage import shortages
from allocation.engine.books_state import NO_CAP, Books
from allocation.engine.facts.books import (
    BookProposal,
    BookRow,
    BudgetUse,
    CsmFacts,
    CustomerColumns,
    IntColumn,
    MoveCode,
    MoveFinding,
    TierFacts,
    UnassignedFinding,
)


def report(
    *, planned: Planned, books: Books, found: Searched, most_proven: bool, repeatable: bool, units: int
) -> BookProposal:
    """The finished plan as people, pages and commands see it."""
    customers, problem = planned.customers, planned.problem
    pools = pool_names(customers=customers, csms=planned.csms, tiers=planned.tiers, policy=planned.policy)
    moves = [*_moves(planned, books, pools), *_releases(planned)]
    unassigned = _unassigned(planned, books, pools)
    parts = _parts(planned, books)
    seats = [planned.csms[seat].key if seat >= 0 else "" for seat in books.seat]
    objective = round(sum(parts.values()), 6)
    proof = proofs(
        found=found,
        csms=planned.csms,
        tiers=planned.tiers,
        pools=pools,
        weights=problem.measures.weights,
        objective=objective,
        idle=_idle_points(planned, books, found),
        waiting=_waiting_points(planned, books, found),
        families=_families(planned),
    )
    bound = proven_bound(proof=proof, objective=objective)
    return BookProposal(
        assignment=dict(zip(customers.external_id, seats, strict=True)),
        moves=tuple(sorted(moves, key=lambda move: move.external_id)),
        unassigned=tuple(unassigned),
        shortages=shortages(
            unassigned=unassigned,
            customers=customers,
            csms=planned.csms,
            tiers=planned.tiers,
            policy=planned.policy,
            able=planned.fit.able,
        ),
        breaches=breaches(planned=planned, books=books),
        fallbacks=tuple(
            customers.external_id[row]
            for row in range(len(customers))
            if books.seat[row] >= 0 and planned.fit.fallback[row, books.seat[row]]
        ),
        objective=objective,
        objective_parts={name: round(points, 6) for name, points in parts.items()},
        bound=bound,
        gap_pct=gap_pct(objective=objective, bound=bound),
        before=_rows(planned, list(planned.everyone.csm)),
        after=_rows(planned, _after(planned, seats)),
        budget=BudgetUse(
            chosen=books.chosen,
            chosen_limit=problem.max_moves,
            chosen_arr_cents=books.chosen_arr_cents,
            chosen_arr_limit_cents=problem.max_arr_cents,
            forced=sum(move.kind == "forced" for move in moves),
        ),
        customers=len(customers),
        assigned=int((books.seat >= 0).sum()),
        repeatable=repeatable,
        iterations=units,
        notes=_notes(planned, most_proven=most_proven),
        proof=proof,
    )


def _moves(planned: Planned, books: Books, pools: Sequence[str]) -> list[MoveFinding]:
    customers, causes, top = planned.customers, planned.causes(), _top(planned)
    moves = []
    for row, key in enumerate(customers.csm):
        seat = int(books.seat[row])
        to = planned.csms[seat].key if seat >= 0 else ""
        if to == key:
            continue
        chosen = bool(planned.problem.home[row])
        code = books.cause.get(row, "balance") if chosen else causes[row]
        runner_up, dearer = _runner_up(planned, books, row)
        fallback = seat >= 0 and bool(planned.fit.fallback[row, seat])
        moves.append(
            MoveFinding(
                external_id=customers.external_id[row],
                from_csm=key,
                to_csm=to,
                tier=customers.tier[row],
                pool=pools[row],
                kind="chosen" if chosen else "forced",
                code=code,
                reason=_reason(planned, row, code, to, fallback),
                runner_up=runner_up,
                runner_up_cost=dearer,
                fallback=fallback,
                arr_cents=int(customers.arr_cents[row]),
                minutes=int(customers.minutes[row]),
                needs_approval=row in top and bool(key),
            )
        )
    return moves


def _top(planned: Planned) -> frozenset[int]:
    """The customers of the highest ARR, as many as the policy names."""
    arr = planned.customers.arr_cents
    order = np.lexsort((np.arange(len(arr)), -arr))  # in canonical order: ties end on the external id
    return frozenset(order[: planned.policy.approve_top].tolist())


def _releases(planned: Planned) -> list[MoveFinding]:
    """Customers whose tier has no CSM leave the book they are in."""
    alone = {tier.slug: tier for tier in planned.tiers if not tier.served}
    everyone = planned.everyone
    return [
        MoveFinding(
            external_id=everyone.external_id[row],
            from_csm=everyone.csm[row],
            to_csm="",
            tier=slug,
            pool=alone[slug].name,
            kind="forced",
            code="self_service",
            reason=f"The self-service tier {alone[slug].name} has no CSM.",
            runner_up="",
            runner_up_cost=None,
            fallback=False,
            arr_cents=int(everyone.arr_cents[row]),
            minutes=int(everyone.minutes[row]),
        )
        for row, slug in enumerate(everyone.tier)
        if slug in alone and everyone.csm[row]
    ]


def _runner_up(planned: Planned, books: Books, row: int) -> tuple[str, float | None]:
    """The next best CSM who has room, and how many points dearer it would be."""
    seat, problem = int(books.seat[row]), planned.problem
    if seat < 0:
        return "", None
    room = books.seats_for(np.array([row]))[0]
    room[seat] = False
    if problem.current[row] >= 0:
        room[problem.current[row]] = False
    if not room.any():
        return "", None
    points = np.round(problem.costs[row] + books.added_points(row), 9)
    best = int(np.argmin(np.where(room, points, np.inf)))
    scale = problem.measures
    with_it = books.measured[:, seat]
    given = scale.penalty_at(seat, with_it) - scale.penalty_at(seat, with_it - scale.amounts[:, row])
    return planned.csms[best].key, round(float(points[best] - problem.costs[row, seat] - given), 4)


def _reason(planned: Planned, row: int, code: MoveCode, to: str, fallback: bool) -> str:
    customers = planned.customers
    name = planned.csm_name(customers.csm[row])
    words = {
        "no_csm": "Had no CSM.",
        "leaver": f"{name} leaves.",
        "over_cap": f"{name} holds more {_tier_name(planned, customers.tier[row])} customers than the cap.",
        "over_hours": f"The book of {name} asks for more hours than there are.",
        "makes_room": "Makes room, so that another customer finds a CSM within the limits.",
        "balance": f"Evens out the books of {name} and {planned.csm_name(to)}.",
    }.get(code, "")
    if code in ("unable", "country_law"):
        current = planned.csms[int(planned.problem.current[row])]
        words = f"{name} {why_unable(customers=customers, position=row, csm=current, policy=planned.policy)}."
    if fallback:
        words += f" No {customers.vertical[row]} specialist had room for it; a generalist stands in."
    return words if to else f"{words} Nobody else may or can take it."


def _tier_name(planned: Planned, slug: str) -> str:
    return next((tier.name for tier in planned.tiers if tier.slug == slug), slug)


def _unassigned(planned: Planned, books: Books, pools: Sequence[str]) -> list[UnassignedFinding]:
    customers = planned.customers
    return [
        UnassignedFinding(
            external_id=customers.external_id[row],
            tier=customers.tier[row],
            pool=pools[row],
            reason=_why_nobody(planned, books, row),
            minutes=int(customers.minutes[row]),
        )
        for row in books.unseated()
    ]


def _why_nobody(planned: Planned, books: Books, row: int) -> str:
    customers, problem = planned.customers, planned.problem
    there = [place for place, csm in enumerate(planned.csms) if csm.leaving != "gone"]
    country = customers.country[row]
    if not there:
        return "There is no CSM."
    if not planned.fit.lawful[row, there].any():
        return f"No CSM covers the country {country}."
    able = [place for place in there if planned.fit.able[row, place]]
    if not able:
        phrases = Counter(
            why_unable(customers=customers, position=row, csm=planned.csms[place], policy=planned.policy)
            for place in there
        )
        return "Nobody is able: " + "; ".join(f"{n} × {words}" for words, n in sorted(phrases.items())) + "."
    takes = [place for place in able if problem.allowed[row, place]]
    if not takes:
        return "Nobody who is able takes new customers (not accepting, leaving, or no hours)."
    tier = int(problem.tier[row])
    capped = sum(bool(books.count[place, tier] + 1 > problem.cap[place, tier]) for place in takes)
    short = sum(bool(books.load[place] + problem.minutes[row] > problem.capacity[place]) for place in takes)
    name = _tier_name(planned, customers.tier[row])
    return (
        f"No room with the {len(takes)} who may take it: {capped} at their {name} cap, {short} out of hours."
    )


def _parts(planned: Planned, books: Books) -> Mapping[str, float]:
    problem, scale = planned.problem, planned.problem.measures
    off = np.maximum(np.abs(books.measured - scale.targets) / scale.scale - scale.bands[:, None], 0.0)
    balance = scale.weights * off.sum(axis=1)
    seated = np.flatnonzero(books.seat >= 0)
    pairs = float(problem.costs[seated, books.seat[seated]].sum())
    moved = problem.home & (books.seat != problem.current) & (books.seat >= 0)
    weights = customer_weights(customers=planned.customers, tiers=planned.tiers)
    continuity = float((weights[moved] * problem.costs.weight_continuity).sum())
    able = planned.problem.allowed.any(axis=1)
    waiting = np.flatnonzero((books.seat < 0) & able)
    return {
        "hours": float(balance[0]),
        "arr": float(balance[1]),
        "customers": float(balance[2]),
        "fit": pairs - continuity,
        "continuity": continuity,
        "left_out": float(left_out_points(books, waiting).sum()),
    }


def _idle_points(planned: Planned, books: Books, found: Searched) -> float:
    """Points of CSMs who are in no group: nobody can be given to them."""
    idle = np.ones(planned.problem.csms, dtype=np.bool_)
    for part in found.parts:
        idle[part.csms] = False
    return float(planned.problem.measures.penalty(books.measured)[idle].sum()) if idle.any() else 0.0


def _families(planned: Planned) -> dict[int, tuple[str, int]]:
    anchor = planned.problem.costs.anchor
    return {
        row: (planned.customers.family[row], int(anchor[row])) for row in np.flatnonzero(anchor >= 0).tolist()
    }


def _waiting_points(planned: Planned, books: Books, found: Searched) -> float:
    """Points of who is left out and in no group: all who may have it are over a limit, or stand in for specialists."""
    waiting = np.array(planned.problem.allowed.any(axis=1), dtype=np.bool_)
    for part in found.parts:
        waiting[part.customers] = False
    return float(left_out_points(books, np.flatnonzero(waiting)).sum())


def _after(planned: Planned, seats: Sequence[str]) -> list[str]:
    """CSM key of everyone after the plan: the served as planned, self-service with nobody, the untiered as they were."""
    planned_seats = dict(zip(planned.customers.external_id, seats, strict=True))
    alone = {tier.slug for tier in planned.tiers if not tier.served}
    everyone = planned.everyone
    return [
        planned_seats.get(external_id, "" if slug in alone else csm)
        for external_id, slug, csm in zip(everyone.external_id, everyone.tier, everyone.csm, strict=True)
    ]


def book_rows(
    *,
    customers: CustomerColumns,
    csms: Sequence[CsmFacts],
    tiers: Sequence[TierFacts],
    caps: IntColumn,
    seats: Sequence[str],
) -> tuple[BookRow, ...]:
    """A row for each CSM who is there, and for one who is gone as long as a book is left behind.

    ``seats`` = CSM key of each customer, ``caps`` = CSMs × tiers.
    """
    books: dict[str, list[int]] = {csm.key: [] for csm in csms}
    for row, key in enumerate(seats):
        if key in books:
            books[key].append(row)
    rows = []
    for place, csm in enumerate(csms):
        held = books[csm.key]
        if csm.leaving == "gone" and not held:
            continue
        count = Counter(customers.tier[row] for row in held)
        limits = {tier.slug: int(caps[place, at]) for at, tier in enumerate(tiers) if tier.served}
        shown = [tier.slug for tier in tiers if tier.served or count[tier.slug]]
        rows.append(
            BookRow(
                csm=csm.key,
                name=csm.name,
                team=csm.team,
                customers=len(held),
                by_tier={slug: count[slug] for slug in shown},
                cap_room={slug: None if cap == NO_CAP else cap - count[slug] for slug, cap in limits.items()},
                arr_cents=int(customers.arr_cents[held].sum()),
                minutes=int(customers.minutes[held].sum()),
                capacity_minutes=max(0, csm.capacity_minutes) if csm.leaving != "gone" else 0,
            )
        )
    return tuple(rows)


def _rows(planned: Planned, seats: Sequence[str]) -> tuple[BookRow, ...]:
    return book_rows(
        customers=planned.everyone,
        csms=planned.csms,
        tiers=planned.tiers,
        caps=planned.problem.cap,
        seats=seats,
    )


def _notes(planned: Planned, *, most_proven: bool) -> tuple[str, ...]:
    notes = []
    if not most_proven:
        notes.append("It is not proven that no more customers could be served.")
    if not planned.csms:
        notes.append("There is no CSM: nobody can be served.")
    elif not (planned.problem.capacity > 0).any():
        notes.append("No CSM has hours this month: nobody can be given a customer.")
    notes += [f"The cap of tier {tier.name} is 0: nobody may hold such a customer." for tier in planned.tiers
              if tier.served and tier.cap == 0]  # fmt: skip
    known = {tier.slug for tier in planned.tiers}
    untiered = sum(slug not in known for slug in planned.everyone.tier)
    if untiered:
        notes.append(f"{untiered} customers have no tier yet and were left as they are: re-tier first.")
    if not len(planned.customers):
        notes.append("No customer has a tier that is served: there is nothing to plan.")
    return tuple(notes)
