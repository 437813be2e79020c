"""The pieces of a sensitivity's page: rows with a trace a number, the tornado, the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse

from accounts.importing.escaping import mark_formula
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.charts.tornado import NARROW, WIDE, Side, Turned, tornado
from allocation.engine.explain import exact_in_words
from allocation.engine.facts.knobs import SIZES, KnobKind, Measure
from allocation.models import Sensitivity, TieringModel
from allocation.selectors import wording
from allocation.selectors.knob_words import SUGGESTED, Change, KnobLine, Sentence, moves_in_words
from allocation.views.lists import Column

SHOWN_IN_CHART = 12
KIND_WORDS = {
    KnobKind.WEIGHT.value: "weight",
    KnobKind.BOUND.value: "bound",
    KnobKind.SCALE.value: "scale",
    KnobKind.GUARD.value: "guard",
}
UNITS = {Measure.POINTS.value: "points", Measure.DAYS.value: "days"}
TURNED = "Customers with another tier when this one number is turned by so much and all others stay; turned down above, up below."
COLUMNS = (
    Column("Number", sort="name"),
    Column(
        "Small",
        sort="small",
        class_="num nowrap",
        hint=f"{TURNED} Small: 1 %, 1 point, 7 days, or 1 of a count.",
    ),
    Column(
        "Middle",
        sort="middle",
        class_="num nowrap",
        hint=f"{TURNED} Middle: 5 %, 2 points, 30 days, or 2 of a count.",
    ),
    Column(
        "Large",
        sort="large",
        class_="num nowrap",
        hint=f"{TURNED} Large: 10 %, 5 points, 90 days, or 5 of a count.",
    ),
    Column(
        "First at",
        sort="first",
        class_="num nowrap",
        hint="The number at which the first customer has another tier; one step less of a change moves nobody.",
    ),
    Column(
        "1 % at",
        class_="num",
        hint="The number at which 1 % of the active customers have another tier; one step less of a change moves fewer.",
    ),
    Column(
        "ARR and ways",
        sort="arr",
        class_="num nowrap",
        hint="ARR of those who move at the large change, turned that way in which more move; and which way they go.",
    ),
)


@dataclass(frozen=True)
class Turn:
    """One of the two ways a number is turned: how far, who moves, and how that came."""

    label: str
    value: str
    trace: str


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    value: str
    edit_url: str
    what_if_url: str
    sizes: tuple[tuple[Turn, ...], ...]
    first: tuple[Turn, ...]
    share: tuple[Turn, ...]
    arr: str
    arr_trace: str
    ways: str
    is_near: bool


@dataclass(frozen=True)
class Group:
    """Rows under a heading of their own; folded: shown on a click."""

    title: str
    rows: list[Row]
    folded: bool


@dataclass(frozen=True)
class Said:
    """A sentence on top, and how its number came."""

    lead: str
    who: str
    rest: str
    trace: str


def said_of(sentences: Sequence[Sentence], *, counted: str) -> list[Said]:
    how = "Guards and overrides put aside" if counted == SUGGESTED else "Guards and overrides included"
    return [
        Said(
            each.lead,
            each.who,
            each.rest,
            f"Active customers whose tier is another when only this number is {exact_in_words(each.change.value)}.\n"
            f"{how}; {each.change.ways}.",
        )
        for each in sentences
    ]


_SORTS: dict[str, Callable[[KnobLine], Any]] = {
    "name": lambda line: line.name.casefold(),
    "small": lambda line: line.moved(0),
    "middle": lambda line: line.moved(1),
    "large": lambda line: line.moved(2),
    "arr": lambda line: 0 if (most := line.most(2)) is None else most.arr_cents,
    "first": lambda line: _nearness(line),
}
DEFAULT_SORT = ""


def _nearness(line: KnobLine) -> float:
    """How far the number is turned until the first customer moves, as a share of the large change."""
    large = [abs(change.value - line.value) for change in (line.downs[2], line.ups[2]) if change is not None]
    apart = [abs(change.value - line.value) for change in line.first if change is not None]
    return float(min(apart) / max(large)) if apart and large else float("inf")


def in_order(lines: Sequence[KnobLine], sort: str) -> list[KnobLine]:
    """As asked for; what is equal stays in the order of what moves most."""
    key = _SORTS.get(sort.removeprefix("-"))
    if key is None:
        return list(lines)
    return sorted(lines, key=key, reverse=sort.startswith("-"))


def rows_of(lines: Sequence[KnobLine], *, this: Sensitivity, counted: str) -> list[Row]:
    model, currency, least = this.tiering_model, this.result["currency"], this.result["share"]
    return [
        Row(
            name=line.name,
            kind=KIND_WORDS[line.kind],
            value=f"{exact_in_words(line.value)} {UNITS.get(line.measure, '')}".strip(),
            edit_url=_edit_url(line, model),
            what_if_url=_what_if_url(line, model, counted),
            sizes=tuple(
                tuple(_turn(line, change, currency) for change in pair if change is not None)
                for pair in zip(line.downs, line.ups, strict=True)
            ),
            first=tuple(_end(line, line.first, side, 1, currency) for side in (0, 1)),
            share=tuple(_end(line, line.share, side, least, currency) for side in (0, 1)),
            arr=_arr(line.most(2), currency),
            arr_trace=_arr_trace(line, currency),
            ways=most.ways if (most := line.most(2)) and most.customers else "",
            is_near=line.telling is not None,
        )
        for line in lines
    ]


def _turn(line: KnobLine, change: Change, currency: str) -> Turn:
    said = str(moves_in_words(line=line, change=change, currency=currency))
    trace = f"{said}\n{change.ways}." if change.customers else said
    return Turn(change.short, wording.grouped(change.customers), trace)


def _end(
    line: KnobLine, ends: tuple[Change | None, Change | None], side: int, least: int, currency: str
) -> Turn:
    change, limit = ends[side], line.looked_at[side]
    label = ("down", "up")[side]
    if change is None:
        if limit == line.value:
            return Turn(label, wording.DASH, "The number cannot be turned this way: it is at its end.")
        who = "nobody moves" if least == 1 else f"fewer than {wording.grouped(least)} customers move"
        return Turn(
            label,
            "nobody" if least == 1 else "not reached",
            f"{who.capitalize()} up to {exact_in_words(limit)}.",
        )
    said = str(moves_in_words(line=line, change=change, currency=currency))
    step = f"A change smaller by one step ({exact_in_words(line.step)}) moves {'nobody' if least == 1 else 'fewer'}."
    return Turn(label, exact_in_words(change.value), f"{said}\n{step}")


def _arr(change: Change | None, currency: str) -> str:
    if change is None or not change.customers:
        return wording.DASH
    return wording.compact(wording.from_cents(change.arr_cents), currency)


def _arr_trace(line: KnobLine, currency: str) -> str:
    change = line.most(2)
    if change is None or not change.customers:
        return ""
    exact = wording.money(wording.from_cents(change.arr_cents), currency, places=2)
    return f"{moves_in_words(line=line, change=change, currency=currency)}\nTheir ARR: {exact}."


def _edit_url(line: KnobLine, model: TieringModel) -> str:
    """The place of the number on its version's page: in the editor of a draft, in the words of another."""
    where = "rules" if model.status == TieringModel.Status.DRAFT else "in-words"
    address = reverse("admin:allocation_tieringmodel_change", args=[model.pk])
    return f"{address}#{where}-{line.place[0]}"


def _what_if_url(line: KnobLine, model: TieringModel, counted: str) -> str:
    """A new scenario with this one number changed as the page's sentence says; "" where a scenario has no name for it."""
    named, change = line.what_if, line.telling or line.most(0)
    if named is None or change is None:
        return ""
    asked: dict[str, Any] = {"version": model.number}
    value = _json_number(change.value)
    if named["part"] == "weights":
        asked["weights"] = {named["name"]: value}
    else:
        asked["bounds"] = [{"rule": named["rule"], "attribute": named["attribute"], "value": value}]
    if counted == SUGGESTED:
        asked["guards"] = "run out"
    definition = json.dumps({"model": asked}, ensure_ascii=False, separators=(",", ":"))
    return f"{reverse('scenario_new')}?{urlencode({'definition': definition})}"


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def chart_of(lines: Sequence[KnobLine], currency: str) -> Markup | str:
    """The numbers that move most, as far as they move anybody."""
    shown = [line for line in lines if line.telling is not None][:SHOWN_IN_CHART]
    if not shown:
        return ""
    rows = [
        Turned(line.name, _side(line, line.downs, currency), _side(line, line.ups, currency))
        for line in shown
    ]
    label = f"Customers that move when one of {len(rows)} numbers is turned down or up; the table below says the same."
    return wide_and_narrow(tornado(rows, label=label, width=WIDE), tornado(rows, label=label, width=NARROW))


def _side(line: KnobLine, changes: Sequence[Change | None], currency: str) -> Side | None:
    there = [change for change in changes if change is not None]
    if not there:
        return None
    counts = [0 if change is None else change.customers for change in changes]
    words = " ".join(str(moves_in_words(line=line, change=change, currency=currency)) for change in there)
    return Side((counts[0], counts[1], counts[2]), words)


HEADINGS = (
    *("kind", "name", "value", "step", "change", "turned", "turned_to", "customers", "up", "down", "arr"),
    "counted",
)


def as_csv(*, this: Sensitivity, every: Sequence[tuple[str, Sequence[KnobLine]]]) -> HttpResponse:
    """A line a number, change and way; amounts in the base currency. every: who is counted, and the lines."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"sensitivity-version-{this.tiering_model.number}-{this.as_of}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(HEADINGS)
    for counted, lines in every:
        for line in lines:
            for cells in _cells(line):
                row = (*cells, "now" if counted != SUGGESTED else "guards run out")
                writer.writerow([mark_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return response


def _cells(line: KnobLine) -> Iterator[tuple[Any, ...]]:
    pairs = [
        (size, changes) for size, changes in zip(SIZES, zip(line.downs, line.ups, strict=True), strict=True)
    ]
    for size, changes in [*pairs, ("first customer", line.first), ("1 %", line.share)]:
        for turned, change in zip(("down", "up"), changes, strict=True):
            if change is None:
                continue
            yield (
                *(line.kind, line.name, line.value, line.step, size, turned, change.value),
                *(change.customers, change.up, change.down, wording.from_cents(change.arr_cents)),
            )
