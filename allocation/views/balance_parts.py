"""Tiles, charts and tables of the balance page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from django.conf import settings

from allocation.charts.bars import COLUMN, NARROW, WIDE, UtilisationBar, utilisation_bars
from allocation.charts.sides import TwoSides, two_sides
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.charts.trend import Panel, Reading, trend_panels
from allocation.engine.balance import OUTSIDE
from allocation.engine.facts.books import BookRow
from allocation.selectors import wording
from allocation.selectors.balance import Workload
from allocation.selectors.balance_groups import Group
from allocation.selectors.balance_lines import Line, Page, arr_words, band_words, renewal_cells
from allocation.selectors.balance_words import CV_WORDS, Evenness, evenness, outside_words
from allocation.selectors.book_lines import mean_pct, over_capacity
from allocation.selectors.plans import figure_words
from allocation.selectors.trend import Trend, TrendPoint
from allocation.views.parts import Kpi, arr_kpi


def kpis(found: Workload, total: Group, even: Sequence[Evenness]) -> list[Kpi]:
    """What a team meeting begins with."""
    rows = found.rows
    over = over_capacity(rows)
    mean = mean_pct(rows)
    utilisation = even[0]
    outside = total.outside(mean)
    without = "no hours are asked" if total.measured else "nobody has a utilisation"
    return [
        Kpi(
            "CSMs",
            wording.grouped(len(rows)),
            note=wording.counted(total.customers, "customer"),
            icon="people",
            trace="CSMs who have started and not left on the day, and those who left with customers still in the book.",
        ),
        replace(arr_kpi(total.arr_cents, label="ARR in books"), trace=arr_words(total)),
        Kpi(
            "Mean utilisation",
            wording.percent(None if mean is None else float(mean), places=1),
            note=_all_hours(total),
            icon="attention",
            trace=mean_words(rows),
        ),
        Kpi(
            "Busiest ÷ mean",
            "–" if found.utilisation.max_over_mean is None else f"{found.utilisation.max_over_mean:.2f}",
            note=utilisation.sentences[0].rstrip(".") if utilisation.max_trace else without,
            icon="up",
            trace=utilisation.max_trace,
        ),
        Kpi(
            "Outside ±15 %",
            utilisation.outside,
            note=outside_words(outside, total.measured).rstrip(".") or "of books, by utilisation",
            tone="warn" if outside else "good",
            icon="balance",
            trace=f"{utilisation.outside_trace}\n{band_words(mean)}" if mean is not None else "",
        ),
        Kpi(
            "Over capacity",
            wording.grouped(len(over)),
            note="ask more hours than there are" if over else "nobody is",
            tone="bad" if over else "good",
            icon="alert",
            trace="\n".join(_over_words(row) for row in over)
            or "CSMs whose books ask more hours than their capacity.",
        ),
    ]


def _over_words(row: BookRow) -> str:
    asked, there = wording.hours_and_minutes(row.minutes), wording.hours_and_minutes(row.capacity_minutes)
    return f"{row.name}: {asked} of {there} hours"


def _all_hours(total: Group) -> str:
    share = total.utilisation
    return (
        "" if share is None else f"all hours ÷ all capacity {wording.percent(float(100 * share), places=1)}"
    )


def mean_words(rows: Sequence[BookRow]) -> str:
    """How the mean came, and why it is not what all hours ÷ all capacity give."""
    mean = mean_pct(rows)
    if mean is None:
        return ""
    measured = sum(row.is_measured for row in rows)
    left_out = len(rows) - measured
    said = f"Mean of the utilisation of {wording.counted(measured, 'CSM')}: {wording.percent(float(mean), places=2)}."
    if left_out:
        said += f" {left_out} without one left out: covered, or no hours on the day."
    return f"{said}\nAll hours ÷ all capacity counts a CSM with more hours for more, so the two can differ."


def chart(lines: Sequence[Line], mean: Fraction | None) -> Markup:
    """Utilisation line by line, for both screens."""
    bars = [
        UtilisationBar(
            name=line.name,
            pct=line.pct,
            words=f"{line.name}: {line.pct_trace.splitlines()[0] if line.pct_trace else line.without}, "
            f"{line.customers} customers",
            outside=_is_outside(line, mean),
            without=line.without,
        )
        for line in lines
    ]
    middle = None if mean is None else float(mean)
    return wide_and_narrow(
        utilisation_bars(bars, mean=middle, width=WIDE), utilisation_bars(bars, mean=middle, width=NARROW)
    )


def _is_outside(line: Line, mean: Fraction | None) -> bool:
    """Of a CSM as counted; a team as a whole by the same band."""
    if not line.is_team:
        return bool(line.side)
    return mean is not None and line.pct is not None and abs(line.pct - float(mean)) > float(OUTSIDE * mean)


def renewals_chart(total: Group, page: Page) -> Markup:
    """Customers to the left, ARR to the right, a row a period."""
    found = total.renewals(page.found.renewals)
    cells = renewal_cells(found, page.periods)
    rows = [
        TwoSides(
            name=cell.label,
            left=float(number),
            left_words=cell.customers,
            right=float(cents),
            right_words=cell.arr or wording.DASH,
        )
        for cell, number, cents in zip(cells, found.customers, found.arr_cents, strict=False)
    ]
    heads = ("Customers", f"ARR, {settings.BASE_CURRENCY}")
    label = "Renewals by quarter: customers and ARR; the table below says the same."
    return wide_and_narrow(
        two_sides(rows, heads=heads, label=label, width=COLUMN),
        two_sides(rows, heads=heads, label=label, width=NARROW),
    )


@dataclass(frozen=True)
class TrendRow:
    day: str
    worked_out: bool
    books: str
    mean: str
    band: str
    cv: str
    cv_words: str
    customers: str
    arr: str


def trend_rows(found: Trend) -> list[TrendRow]:
    """The newest first."""
    return [_trend_row(point) for point in reversed(found.points)]


def _trend_row(point: TrendPoint) -> TrendRow:
    return TrendRow(
        day=wording.day(point.on),
        worked_out=point.worked_out,
        books=wording.grouped(point.books),
        mean=wording.percent(point.mean, places=1),
        band=_band(point),
        cv=figure_words(point.cv),
        cv_words=evenness(point.cv, CV_WORDS),
        customers=wording.grouped(point.customers),
        arr=wording.compact(wording.from_cents(point.arr_cents), settings.BASE_CURRENCY),
    )


def _band(point: TrendPoint) -> str:
    if point.least is None:
        return wording.DASH
    return f"{wording.percent(point.least)} to {wording.percent(point.most)}"


def trend_chart(found: Trend) -> Markup:
    """Utilisation with its band, CV, customers, ARR: one below the other."""
    points, last = found.points, found.points[-1]
    panels = [
        Panel(
            "Mean utilisation, with the least and the most",
            [
                Reading(p.on, p.mean, f"{wording.day(p.on)}: {wording.percent(p.mean, places=1)}, {_band(p)}", p.least, p.most, p.worked_out)
                for p in points
            ],
            wording.percent(last.mean, places=1),
            tall=130,
            limit=100.0,
            limit_words="capacity, 100 %",
        ),
        Panel(
            "Coefficient of variation of utilisation: lower is more even",
            [Reading(p.on, p.cv, f"{wording.day(p.on)}: {figure_words(p.cv)}", hollow=p.worked_out) for p in points],
            "–" if last.cv is None else f"{last.cv:.3f}",
        ),
        Panel(
            "Customers in books",
            [
                Reading(p.on, float(p.customers), f"{wording.day(p.on)}: {wording.counted(p.customers, 'customer')}", hollow=p.worked_out)
                for p in points
            ],
            wording.grouped(last.customers),
        ),
        Panel(
            f"ARR in books, {settings.BASE_CURRENCY}",
            [
                Reading(p.on, float(p.arr_cents), f"{wording.day(p.on)}: {_compact(p)}", hollow=p.worked_out)
                for p in points
            ],
            _compact(last),
        ),
    ]  # fmt: skip
    label = f"Utilisation, its evenness, customers and ARR from {wording.day(points[0].on)} to {wording.day(last.on)}; the table below says the same."
    return wide_and_narrow(
        trend_panels(panels, label=label, width=WIDE), trend_panels(panels, label=label, width=NARROW)
    )


def _compact(point: TrendPoint) -> str:
    return wording.compact(wording.from_cents(point.arr_cents), settings.BASE_CURRENCY)
