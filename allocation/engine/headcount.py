"""How many CSMs are needed, line by line: a line is a tier in a pool. Prose with the formulas: ``docs/headcount.md``.

Hours are whole minutes a month. Fractions are kept to the end: heads are rounded up once a line, and once for the whole.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np

from allocation.engine.books_eligibility import eligibility, pool_names
from allocation.engine.books_pairs import PairTable
from allocation.engine.books_shortage import net_minutes_a_head as usual_minutes
from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    FloatColumn,
    IntColumn,
    TierFacts,
)

EVERY_POOL = ""


@dataclass(frozen=True, slots=True)
class HeadLine:
    """One tier in one pool: what is asked, and the heads for it.

    ``minutes_asked`` of a month, ``head_minutes`` net ones of a full head in it. ``cap``: customers a head may hold; None = no
    cap. ``by_hours``, ``by_cap``: heads, not rounded; ``heads_needed`` the larger, rounded up. ``heads_there``: full-time heads.
    """

    tier: str
    pool: str
    customers: int
    minutes_asked: int
    cap: int | None
    head_minutes: int
    by_hours: float
    by_cap: float
    heads_needed: int
    heads_there: float

    @property
    def exact(self) -> Fraction:
        """Heads needed before they are rounded up."""
        return exact_heads(
            customers=self.customers, minutes=self.minutes_asked, head_minutes=self.head_minutes, cap=self.cap
        )


def exact_heads(*, customers: int, minutes: int, head_minutes: int, cap: int | None) -> Fraction:
    """The larger of hours ÷ net hours of a head and customers ÷ cap. A cap of 0 cannot be met by hiring: hours alone count."""
    by_hours = Fraction(minutes, head_minutes)
    return max(by_hours, Fraction(customers, cap)) if cap else by_hours


def head_lines(
    *, facts: BookFacts, policy: BookPolicy, net_minutes_a_head: Mapping[str, int] | None = None
) -> tuple[HeadLine, ...]:
    """A line for each tier and pool that has customers, in the order of tiers and then of pools' names.

    ``net_minutes_a_head``: net minutes of a full head in a month by pool, "" for every pool that is not named; without it
    full time × what the able CSMs have left of their hours on average, as the shortages of a plan count. Open seats are no
    heads that are there. Raises ValueError where a head has no minutes.
    """
    customers, rows, tiers = _served(facts)
    csms = people(facts.csms)
    names = pool_names(customers=facts.customers, csms=facts.csms, tiers=facts.tiers, policy=policy)
    keys = sorted({(tiers[facts.customers.tier[row]], names[row]) for row in rows})
    place = {key: at for at, key in enumerate(keys)}
    line = np.array([place[tiers[facts.customers.tier[row]], names[row]] for row in rows], dtype=np.int64)
    able = _able_of_lines(facts=facts, csms=csms, policy=policy, rows=rows, line=line, lines=len(keys))
    minutes = np.bincount(line, weights=customers[rows], minlength=len(keys)).astype(np.int64)
    counts = np.bincount(line, minlength=len(keys))
    there = _heads_there(facts.customers, csms, policy, rows, line, minutes, able)
    given = net_minutes_a_head
    found = []
    for at, (tier, pool) in enumerate(keys):
        if given is None:
            head = usual_minutes(csms=csms, policy=policy, able=able[at])
        else:
            head = given[pool] if pool in given else given[EVERY_POOL]
        found.append(
            _line(facts.tiers[tier], pool, int(counts[at]), int(minutes[at]), head, float(there[:, at].sum()))
        )
    return tuple(found)


def heads_in_all(lines: Sequence[HeadLine]) -> int:
    """Heads for all lines together, rounded up once."""
    return math.ceil(exact_in_all(lines))


def exact_in_all(lines: Sequence[HeadLine]) -> Fraction:
    """Heads for all lines together, not rounded: a CSM may serve several, so hours add up, and caps add up tier by tier.

    The largest of these: who holds as many of one tier as the cap allows has hours left for another.
    """
    return max(hours_in_all(lines), *caps_in_all(lines).values(), Fraction(0))


def hours_in_all(lines: Sequence[HeadLine]) -> Fraction:
    """Heads that the hours of all lines ask."""
    return sum((Fraction(line.minutes_asked, line.head_minutes) for line in lines), Fraction(0))


def caps_in_all(lines: Sequence[HeadLine]) -> dict[str, Fraction]:
    """Heads that the cap of each tier asks, over its pools."""
    found: dict[str, Fraction] = {}
    for line in lines:
        if line.cap:
            found[line.tier] = found.get(line.tier, Fraction(0)) + Fraction(line.customers, line.cap)
    return found


def facts_of(*, facts: BookFacts, csms: Collection[str]) -> BookFacts:
    """The facts of these CSMs (by key) and of the customers in their books only."""
    columns = facts.customers
    rows = np.array([row for row, key in enumerate(columns.csm) if key in csms], dtype=np.int64)
    kept = {
        field.name: column[rows] if isinstance(column, np.ndarray) else tuple(column[row] for row in rows)
        for field in fields(columns)
        for column in (getattr(columns, field.name),)
    }
    return replace(
        facts,
        customers=CustomerColumns(**kept),
        csms=tuple(csm for csm in facts.csms if csm.key in csms),
    )


def people(csms: Sequence[CsmFacts]) -> tuple[CsmFacts, ...]:
    """Who is there: neither gone nor an open seat."""
    return tuple(csm for csm in csms if csm.leaving != "gone" and not csm.is_seat)


def full_time_heads(*, csm: CsmFacts, policy: BookPolicy) -> Fraction:
    """Paid hours ÷ full time; 0 for who has no hours for customers in the month."""
    return (
        Fraction(max(0, csm.contract_minutes), policy.full_time_minutes)
        if csm.capacity_minutes > 0
        else Fraction(0)
    )


def _line(tier: TierFacts, pool: str, customers: int, minutes: int, head: int, there: float) -> HeadLine:
    if head <= 0:
        raise ValueError(f"A head in the pool {pool} has no hours for customers.")
    exact = exact_heads(customers=customers, minutes=minutes, head_minutes=head, cap=tier.cap)
    return HeadLine(
        tier=tier.slug,
        pool=pool,
        customers=customers,
        minutes_asked=minutes,
        cap=tier.cap,
        head_minutes=head,
        by_hours=minutes / head,
        by_cap=customers / tier.cap if tier.cap else 0.0,
        heads_needed=math.ceil(exact),
        heads_there=there,
    )


def _served(facts: BookFacts) -> tuple[IntColumn, IntColumn, dict[str, int]]:
    """Minutes of everybody, the rows of who has a CSM by its tier, and the place of each such tier."""
    tiers = {tier.slug: place for place, tier in enumerate(facts.tiers) if tier.served}
    rows = np.array([row for row, slug in enumerate(facts.customers.tier) if slug in tiers], dtype=np.int64)
    return np.asarray(facts.customers.minutes, dtype=np.int64), rows, tiers


def _able_of_lines(
    *,
    facts: BookFacts,
    csms: Sequence[CsmFacts],
    policy: BookPolicy,
    rows: IntColumn,
    line: IntColumn,
    lines: int,
) -> BoolColumn:
    """Lines × CSMs: whether the CSM may serve somebody of the line."""
    able: PairTable[np.bool_] = eligibility(customers=facts.customers, csms=csms, policy=policy).able
    found = np.zeros((lines, len(csms)), dtype=np.bool_)
    for at, kind in set(zip(line.tolist(), able.kind[rows].tolist(), strict=True)):
        found[at] |= able.rows[kind]
    return found


def _heads_there(
    customers: CustomerColumns,
    csms: Sequence[CsmFacts],
    policy: BookPolicy,
    rows: IntColumn,
    line: IntColumn,
    asked: IntColumn,
    able: BoolColumn,
) -> FloatColumn:
    """CSMs × lines: each CSM's full-time head, shared as the minutes of the book lie.

    A book without minutes counts by its customers; an empty one by what the lines ask that the CSM is able for.
    """
    place = {csm.key: at for at, csm in enumerate(csms)}
    lines = len(asked)
    holder = np.array([place.get(customers.csm[row], -1) for row in rows], dtype=np.int64)
    held = holder >= 0
    cell = holder[held] * lines + line[held]
    size = len(csms) * lines
    minutes = np.bincount(cell, weights=customers.minutes[rows[held]], minlength=size).reshape(
        len(csms), lines
    )
    counted = np.bincount(cell, minlength=size).reshape(len(csms), lines)
    shares = np.zeros((len(csms), lines), dtype=np.float64)
    for at, csm in enumerate(csms):
        for weights in (minutes[at], counted[at], able[:, at] * asked, able[:, at]):
            if weights.sum() > 0:
                shares[at] = float(full_time_heads(csm=csm, policy=policy)) * weights / weights.sum()
                break
    return shares
