"""The balance of the books, by team and by CSM, as charts and tables; and the list of books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Team, Tier
from allocation.charts.svg import Markup
from allocation.selectors import balance_lines as lines_selector
from allocation.selectors import book_lines as selector
from allocation.selectors.balance import Workload, workload
from allocation.selectors.balance_groups import Forest, Group, by_csm, by_team, rows_within
from allocation.selectors.balance_words import how_even
from allocation.selectors.outside_books import outside_books
from allocation.selectors.renewals import periods
from allocation.selectors.trend import trend
from allocation.snapshots.money import UnknownRate
from allocation.views import balance_parts as parts
from allocation.views.access import for_leads
from allocation.views.as_of import AsOf, as_of
from allocation.views.balance_csv import as_csv
from allocation.views.lists import Column, headings, page_of
from allocation.views.outside_books import Books, outside_words
from allocation.views.parts import utilisation_meter, with_meters

TEAMS, CSMS = "teams", "csms"
ARR_HINT = "Each customer's ARR at today's rate, rounded to the cent, added up."
HOURS_HINT = "A month, as the touch plans ask: hours of a year ÷ 12, each customer to the minute. A covered book's count with the cover."
CAPACITY_HINT = "Hours of the month from the day: contract × ramp × (1 − time not for customers), less leave of 30 days or more."
LINES = 100  # CSMs on a page: those of most companies stand on one
TREE = "tree"  # the order of teams, each followed by those below


@dataclass(frozen=True)
class Row:
    """A line with the bar of its utilisation, and where it leads."""

    line: lines_selector.Line
    meter: Markup | str
    url: str


@dataclass(frozen=True)
class Level:
    """What of the company is looked at, and how: the team (None: all in scope), its books, by team or by CSM."""

    forest: Forest
    team: Team | None
    found: Workload
    by: str
    sort: str
    has_teams: bool

    def groups(self) -> list[Group]:
        """In the order asked for; in another than that of the tree no team stands below another."""
        if self.by == CSMS:
            return lines_selector.in_order(by_csm(self.found.rows), sort=self.sort)
        groups = by_team(self.found.rows, forest=self.forest, within=self.team)
        if self.sort == TREE:
            return groups
        flat = [Group(one.name, one.rows, one.team, 0, one.above) for one in groups]
        return lines_selector.in_order(flat, sort=self.sort)


@require_safe
@for_leads
def balance(request: HttpRequest) -> HttpResponse:
    """Every book in scope against its capacity and against the others, at one level of the company."""
    user: Any = request.user
    shown = as_of(request)
    forest = Forest(list(Team.objects.visible_to(user).order_by("name", "pk")))
    try:
        found = workload(as_of=shown.day, user=user, rates_on=shown.today)
    except UnknownRate as missing:
        return render(request, "pages/balance.html", {"as_of": shown, "empty_words": str(missing)})
    level = _level(request, forest, found)
    tiers = selector.shown_tiers(level.found.rows)
    page = lines_selector.page_of_lines(
        found=level.found,
        tiers=tiers,
        periods=periods(shown.day),
        mean=selector.mean_pct(level.found.rows),
        on=shown.day,
    )
    groups = level.groups()
    shown_page = page_of(request, groups, size=LINES if level.by == CSMS else max(1, len(groups)))
    lines = [lines_selector.line_of(one, page) for one in shown_page]
    total = Group(name=f"All {len(level.found.rows)}", rows=level.found.rows)
    if request.GET.get("format") == "csv":
        return as_csv(groups=groups, total=total, page=page, day=shown.day)
    team_ids = [one.pk for one in forest.with_those_below(level.team)] if level.team else None
    outside = outside_books(
        user=user,
        shown={row.csm for row in level.found.rows},
        covers=found.covers,
        day=shown.day,
        today=shown.today,
        whole=level.team is None,
        nobodys=found.nobodys,
    )
    # Of a past day others than CS ops see the customers of their teams of today only, whoever had them: no figure to end with.
    ends_with = level.found.rows if user.is_ops or not shown.is_past else None
    kept = trend(user=user, on=shown.day, rows=ends_with, team_ids=team_ids)
    even = how_even(level.found)
    context = {
        "as_of": shown,
        "team": level.team,
        "way": _way(level, shown),
        "teams": [(one, depth) for one, depth in forest.walk()],
        "by": level.by,
        "has_teams": level.has_teams,
        "sort": level.sort,
        "sorts": _sorts(level.by),
        "kpis": parts.kpis(level.found, total, even),
        "chart": parts.chart(lines, page.mean),
        "columns": headings(_columns(level.by, tiers), sort=level.sort),
        "rows": [_row(line, level, shown) for line in lines],
        "page": shown_page,
        "total": lines_selector.line_of(total, page),
        "outside": outside_words(outside, books=Books(total.customers, total.arr_cents, total.minutes)),
        "periods": page.periods,
        "renewals": parts.renewals_chart(total, page),
        "even": even,
        "trend": kept,
        "trend_chart": parts.trend_chart(kept) if kept.is_drawn else "",
        "trend_rows": parts.trend_rows(kept),
        "empty_words": "Import CSMs, or give teams a manager, and their books stand here side by side.",
    }
    return render(request, "pages/balance.html", context)


def _level(request: HttpRequest, forest: Forest, found: Workload) -> Level:
    """What the address asks for; what it names and nobody knows is as if it were not named."""
    asked = request.GET.get("team", "")
    team = forest.found(asked)
    if team is not None:
        found = found.among(rows_within(found.rows, team=team, forest=forest))
    has_teams = len(by_team(found.rows, forest=forest, within=team)) > 1
    by = request.GET.get("by", "")
    if by not in (TEAMS, CSMS) or not has_teams:
        by = TEAMS if has_teams else CSMS
    sort = request.GET.get("sort", "")
    if sort not in lines_selector.SORTS:
        sort = TREE if by == TEAMS else selector.DEFAULT_SORT
    return Level(forest, team, found, by, sort, has_teams)


def _sorts(by: str) -> list[tuple[str, str]]:
    named = [(key, label) for key, (label, _) in lines_selector.SORTS.items()]
    if by == CSMS:
        return named
    return [(TREE, "As the company is built"), *((key, label) for key, label in named if key != "team")]


def _way(level: Level, shown: AsOf) -> list[tuple[str, str]]:
    """Names and addresses of what lies above the level."""
    if level.team is None:
        return []
    above = level.forest.way_to(level.team)[:-1]
    return [("Balance", _url(shown)), *((one.name, _url(shown, team=one.pk)) for one in above)]


def _url(shown: AsOf, **more: Any) -> str:
    given = {**more, **({"as_of": shown.asked} if shown.is_past else {})}
    return reverse("balance") + (f"?{urlencode(given)}" if given else "")


def _row(line: lines_selector.Line, level: Level, shown: AsOf) -> Row:
    url = ""
    if line.pk is not None:
        url = _url(shown, team=line.pk) if line.is_team else reverse("book", args=[line.pk]) + shown.query
    meter = line.without if line.pct is None else utilisation_meter(line.pct)
    return Row(line=line, meter=meter, url=url)


def _columns(by: str, tiers: Sequence[Tier]) -> list[Column]:
    first = Column("CSM", "name") if by == CSMS else Column("Team", "name")
    return [
        first,
        Column("Customers", "customers", "num"),
        *(Column(tier.name, "", "num name") for tier in tiers),
        Column(
            f"ARR, {settings.BASE_CURRENCY}",
            "arr",
            "num",
            hint=ARR_HINT,
        ),
        Column("Hours", "hours", "num", hint=HOURS_HINT),
        Column("Capacity", "", "num", hint=CAPACITY_HINT),
        Column("Utilisation", "utilisation", hint="Hours ÷ capacity. Who is away and covered has none."),
        *(
            [
                Column(
                    "Outside",
                    "",
                    "num",
                    hint="CSMs whose utilisation is more than 15 % from the mean of the CSMs shown.",
                )
            ]
            if by == TEAMS
            else []
        ),
        *(
            [
                Column(
                    "Heads",
                    "heads",
                    hint="CSMs − (hours ÷ mean capacity of a CSM, rounded up): to spare, or short where it is below 0.",
                )
            ]
            if by == TEAMS
            else []
        ),
    ]


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
        "columns": headings(_book_columns(), sort=sort),
    }
    return render(request, "pages/books.html", context)


def _book_columns() -> list[Column]:
    return [
        Column("CSM", "name"),
        Column("Customers", "customers", "num", hint="Active customers of the book."),
        Column(f"ARR, {settings.BASE_CURRENCY}", "arr", "num", hint=ARR_HINT),
        Column("Hours", "hours", "num", hint=HOURS_HINT),
        Column("Capacity", "", "num", hint=CAPACITY_HINT),
        Column("Utilisation", "utilisation", hint="Hours ÷ capacity. Who is away and covered has none."),
    ]
