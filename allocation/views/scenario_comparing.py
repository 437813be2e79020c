"""Two to four scenarios side by side with today, on a page and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.importing.escaping import mark_formula
from allocation.models import Scenario
from allocation.selectors import wording
from allocation.selectors.plans import FIGURES, HOW
from allocation.selectors.scenario_figures import Figures, TierNames, figures_of, tier_names
from allocation.selectors.scenarios import changes_shown, side_by_side
from allocation.views import scenario_parts as parts
from allocation.views.access import for_leads

FEWEST, MOST = 2, 4
TODAY = "Today"


@dataclass(frozen=True, slots=True)
class Cell:
    """mark: "best", "worst" or "" of its row."""

    name: str
    words: str
    value: float | int | None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """trace: how the figure comes. key: its name in the file."""

    key: str
    label: str
    trace: str
    cells: tuple[Cell, ...]
    tier: Any = None


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    rows: tuple[Row, ...]


@require_safe
@for_leads
def scenario_compare(request: HttpRequest) -> HttpResponse:
    """?s=1&s=2: those of them that the person may see and that are computed."""
    user: Any = request.user
    ids = _ids(request)
    found = side_by_side(user=user, ids=ids[:MOST])
    if len(found) < FEWEST or len(ids) > MOST:
        messages.info(
            request, f"Tick {FEWEST} to {MOST} scenarios that are computed, and put them side by side."
        )
        return redirect("scenarios")
    names = tier_names()
    answers = [figures_of(one.result) for one in found]
    newest = max(found, key=lambda one: (one.as_of, one.pk))
    now = figures_of(newest.result.get("today", {}))
    groups = _groups([TODAY, *(one.name for one in found)], [now, *answers], names)
    if request.GET.get("format") == "csv":
        return _as_csv(found, groups)
    context = {
        "found": found,
        "columns": [_column(one, figures, names, user) for one, figures in zip(found, answers, strict=True)],
        "groups": groups,
        "today_of": newest.as_of,
        "warnings": _differences(found, answers),
        "query": "&".join(f"s={one.pk}" for one in found),
    }
    return render(request, "pages/scenario_compare.html", context)


def _ids(request: HttpRequest) -> list[int]:
    """Those asked for, each once, in the order asked for."""
    given = [text for text in request.GET.getlist("s") if text.isdecimal() and len(text) < 10]
    return list(dict.fromkeys(int(text) for text in given))


def _column(one: Scenario, figures: Figures, names: TierNames, user: Any) -> dict[str, Any]:
    return {
        "scenario": one,
        "changes": changes_shown(scenario=one, user=user),
        "picture": parts.flow_miniature(figures, names, of=one.name),
    }


def _differences(found: Sequence[Scenario], answers: Sequence[Figures]) -> list[str]:
    """What makes the columns not quite about the same."""
    told = []
    days = sorted({one.as_of for one in found if one.as_of})
    if len(days) > 1:
        named = ", ".join(f"“{one.name}” as of {wording.day(one.as_of)}" for one in found)
        told.append(
            f"These were computed on different days ({named}): run them again to compare like with like."
        )
    planned = [one.name for one, figures in zip(found, answers, strict=True) if figures.books]
    if not _books_alike(answers):
        named = " and ".join(f"“{name}”" for name in planned)
        told.append(
            f"The books are planned anew in {named} only; elsewhere they are as today, so evenness cannot be compared."
        )
    return told


def _books_alike(answers: Sequence[Figures]) -> bool:
    return len({bool(figures.books) for figures in answers}) == 1


# ---- the rows ----

Read = Callable[[Figures], float | int | None]


def _groups(columns: Sequence[str], figures: Sequence[Figures], names: TierNames) -> list[Group]:
    slugs = names.used(figures)
    by_tier = [
        _row(columns, figures, f"customers_{slug or 'none'}", names.name(slug), "Active customers that hold the tier.",
             lambda one, slug=slug: one.customers.get(slug, 0), wording.grouped, tier=names.tiers.get(slug))
        for slug in slugs
    ]  # fmt: skip
    arr = [
        _row(columns, figures, f"arr_{slug or 'none'}", names.name(slug), "The ARR of these customers, changed amounts included, in the base currency.",
             lambda one, slug=slug: one.arr_cents.get(slug, 0), _amount, tier=names.tiers.get(slug))
        for slug in slugs
    ]  # fmt: skip
    return [
        Group("Customers by tier", tuple(by_tier)),
        Group("Change, hours and people", tuple(_main(columns, figures))),
        Group("How even the books are", tuple(_evenness(columns, figures, alike=_books_alike(figures[1:])))),
        Group(f"ARR by tier, {settings.BASE_CURRENCY}", tuple(arr)),
    ]


def _amount(cents: int) -> str:
    return wording.grouped(wording.from_cents(cents))


def _main(columns: Sequence[str], figures: Sequence[Figures]) -> list[Row]:
    def line(key: str, label: str, trace: str, read: Read, written: Callable[[Any], str], better: str) -> Row:
        return _row(columns, figures, key, label, trace, read, written, better=better)

    moves = line("moves", "Customers that move", parts.MOVES, lambda one: one.moves, wording.grouped, "")
    return [
        # Nobody moves today, so only the scenarios are better or worse than each other.
        _marked(moves, "low", leaving_out=1),
        line("hours_asked", "Hours asked a month", parts.ASKED, lambda one: one.minutes_asked, parts.hours, "low"),
        line("hours_there", "Hours there a month", parts.THERE, lambda one: one.minutes_there, parts.hours, ""),
        line("hours_left", "Hours to spare", "Hours there less hours asked; below 0 they are lacking.",
             lambda one: one.minutes_left, parts.hours, "high"),
        line("heads", "Heads needed", parts.HEADS, lambda one: one.heads, parts.number, "low"),
        line("heads_there", "Heads there", parts.HEADS_THERE, lambda one: one.heads_there, parts.number, ""),
        line("cost", "Cost a year", f"{parts.COST} {parts.NO_COST if figures[0].cost_cents is None else ''}".strip(),
             lambda one: one.cost_cents, parts.money, "low"),
    ]  # fmt: skip


def _evenness(columns: Sequence[str], figures: Sequence[Figures], *, alike: bool) -> list[Row]:
    """alike: the books of all scenarios are planned anew, or of none. Else no column is better than another."""

    def written(is_pct: bool) -> Callable[[Any], str]:
        return (lambda value: wording.percent(value, places=1)) if is_pct else (lambda value: f"{value:.3f}")

    return [
        _row(columns, figures, key, label, f"Of utilisation. {HOW[key]}", lambda one, key=key: one.balance.get(key), written(is_pct), better="low" if alike else "")
        for key, label, is_pct in FIGURES
    ]  # fmt: skip


def _row(
    columns: Sequence[str],
    figures: Sequence[Figures],
    key: str,
    label: str,
    trace: str,
    read: Read,
    written: Callable[[Any], str],
    *,
    better: str = "",
    tier: Any = None,
) -> Row:
    values = [read(one) for one in figures]
    cells = tuple(
        Cell(name, wording.DASH if value is None else written(value), value)
        for name, value in zip(columns, values, strict=True)
    )
    row = Row(key, label, trace, cells, tier)
    return _marked(row, better) if better else row


def _marked(row: Row, better: str, *, leaving_out: int = 0) -> Row:
    """The best and the worst of a row as they are read, in words; nothing where more than half of the columns have it."""
    cells = row.cells[leaving_out:]
    known = [cell.value for cell in cells if cell.value is not None]
    if not known:
        return row
    low, high = min(known), max(known)
    written = {cell.value: cell.words for cell in cells}
    ends = (written[low], written[high]) if better == "low" else (written[high], written[low])
    marks = {} if ends[0] == ends[1] else dict(zip(ends, ("best", "worst"), strict=True))
    common = {words for words in marks if 2 * sum(cell.words == words for cell in cells) > len(cells)}

    def marked(cell: Cell) -> Cell:
        mark = "" if cell.words in common else marks.get(cell.words, "")
        return Cell(cell.name, cell.words, cell.value, mark)

    return Row(row.key, row.label, row.trace, (*row.cells[:leaving_out], *map(marked, cells)), row.tier)


# ---- the file ----

MINUTES = {"hours_asked", "hours_there", "hours_left"}


def _as_csv(found: Sequence[Scenario], groups: Sequence[Group]) -> HttpResponse:
    """A line a figure, a column a scenario: plain numbers, hours with four decimals, amounts in the base currency."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    numbers = "-".join(str(one.pk) for one in found)
    response["Content-Disposition"] = f'attachment; filename="scenarios-{numbers}.csv"'
    writer = csv.writer(response)
    writer.writerow(["figure", "what", "today", *(mark_formula(one.name) for one in found)])
    for group in groups:
        for row in group.rows:
            cells = [_plain(row.key, cell.value) for cell in row.cells]
            writer.writerow([row.key, mark_formula(f"{group.label}: {row.label}"), *cells])
    return response


def _plain(key: str, value: Any) -> Any:
    if value is None:
        return ""
    if key in MINUTES:
        return wording.exact_hours_of(value)
    return wording.from_cents(value) if key == "cost" or key.startswith("arr_") else value
