"""The lines of the balance page as strings: CSMs, teams, and all of them; each number with how it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings

from accounts.models import CSM, Tier
from allocation.engine.balance import OUTSIDE
from allocation.engine.facts.books import BookRow
from allocation.selectors import book_lines, wording
from allocation.selectors.balance import Workload
from allocation.selectors.balance_groups import Group, Room
from allocation.selectors.balance_words import capacity_words
from allocation.selectors.covers import leave_marks
from allocation.selectors.renewals import Period, Renewals
from allocation.snapshots.away import LONG_LEAVE_DAYS, days_away


@dataclass(frozen=True, slots=True)
class TierCell:
    """Customers of one tier against the caps. over: more than the cap allows. where: in how many books of a team."""

    tier: str
    number: str
    words: str
    where: str
    over: bool
    trace: str


@dataclass(frozen=True, slots=True)
class RenewalCell:
    """Contracts that end in one period."""

    label: str
    customers: str
    arr: str


@dataclass(frozen=True, slots=True)
class Line:
    """One CSM, one team, or all. pk: of the CSM or the team, None where the line leads nowhere. pct: utilisation in per cent."""

    name: str
    pk: int | None
    is_team: bool
    note: str
    depth: int
    csms: str
    customers: str
    customers_trace: str
    by_tier: tuple[TierCell, ...]
    arr: str
    arr_trace: str
    hours: str
    hours_trace: str
    capacity: str
    capacity_trace: str
    pct: float | None
    share: str
    pct_trace: str
    without: str
    side: str
    outside: str
    outside_trace: str
    heads: str
    heads_tone: str
    heads_trace: str
    leave: str = ""
    leave_tone: str = ""
    renewals: tuple[RenewalCell, ...] = ()


@dataclass(frozen=True)
class Page:
    """What every line of one page needs: the day's books, tiers, periods, and the mean of the books looked at."""

    found: Workload
    tiers: Sequence[Tier]
    periods: Sequence[Period]
    mean: Fraction | None
    marks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    parts: Mapping[str, tuple[object, object, object]] = field(default_factory=dict)
    away: Mapping[str, int] = field(default_factory=dict)

    @property
    def places(self) -> int:
        """Cents in a column of amounts, where some book has any."""
        return wording.places_of(wording.from_cents(row.arr_cents) for row in self.found.rows)


def page_of_lines(
    *, found: Workload, tiers: Sequence[Tier], periods: Sequence[Period], mean: Fraction | None, on: date
) -> Page:
    """Two statements: what the capacities are made of."""
    ids = {found.csm_ids[row.csm]: row.csm for row in found.rows if row.csm in found.csm_ids}
    made_of = CSM.objects.order_by("pk").values_list("pk", "hours_per_month", "ramp_pct", "overhead_pct")
    away = days_away(as_of=on, at_least=LONG_LEAVE_DAYS)
    return Page(
        found=found,
        tiers=tiers,
        periods=periods,
        mean=mean,
        marks=leave_marks(covers=found.covers, seen=found.seen),
        parts={ids[pk]: (given, ramp, overhead) for pk, given, ramp, overhead in made_of if pk in ids},
        away={ids[pk]: days for pk, days in away.items() if pk in ids},
    )


def line_of(group: Group, page: Page) -> Line:
    """A CSM's line where the group is one book without a team of its own, else a team's."""
    one = group.rows[0] if _is_one_csm(group) else None
    leave, tone = page.marks.get(one.csm, ("", "")) if one else ("", "")
    share = group.utilisation
    pct = None if share is None else float(100 * share)
    outside = group.outside(page.mean)
    heads, heads_tone, heads_trace = _heads(group)
    return Line(
        name=group.name,
        pk=page.found.csm_ids.get(one.csm) if one else group.team.pk if group.team else None,
        is_team=one is None,
        note=(group.above or "no team") if one else f"part of {group.above}" if group.above else "",
        depth=min(group.depth, 4),
        csms=wording.counted(len(group.rows), "CSM"),
        customers=wording.grouped(group.customers),
        customers_trace=_customers_words(group, one),
        by_tier=tuple(_tier_cell(group, tier, one is not None) for tier in page.tiers),
        arr=wording.grouped(wording.from_cents(group.arr_cents), places=page.places),
        arr_trace=arr_words(group),
        hours=wording.hours_and_minutes(group.minutes),
        hours_trace=_hours_words(group, one, leave),
        capacity=wording.hours_and_minutes(group.capacity_minutes) if share is not None else wording.DASH,
        capacity_trace=capacity_words(one, page.parts, page.away) if one else _capacity_of_team(group),
        pct=pct,
        share=wording.percent(pct, places=2),
        pct_trace=_utilisation_words(group, page),
        without="covered" if one and one.covered else "no capacity",
        side=_side(one, page) if one else "",
        outside=f"{outside} of {group.measured}" if group.measured else wording.DASH,
        outside_trace=_outside_words(outside, group, page),
        heads=heads,
        heads_tone=heads_tone,
        heads_trace=heads_trace,
        leave=leave,
        leave_tone=tone,
        renewals=renewal_cells(group.renewals(page.found.renewals), page.periods),
    )


def _is_one_csm(group: Group) -> bool:
    return len(group.rows) == 1 and group.team is None and group.name == group.rows[0].name


def _customers_words(group: Group, one: BookRow | None) -> str:
    if one:
        return f"Active customers on the day whose CSM is {one.name}."
    return f"Active customers in the books of {wording.counted(len(group.rows), 'CSM')}, each counted once."


def arr_words(group: Group) -> str:
    """How a sum of ARR came."""
    currency = settings.BASE_CURRENCY
    customers = wording.counted(group.customers, "customer")
    return (
        f"Sum of the ARR of {customers}, each in {currency} at the rates of today; an unknown ARR counts 0."
    )


def _tier_cell(group: Group, tier: Tier, one: bool) -> TierCell:
    number, room = group.of_tier(tier.slug), group.room(tier.slug)
    if room is None:
        return TierCell(tier.name, wording.grouped(number), "", "", False, "")
    return TierCell(
        tier=tier.name,
        number=wording.grouped(number),
        words=_room_words(room),
        where="" if one or not room.over else f"in {wording.counted(room.books_over, 'book')}",
        over=room.over > 0,
        trace=_cap_words(tier, number, room, group if not one else None),
    )


def _room_words(room: Room) -> str:
    if room.over:
        return f"{wording.grouped(room.over)}{wording.SPACE}over"
    return f"{wording.grouped(room.free)}{wording.SPACE}free" if room.free else "full"


def _cap_words(tier: Tier, number: int, room: Room, team: Group | None) -> str:
    each = (
        f"Cap of {tier.name}: {tier.cap} for a CSM in full time, times the share of full time, rounded down."
    )
    if team is None:
        cap = number + room.free - room.over
        return f"{each}\nHere {cap}; {number} in the book."
    return f"{each}\n{len(team.rows)} CSMs: {wording.grouped(room.free)} free places, {wording.grouped(room.over)} customers over a cap, book by book."


def _hours_words(group: Group, one: BookRow | None, leave: str) -> str:
    base = "Hours of the touch plans in a year ÷ 12"
    if one is None:
        return f"{base}, of {wording.counted(group.customers, 'customer')} with {wording.counted(len(group.rows), 'CSM')}, counted with who serves them on the day."
    if one.covered:
        return "The hours of this book count with the cover."
    more = ", and of the books covered" if leave.startswith("covers") else ""
    return f"{base}, of {wording.counted(one.customers, 'customer')}{more}."


def _capacity_of_team(group: Group) -> str:
    said = f"Sum of the capacity of {wording.counted(group.measured, 'CSM')}"
    left_out = len(group.rows) - group.measured
    return f"{said}; {left_out} covered or without hours on the day left out." if left_out else f"{said}."


def _utilisation_words(group: Group, page: Page) -> str:
    share = group.utilisation
    if share is None:
        return ""
    said = (
        f"{wording.hours_and_minutes(group.minutes)} hours asked ÷ {wording.hours_and_minutes(group.capacity_minutes)} "
        f"hours of capacity = {wording.percent(float(100 * share), places=2)}"
    )
    if page.mean is None:
        return said
    return f"{said}\n{band_words(page.mean)}"


def band_words(mean: Fraction) -> str:
    """The band in per cent: "Mean of the CSMs 83.1 %, ±15 % of it: 70.6 % to 95.6 %"."""
    low, high = mean * (1 - OUTSIDE), mean * (1 + OUTSIDE)
    return (
        f"Mean of the CSMs {wording.percent(float(mean), places=1)}, ±15 % of it: "
        f"{wording.percent(float(low), places=1)} to {wording.percent(float(high), places=1)}"
    )


def _side(row: BookRow, page: Page) -> str:
    if page.mean is None or not Group(row.name, (row,)).outside(page.mean):
        return ""
    return "above" if 100 * (row.utilisation or 0.0) > page.mean else "below"


def _outside_words(outside: int, group: Group, page: Page) -> str:
    if not group.measured or page.mean is None:
        return ""
    share = wording.percent(100 * outside / group.measured, places=1)
    return f"{outside} ÷ {wording.counted(group.measured, 'CSM')} with a utilisation = {share}\n{band_words(page.mean)}"


def _heads(group: Group) -> tuple[str, str, str]:
    """Words, tone, and how it came."""
    heads = group.heads
    if heads is None:
        return wording.DASH, "", ""
    each = group.capacity_minutes // group.measured
    exact = Decimal(group.minutes) * group.measured / group.capacity_minutes
    trace = (
        f"{wording.hours_and_minutes(group.minutes)} hours asked ÷ {wording.hours_and_minutes(each)} hours a CSM has on "
        f"average = {exact:.2f}, rounded up {group.heads_needed}; {group.measured} are there"
    )
    if heads < 0:
        return f"{-heads} short", "bad", trace
    return (f"{heads} to spare", "", trace) if heads else ("as needed", "", trace)


def renewal_cells(found: Renewals, periods: Sequence[Period]) -> tuple[RenewalCell, ...]:
    """One a period, and one for all; ARR short, since the whole stands in the first table."""
    cells = zip(periods, found.customers, found.arr_cents, strict=True)
    total = RenewalCell("All", wording.grouped(sum(found.customers)), _short(sum(found.arr_cents)))
    return (
        *(
            RenewalCell(one.label, wording.grouped(number), _short(cents) if number else "")
            for one, number, cents in cells
        ),
        total,
    )


def _short(cents: int) -> str:
    return wording.compact(wording.from_cents(cents), settings.BASE_CURRENCY)


# As books are put in order, and by heads; "team" is whatever stands above.
SORTS: Mapping[str, tuple[str, Any]] = {
    **book_lines.SORTS,
    "team": ("By team", lambda one: one.above),
    "-heads": ("Shortest of heads first", lambda one: (one.heads is None, one.heads or 0)),
    "heads": ("Most heads to spare first", lambda one: (one.heads is None, -(one.heads or 0))),
}


def in_order(groups: Sequence[Group], *, sort: str) -> list[Group]:
    """By a name of SORTS, ties by name and the CSM's key."""
    key = SORTS[sort][1]
    return sorted(groups, key=lambda one: (key(one), one.name, one.rows[0].csm if one.rows else ""))
