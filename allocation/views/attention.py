"""Attention: how a CSM's hours of the month are shared over the book, and what another basis would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import CSM
from allocation.charts.attention import (
    NARROW,
    WIDE,
    DotRow,
    HoursBar,
    basis_dots,
    hours_bars,
    legend_mark,
)
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.facts.attention import (
    BASES,
    AttentionFinding,
    AttentionRules,
    Basis,
    BasisComparison,
)
from allocation.forms.attention import TryAttentionForm
from allocation.selectors import attention_words as words_of
from allocation.selectors import wording
from allocation.selectors.attention import BookCare, book_care, done_minutes, tried_care
from allocation.selectors.attention_lines import (
    CareLine,
    Compared,
    ComparedRow,
    Lines,
    asking_most,
    care_lines,
    compared,
    visible_ids,
)
from allocation.selectors.books import csm_in_scope, own_csm
from allocation.snapshots.away import MONTH_DAYS
from allocation.views.access import for_everyone_with_a_role, for_roles, today
from allocation.views.attention_parts import attention_kpis, closing_words

DRAWN = 14
"""So many customers stand in the picture of the bases; the table has them all."""


@require_safe
@for_roles("csm")
def my_attention(request: HttpRequest) -> HttpResponse:
    """The own hours; a CSM whose sign-in is linked to no CSM is told what to do."""
    csm = own_csm(user=request.user)
    if csm is None:
        return render(request, "pages/no_book.html")
    return _page(request, csm, own=True)


@require_safe
@for_everyone_with_a_role
def book_attention(request: HttpRequest, pk: int) -> HttpResponse:
    """The hours of a CSM in scope; of one that is not, there is no page."""
    csm = csm_in_scope(user=request.user, pk=pk)
    if csm is None:
        raise Http404
    return _page(request, csm, own=csm.user_id is not None and csm.user_id == request.user.pk)


def _page(request: HttpRequest, csm: CSM, *, own: bool) -> HttpResponse:
    user: Any = request.user
    day = today()
    care = book_care(csm=csm, as_of=day)
    seen = visible_ids(care=care, user=user)
    done = done_minutes(customer_ids=[one.pk for one in care.customers], on=day)
    leads = user.is_ops or user.is_manager
    trying = TryAttentionForm(request.GET, in_force=care.rules)
    rules = trying.rules
    found, sides = tried_care(care=care, rules=rules)
    whole = request.GET.get("all") == "1"
    lines = care_lines(care=care, found=found, rules=rules, done=done, seen=seen, whole=whole)
    context = {
        "csm": csm,
        "own": own,
        "leads": leads,
        "day": day,
        "care": care,
        "found": found,
        "heading": "My attention" if own else f"Attention of {csm.name}",
        "book_url": reverse("my_book") if own else reverse("book", args=[csm.pk]),
        "basis": words_of.basis_label(rules.basis),
        "idea": words_of.IDEAS[rules.basis],
        "floor_words": words_of.floor_words(rules),
        "cap_words": words_of.cap_words(rules),
        "held": _held(lines),
        "trying": trying,
        "policy_words": _in_force(care),
        "kpis": attention_kpis(care=care, found=found, done=lines.total.done, rules=rules),
        "net_lines": words_of.net_lines(care.net, days_away=care.days_away, month=MONTH_DAYS),
        "lines": lines,
        "rows": [_row(line) for line in lines.all],
        "total": _total(lines.total, found),
        "unallocated": _unallocated(found),
        "done_since": f"{day.replace(day=1):%-d}–{wording.day(day)}",
        "chart": _bars(lines) if lines.rows else "",
        "all": whole,
        **_over_capacity(care, found, seen, day),
        **_sides(care, sides, seen=seen, whole=whole, rules=rules),
    }
    return render(request, "pages/attention.html", context)


def _in_force(care: BookCare) -> str:
    """What holds, where something else is tried."""
    rules = care.rules
    name = f"“{care.policy}”" if care.policy.pk else "no policy, so the defaults"
    return f"In force is {name}: {words_of.basis_label(rules.basis)}. {words_of.floor_words(rules)} {words_of.cap_words(rules)}"


def _held(lines: Lines) -> list[str]:
    """Which of the customers shown floor and cap bind."""
    said = []
    for bound, words in (("floor", "The floor raises"), ("cap", "The cap holds")):
        names = [line.name for line in lines.rows if line.bound == bound]
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            said.append(f"{words} {', '.join(names[:4])}{more}.")
    return said


@dataclass(frozen=True)
class Row:
    """A line as it is written."""

    line: CareLine
    base: str
    share: str
    total: str
    done: str
    total_words: str
    done_words: str
    bound: str


def _row(line: CareLine) -> Row:
    hm = wording.hours_and_minutes
    return Row(
        line=line,
        base=hm(line.base),
        share=hm(line.share),
        total=hm(line.minutes),
        done=hm(line.done),
        total_words=f"Base {hm(line.base)} + share {hm(line.share)}.",
        done_words=f"Touches done with it since the month began: {hm(line.done)}. Attention of the thirty days from today: {hm(line.minutes)}.",
        bound={"floor": "floor", "cap": "cap", "": ""}[line.bound],
    )


def _total(line: CareLine, found: AttentionFinding) -> Row:
    row = _row(line)
    return Row(
        line=line,
        base=row.base,
        share=row.share,
        total=row.total,
        done=row.done,
        total_words=f"{row.total_words} {closing_words(found)}",
        done_words="Touches done with these customers since the month began.",
        bound="",
    )


def _unallocated(found: AttentionFinding) -> str:
    if found.over_capacity or not found.unallocated_minutes or not found.shares:
        return ""
    hours = wording.hours_and_minutes(found.unallocated_minutes)
    return f"{hours} hours are unallocated: the cap keeps them from everybody."


def _over_capacity(
    care: BookCare, found: AttentionFinding, seen: frozenset[int], day: date
) -> dict[str, Any]:
    """What is missing, and which lines of the touch plans ask most."""
    if not found.over_capacity:
        return {"over": None}
    asking = asking_most(care=care, seen=seen, on=day)
    return {
        "over": {
            "missing": wording.hours_and_minutes(found.missing_minutes),
            "net": wording.hours_and_minutes(found.net_minutes),
            "base": wording.hours_and_minutes(found.base_minutes),
            "asking": [
                (
                    line,
                    wording.hours_and_minutes(line.minutes),
                    f"{line.name} with {line.customers}, a year ÷ 12.",
                )
                for line in asking[:6]
            ],
        }
    }


def _bars(lines: Lines) -> Markup:
    hm = wording.hours_and_minutes
    bars = [
        HoursBar(
            name=line.name,
            base=line.base,
            share=line.share,
            done=line.done,
            words=f"{line.name}: {hm(line.minutes)} hours, base {hm(line.base)}, share {hm(line.share)}, of the thirty days from today; {hm(line.done)} done since the month began",
            value=hm(line.minutes),
        )
        for line in lines.rows
    ]
    return wide_and_narrow(hours_bars(bars, width=WIDE), hours_bars(bars, width=NARROW))


@dataclass(frozen=True)
class Side:
    """A basis in the comparison: how it is called, its mark, and what it would change."""

    basis: Basis
    label: str
    short: str
    mark: Markup
    in_force: bool
    words: str
    gains: str
    loses: str
    moved: str


def _sides(
    care: BookCare, found: BasisComparison, *, seen: frozenset[int], whole: bool, rules: AttentionRules
) -> dict[str, Any]:
    if care.found.over_capacity or not care.customers:
        return {"sides": None}
    table = compared(care=care, found=found, seen=seen, whole=whole)
    return {
        "sides": [_side(place, table, care.rules, rules) for place in range(len(BASES))],
        "compared_rows": [_cells(row, care.rules) for row in (*table.rows, *table.rest)],
        "compared_total": _cells(table.total, care.rules),
        "dots": _dots(table, care.rules),
    }


def _side(place: int, table: Compared, in_force: AttentionRules, tried: AttentionRules) -> Side:
    found = table.bases[place]
    same = found.basis == in_force.basis and (tried.floor_pct, tried.cap_pct) == (
        in_force.floor_pct,
        in_force.cap_pct,
    )
    change = wording.difference
    words = "in force" if same else f"{found.gain} gain, {found.lose} lose"
    return Side(
        basis=found.basis,
        label=words_of.basis_label(found.basis),
        short=words_of.SHORT[found.basis],
        mark=legend_mark(place, large=found.basis == in_force.basis),
        in_force=same,
        words=words,
        gains=f"{found.gains[0]} {change(found.gains[1])}" if found.gains else wording.DASH,
        loses=f"{found.loses[0]} {change(found.loses[1])}" if found.loses else wording.DASH,
        moved=wording.hours_and_minutes(found.moved),
    )


@dataclass(frozen=True)
class Cells:
    row: ComparedRow
    cells: list[Mapping[str, str]]


def _cells(row: ComparedRow, in_force: AttentionRules) -> Cells:
    hm = wording.hours_and_minutes
    return Cells(
        row,
        [
            {
                "label": words_of.SHORT[cell.basis],
                "minutes": hm(cell.minutes),
                "difference": "" if cell.difference == 0 else wording.difference(cell.difference),
                "tone": "good" if cell.difference > 0 else "bad" if cell.difference < 0 else "",
                "words": f"By {words_of.basis_label(cell.basis)} {hm(cell.minutes)}; in force, by {words_of.basis_label(in_force.basis)}, {hm(row.in_force)}.",
            }
            for cell in row.cells
        ],
    )


def _dots(table: Compared, in_force: AttentionRules) -> Markup | str:
    rows = [
        DotRow(
            name=row.name,
            dots=[cell.minutes for cell in row.cells],
            words=f"{row.name}: "
            + ", ".join(
                f"{words_of.SHORT[cell.basis]} {wording.hours_and_minutes(cell.minutes)}"
                for cell in row.cells
            ),
        )
        for row in table.rows[:DRAWN]
    ]
    if not rows:
        return ""
    place = BASES.index(in_force.basis)
    return wide_and_narrow(
        basis_dots(rows, in_force=place, width=WIDE), basis_dots(rows, in_force=place, width=NARROW)
    )
