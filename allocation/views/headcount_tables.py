"""Tiles, chart and tables of the headcount page: every number with its words on how it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings

from accounts.models import Tier
from allocation.charts import headcount as months_chart
from allocation.charts.headcount import MonthMark, headcount_months
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.headcount import HeadLine
from allocation.engine.headcount_months import MonthAhead
from allocation.engine.headcount_seats import SeatAsked
from allocation.engine.headcount_words import (
    head_steps,
    line_sentence,
    line_steps,
    month_sentences,
    shown,
    whole_sentences,
)
from allocation.selectors import wording
from allocation.selectors.headcount import Headcount
from allocation.selectors.headcount_answers import seat_skills
from allocation.views.lists import Column
from allocation.views.parts import Kpi
from allocation.views.pyramid_tables import Cell

NUM = "num"


@dataclass(frozen=True)
class LineRow:
    """A line of the table, and its arithmetic in one sentence and step by step."""

    tier: Tier | None
    pool: str
    cells: list[Cell]
    sentence: str
    steps: list[str]


@dataclass(frozen=True)
class Lines:
    columns: list[Column]
    rows: list[LineRow]
    total: list[Cell]


@dataclass(frozen=True)
class MonthRow:
    name: str
    cells: list[Cell]


@dataclass(frozen=True)
class Months:
    columns: list[Column]
    rows: list[MonthRow]


@dataclass(frozen=True)
class SeatRow:
    label: str
    skills: str
    customers: str
    hours: str
    trace: str


def kpis(found: Headcount) -> list[Kpi]:
    """Asked, there, heads needed and there, to hire, and what it costs where a cost is known."""
    last, base = found.months[-1], settings.BASE_CURRENCY
    asked, there = hours(found.minutes_asked), hours(found.minutes_there)
    short = found.minutes_asked > found.minutes_there
    tiles = [
        Kpi(
            "Hours asked a month",
            asked,
            note=wording.counted(sum(line.customers for line in found.lines), "customer"),
            icon="attention",
            trace=f"Base hours a month of everybody whose tier has a CSM: the touch plans with those for open goals, {asked} h.",
        ),
        Kpi(
            "Net hours there",
            there,
            note=f"{hours(abs(found.minutes_there - found.minutes_asked))} {'short' if short else 'to spare'}",
            tone="warn" if short else "good",
            icon="clock",
            trace=" ".join(month_words(found, found.months[0])[2:3]),
        ),
        Kpi(
            "Heads needed",
            wording.grouped(found.needed),
            note=f"{shown(found.exact)} before rounding",
            icon="headcount",
            trace=whole_words(found),
        ),
        Kpi(
            "Heads there",
            shown(found.there),
            note=wording.counted(found.csms, "CSM"),
            icon="people",
            trace=f"Paid hours ÷ full time of the {wording.counted(found.csms, 'CSM')} who are here and have hours this month, "
            "added up. Open seats are left out.",
        ),
        Kpi(
            "Lacking today",
            wording.grouped(found.lacking),
            note=f"{len(found.open_seats)} of them open seats"
            if found.open_seats
            else "so that everybody has a CSM",
            tone="warn" if found.lacking else "good",
            icon="alert" if found.lacking else "check",
            url="#seats",
            trace=lacking_words(found),
        ),
        Kpi(
            f"To hire by {last.on:%b %Y}",
            wording.grouped(last.hired),
            note=f"{wording.grouped(found.months[0].hires)} of them now",
            icon="plus",
            trace="Heads to begin in any of the months, early enough to be ramped when they are lacking: "
            + (
                ", ".join(f"{month.hires} in {month.on:%b %Y}" for month in found.months if month.hires)
                or "none"
            )
            + ".",
        ),
    ]
    cost = found.cost(found.needed)
    if cost is not None:
        more = found.cost(last.hired)
        each = wording.money(found.inputs.cost_a_head, base)
        tiles.append(
            Kpi(
                "Cost a year",
                wording.compact(cost, base),
                note=f"{wording.compact(more or cost * 0, base)} for those to hire",
                icon="rates",
                trace=f"{wording.counted(found.needed, 'head')} needed × {each} = {wording.money(cost, base)} a year.",
            )
        )
    return tiles


def whole_words(found: Headcount) -> str:
    names = {slug: tier.name for slug, tier in found.tiers.items()}
    return "\n".join(whole_sentences(found.lines, tiers=names, there=float(found.there)))


def lacking_words(found: Headcount) -> str:
    """How many seats are asked for, and why so many."""
    seats, placing = found.seats, [seat for seat in found.seats.seats if seat.customers]
    said = [
        f"{wording.counted(seats.waiting, 'customer')} {'has' if seats.waiting == 1 else 'have'} nobody who may serve them "
        f"within hours and caps; {seats.placed:,} find room with CSMs who are here"
        + (" and open seats" if found.open_seats else "")
        + f", the others fill {wording.counted(len(placing), 'seat')}."
    ]
    more = len(seats.seats) - len(placing)
    if more:
        said.append(
            f"Hours and caps ask {wording.counted(more, 'head')} more: {shown(found.exact)} needed, {shown(found.there)} there."
        )
    if found.open_seats:
        said.append(f"{wording.counted(len(found.open_seats), 'seat')} placed before and not filled yet.")
    return "\n".join(said)


def head_words(found: Headcount) -> list[str]:
    """How the net hours of a head come, and where its figures are from."""
    said = [step.words for step in head_steps(found.head)]
    if found.own_hours:
        said[0] += " (Twelve months of full time, as the allocation policy says.)"
    if found.own_share:
        said[1] += " (What the CSMs who are here have on average.)"
    said.append(
        f"{shown(found.head.net_hours)} h ÷ 12 = {shown(Fraction(found.head.minutes, 60))} net hours a month."
    )
    return said


def assumptions(found: Headcount) -> str:
    """What is assumed of the months ahead, in one sentence."""
    given = found.inputs
    ramp = (
        f"new CSMs start at {shown(float(given.ramp_start_pct))} % and are ramped after "
        f"{wording.counted(given.ramp_months, 'month')}"
        if given.ramp_months
        else "new CSMs are fully productive at once"
    )
    return (
        f"Growth {shown(float(given.growth_pct))} %, churn {shown(float(given.churn_pct))} % and attrition "
        f"{shown(float(given.attrition_pct))} % a year; {ramp}."
    )


LINE_COLUMNS = [
    Column("Tier"),
    Column("Pool", hint="Customers and CSMs that belong together, as the allocation policy says."),
    Column("Customers", class_=NUM, hint="Active customers of the tier in the pool."),
    Column("Hours asked", class_=NUM, hint="Base hours a month: the touch plans, with those for open goals."),
    Column("A head has", class_=NUM, hint="Net hours a month of a full-time CSM."),
    Column("A head holds", class_=NUM, hint="Customers: by hours or by the cap, whichever is fewer."),
    Column("Heads needed", class_=NUM, hint="Customers ÷ customers a head, rounded up."),
    Column("Heads there", class_=NUM, hint="Full-time heads, by where the minutes of the CSMs' books lie."),
]


def lines_table(found: Headcount, lines: Sequence[HeadLine]) -> Lines:
    """A row a line, and the whole, which is rounded once."""
    return Lines(
        columns=LINE_COLUMNS,
        rows=[_line_row(found, line) for line in lines],
        total=[
            Cell(
                wording.grouped(sum(line.customers for line in found.lines)),
                "All lines added up.",
                "Customers",
            ),
            Cell(hours(found.minutes_asked), "All lines added up.", "Hours asked"),
            Cell("", "", "A head has"),
            Cell("", "", "A head holds"),
            Cell(wording.grouped(found.needed), whole_words(found), "Heads needed"),
            Cell(
                shown(sum(line.heads_there for line in found.lines)),
                "All lines added up; a CSM who is able for none of them is in none.",
                "Heads there",
            ),
        ],
    )


def _line_row(found: Headcount, line: HeadLine) -> LineRow:
    tier, sentence = found.tiers.get(line.tier), line_sentence(line, found.head)
    held = line.customers / line.exact if line.exact else None
    return LineRow(
        tier=tier,
        pool=line.pool.replace(f" · {tier.name}", "", 1) if tier else line.pool,
        cells=[
            Cell(wording.grouped(line.customers), "", "Customers"),
            Cell(
                hours(line.minutes_asked),
                f"{shown(Fraction(line.minutes_asked, 60 * line.customers))} h a month and customer on average × "
                f"{line.customers:,}.",
                "Hours asked",
            ),
            Cell(hours(line.head_minutes), "\n".join(head_words(found)), "A head has"),
            Cell(
                wording.DASH if held is None else shown(held),
                sentence,
                "A head holds",
            ),
            Cell(
                wording.grouped(line.heads_needed),
                f"{shown(line.exact)} before rounding.\n{sentence}",
                "Heads needed",
            ),
            Cell(
                shown(line.heads_there),
                f"{shown(line.heads_there)} full-time heads of the CSMs who are here, by where the minutes of their books lie; "
                f"{shown(line.exact)} are needed.",
                "Heads there",
            ),
        ],
        sentence=sentence,
        steps=[step.words for step in line_steps(line, found.head)],
    )


MONTH_COLUMNS = [
    Column("Month"),
    Column("Customers", class_=NUM, hint="Today's, with growth less churn, compounded by month."),
    Column("Hours asked", class_=NUM, hint="A month; grows with the customers."),
    Column("Net hours there", class_=NUM, hint="A month, of today's CSMs who are here then."),
    Column(
        "Heads there", class_=NUM, hint="Full-time heads of today's CSMs who are here then, less attrition."
    ),
    Column("Heads needed", class_=NUM, hint="The exact heads of all lines, rounded up once."),
    Column(
        "Hire",
        class_=NUM,
        hint="Heads to begin in this month, early enough to be ramped when they are lacking.",
    ),
    Column("Hired by then", class_=NUM, hint="Heads to begin in this month or before."),
    Column("Hours short", class_=NUM, hint="Asked but not there, with the hires as far as they are ramped."),
]


def months_table(found: Headcount) -> Months:
    return Months(columns=MONTH_COLUMNS, rows=[_month_row(found, month) for month in found.months])


def month_words(found: Headcount, month: MonthAhead) -> tuple[str, ...]:
    return month_sentences(month, today=found.months[0], months=found.months, ahead=found.inputs.ahead)


def _month_row(found: Headcount, month: MonthAhead) -> MonthRow:
    said = month_words(found, month)
    every = "\n".join(said)
    return MonthRow(
        name="Today" if not month.number else wording.day(month.on),
        cells=[
            Cell(wording.grouped(month.customers), said[0], "Customers"),
            Cell(hours(month.minutes_asked), said[0], "Hours asked"),
            Cell(hours(month.minutes_there), said[2], "Net hours there"),
            Cell(shown(month.heads_there), said[2], "Heads there"),
            Cell(wording.grouped(month.heads_needed), said[1], "Heads needed"),
            Cell(
                wording.grouped(month.hires) if month.hires else wording.DASH,
                every if month.hires else "",
                "Hire",
            ),
            Cell(wording.grouped(month.hired), every, "Hired by then"),
            Cell(hours(month.minutes_short) if month.minutes_short else wording.DASH, every, "Hours short"),
        ],
    )


def chart_of_months(found: Headcount) -> Markup:
    marks = [
        MonthMark(
            on=month.on,
            asked=month.minutes_asked / 60,
            there=month.minutes_there / 60,
            with_hires=month.minutes_with_hires / 60,
            hires=month.hires,
            words=f"{'Today' if not month.number else wording.day(month.on)}: {hours(month.minutes_asked)} hours asked, "
            f"{hours(month.minutes_there)} there, {hours(month.minutes_with_hires)} with the hires",
        )
        for month in found.months
    ]
    return wide_and_narrow(
        headcount_months(marks, width=months_chart.WIDE), headcount_months(marks, width=months_chart.NARROW)
    )


def seat_rows(found: Headcount) -> list[SeatRow]:
    return [_seat_row(found, seat) for seat in found.seats.seats]


@dataclass(frozen=True)
class OpenSeatRow:
    pk: int
    name: str
    skills: str
    hours: str


def open_seat_rows(found: Headcount) -> list[OpenSeatRow]:
    return [OpenSeatRow(seat.pk, seat.name, seat.skills, hours(seat.minutes)) for seat in found.open_seats]


def _seat_row(found: Headcount, seat: SeatAsked) -> SeatRow:
    has = hours(found.head.minutes)
    trace = (
        f"{wording.counted(seat.customers, 'customer')} who find no room elsewhere ask {hours(seat.minutes)} of the {has} net "
        "hours of this seat."
        if seat.customers
        else f"Asked for by the hours and caps of the lines; it has {has} net hours a month."
    )
    return SeatRow(
        label=seat.label,
        skills=seat_skills(seat),
        customers=wording.grouped(seat.customers),
        hours=hours(seat.minutes),
        trace=trace,
    )


def hours(minutes: int) -> str:
    return wording.hours_and_minutes(minutes)
