"""The tables of the pyramid's page: every cell with its words on how it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings

from accounts.models import Tier
from allocation.charts.bars import mini_bar
from allocation.charts.svg import Markup
from allocation.selectors import wording
from allocation.selectors.full_time import FullTime
from allocation.selectors.pyramid import Layer, Pyramid
from allocation.selectors.risks import GOAL_REASON, LOW_HEALTH_REASON, LOW_SENTIMENT_REASON, REASONS
from allocation.selectors.thresholds import SOON
from allocation.views.lists import Column

SHORT_REASONS = {
    LOW_HEALTH_REASON: "Low health",
    LOW_SENTIMENT_REASON: "Low sentiment",
    GOAL_REASON: "Risk goal open",
}
RISK_WORDS = (
    f"At risk is who has {', '.join([*REASONS.values()][:-1])}, or {[*REASONS.values()][-1]}. A customer counts once, "
    "whatever number of reasons it has; what is not known is no risk."
)


@dataclass(frozen=True)
class Cell:
    """A number, how it came, and the heading it stands under (read beside it on a phone)."""

    value: str | Markup
    trace: str
    label: str
    class_: str = "num"


@dataclass(frozen=True)
class TableRow:
    """name: where there is no tier. url: where the name leads; empty: nowhere."""

    tier: Tier | None
    name: str
    cells: list[Cell]
    url: str = ""


@dataclass(frozen=True)
class Table:
    """A row a layer, and the row of all."""

    caption: str
    columns: list[Column]
    rows: list[TableRow]
    total: TableRow


def pct(share: Fraction | None, *, places: int = 1) -> str:
    return wording.percent(None if share is None else float(100 * share), places=places)


def money(cents: int, *, places: int = 2) -> str:
    return wording.grouped(wording.from_cents(cents), places=places)


def exact_hours(minutes: int) -> str:
    """63096 → "1,051:36 h": to the minute."""
    return f"{wording.hours_and_minutes(minutes)}{wording.SPACE}h"


def name_of(layer: Layer) -> str:
    return layer.tier.name if layer.tier else "No tier"


def heads_words(layer: Layer, full_time: FullTime) -> str:
    """The arithmetic of the heads of one layer."""
    if full_time.minutes is None or layer.exact_heads is None:
        return "No CSM in this scope has hours this month, so there is nothing to turn hours into heads by."
    mean = wording.hours_and_minutes(round(full_time.minutes))
    return (
        f"{wording.hours_and_minutes(layer.minutes)} hours ÷ {mean} net hours of a full-time CSM = "
        f"{float(layer.exact_heads):,.3f}, rounded up.\n"
        f"{mean} = {wording.hours_and_minutes(full_time.full_time)} hours of full time × "
        f"{wording.hours_and_minutes(full_time.net)} net hours ÷ {wording.hours_and_minutes(full_time.contract)} hours of "
        f"{wording.counted(full_time.csms, 'CSM')}."
    )


Cells = Callable[[Layer], list[Cell]]


def _table(
    found: Pyramid, *, caption: str, columns: Sequence[Column], cells: Cells, urls: Sequence[str]
) -> Table:
    rows = [
        TableRow(layer.tier, name_of(layer), cells(layer), url)
        for layer, url in zip(found.layers, urls, strict=True)
    ]
    return Table(caption, [Column("Tier"), *columns], rows, TableRow(None, "All", cells(found.total)))


def _places(found: Pyramid) -> int:
    return wording.places_of(wording.from_cents(layer.arr_cents) for layer in found.layers)


def layers_table(found: Pyramid, *, urls: Sequence[str]) -> Table:
    """Customers, ARR, hours and heads of each layer."""
    base, places, total = settings.BASE_CURRENCY, _places(found), found.total

    def cells(layer: Layer) -> list[Cell]:
        unknown = (
            f" {wording.counted(layer.without_arr, 'customer')} without a known amount or rate count 0."
            if layer.without_arr
            else ""
        )
        return [
            Cell(
                wording.grouped(layer.customers),
                f"Active customers{' of this tier' if layer is not total else ''}; {layer.without_csm:,} of them have no CSM.",
                "Customers",
            ),
            Cell(
                pct(layer.customers_share),
                f"{layer.customers:,} ÷ {total.customers:,} customers.",
                "Share of customers",
            ),
            Cell(
                money(layer.arr_cents, places=places),
                f"ARR of {wording.counted(layer.customers, 'customer')}, each turned into {base} at today's rate and rounded "
                f"to the cent, added up.{unknown}",
                f"ARR, {base}",
            ),
            Cell(
                pct(layer.arr_share),
                f"{money(layer.arr_cents)} ÷ {money(total.arr_cents)} {base}.",
                "Share of ARR",
            ),
            Cell(
                wording.hours_and_minutes(layer.minutes),
                f"What the touch plans ask in a month: {exact_hours(layer.minutes)}. Each customer: times a year × hours each of "
                "its activities ÷ 12, to the minute.",
                "Hours a month",
            ),
            Cell(
                wording.DASH if layer.heads is None else wording.grouped(layer.heads),
                heads_words(layer, found.full_time),
                "Heads",
            ),
            Cell(
                layer.tier.get_touch_level_display() if layer.tier else wording.DASH,
                "",
                "Touch level",
                class_="",
            ),
        ]

    heads = (
        Column("Customers", "", "num"),
        Column("Share of customers", "", "num"),
        Column(f"ARR, {base}", "", "num"),
        Column("Share of ARR", "", "num"),
        Column("Hours a month", "", "num"),
        Column("Heads", "", "num"),
        Column("Touch level"),
    )
    return _table(
        found, caption="Customers, ARR, hours and heads by tier", columns=heads, cells=cells, urls=urls
    )


def risk_table(found: Pyramid, *, urls: Sequence[str]) -> Table:
    """ARR at risk, why, and what of it renews soon."""
    base, places, days = settings.BASE_CURRENCY, _places(found), SOON.days

    def cells(layer: Layer) -> list[Cell]:
        risk = layer.risk
        reasons = [
            Cell(
                wording.grouped(risk.reasons[reason]),
                f"Customers with {words}. Reasons overlap: these numbers add up to {sum(risk.reasons.values()):,}, the customers are "
                f"{risk.customers:,}.",
                SHORT_REASONS[reason],
            )
            for reason, words in REASONS.items()
        ]
        share = None if risk.share is None else float(100 * risk.share)
        return [
            Cell(
                wording.grouped(risk.customers),
                f"{risk.customers:,} of {layer.customers:,}. {RISK_WORDS}",
                "Customers at risk",
            ),
            Cell(
                money(risk.cents, places=places),
                f"All ARR of these {wording.counted(risk.customers, 'customer')}, each counted once: not a forecast of what is lost.",
                f"ARR at risk, {base}",
            ),
            Cell(
                mini_bar(share, tone="warn", words=pct(risk.share)) if share is not None else wording.DASH,
                f"{money(risk.cents)} ÷ {money(layer.arr_cents)} {base} of the tier."
                if layer.tier
                else f"{money(risk.cents)} ÷ {money(layer.arr_cents)} {base}.",
                "Share of its ARR",
                class_="nowrap",
            ),
            *reasons,
            Cell(
                money(risk.renewing_cents, places=places),
                f"ARR of {wording.counted(risk.renewing, 'customer')} at risk whose renewal is within {days} days from today.",
                f"Renewing in {days} days, {base}",
            ),
        ]

    heads = (
        Column("Customers at risk", "", "num", hint=RISK_WORDS),
        Column(f"ARR at risk, {base}", "", "num"),
        Column("Share of its ARR"),
        *(
            Column(SHORT_REASONS[reason], "", "num", hint=f"Customers with {words}.")
            for reason, words in REASONS.items()
        ),
        Column(f"Renewing in {days} days, {base}", "", "num"),
    )
    return _table(found, caption="ARR at risk by tier", columns=heads, cells=cells, urls=urls)


def room_table(found: Pyramid, *, urls: Sequence[str]) -> Table:
    """Potential above the ARR."""
    base = settings.BASE_CURRENCY
    places = wording.places_of(wording.from_cents(layer.room.cents) for layer in found.layers)

    def cells(layer: Layer) -> list[Cell]:
        room = layer.room
        share = Fraction(room.cents, layer.arr_cents) if layer.arr_cents else None
        return [
            Cell(
                money(room.cents, places=places),
                f"Potential ARR − ARR, never below 0, of {wording.counted(room.known, 'customer')} whose potential is recorded.",
                f"Room to grow, {base}",
            ),
            Cell(pct(share), f"{money(room.cents)} ÷ {money(layer.arr_cents)} {base} of ARR.", "Of its ARR"),
            Cell(
                wording.grouped(room.with_room),
                f"Of {room.known:,} with a recorded potential, those whose potential is above the ARR.",
                "Customers with room",
            ),
            Cell(
                wording.grouped(room.unknown),
                f"{layer.customers:,} customers − {room.known:,} with a recorded potential. They add nothing to the room.",
                "No potential recorded",
            ),
        ]

    heads = (
        Column(f"Room to grow, {base}", "", "num", hint="Potential ARR − ARR, never below 0."),
        Column("Of its ARR", "", "num"),
        Column("Customers with room", "", "num"),
        Column("No potential recorded", "", "num"),
    )
    return _table(found, caption="Room to grow by tier", columns=heads, cells=cells, urls=urls)


def concentration_table(found: Pyramid, *, urls: Sequence[str]) -> Table:
    """How much the largest customers bring, of all and within each tier."""
    base = settings.BASE_CURRENCY

    def cells(layer: Layer) -> list[Cell]:
        figures = layer.concentration
        tops = [
            Cell(
                pct(top.share),
                f"The {wording.counted(top.customers, 'largest customer', 'largest customers')} ({top.pct} % of {layer.customers:,}, "
                f"rounded up) bring {money(top.cents)} of {money(layer.arr_cents)} {base}.",
                f"Top {top.pct} %",
            )
            for top in figures.tops
        ]
        half = (
            "There is no ARR to halve."
            if figures.half is None
            else f"Added up from the largest down, the first {figures.half:,} of {layer.customers:,} bring half of "
            f"{money(layer.arr_cents)} {base} or more."
        )
        return [
            *tops,
            Cell(wording.DASH if figures.half is None else wording.grouped(figures.half), half, "Bring half"),
            Cell(
                pct(figures.largest_share),
                f"{money(figures.largest)} ÷ {money(layer.arr_cents)} {base}.",
                "Largest",
            ),
        ]

    heads = (
        *(Column(f"Top {top.pct} %", "", "num") for top in found.total.concentration.tops),
        Column("Bring half", "", "num", hint="The fewest customers that bring half of the ARR or more."),
        Column("Largest", "", "num", hint="The share of the largest customer."),
    )
    return _table(
        found,
        caption="Share of ARR of the largest customers, of all and within each tier",
        columns=heads,
        cells=cells,
        urls=urls,
    )
