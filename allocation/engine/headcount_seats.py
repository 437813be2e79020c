"""Which seats make a plan complete: everybody is seated by hand, so to say, and who is left opens seats. ``docs/headcount.md``.

It is a witness, not a plan: since everybody has a place in it, a plan that leaves nobody out exists with these seats.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from allocation.engine.books_eligibility import EVERYONE_ELSE, pool_names, specialised_verticals
from allocation.engine.books_review import NOBODY, Desk, review_desk
from allocation.engine.books_state import NO_CAP
from allocation.engine.facts.books import BookFacts, BookPolicy, BoolColumn, IntColumn
from allocation.engine.headcount import HeadLine, exact_in_all, full_time_heads

Group = tuple[str, str]
"""Vertical that somebody specialises in ("" = everyone else), and country where its law binds ("" = any)."""


@dataclass(frozen=True, slots=True)
class SeatAsked:
    """One open seat and whom it could hold. Empty skills = any. ``label``: what it is called after.

    ``customers`` 0: asked for by the hours and caps of the lines, not by a customer without a place.
    """

    label: str
    customers: int
    minutes: int
    verticals: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    team: str = ""


@dataclass(frozen=True, slots=True)
class NoHelp:
    """A customer that no seat helps, with the reason."""

    external_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeatsAsked:
    """``placed``: customers without a place who find room with those who are there."""

    seats: tuple[SeatAsked, ...]
    no_help: tuple[NoHelp, ...]
    waiting: int
    placed: int


@dataclass(slots=True)
class _Seat:
    groups: set[Group]
    rows: list[int] = field(default_factory=list)
    minutes: int = 0
    count: Counter[int] = field(default_factory=Counter)

    @property
    def countries(self) -> set[str]:
        return {country for _, country in self.groups}


def seats_asked(
    *, facts: BookFacts, policy: BookPolicy, head_minutes: int, lines: Sequence[HeadLine] = ()
) -> SeatsAsked:
    """The seats, besides those that are open already, with which everybody can be served.

    ``lines``: so many more seats as their heads lack in all. ``head_minutes``: net minutes of a seat in a month.
    """
    desk = review_desk(facts=facts, policy=policy)
    seats = desk.current.copy()
    waiting = _waiting(desk, seats)
    seats[waiting] = NOBODY
    left = _into_room(desk, seats, waiting)
    caps = [NO_CAP if tier.cap is None else tier.cap for tier in desk.tiers]
    no_help = {row: why for row in left if (why := _no_help(desk, row, head_minutes, caps))}
    groups = _groups(desk)
    opened = _merged(
        desk,
        _packed(desk, [row for row in left if row not in no_help], groups, head_minutes, caps),
        head_minutes,
        caps,
    )
    found = [_asked(desk, seat, policy) for seat in sorted(opened, key=_largest_first)]
    found += _for_lines(desk, policy, lines, groups, at_least=len(found))
    return SeatsAsked(
        seats=tuple(found),
        no_help=tuple(NoHelp(desk.customers.external_id[row], why) for row, why in sorted(no_help.items())),
        waiting=len(waiting),
        placed=len(waiting) - len(left),
    )


def _waiting(desk: Desk, seats: IntColumn) -> list[int]:
    """Who has no place, and from books over a limit so many as it takes; never one that is held."""
    waits: BoolColumn = desk.served & ~desk.home
    load, count = _held(desk, np.where(waits, NOBODY, seats))
    over = set(np.flatnonzero(load > desk.capacity)) | set(np.nonzero(count > desk.cap)[0])
    for at in sorted(over):
        book = np.flatnonzero(desk.served & ~waits & ~desk.held & (seats == at))
        order = sorted(
            book, key=lambda row: (-int(desk.customers.minutes[row]), desk.customers.external_id[row])
        )
        for row in reversed(order):  # the caps first, by the smallest
            if count[at, desk.tier[row]] > desk.cap[at, desk.tier[row]]:
                waits[row] = True
                load[at] -= desk.customers.minutes[row]
                count[at, desk.tier[row]] -= 1
        for row in order:  # then the hours, by the largest
            if load[at] > desk.capacity[at] and not waits[row]:
                waits[row] = True
                load[at] -= desk.customers.minutes[row]
                count[at, desk.tier[row]] -= 1
    return [int(row) for row in np.flatnonzero(waits)]


def _into_room(desk: Desk, seats: IntColumn, waiting: Iterable[int]) -> list[int]:
    """Seats who finds room with somebody able; gives back who does not, in order of external ids."""
    load, count = _held(desk, seats)
    over = (load > desk.capacity) | (count > desk.cap).any(axis=1)
    takes = np.array(
        [csm.accepting and csm.leaving == "no" and csm.capacity_minutes > 0 for csm in desk.csms],
        dtype=np.bool_,
    )
    open_rows = desk.fit.able.rows & (takes & ~over)[None, :]
    choices = open_rows.sum(axis=1)
    kind, minutes, ids = desk.fit.able.kind, desk.customers.minutes, desk.customers.external_id
    left = []
    for row in sorted(waiting, key=lambda row: (int(choices[kind[row]]), -int(minutes[row]), ids[row])):
        tier, asked = desk.tier[row], int(minutes[row])
        room = desk.capacity - load - asked
        fits = np.flatnonzero(open_rows[kind[row]] & (room >= 0) & (count[:, tier] < desk.cap[:, tier]))
        if not len(fits):
            left.append(int(row))
            continue
        at = int(fits[np.argmin(room[fits])])
        seats[row] = at
        load[at] += asked
        count[at, tier] += 1
    return sorted(left, key=lambda row: ids[row])


def _held(desk: Desk, seats: IntColumn) -> tuple[IntColumn, IntColumn]:
    """Minutes of each CSM, and customers CSMs × tiers."""
    at = np.flatnonzero(desk.served & (seats != NOBODY))
    load = np.bincount(seats[at], weights=desk.customers.minutes[at], minlength=len(desk.csms)).astype(
        np.int64
    )
    count = np.zeros((len(desk.csms), len(desk.tiers)), dtype=np.int64)
    np.add.at(count, (seats[at], desk.tier[at]), 1)
    return load, count


def _no_help(desk: Desk, row: int, head_minutes: int, caps: Sequence[int]) -> str:
    tier = desk.tiers[desk.tier[row]]
    if caps[desk.tier[row]] == 0:
        return f"The cap of tier {tier.name} is 0: nobody may hold it, however many are hired."
    if desk.customers.minutes[row] > head_minutes:
        asked, there = desk.customers.minutes[row] / 60, head_minutes / 60
        return f"It asks {asked:,.1f} hours a month, more than the {there:,.1f} net hours of a whole head."
    return ""


def _groups(desk: Desk) -> list[Group]:
    """Of every customer."""
    vertical_counts = desk.policy.vertical_fit != "ignore"
    special = specialised_verticals(desk.csms) if vertical_counts else frozenset()
    return [
        (vertical if vertical in special else "", country if desk.policy.country_law else "")
        for vertical, country in zip(desk.customers.vertical, desk.customers.country, strict=True)
    ]


def _packed(
    desk: Desk, rows: Iterable[int], groups: Sequence[Group], head_minutes: int, caps: Sequence[int]
) -> list[_Seat]:
    """Largest first into the first seat of its group that has room."""
    seats: dict[Group, list[_Seat]] = {}
    for row in sorted(
        rows, key=lambda row: (-int(desk.customers.minutes[row]), desk.customers.external_id[row])
    ):
        own = seats.setdefault(groups[row], [])
        minutes, tier = int(desk.customers.minutes[row]), int(desk.tier[row])
        for seat in own:
            if seat.minutes + minutes <= head_minutes and seat.count[tier] < caps[tier]:
                break
        else:
            own.append(seat := _Seat(groups={groups[row]}))
        seat.rows.append(row)
        seat.minutes += minutes
        seat.count[tier] += 1
    return [seat for _, own in sorted(seats.items()) for seat in own]


def _merged(desk: Desk, seats: Sequence[_Seat], head_minutes: int, caps: Sequence[int]) -> list[_Seat]:
    """Seats whose customers have room together become one: of one country, or of countries that some CSM covers together."""
    together = [csm.countries for csm in desk.csms]

    def may_meet(one: _Seat, other: _Seat) -> bool:
        mine, both = one.countries, one.countries | other.countries
        return mine == other.countries or any(both - {""} <= covered for covered in together)

    def fit(one: _Seat, other: _Seat) -> bool:
        if one.minutes + other.minutes > head_minutes:
            return False
        return all(number <= caps[tier] for tier, number in (one.count + other.count).items())

    kept: list[_Seat] = []
    for seat in sorted(seats, key=_largest_first):
        other = next((one for one in kept if fit(one, seat) and may_meet(one, seat)), None)
        if other is None:
            kept.append(seat)
            continue
        other.groups |= seat.groups
        other.rows += seat.rows
        other.minutes += seat.minutes
        other.count += seat.count
    return kept


def _largest_first(seat: _Seat) -> tuple[int, int, list[Group]]:
    return -seat.minutes, -len(seat.rows), sorted(seat.groups)


def _asked(desk: Desk, seat: _Seat, policy: BookPolicy) -> SeatAsked:
    """Able for all of its customers: a skill that one of them needs is named, and none where that would shut one out."""
    columns = desk.customers
    verticals = sorted(vertical for vertical, _ in seat.groups)
    some = "" not in verticals
    teams = Counter(
        desk.csms[desk.current[row]].team for row in seat.rows if desk.current[row] != NOBODY
    ) or _teams_of(desk, verticals)
    known = [(number, team) for team, number in teams.items() if team]
    return SeatAsked(
        label=_label(seat.groups),
        customers=len(seat.rows),
        minutes=seat.minutes,
        verticals=tuple(verticals) if some else (),
        regions=_named(columns.region, seat.rows) if policy.region_fit != "ignore" else (),
        countries=_named(columns.country, seat.rows) if policy.country_law else (),
        languages=_named(columns.language, seat.rows) if policy.language_fit != "ignore" else (),
        products=tuple(sorted(frozenset().union(*(columns.products[row] for row in seat.rows))))
        if policy.product_fit != "ignore"
        else (),
        team=min(known, key=lambda one: (-one[0], one[1]))[1] if known else "",
    )


def _named(column: Sequence[str], rows: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted({column[row] for row in rows} - {""}))


def _teams_of(desk: Desk, verticals: Sequence[str]) -> Counter[str]:
    """Teams of the CSMs for these verticals; "" = of generalists."""
    wanted = set(verticals)
    return Counter(
        csm.team for csm in desk.csms if (csm.verticals & wanted) or ("" in wanted and not csm.verticals)
    )


def _label(groups: Iterable[Group]) -> str:
    """ "Telco", "Finance, Telco", "everyone else · Germany"."""
    verticals = sorted({vertical for vertical, _ in groups})
    countries = sorted({country for _, country in groups} - {""})
    name = EVERYONE_ELSE if "" in verticals else ", ".join(verticals)
    return " · ".join([name, *countries])


def _for_lines(
    desk: Desk, policy: BookPolicy, lines: Sequence[HeadLine], groups: Sequence[Group], *, at_least: int
) -> list[SeatAsked]:
    """Seats that the hours and caps of all lines ask for beyond ``at_least``, where the most heads are lacking."""
    if not lines:
        return []
    open_heads = sum(
        (full_time_heads(csm=csm, policy=policy) for csm in desk.csms if csm.is_seat), Fraction(0)
    )
    there = sum(line.heads_there for line in lines)
    lacking = float(exact_in_all(lines) - open_heads) - there
    more = math.ceil(round(lacking, 6)) - at_least
    if more <= 0:
        return []
    short, members = _by_group(desk, lines, groups)
    found = []
    for _ in range(more):
        group = min(short, key=lambda one: (-round(short[one], 6), one))
        short[group] -= 1.0
        everybody = _Seat(groups={group}, rows=members[group])
        found.append(replace(_asked(desk, everybody, policy), customers=0, minutes=0))
    return found


def _by_group(
    desk: Desk, lines: Sequence[HeadLine], groups: Sequence[Group]
) -> tuple[dict[Group, float], dict[Group, list[int]]]:
    """Heads that the lines of each group lack (below 0: are too many), and the rows of its customers."""
    names = pool_names(customers=desk.customers, csms=desk.csms, tiers=desk.tiers, policy=desk.policy)
    lacks = {(line.tier, line.pool): float(line.exact) - line.heads_there for line in lines}
    short: dict[Group, float] = {}
    members: dict[Group, list[int]] = {}
    for row in np.flatnonzero(desk.served).tolist():
        members.setdefault(groups[row], []).append(row)
        short.setdefault(groups[row], 0.0)
        short[groups[row]] += lacks.pop((desk.customers.tier[row], names[row]), 0.0)
    return short, members
