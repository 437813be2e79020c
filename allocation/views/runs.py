"""Re-tiering runs: the list, one run, its progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Tier
from allocation.charts.bars import mini_bar
from allocation.charts.flows import NARROW, WIDE, Flow, Level, tier_flow
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.facts.ways import Way
from allocation.filters.runs import RunFilter
from allocation.forms.runs import RunForm
from allocation.models import OPEN_STATUSES, RetierRun, RunStatus, TieringModel
from allocation.selectors import runs as runs_selector
from allocation.selectors import wording
from allocation.selectors.freezes import frozen
from allocation.selectors.job_words import job_words
from allocation.selectors.runs import GUARD_REASONS, RunFigures
from allocation.selectors.ways import run_ways
from allocation.services.retiering import can_be_undone, is_half_applied
from allocation.views.access import for_leads, today
from allocation.views.jobs import BEFORE_APPLYING, is_under_way, progress, waits_for_freeze
from allocation.views.lists import has_filters, page_of
from allocation.views.run_rows import filter_of_tab, tabs_of


@require_safe
@for_leads
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first, and the form that starts one."""
    found = RunFilter(request.GET, queryset=runs_selector.runs(user=request.user))
    page = page_of(request, found.qs)
    user: Any = request.user
    day, last_full = today(), runs_selector.last_full_run() if user.is_ops else None
    context = {
        "filter": found,
        "page": page,
        "rows": page.object_list,
        "filtered": has_filters(request),
        "form": RunForm(today=day, auto_id="start_%s"),
        "model": published_model(),
        "last_full": last_full,
        "full_is_due": last_full is not None and last_full.due_on <= day,
    }
    return render(request, "pages/runs.html", context)


def run_or_404(*, user: Any, pk: int) -> RetierRun:
    found = runs_selector.one_run(user=user, pk=pk)
    if found is None:
        raise Http404
    return found


@require_safe
@for_leads
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: how far it is, what it found, row by row, and what may be done with it."""
    user: Any = request.user
    this = run_or_404(user=user, pk=pk)
    figures = runs_selector.run_figures(run=this, user=user)
    tabs = tabs_of(run=this, figures=figures, show=request.GET.get("show", ""))
    tab = next(tab for tab in tabs if tab.current)
    found = filter_of_tab(request.GET, run=this, user=user, tab=tab.key)
    page = page_of(request, found.qs)
    filtered = any(request.GET.get(name) for name in found.filters)
    flows = run_flows(this, figures)
    standing = _standing(this)
    rights = _rights(this, user, under_way=standing["under_way"], waits=standing["freeze_waits"])
    rows = runs_selector.decision_rows(list(page.object_list), ways=run_ways(run=this))
    context = {
        "run": this,
        "figures": figures,
        "chart": flow_chart(figures, flows),
        "flows": [flow for flow in flows if flow.source != flow.target],
        "guards": guard_lines(this, figures) if tab.key == "held" else [],
        "tabs": tabs,
        "show": tab.key,
        "tab_words": tab.words,
        "empty_title": "No row fits these filters" if filtered else tab.empty[0],
        "empty_words": "Take a filter away." if filtered else tab.empty[1],
        "filter": found,
        "filtered": filtered,
        "page": page,
        "rows": rows,
        "reviewing": rights["can_review"] and any(row.changes for row in rows),
        "query": _query(request, tab.key),
        "undecided_note": f"{figures.undecided} not decided" if figures.undecided else "all decided",
        "undecided_tone": "warn" if figures.undecided else "good",
        "moves_note": figures.directions_to_apply,
        "total_moves": run_moves(this, figures),
        **standing,
        **rights,
    }
    return render(request, "pages/run.html", context)


def run_moves(this: RetierRun, figures: RunFigures) -> int:
    """Moves that the whole run would make now, in all teams: what an approval is about."""
    found = this.summary.get("moves")
    if found is None:
        return figures.moves_to_apply
    return int(found) - int(this.summary.get("refused_moves", 0))


def _query(request: HttpRequest, tab: str) -> str:
    """The address of the rows in sight, for the form that acts on them."""
    query = request.GET.copy()
    query["show"] = tab
    return query.urlencode()


def _standing(this: RetierRun) -> dict[str, Any]:
    """What it does or waits for now, and the freeze that holds, if it has yet to be applied."""
    freeze = frozen(on=today()) if this.status in BEFORE_APPLYING else None
    waits = waits_for_freeze(this, freeze)
    under_way = is_under_way(this) and not waits
    return {
        "freeze": freeze,
        "freeze_waits": waits,
        "under_way": under_way,
        "job_words": job_words(job=this, what="run", at=timezone.now()) if under_way else "",
    }


def _rights(this: RetierRun, user: Any, *, under_way: bool, waits: bool) -> dict[str, bool]:
    """Which buttons are shown; the services decide again."""
    awaiting = this.status == RunStatus.AWAITING_APPROVAL
    is_open = this.status in OPEN_STATUSES and not under_way
    failed = user.is_ops and this.status == RunStatus.FAILED
    half = failed and is_half_applied(run=this)
    undo = user.is_ops and not under_way and can_be_undone(run=this)
    return {
        "can_apply": user.is_ops and this.status == RunStatus.PROPOSED and not (under_way or waits),
        "can_discard": user.is_ops and is_open,
        "can_approve": user.is_manager and awaiting and this.requested_by_id != user.pk,
        "can_review": is_open and not waits,
        "can_undo": undo,
        "can_continue": half,
        "can_start_again": failed and not (half or undo),
        "can_cancel": user.is_ops and (under_way or waits) and this.may_be_cancelled(timezone.now()),
    }


@dataclass(frozen=True)
class FlowLine:
    """Customers that go from one tier to another; `url` leads to their rows."""

    source: Tier | None
    target: Tier | None
    customers: int
    way: Way
    url: str


def run_flows(this: RetierRun, figures: RunFigures) -> list[FlowLine]:
    """The flows between tiers, the higher tiers first, each with the address of its rows."""
    tiers = {line.tier.pk: line.tier for line in figures.tiers if line.tier}
    ways = run_ways(run=this)
    lines = [
        FlowLine(
            source=(was := tiers.get(source or 0)),
            target=(now := tiers.get(target or 0)),
            customers=n,
            way=ways.between(was, now),
            url=_rows_url(this, source, target),
        )
        for source, target, n in figures.flows
    ]
    return sorted(lines, key=lambda line: (_rank(line.source), _rank(line.target)))


def _rank(tier: Tier | None) -> int:
    return tier.rank if tier else 10**6


def _rows_url(this: RetierRun, source: int | None, target: int | None) -> str:
    """Empty for those who stay: they have no rows."""
    if source == target or target is None:
        return ""
    query = f"show=first&to={target}" if source is None else f"show=moves&was={source}&to={target}"
    return f"{reverse('run', args=[this.pk])}?{query}#rows"


@dataclass(frozen=True)
class GuardLine:
    """One guard: how often it decided, as number and bar, and the address of its rows."""

    label: str
    words: str
    meter: Markup
    url: str


def guard_lines(this: RetierRun, figures: RunFigures) -> list[GuardLine]:
    most = max((n for *_, n in figures.by_guard), default=1)
    return [
        GuardLine(
            label=label,
            words=GUARD_REASONS[guard],
            meter=mini_bar(100 * n / most, tone="", words=wording.grouped(n)),
            url=f"{reverse('run', args=[this.pk])}?show=held&guard={guard}#rows",
        )
        for guard, label, n in figures.by_guard
    ]


def flow_chart(figures: RunFigures, lines: Sequence[FlowLine]) -> Markup:
    """Customers flowing between tiers, for both screens; a press on a flow leads to its rows."""
    levels = [
        Level(
            _key(line.tier),
            line.tier.name if line.tier else "No tier",
            line.tier.shown_rank if line.tier else 6,
        )
        for line in figures.tiers
    ]
    flows = [Flow(_key(line.source), _key(line.target), line.customers, line.url, line.way) for line in lines]
    return wide_and_narrow(tier_flow(levels, flows, width=WIDE), tier_flow(levels, flows, width=NARROW))


def _key(tier: Tier | None) -> str:
    return tier.slug if tier else ""


@require_safe
@for_leads
def run_progress(request: HttpRequest, pk: int) -> JsonResponse:
    return progress(run_or_404(user=request.user, pk=pk), what="run", at=timezone.now())


def published_model() -> TieringModel | None:
    return TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).first()
