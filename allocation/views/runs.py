"""Re-tiering runs: the list, one run, its progress."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Tier
from allocation.charts.flows import NARROW, WIDE, Flow, Level, tier_flow
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.filters.runs import DecisionFilter, RunFilter
from allocation.forms.runs import RunForm
from allocation.models import OPEN_STATUSES, RetierRun, RowStatus, RunStatus, TieringModel
from allocation.selectors import runs as runs_selector
from allocation.selectors.runs import RunFigures
from allocation.views.access import for_leads, today
from allocation.views.jobs import is_under_way, progress
from allocation.views.lists import has_filters, page_of


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


@dataclass(frozen=True)
class Tab:
    """One kind of rows of a run. `words`: the table's caption; `empty`: title and words when there are none."""

    key: str
    label: str
    count: int
    current: bool
    words: str
    empty: tuple[str, str]


def run_or_404(*, user: Any, pk: int) -> RetierRun:
    found = runs_selector.runs(user=user).select_related("approved_by", "applied_by").filter(pk=pk).first()
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
    show = request.GET.get("show", "")
    tabs = _tabs(figures, show)
    tab = next(tab for tab in tabs if tab.current)
    rows = _of_tab(runs_selector.with_joins(runs_selector.decisions(run=this, user=user)), tab.key)
    found = DecisionFilter(request.GET, queryset=rows, held_back=tab.key == "held")
    page = page_of(request, found.qs)
    filtered = any(request.GET.get(name) for name in found.filters)
    context = {
        "run": this,
        "figures": figures,
        "chart": flow_chart(figures),
        "tabs": tabs,
        "show": tab.key,
        "tab_words": tab.words,
        "empty_title": "No row fits these filters" if filtered else tab.empty[0],
        "empty_words": "Take a filter away." if filtered else tab.empty[1],
        "filter": found,
        "filtered": filtered,
        "page": page,
        "rows": runs_selector.decision_rows(list(page.object_list)),
        "undecided_note": f"{figures.undecided} not decided" if figures.undecided else "all decided",
        "undecided_tone": "warn" if figures.undecided else "good",
        "moves_note": f"{figures.ups} up, {figures.downs} down",
        **_rights(this, user),
    }
    return render(request, "pages/run.html", context)


def _rights(this: RetierRun, user: Any) -> dict[str, bool]:
    """Which buttons are shown; the services decide again."""
    awaiting, under_way = this.status == RunStatus.AWAITING_APPROVAL, is_under_way(this)
    return {
        "under_way": under_way,
        "can_apply": user.is_ops and this.status == RunStatus.PROPOSED and not under_way,
        "can_discard": user.is_ops and this.status in OPEN_STATUSES and not under_way,
        "can_approve": user.is_manager and awaiting and this.requested_by_id != user.pk,
    }


def _tabs(figures: RunFigures, show: str) -> list[Tab]:
    kinds = [
        (
            "moves",
            "Changes",
            figures.moves,
            "Customers that change tier",
            ("No customer changes tier", "Everybody keeps the tier they have."),
        ),
        (
            "first",
            "First tiers",
            figures.first_tiers,
            "Customers that get their first tier",
            ("No first tiers", "Every customer of this run had a tier before."),
        ),
        (
            "held",
            "Held back",
            figures.guarded,
            "Customers a guard keeps where they are",
            ("Nothing was held back", "No guard kept a suggested change from happening."),
        ),
        (
            "undecided",
            "Not decided",
            figures.undecided,
            "Customers the run could not decide",
            ("Everybody was decided", "No customer misses a value the model insists on."),
        ),
        (
            "skipped",
            "Skipped",
            figures.skipped,
            "Customers skipped when the run was applied",
            ("Nobody was skipped", "No customer's facts changed after the proposal."),
        ),
    ]
    keys = [key for key, *_ in kinds]
    fallback = "first" if not figures.moves and figures.first_tiers else "moves"
    chosen = show if show in keys else fallback
    return [Tab(key, label, count, key == chosen, words, empty) for key, label, count, words, empty in kinds]


def _of_tab(rows: QuerySet[Any], key: str) -> QuerySet[Any]:
    if key == "moves":
        return rows.filter(is_move=True)
    if key == "first":
        return rows.filter(previous__isnull=True, effective__isnull=False)
    if key == "held":
        return rows.filter(decided_by__in=runs_selector.GUARDS)
    if key == "undecided":
        return rows.filter(decided_by__in=("undecided", "left"))
    return rows.filter(status=RowStatus.SKIPPED)


def flow_chart(figures: RunFigures) -> Markup:
    """Customers flowing between tiers, for both screens."""
    levels = [
        Level(_key(line.tier), line.tier.name if line.tier else "No tier", line.tier.rank if line.tier else 6)
        for line in figures.tiers
    ]
    keys = {line.tier.pk if line.tier else None: _key(line.tier) for line in figures.tiers}
    flows = [Flow(keys[source], keys[target], n) for source, target, n in figures.flows]
    return wide_and_narrow(tier_flow(levels, flows, width=WIDE), tier_flow(levels, flows, width=NARROW))


def _key(tier: Tier | None) -> str:
    return tier.slug if tier else ""


@require_safe
@for_leads
def run_progress(request: HttpRequest, pk: int) -> JsonResponse:
    return progress(run_or_404(user=request.user, pk=pk))


def published_model() -> TieringModel | None:
    return TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).first()
