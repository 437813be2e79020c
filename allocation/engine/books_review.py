"""Reviewing a plan: which limits a change of single rows would break, who could take a customer, how the books stand then.

Prose: ``docs/engine/books.md``, "Reviewing a plan". Facts in, findings out; it looks at a plan as it stands (who sits
with whom) and knows nothing of how the plan was found. Seats are positions of CSMs in the facts, ``NOBODY`` = none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from allocation.engine.books import caps
from allocation.engine.books_eligibility import Eligibility, eligibility, why_unable
from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    BoolColumn,
    BudgetUse,
    CsmFacts,
    CustomerColumns,
    IntColumn,
    TierFacts,
)

NOBODY = -1

LimitKind = Literal[
    "cap", "hours", "full", "closed", "unable", "leaver", "hold", "self_service", "moves", "moves_arr"
]


@dataclass(frozen=True, slots=True)
class Broken:
    """One limit that does not hold. ``held`` and ``limit`` in customers, minutes or cents; ``why`` as a phrase.

    ``csm`` is whose book it is about, ``external_id`` whose seat; "" where it is about neither.
    """

    kind: LimitKind
    csm: str = ""
    external_id: str = ""
    tier: str = ""
    held: int = 0
    limit: int = 0
    why: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The same limit of the same book or customer."""
        return self.kind, self.csm, self.external_id, self.tier

    @property
    def excess(self) -> int:
        """By how much; a limit that was broken before may not be broken by more."""
        return self.held - self.limit


@dataclass(frozen=True, slots=True)
class Candidate:
    """A CSM and one customer. ``why_not`` None: can take it now, within every limit.

    The other figures are those of the CSM with that customer: minutes left of the month, customers left under the cap
    (None = no cap), load ÷ capacity (None without capacity), the mismatch of the pair (0 = everything fits).
    """

    csm: str
    name: str
    why_not: Broken | None
    mismatch: float
    fallback: bool
    minutes_left: int
    cap_left: int | None
    utilisation: float | None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a review looks things up in: the facts by position and the tables made from them.

    ``home``: may stay where it is now, so that another CSM is a choice. ``held``: must stay there.
    """

    customers: CustomerColumns
    csms: tuple[CsmFacts, ...]
    tiers: tuple[TierFacts, ...]
    policy: BookPolicy
    place: Mapping[str, int]
    row: Mapping[str, int]
    tier: IntColumn
    served: BoolColumn
    current: IntColumn
    home: BoolColumn
    held: BoolColumn
    fit: Eligibility
    cap: IntColumn
    capacity: IntColumn

    def seats(self, given: Mapping[str, str]) -> IntColumn:
        """Everybody's seat: as ``given`` ({external id: CSM key, "" = nobody}), the others where they are now."""
        seats = self.current.copy()
        for external_id, key in given.items():
            seats[self.row[external_id]] = self.place.get(key, NOBODY)
        return seats


def review_desk(*, facts: BookFacts, policy: BookPolicy) -> Desk:
    """The tables for reviewing a plan that was made from these facts under this policy."""
    customers, csms, tiers = facts.customers, facts.csms, facts.tiers
    place = {csm.key: at for at, csm in enumerate(csms)}
    number = {tier.slug: at for at, tier in enumerate(tiers)}
    tier = np.array([number.get(slug, -1) for slug in customers.tier], dtype=np.int64)
    serves = np.array([*(tier.served for tier in tiers), False], dtype=np.bool_)  # the last: no tier
    current = np.array([place.get(key, NOBODY) for key in customers.csm], dtype=np.int64)
    fit = eligibility(customers=customers, csms=csms, policy=policy)
    home, held = _home_and_held(customers, csms, fit, current)
    return Desk(
        customers=customers,
        csms=csms,
        tiers=tiers,
        policy=policy,
        place=place,
        row={name: at for at, name in enumerate(customers.external_id)},
        tier=tier,
        served=serves[tier],
        current=current,
        home=home & serves[tier],
        held=held & serves[tier],
        fit=fit,
        cap=caps(csms=csms, tiers=tiers, policy=policy),
        capacity=np.array([_capacity(csm) for csm in csms], dtype=np.int64),
    )


def newly_broken(*, desk: Desk, before: IntColumn, after: IntColumn) -> tuple[Broken, ...]:
    """Limits that the plan keeps as it stands ``before`` and would break ``after``, or break by more.

    A book over a limit takes nobody new: where somebody is seated by the change, no limit of that book may be broken.
    """
    old = {broken.key: broken for broken in broken_limits(desk=desk, seats=before)}
    broken = broken_limits(desk=desk, seats=after)
    found = [one for one in broken if one.key not in old or one.excess > old[one.key].excess]
    said = {one.csm for one in found if one.kind in ("cap", "hours")}
    over = {one.csm for one in broken if one.kind in ("cap", "hours")} - said
    moved_in = np.flatnonzero((after != before) & (after != desk.current) & (after != NOBODY))
    taking = sorted({desk.csms[int(after[row])].key for row in moved_in} & over)
    return (*found, *(Broken("full", csm=key) for key in taking))


def broken_limits(*, desk: Desk, seats: IntColumn) -> tuple[Broken, ...]:
    """Every limit that does not hold with these seats, books first, in the order of the facts."""
    load, count = _load_and_count(desk, seats)
    found = [*_over_limits(desk, load, count), *_over_budget(desk, seats)]
    for row in np.flatnonzero(_looks_wrong(desk, seats)):
        one = _misplaced(desk, int(row), int(seats[row]))
        if one is not None:
            found.append(one)
    return tuple(found)


def candidates(*, desk: Desk, seats: IntColumn, external_id: str) -> tuple[Candidate, ...]:
    """Every CSM for one customer of the plan as it stands, those who can take it first, the best of them first.

    Best: no generalist in a specialist's place, then the better fit, then the lower utilisation. Its CSM of today and
    the one it is planned for are left out: neither is another CSM.
    """
    row = desk.row[external_id]
    load, count = _load_and_count(desk, seats)
    if seats[row] != NOBODY:
        load[seats[row]] -= desk.customers.minutes[row]
        count[seats[row], desk.tier[row]] -= 1
    found = [
        _candidate(desk, seats, row, at, load, count)
        for at in range(len(desk.csms))
        if at not in {int(seats[row]), int(desk.current[row])}
    ]
    return tuple(sorted(found, key=_best_first))


def budget_use(*, desk: Desk, seats: IntColumn) -> BudgetUse:
    """Changes of CSM by choice against the budget, and the forced ones."""
    away = desk.home & (seats != desk.current)
    every = seats != desk.current
    return BudgetUse(
        chosen=int(away.sum()),
        chosen_limit=_share(desk.policy.max_moves_pct, int(desk.served.sum())),
        chosen_arr_cents=int(desk.customers.arr_cents[away].sum()),
        chosen_arr_limit_cents=_share(
            desk.policy.max_moves_arr_pct, int(desk.customers.arr_cents[desk.served].sum())
        ),
        forced=int((every & ~away).sum()),
    )


def in_words(
    *, broken: Broken, csms: Mapping[str, str], customers: Mapping[str, str], tiers: Mapping[str, str]
) -> str:
    """One sentence. The mappings give the names to say for keys, external ids and tier slugs."""
    csm, customer = csms.get(broken.csm, broken.csm), customers.get(broken.external_id, broken.external_id)
    tier = tiers.get(broken.tier, broken.tier)
    held, limit = broken.held, broken.limit
    return {
        "cap": f"{csm} would hold {held} {tier} customers; the cap is {limit}.",
        "hours": f"The book of {csm} would ask for {_hours(held)} hours a month; there are {_hours(limit)}.",
        "full": f"{csm} is over a limit already and takes nobody new.",
        "closed": f"{csm} {broken.why}.",
        "unable": f"{csm} {broken.why}, so {customer} cannot be there.",
        "leaver": f"{customer} would stay with {csm}, who leaves.",
        "hold": f"{customer} must keep its CSM for now: {broken.why}.",
        "self_service": f"{customer} would stay with {csm}, but the tier {tier} has no CSM.",
        "moves": f"{held} customers would change CSM by choice; the move budget is {limit}.",
        "moves_arr": f"ARR of {held // 100:,} would change CSM by choice; the move budget is {limit // 100:,}.",
    }[broken.kind]


def _hours(minutes: int) -> str:
    return f"{minutes // 60:,}:{minutes % 60:02}"


def _home_and_held(
    customers: CustomerColumns, csms: Sequence[CsmFacts], fit: Eligibility, current: IntColumn
) -> tuple[BoolColumn, BoolColumn]:
    """As "Limits" in the prose: only a CSM who goes and country law outrank a hold."""
    seated = np.flatnonzero(current != NOBODY)
    stays = np.array([csm.leaving == "no" for csm in csms], dtype=np.bool_)
    hold = np.array([bool(reason) for reason in customers.hold], dtype=np.bool_)
    home = np.zeros(len(customers), dtype=np.bool_)
    at = current[seated]
    home[seated] = fit.lawful[seated, at] & stays[at] & (fit.able[seated, at] | hold[seated])
    return home, home & hold


def _load_and_count(desk: Desk, seats: IntColumn) -> tuple[IntColumn, IntColumn]:
    """Minutes of each CSM, and customers CSMs × tiers."""
    load = np.zeros(len(desk.csms), dtype=np.int64)
    count = np.zeros((len(desk.csms), len(desk.tiers)), dtype=np.int64)
    seated = np.flatnonzero((seats != NOBODY) & desk.served)
    np.add.at(load, seats[seated], desk.customers.minutes[seated])
    np.add.at(count, (seats[seated], desk.tier[seated]), 1)
    return load, count


def _over_limits(desk: Desk, load: IntColumn, count: IntColumn) -> Iterator[Broken]:
    for at, column in zip(*np.nonzero(count > desk.cap), strict=True):
        held, limit = int(count[at, column]), int(desk.cap[at, column])
        yield Broken("cap", csm=desk.csms[at].key, tier=desk.tiers[column].slug, held=held, limit=limit)
    for at in np.flatnonzero(load > desk.capacity):
        yield Broken("hours", csm=desk.csms[at].key, held=int(load[at]), limit=int(desk.capacity[at]))


def _over_budget(desk: Desk, seats: IntColumn) -> Iterator[Broken]:
    use = budget_use(desk=desk, seats=seats)
    if use.chosen_limit is not None and use.chosen > use.chosen_limit:
        yield Broken("moves", held=use.chosen, limit=use.chosen_limit)
    if use.chosen_arr_limit_cents is not None and use.chosen_arr_cents > use.chosen_arr_limit_cents:
        yield Broken("moves_arr", held=use.chosen_arr_cents, limit=use.chosen_arr_limit_cents)


def _looks_wrong(desk: Desk, seats: IntColumn) -> BoolColumn:
    """Who is worth a closer look: seated, and anew, or where it may not stay."""
    wrong: BoolColumn = (seats != NOBODY) & ((seats != desk.current) | ~desk.home) & (desk.tier >= 0)
    # A held customer may only be missing from its place.
    missing: BoolColumn = desk.held & (seats != desk.current)
    both: BoolColumn = wrong | missing
    return both


def _misplaced(desk: Desk, row: int, seat: int) -> Broken | None:
    """The first rule that keeps the customer of ``row`` from ``seat``, whatever room there is."""
    name, moved = desk.customers.external_id[row], seat != desk.current[row]
    if desk.held[row] and moved:
        return Broken("hold", external_id=name, held=1, why=desk.customers.hold[row])
    if seat == NOBODY:
        return None
    csm = desk.csms[seat]
    if not desk.served[row]:
        return Broken("self_service", csm=csm.key, external_id=name, tier=desk.customers.tier[row], held=1)
    if moved and (why := _why_closed(csm)):
        return Broken("closed", csm=csm.key, external_id=name, held=1, why=why)
    if csm.leaving != "no":
        return Broken("leaver", csm=csm.key, external_id=name, held=1)
    if not desk.fit.able[row, seat]:
        why = why_unable(customers=desk.customers, position=row, csm=csm, policy=desk.policy)
        return Broken("unable", csm=csm.key, external_id=name, held=1, why=why or "may not serve it")
    return None


def _why_closed(csm: CsmFacts) -> str:
    if csm.leaving != "no":
        return "leaves and takes nobody new"
    if not csm.accepting:
        return "takes no new customers"
    return "" if csm.capacity_minutes > 0 else "has no hours this month"


def _candidate(
    desk: Desk, seats: IntColumn, row: int, at: int, load: IntColumn, count: IntColumn
) -> Candidate:
    """``load`` and ``count`` are without the customer."""
    column, csm = int(desk.tier[row]), desk.csms[at]
    with_it = int(load[at] + desk.customers.minutes[row])
    capacity = int(desk.capacity[at])
    capped = desk.tiers[column].cap is not None
    why_not = _misplaced(desk, row, at) or next(
        iter([*_no_room(desk, row, at, load, count), *_no_budget(desk, seats, row, at)]), None
    )
    return Candidate(
        csm=csm.key,
        name=csm.name,
        why_not=why_not,
        mismatch=float(desk.fit.mismatch[row, at]),
        fallback=bool(desk.fit.fallback[row, at]),
        minutes_left=capacity - with_it,
        cap_left=int(desk.cap[at, column] - count[at, column] - 1) if capped else None,
        utilisation=with_it / capacity if capacity > 0 else None,
    )


def _no_room(desk: Desk, row: int, at: int, load: IntColumn, count: IntColumn) -> Iterator[Broken]:
    csm, column = desk.csms[at].key, int(desk.tier[row])
    if load[at] > desk.capacity[at] or (count[at] > desk.cap[at]).any():
        yield Broken("full", csm=csm)
    if count[at, column] + 1 > desk.cap[at, column]:
        limit = int(desk.cap[at, column])
        yield Broken(
            "cap", csm=csm, tier=desk.tiers[column].slug, held=int(count[at, column]) + 1, limit=limit
        )
    if load[at] + desk.customers.minutes[row] > desk.capacity[at]:
        held = int(load[at] + desk.customers.minutes[row])
        yield Broken("hours", csm=csm, held=held, limit=int(desk.capacity[at]))


def _no_budget(desk: Desk, seats: IntColumn, row: int, at: int) -> Iterable[Broken]:
    """A customer that stays as the plan stands would be one change by choice more."""
    if not desk.home[row] or seats[row] != desk.current[row]:
        return ()
    after = seats.copy()
    after[row] = at
    return _over_budget(desk, after)


def _best_first(one: Candidate) -> tuple[bool, bool, float, float, str]:
    use = float("inf") if one.utilisation is None else one.utilisation
    return one.why_not is not None, one.fallback, round(one.mismatch, 9), round(use, 9), one.csm


def _capacity(csm: CsmFacts) -> int:
    return max(0, csm.capacity_minutes) if csm.leaving != "gone" else 0


def _share(pct: float | None, whole: int) -> int | None:
    """As the planner counts budgets: rounded down, without binary fractions; None = no budget."""
    return None if pct is None else int(Fraction(str(pct)) * whole / 100)
