"""Customers as lists for colleagues in finance, marketing and sales: whom each is for, its columns, its rows, its totals.

All of it is internal: tier, risk and reputation never leave the house (`docs/pyramid.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings

from accounts.models import Customer
from allocation.engine.attention import CHAMPION_ADVOCACY
from allocation.selectors.pyramid import Layer
from allocation.selectors.pyramid_lines import CustomerLine, Lines
from allocation.selectors.risks import REASONS
from allocation.selectors.wording import CENT, from_cents

FINANCE, MARKETING, UPSELL = "finance", "marketing", "upsell"
NO_TIER = "none"
CHUNK = 500

Cell = str | int | Decimal | date | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the page says and the file holds. cents: of the column `summed`."""

    rows: int
    cents: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One customer on its way into a file. of_cents: ARR of everybody of the tiers and filters chosen, before any list leaves out."""

    customer: Customer
    line: CustomerLine
    of_cents: int


Column = tuple[str, Callable[[_Row], Cell]]


@dataclass(frozen=True, slots=True)
class TierList:
    """One kind of list. whom: in words; takes: which customers are in it; cents: what its total adds up (`summed`, a column of the file); first: its
    order.
    """

    kind: str
    label: str
    whom: str
    summed: str
    summed_column: str
    takes: Callable[[CustomerLine], bool]
    cents: Callable[[CustomerLine], int]
    first: Callable[[CustomerLine], Any]
    columns: tuple[Column, ...]


def chosen_lines(lines: Lines, *, tier: str) -> list[CustomerLine]:
    """Those of one tier by its id as text, "none" for those without one; "" is everybody, any other word nobody."""
    if not tier:
        return list(lines.rows)
    if tier == NO_TIER:
        return [line for line in lines.rows if line.tier_id is None]
    return [line for line in lines.rows if str(line.tier_id) == tier]


def list_totals(*, layer: Layer) -> dict[str, Totals]:
    """Rows and total of each kind over the customers of a layer: those that `takes` takes, added up as `cents` says."""
    return {
        FINANCE: Totals(layer.customers, layer.arr_cents),
        MARKETING: Totals(layer.speaking.customers, layer.speaking.cents),
        UPSELL: Totals(layer.room.with_room, layer.room.cents),
    }


def list_headers(*, kind: str) -> tuple[str, ...]:
    return tuple(name for name, _ in LISTS[kind].columns)


def list_rows(*, kind: str, lines: Sequence[CustomerLine]) -> Iterator[Sequence[Cell]]:
    """The rows of a file, one at a time: customers are read by the chunk, so memory stays bounded."""
    one, of_cents = LISTS[kind], sum(line.arr_cents for line in lines)
    taken = sorted((line for line in lines if one.takes(line)), key=lambda line: (one.first(line), line.pk))
    joined = Customer.objects.select_related("tier", "csm__team", "vertical", "region")
    for start in range(0, len(taken), CHUNK):
        part = taken[start : start + CHUNK]
        customers = joined.in_bulk([line.pk for line in part])
        for line in part:
            if line.pk in customers:
                row = _Row(customers[line.pk], line, of_cents)
                yield [value(row) for _, value in one.columns]


def _advocacy(line: CustomerLine) -> Fraction:
    return Fraction(line.reputation or 0) * (CHAMPION_ADVOCACY if line.champion else 1)


def _money(cents: int) -> Decimal:
    return from_cents(cents).quantize(CENT)


def _percent(part: int, whole: int) -> Cell:
    return round(Decimal(100) * part / whole, 4) if whole else None


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _why(row: _Row) -> str:
    return "; ".join(REASONS[reason] for reason in row.line.reasons)


_WHO: tuple[Column, ...] = (
    ("external_id", lambda row: row.customer.external_id),
    ("name", lambda row: row.customer.name),
    ("tier", lambda row: row.customer.tier.name if row.customer.tier else ""),
)
_WHOSE: tuple[Column, ...] = (
    ("csm", lambda row: row.customer.csm.name if row.customer.csm else ""),
    ("team", lambda row: row.customer.csm.team.name if row.customer.csm and row.customer.csm.team else ""),
)
_RISK: tuple[Column, ...] = (
    ("at_risk", lambda row: _yes_no(row.line.is_at_risk)),
    ("at_risk_because", _why),
)
_ARR: tuple[Column, ...] = (
    ("arr", lambda row: row.customer.arr),
    ("currency", lambda row: row.customer.currency),
    ("arr_base", lambda row: _money(row.line.arr_cents) if row.line.counts else None),
    ("base_currency", lambda row: settings.BASE_CURRENCY),
)

LISTS: Mapping[str, TierList] = {
    FINANCE: TierList(
        kind=FINANCE,
        label="Finance",
        whom="every customer: ARR in its own and in the base currency, share, renewal, whether it is at risk and why",
        summed="ARR",
        summed_column="arr_base",
        takes=lambda line: True,
        cents=lambda line: line.arr_cents,
        first=lambda line: -line.arr_cents,
        columns=(
            *_WHO,
            *_WHOSE,
            *_ARR,
            ("share_pct", lambda row: _percent(row.line.arr_cents, row.of_cents)),
            ("renewal_date", lambda row: row.customer.renewal_date),
            *_RISK,
        ),
    ),
    MARKETING: TierList(
        kind=MARKETING,
        label="Marketing",
        whom="who may speak for us: a champion or a known reputation, the strongest first; who is at risk stands last, so as not to ask",
        summed="ARR",
        summed_column="arr_base",
        takes=lambda line: bool(line.champion) or line.reputation is not None,
        cents=lambda line: line.arr_cents,
        first=lambda line: (bool(line.is_at_risk), -_advocacy(line), not line.champion),
        columns=(
            *_WHO,
            ("vertical", lambda row: row.customer.vertical.name if row.customer.vertical else ""),
            ("region", lambda row: row.customer.region.name if row.customer.region else ""),
            ("country", lambda row: row.customer.country),
            ("champion", lambda row: _yes_no(row.customer.champion)),
            ("reputation", lambda row: row.customer.reputation),
            *_WHOSE,
            *_ARR,
            *_RISK,
        ),
    ),
    UPSELL: TierList(
        kind=UPSELL,
        label="Upsell",
        whom="whose recorded potential is above the ARR, the most room first",
        summed="room to grow",
        summed_column="room_base",
        takes=lambda line: bool(line.room_cents),
        cents=lambda line: line.room_cents or 0,
        first=lambda line: -(line.room_cents or 0),
        columns=(
            *_WHO,
            *_WHOSE,
            *_ARR,
            ("potential_arr", lambda row: row.customer.potential_arr),
            ("room_base", lambda row: _money(row.line.room_cents or 0)),
            ("champion", lambda row: _yes_no(row.customer.champion)),
            ("health", lambda row: row.customer.health),
            ("renewal_date", lambda row: row.customer.renewal_date),
            *_RISK,
        ),
    ),
}
