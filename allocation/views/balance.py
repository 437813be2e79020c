"""The balance of the books: the numbers of the `workload_balance` command, as a chart and a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import CSM, Team, Tier
from allocation.charts.bars import NARROW, WIDE, UtilisationBar, utilisation_bars
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.balance import OUTSIDE, Balance
from allocation.engine.facts.books import BookRow
from allocation.selectors import wording
from allocation.selectors.balance import Workload, measured, workload
from allocation.selectors.plans import figure_words
from allocation.snapshots.money import UnknownRate
from allocation.views.access import for_leads, today
from allocation.views.lists import Column, headings, page_of
from allocation.views.parts import Kpi, utilisation_meter

SORTS: dict[str, tuple[str, Callable[[BookRow], Any]]] = {
    "-utilisation": ("Fullest first", lambda row: -(row.utilisation if row.utilisation is not None else -1)),
    "utilisation": ("Emptiest first", lambda row: row.utilisation if row.utilisation is not None else 10**9),
    "name": ("By name", lambda row: row.name),
    "-name": ("By name, from Z", lambda row: tuple(-ord(letter) for letter in row.name)),
    "team": ("By team", lambda row: row.team),
    "-customers": ("Most customers first", lambda row: -row.customers),
    "customers": ("Fewest customers first", lambda row: row.customers),
    "-arr": ("Most ARR first", lambda row: -row.arr_cents),
    "arr": ("Least ARR first", lambda row: row.arr_cents),
    "-hours": ("Most hours first", lambda row: -row.minutes),
    "hours": ("Fewest hours first", lambda row: row.minutes),
}
DEFAULT_SORT = "-utilisation"


@dataclass(frozen=True)
class TierCell:
    tier: str
    customers: str


@dataclass(frozen=True)
class Line:
    """One CSM as strings. `pk` None: the CSM is not (or no longer) to be opened."""

    pk: int | None
    name: str
    team: str
    customers: str
    by_tier: list[TierCell]
    arr: str
    hours: str
    capacity: str
    meter: Markup | str
    outside: bool
    side: str


@require_safe
@for_leads
def balance(request: HttpRequest) -> HttpResponse:
    """Every book in scope against its capacity and against the others."""
    user: Any = request.user
    day = today()
    teams = list(Team.objects.visible_to(user).order_by("name", "pk"))
    team = next((one for one in teams if str(one.pk) == request.GET.get("team")), None)
    try:
        found = workload(as_of=day, user=user)
    except UnknownRate as missing:
        return render(request, "pages/balance.html", {"as_of": wording.day(day), "empty_words": str(missing)})
    if team is not None:
        found = measured(rows=[row for row in found.rows if row.team == team.name])
    sort = request.GET.get("sort", DEFAULT_SORT)
    rows = in_order(found.rows, sort=sort)
    tiers = shown_tiers(rows)
    context = {
        "as_of": wording.day(day),
        "team": team,
        "teams": teams,
        "sort": sort if sort in SORTS else DEFAULT_SORT,
        "sorts": [(key, label) for key, (label, _) in SORTS.items()],
        "kpis": _kpis(found),
        "chart": chart(rows),
        "columns": headings(_columns(tiers), sort=sort if sort in SORTS else DEFAULT_SORT),
        "rows": lines(rows, tiers=tiers, user=user),
        "total": _total(rows, tiers),
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
    try:
        found = workload(as_of=today(), user=user)
    except UnknownRate as missing:
        return render(request, "pages/books.html", {"problem": str(missing)})
    sort = request.GET.get("sort", "name")
    page = page_of(request, in_order(found.rows, sort=sort if sort in SORTS else "name"))
    context = {
        "page": page,
        "rows": lines(list(page.object_list), tiers=[], user=user),
        "columns": headings([*_columns([])[:-2], Column("Utilisation", "utilisation")], sort=sort),
    }
    return render(request, "pages/books.html", context)


def in_order(rows: Sequence[BookRow], *, sort: str) -> list[BookRow]:
    key = SORTS.get(sort, SORTS[DEFAULT_SORT])[1]
    return sorted(rows, key=lambda row: (key(row), row.name, row.csm))


def shown_tiers(rows: Sequence[BookRow]) -> list[Tier]:
    """Tiers that somebody has customers of, the highest first."""
    used = {slug for row in rows for slug, number in row.by_tier.items() if number}
    return [tier for tier in Tier.objects.order_by("rank") if tier.slug in used]


def mean_pct(rows: Sequence[BookRow]) -> Fraction | None:
    """Mean utilisation in per cent, over the books that have a capacity: what the ±15 % are of."""
    known = [Fraction(row.minutes, row.capacity_minutes) for row in rows if row.capacity_minutes > 0]
    return 100 * sum(known, Fraction(0)) / len(known) if known else None


def is_outside(row: BookRow, mean: Fraction | None) -> bool:
    if mean is None or row.capacity_minutes <= 0:
        return False
    return abs(Fraction(100 * row.minutes, row.capacity_minutes) - mean) > OUTSIDE * mean


def chart(rows: Sequence[BookRow]) -> Markup:
    mean = mean_pct(rows)
    bars = [
        UtilisationBar(
            name=row.name,
            pct=_pct(row),
            words=f"{row.name}: {wording.percent(_pct(row), places=1)}, {wording.minutes_as_hours(row.minutes)} of "
            f"{wording.minutes_as_hours(row.capacity_minutes)} hours, {wording.counted(row.customers, 'customer')}",
            outside=is_outside(row, mean),
        )
        for row in rows
    ]
    middle = None if mean is None else float(mean)
    return wide_and_narrow(
        utilisation_bars(bars, mean=middle, width=WIDE), utilisation_bars(bars, mean=middle, width=NARROW)
    )


def _pct(row: BookRow) -> float | None:
    return None if row.utilisation is None else 100 * row.utilisation


def lines(rows: Sequence[BookRow], *, tiers: Sequence[Tier], user: Any) -> list[Line]:
    """The rows as strings; one statement for the way to the books."""
    ids = {csm.key: csm.pk for csm in CSM.objects.visible_to(user).only("pk", "email", "name")}
    places = wording.places_of(wording.from_cents(row.arr_cents) for row in rows)
    mean = mean_pct(rows)
    return [
        Line(
            pk=ids.get(row.csm),
            name=row.name,
            team=row.team,
            customers=wording.grouped(row.customers),
            by_tier=[TierCell(tier.name, wording.grouped(row.by_tier.get(tier.slug, 0))) for tier in tiers],
            arr=wording.grouped(wording.from_cents(row.arr_cents), places=places),
            hours=wording.minutes_as_hours(row.minutes),
            capacity=wording.minutes_as_hours(row.capacity_minutes),
            meter=utilisation_meter(_pct(row)),
            outside=is_outside(row, mean),
            side="above" if mean is not None and (_pct(row) or 0) > mean else "below",
        )
        for row in rows
    ]


def _total(rows: Sequence[BookRow], tiers: Sequence[Tier]) -> dict[str, Any]:
    arr = sum(row.arr_cents for row in rows)
    minutes, capacity = sum(row.minutes for row in rows), sum(row.capacity_minutes for row in rows)
    places = wording.places_of(wording.from_cents(row.arr_cents) for row in rows)
    return {
        "customers": wording.grouped(sum(row.customers for row in rows)),
        "by_tier": [wording.grouped(sum(row.by_tier.get(tier.slug, 0) for row in rows)) for tier in tiers],
        "arr": wording.grouped(wording.from_cents(arr), places=places),
        "hours": wording.minutes_as_hours(minutes),
        "capacity": wording.minutes_as_hours(capacity),
        "utilisation": wording.percent(100 * minutes / capacity, places=1) if capacity else wording.DASH,
    }


def _columns(tiers: Sequence[Tier]) -> list[Column]:
    return [
        Column("CSM", "name"),
        Column("Team", "team"),
        Column("Customers", "customers", "num"),
        *(Column(tier.name, "", "num") for tier in tiers),
        Column(f"ARR, {settings.BASE_CURRENCY}", "arr", "num"),
        Column("Hours", "hours", "num"),
        Column("Capacity", "", "num"),
        Column("Utilisation", "utilisation"),
    ]


def _kpis(found: Workload) -> list[Kpi]:
    rows = found.rows
    over = sum(1 for row in rows if row.capacity_minutes > 0 and row.minutes > row.capacity_minutes)
    outside = found.utilisation.outside_15_pct
    mean = mean_pct(rows)
    arr = sum(row.arr_cents for row in rows)
    return [
        Kpi(
            "CSMs",
            wording.grouped(len(rows)),
            note=wording.counted(sum(row.customers for row in rows), "customer"),
            icon="people",
        ),
        Kpi(
            "ARR in books",
            f"{wording.grouped(Decimal(arr) / 100)}\u00a0{settings.BASE_CURRENCY}",
            note=f"largest ÷ mean {figure_words(found.arr.max_over_mean)}",
            icon="rates",
        ),
        Kpi(
            "Mean utilisation",
            wording.percent(None if mean is None else float(mean), places=1),
            note=f"largest ÷ mean {figure_words(found.utilisation.max_over_mean)}",
            icon="attention",
        ),
        Kpi(
            "Over capacity",
            wording.grouped(over),
            note="more hours asked than there are" if over else "nobody is",
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
        Kpi(
            "Gini",
            figure_words(found.utilisation.gini),
            note=f"coefficient of variation {figure_words(found.utilisation.cv)}",
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


def furthest_from_even(found: Workload, *, at_most: int) -> list[BookRow]:
    """Books whose utilisation is furthest from the mean."""
    mean = mean_pct(found.rows)
    if mean is None:
        return []
    known = [row for row in found.rows if row.capacity_minutes > 0]
    far = sorted(known, key=lambda row: (-abs((_pct(row) or 0) - float(mean)), row.name, row.csm))
    return far[:at_most]
