"""Pieces that several pages show: figure tiles, tier shares, utilisation meters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from accounts.models import Customer, Tier
from allocation.charts.bars import Share, mini_bar, share_bar
from allocation.charts.svg import Markup, tier_class
from allocation.selectors import wording
from allocation.selectors.book_lines import BookLine
from allocation.selectors.books import Summary, TierLine, base_money
from allocation.selectors.customers import CustomerRow, customer_rows


@dataclass(frozen=True)
class Kpi:
    """A figure tile. tone: "", "good", "warn" or "bad". trace: how the number came, in words."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    icon: str = ""
    url: str = ""
    trace: str = ""


def arr_kpi(cents: int, *, label: str = "ARR", problem: str = "", trace: str = "") -> Kpi:
    """Short in the tile, exact below it."""
    return Kpi(
        label,
        wording.compact(wording.from_cents(cents), settings.BASE_CURRENCY),
        note="some amounts have no rate" if problem else base_money(cents),
        tone="warn" if problem else "",
        icon="rates",
        trace=f"{trace} {problem}".strip(),
    )


@dataclass(frozen=True)
class Link:
    """A line that leads somewhere."""

    title: str
    words: str
    url: str
    icon: str
    tone: str = ""


@dataclass(frozen=True)
class ShareLine:
    tier: Tier | None
    customers: str
    arr: str
    hours: str
    cap: str
    over_cap: bool
    url: str


@dataclass(frozen=True)
class Shares:
    """Customers by tier: the picture, the table, and which columns the table has."""

    lines: list[ShareLine]
    chart: Markup
    total: ShareLine | None
    with_cap: bool
    with_hours: bool
    currency: str = field(default_factory=lambda: settings.BASE_CURRENCY)


def tier_shares(found: Summary, *, with_cap: bool, with_hours: bool, customers_url: str = "") -> Shares:
    def line_of(line: TierLine) -> ShareLine:
        return ShareLine(
            tier=line.tier,
            customers=wording.grouped(line.customers),
            arr=wording.grouped(wording.from_cents(line.arr_cents)),
            hours=wording.hours_and_minutes(line.minutes),
            cap="no cap" if line.cap is None else wording.grouped(line.cap),
            over_cap=line.over_cap,
            url=f"{customers_url}?tier={line.tier.pk}" if customers_url and line.tier else "",
        )

    everything = TierLine(None, found.customers, found.arr_cents, found.minutes)
    return Shares(
        lines=[line_of(line) for line in found.tiers],
        chart=share_bar(
            [
                Share(line.tier.name if line.tier else "No tier", line.customers, share_class(line.tier))
                for line in found.tiers
            ],
            label="Customers by tier; the table below says the same.",
        ),
        total=line_of(everything) if len(found.tiers) > 1 else None,
        with_cap=with_cap,
        with_hours=with_hours,
    )


def share_class(tier: Tier | None) -> str:
    return tier_class(tier.shown_rank) if tier else "flow-stay"


def utilisation_tone(pct: float | None) -> str:
    """Over capacity is bad, nearly there is a warning."""
    if pct is None:
        return ""
    return "bad" if pct > 100 else "warn" if pct > 95 else ""


def utilisation_meter(pct: float | None) -> Markup | str:
    if pct is None:
        return "no capacity"
    return mini_bar(pct, tone=utilisation_tone(pct), words=wording.percent(pct, places=2))


@dataclass(frozen=True)
class MeteredLine:
    """A book's line with the bar of its utilisation."""

    line: BookLine
    meter: Markup | str


def with_meters(lines: Sequence[BookLine]) -> list[MeteredLine]:
    return [MeteredLine(line, "covered" if line.covered else utilisation_meter(line.pct)) for line in lines]


def rows_of(customers: Sequence[Customer], *, today: date) -> list[CustomerRow]:
    return customer_rows(customers=customers, today=today, with_goals=False)


def page_url(name: str, *args: Any, query: str = "") -> str:
    """An address by name; empty where this installation has no such page."""
    try:
        return reverse(name, args=args) + query
    except NoReverseMatch:
        return ""
