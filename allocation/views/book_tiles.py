"""The figure tiles of a book: customers, ARR, hours, renewals and health; each says how its number came."""

from __future__ import annotations

from allocation.selectors import books as selector
from allocation.selectors import wording
from allocation.selectors.book_figures import BookFigures
from allocation.selectors.past_books import PastBook
from allocation.selectors.thresholds import LOW_HEALTH
from allocation.views.parts import Kpi, arr_kpi, utilisation_tone


def _hours(this: selector.Book | PastBook) -> str:
    asked, there = wording.hours_and_minutes(this.load), wording.hours_and_minutes(this.capacity)
    return f"{asked} of {there} hours a month"


def _utilisation(this: selector.Book | PastBook) -> str:
    if this.utilisation_pct is None:
        return "covered" if this.is_covered else "no capacity"
    return wording.percent(this.utilisation_pct, places=1)


def past_kpis(this: PastBook) -> list[Kpi]:
    found, pct = this.summary, this.utilisation_pct
    return [
        Kpi(
            "Customers",
            wording.grouped(found.customers),
            icon="customers",
            note="on that day",
            trace="Customers that stood in this book at the end of the day, of those you may see today.",
        ),
        arr_kpi(
            found.arr_cents,
            label="ARR today",
            problem=found.money_problem,
            trace="The ARR these customers have today, each in the base currency at today's rate.",
        ),
        Kpi(
            "Utilisation",
            _utilisation(this),
            icon="attention",
            note=_hours(this),
            tone=utilisation_tone(pct),
            trace=_past_trace(this) if pct is not None else "",
        ),
    ]


def _past_trace(this: PastBook) -> str:
    load, there = wording.hours_and_minutes(this.load), wording.hours_and_minutes(this.capacity)
    return (
        f"Load: what the touch plans asked of the tiers of the day, {load} h.\nCapacity: {there} h net in the month from the day."
        f"\n{load} ÷ {there} = {wording.percent(this.utilisation_pct, places=1)}"
    )


def book_kpis(this: selector.Book, total: selector.Summary, *, url: str = "") -> list[Kpi]:
    """total: of everybody the tiles count; more than the own customers where others' are served too. url: the list."""
    pct, covered = this.utilisation_pct, total is not this.summary
    hours = _hours(this)
    if this.is_covered and this.away is not None:
        hours = f"{wording.hours_and_minutes(this.summary.minutes)} hours a month count with {this.away.cover_name}"
    elif this.covered:
        hours += ", with those covered"
    return [
        Kpi(
            "Customers",
            wording.grouped(total.customers),
            icon="customers",
            note=f"{wording.grouped(this.summary.customers)} own, the others covered"
            if covered
            else "active, in this book",
            url=url,
            trace=_customers_trace(this, total),
        ),
        arr_kpi(
            total.arr_cents,
            problem=total.money_problem,
            trace=f"The ARR of {wording.counted(total.customers, 'active customer')}, each in the base currency at today's rate.",
        ),
        Kpi(
            "Utilisation",
            _utilisation(this),
            icon="attention",
            note=hours,
            tone=utilisation_tone(pct) or ("" if this.is_covered else "good"),
            trace=_utilisation_trace(this, named=covered) if pct is not None else "",
        ),
        Kpi(
            "Renewals in 90 days",
            wording.grouped(total.renewals_soon),
            icon="clock",
            note="contracts to renew",
            url=f"{url}?renewal=90&sort=renewal" if url else "",
            trace="Active customers whose renewal date is today or within 90 days.",
        ),
        Kpi(
            f"Health below {LOW_HEALTH}",
            wording.grouped(total.low_health),
            icon="alert",
            note=f"{total.without_health} without a score"
            if total.without_health
            else "every customer has a score",
            tone="warn" if total.low_health else "",
            url=f"{url}?health=low&sort=health" if url else "",
            trace=f"Active customers with a known health below {LOW_HEALTH}; a missing score is not low.",
        ),
    ]


def month_kpis(figures: BookFigures) -> list[Kpi]:
    """Hours done and touches late of the customers on the page."""
    done, planned, first = figures.done_minutes, figures.planned_minutes, wording.day(figures.first)
    return [
        Kpi(
            "Hours this month",
            wording.hours_and_minutes(done),
            icon="attention",
            note=f"of {wording.hours_and_minutes(planned)} h attention",
            trace=f"Done since {first}: the hours of all touches written down, {wording.hours_and_minutes(done)} h. Planned: the sum of "
            f"the attention of the customers below in the thirty days from today, {wording.hours_and_minutes(planned)} h. {figures.problem}".strip(),
        ),
        Kpi(
            "Touches late",
            wording.grouped(figures.late),
            icon="clock",
            note=f"of {wording.counted(figures.late_customers, 'customer')}"
            if figures.late
            else "nothing is overdue",
            tone="bad" if figures.late else "good",
            trace="Open touches of the customers below that were due before today, as the list of touches counts them.",
        ),
    ]


def _customers_trace(this: selector.Book, total: selector.Summary) -> str:
    if total is this.summary:
        return "Active customers of this book."
    lines = [f"{wording.grouped(this.summary.customers)} own"]
    lines += [f"+ {wording.grouped(one.customers)} of {one.away.name}, covered" for one in this.covered]
    return "\n".join([*lines, f"= {wording.grouped(total.customers)} active customers"])


def _utilisation_trace(this: selector.Book, *, named: bool) -> str:
    """Load ÷ capacity, with what the load is made of. named: the page may say for whom, as its list does."""
    parts = [f"{wording.hours_and_minutes(this.summary.minutes)} h of the own book"]
    parts += [
        f"{wording.hours_and_minutes(one.minutes)} h covered for {one.away.name if named else 'others'}"
        for one in this.covered
    ]
    return (
        f"Load: {' + '.join(parts)} (touch plans, hours a year ÷ 12).\nCapacity: "
        f"{wording.hours_and_minutes(this.capacity)} h net in the month from today.\n"
        f"{wording.hours_and_minutes(this.load)} ÷ {wording.hours_and_minutes(this.capacity)} = "
        f"{wording.percent(this.utilisation_pct, places=1)}"
    )
