"""What people overrule, as a page and as CSV: by tier rule, segment, criterion and reason."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from accounts.importing.escaping import mark_formula
from accounts.models import Tier
from allocation.charts.bars import mini_bar
from allocation.charts.svg import Markup
from allocation.forms.overrides import PeriodForm
from allocation.models import Override, TieringModel
from allocation.selectors import wording
from allocation.selectors.override_report import (
    DOWN,
    KEPT,
    NEITHER,
    UP,
    CriterionLine,
    Line,
    OverrideReport,
    what_people_overrule,
)
from allocation.selectors.overrides import months_later
from allocation.views.access import for_leads, today
from allocation.views.parts import Kpi, page_url

HEADINGS = (
    "part", "name", "tier", "customers", "asked", "approved", "customers_overruled", "share_pct", "up", "down",
    "neither", "in_force", "approved_with_value", "overruled",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line of one of the tables, as strings."""

    name: str
    tier: Tier | None
    customers: str
    asked: str
    approved: str
    in_force: str
    ways: str
    share: Markup | str
    url: str = ""


@require_safe
@for_leads
def override_report(request: HttpRequest) -> HttpResponse:
    """For the asked period, the last twelve months if none is; CS ops of everybody, a manager of the own teams."""
    user: Any = request.user
    day = today()
    form = PeriodForm(request.GET or None, initial={"from": months_later(day, -12), "to": day})
    starts_on, ends_on = form.period
    found = what_people_overrule(user=user, starts_on=starts_on, ends_on=ends_on, today=day)
    tiers = {tier.slug: tier for tier in Tier.objects.order_by("rank")}
    if request.GET.get("format") == "csv":
        return _as_csv(found, tiers)
    url = _model_url(user)
    context = {
        "form": form,
        "period": f"{wording.day(starts_on)} to {wording.day(ends_on)}",
        "found": found,
        "kpis": _kpis(found),
        "rules": [
            _row(capfirst(rule.words), line, tier=tiers.get(rule.tier), url=url) for rule, line in found.rules
        ],
        "segments": [_row(name, line) for name, line in found.segments],
        "criteria": [_criterion(name, line) for name, line in found.criteria],
        "reasons": [_row(label, line) for label, line in found.reasons if line.asked],
        "model_url": url,
        "approvals_url": page_url("approvals"),
    }
    return render(request, "pages/override_report.html", context)


def _model_url(user: Any) -> str:
    """The version in force in the model editor, for who can make a draft of it."""
    if not (user.is_ops and user.is_staff):
        return ""
    pk = TieringModel.objects.published().values_list("pk", flat=True).first()
    return page_url("admin:allocation_tieringmodel_change", pk) if pk else ""


def _kpis(found: OverrideReport) -> list[Kpi]:
    total, statuses = found.total, found.statuses
    days = wording.DASH if found.mean_days is None else f"{found.mean_days:.1f}"
    return [
        Kpi(
            "Asked for",
            wording.grouped(total.asked),
            icon="override",
            note=_outcome(statuses),
            trace="Every request for an override made within the period, whatever became of it.",
        ),
        Kpi(
            "Approved",
            wording.grouped(total.approved),
            icon="check",
            note=_ways(total) or "none so far",
            trace="Of the requests made within the period: those a manager approved, ended or not.",
        ),
        Kpi(
            "Still in force",
            wording.grouped(total.in_force),
            icon="clock",
            note="of those approved",
            trace="Of the approved ones: those whose dates hold today and that nobody ended.",
        ),
        Kpi(
            "Renewed",
            wording.grouped(found.renewed),
            icon="history",
            note="asked for again when they ended",
            trace="Requests within the period that name the override they carry on.",
        ),
        Kpi(
            "Days to a decision",
            days,
            icon="approval",
            note="mean of those decided",
            trace="From the day of the request to the day of its approval or refusal: the sum of days ÷ the requests decided.",
        ),
    ]


def _outcome(statuses: Mapping[str, int]) -> str:
    asked, declined = statuses.get(Override.Status.ASKED, 0), statuses.get(Override.Status.DECLINED, 0)
    rest = (
        (statuses.get(Override.Status.WITHDRAWN, 0), "withdrawn or ended"),
        (statuses.get(Override.Status.EXPIRED, 0), "expired"),
    )
    return f"{asked} waiting, {declined} declined" + "".join(f", {n} {what}" for n, what in rest if n)


def _ways(line: Line | CriterionLine) -> str:
    """ "3 up, 1 down, 1 against a guard"."""
    names = ((UP, "up"), (DOWN, "down"), (NEITHER, "against a guard"), (KEPT, "to stay"))
    return ", ".join(f"{line.ways[way]} {words}" for way, words in names if line.ways[way])


def _share(pct: float | None, of: int) -> Markup | str:
    return (
        wording.DASH
        if pct is None or not of
        else mini_bar(pct, tone="", words=wording.percent(pct, places=1))
    )


def _row(name: str, line: Line, *, tier: Tier | None = None, url: str = "") -> Row:
    return Row(
        name=name,
        tier=tier,
        customers=wording.grouped(len(line.customers)),
        asked=wording.grouped(line.asked),
        approved=wording.grouped(line.approved),
        in_force=wording.grouped(line.in_force),
        ways=_ways(line) or wording.DASH,
        share=_share(line.share_pct, len(line.customers)),
        url=url if line.approved else "",
    )


def _criterion(name: str, line: CriterionLine) -> Row:
    return Row(
        name=name,
        tier=None,
        customers=wording.grouped(line.with_value),
        asked="",
        approved=wording.grouped(line.overruled),
        in_force="",
        ways=_ways(line) or wording.DASH,
        share=_share(line.share_pct, line.with_value),
    )


def _as_csv(found: OverrideReport, tiers: Mapping[str, Tier]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"what-people-overrule-{found.starts_on}-to-{found.ends_on}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(HEADINGS)
    for line in _csv_lines(found, tiers):
        writer.writerow([mark_formula(cell) if isinstance(cell, str) else cell for cell in line])
    return response


def _csv_lines(found: OverrideReport, tiers: Mapping[str, Tier]) -> Iterator[list[Any]]:
    yield _csv_line("total", "", "", found.total)
    for rule, line in found.rules:
        tier = tiers.get(rule.tier)
        yield _csv_line("rule", rule.words, tier.name if tier else rule.tier, line)
    for name, line in found.segments:
        yield _csv_line("segment", name, "", line)
    for name, line in found.reasons:
        yield _csv_line("reason", name, "", line)
    for name, criterion in found.criteria:
        share, ways = _pct(criterion.share_pct), criterion.ways
        counts = [ways[UP], ways[DOWN], ways[NEITHER], "", criterion.with_value, criterion.overruled]
        yield ["criterion", name, "", "", "", "", "", share, *counts]
    for pair in found.pairs or ():
        yield ["mutual approvals", f"{pair.one} of {pair.other}", "", "", "", pair.by_one, *[""] * 8]
        yield ["mutual approvals", f"{pair.other} of {pair.one}", "", "", "", pair.by_other, *[""] * 8]


def _csv_line(part: str, name: str, tier: str, line: Line) -> list[Any]:
    counts = [len(line.customers), line.asked, line.approved, len(line.overruled), _pct(line.share_pct)]
    ways = [line.ways[UP], line.ways[DOWN], line.ways[NEITHER]]
    return [part, name, tier, *counts, *ways, line.in_force, "", ""]


def _pct(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"
