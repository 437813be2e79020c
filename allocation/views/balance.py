"""The balance of the books, as a chart and a table, and the list of books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Team, Tier
from allocation.charts.bars import NARROW, WIDE, UtilisationBar, utilisation_bars
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.balance import Balance
from allocation.engine.facts.books import BookRow
from allocation.selectors import book_lines as selector
from allocation.selectors import wording
from allocation.selectors.balance import Workload, measured, workload
from allocation.selectors.plans import figure_words
from allocation.snapshots.money import UnknownRate
from allocation.views.access import for_leads
from allocation.views.as_of import as_of
from allocation.views.lists import Column, headings, page_of
from allocation.views.parts import Kpi, arr_kpi, with_meters


@require_safe
@for_leads
def balance(request: HttpRequest) -> HttpResponse:
    """Every book in scope against its capacity and against the others."""
    user: Any = request.user
    shown = as_of(request)
    day = shown.day
    teams = list(Team.objects.visible_to(user).order_by("name", "pk"))
    team = next((one for one in teams if str(one.pk) == request.GET.get("team")), None)
    try:
        found = workload(as_of=day, user=user, rates_on=shown.today)
    except UnknownRate as missing:
        return render(request, "pages/balance.html", {"as_of": shown, "empty_words": str(missing)})
    if team is not None:
        rows_of_team = [row for row in found.rows if row.team == team.name]
        found = measured(rows=rows_of_team, covers=found.covers, seen=found.seen)
    sort = selector.known_sort(request.GET.get("sort"))
    rows = selector.in_order(found.rows, sort=sort)
    tiers = selector.shown_tiers(rows)
    context = {
        "as_of": shown,
        "team": team,
        "teams": teams,
        "sort": sort,
        "sorts": [(key, label) for key, (label, _) in selector.SORTS.items()],
        "kpis": _kpis(found),
        "chart": chart(rows),
        "columns": headings(_columns(tiers), sort=sort),
        "rows": with_meters(
            selector.book_lines(
                rows, among=rows, tiers=tiers, user=user, covers=found.covers, seen=found.seen
            )
        ),
        "total": selector.totals(rows, tiers=tiers),
        "figures": [
            _figures("Utilisation", found.utilisation),
            _figures("ARR", found.arr),
            _figures("Customers", found.customers),
        ],
        "empty_words": "Import CSMs, or give teams a manager, and their books stand here side by side.",
    }
    return render(request, "pages/balance.html", context)


@require_safe
@for_leads
def books(request: HttpRequest) -> HttpResponse:
    """One line a book in scope."""
    user: Any = request.user
    shown = as_of(request)
    try:
        found = workload(as_of=shown.day, user=user, rates_on=shown.today)
    except UnknownRate as missing:
        return render(request, "pages/books.html", {"problem": str(missing), "as_of": shown})
    sort = selector.known_sort(request.GET.get("sort"), default="name")
    page = page_of(request, selector.in_order(found.rows, sort=sort))
    lines = selector.book_lines(
        list(page.object_list),
        among=found.rows,
        tiers=[],
        user=user,
        covers=found.covers,
        seen=found.seen,
    )
    context = {
        "as_of": shown,
        "page": page,
        "rows": with_meters(lines),
        "columns": headings(_columns([]), sort=sort),
    }
    return render(request, "pages/books.html", context)


def chart(rows: Sequence[BookRow]) -> Markup:
    """Utilisation by CSM, for both screens."""
    mean = selector.mean_pct(rows)
    bars = [
        UtilisationBar(
            name=row.name,
            pct=(pct := selector.utilisation_pct(row)),
            words=f"{row.name}: {wording.percent(pct, places=2)}, {wording.minutes_as_hours(row.minutes)} of "
            f"{wording.minutes_as_hours(row.capacity_minutes)} hours, {wording.counted(row.customers, 'customer')}",
            outside=selector.is_outside(row, mean),
            without="covered" if row.covered else "no capacity",
        )
        for row in rows
    ]
    middle = None if mean is None else float(mean)
    return wide_and_narrow(
        utilisation_bars(bars, mean=middle, width=WIDE), utilisation_bars(bars, mean=middle, width=NARROW)
    )


def _columns(tiers: Sequence[Tier]) -> list[Column]:
    return [
        Column("CSM", "name"),
        Column("Customers", "customers", "num"),
        *(Column(tier.name, "", "num name") for tier in tiers),
        Column(f"ARR, {settings.BASE_CURRENCY}", "arr", "num"),
        Column("Hours", "hours", "num"),
        Column("Capacity", "", "num"),
        Column("Utilisation", "utilisation"),
    ]


def _kpis(found: Workload) -> list[Kpi]:
    rows = found.rows
    over = len(selector.over_capacity(rows))
    outside, figures = found.utilisation.outside_15_pct, found.utilisation
    mean = selector.mean_pct(rows)
    customers = wording.counted(sum(row.customers for row in rows), "customer")
    return [
        Kpi("CSMs", wording.grouped(len(rows)), note=customers, icon="people"),
        arr_kpi(sum(row.arr_cents for row in rows), label="ARR in books"),
        Kpi(
            "Mean utilisation",
            wording.percent(None if mean is None else float(mean), places=1),
            note=f"largest ÷ mean {figure_words(figures.max_over_mean)}",
            icon="attention",
        ),
        Kpi(
            "Over capacity",
            wording.grouped(over),
            note="ask more hours than there are" if over else "nobody is",
            tone="bad" if over else "good",
            icon="alert",
        ),
        Kpi(
            "Outside ±15 %",
            wording.percent(outside, places=1),
            note="of books, by utilisation",
            tone="warn" if outside else "good",
            icon="balance",
        ),
    ]


def _figures(label: str, figures: Balance) -> dict[str, str]:
    return {
        "label": label,
        "outside": wording.percent(figures.outside_15_pct, places=1),
        "cv": figure_words(figures.cv),
        "gini": figure_words(figures.gini),
        "max_over_mean": figure_words(figures.max_over_mean),
    }
