"""What-if scenarios: the list, one with its answer, its progress."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from allocation.models import AnswerStatus, Scenario
from allocation.selectors import scenarios as selector
from allocation.selectors import wording
from allocation.selectors.job_words import job_words
from allocation.selectors.scenario_figures import figures_of, tier_names
from allocation.selectors.scenario_movers import mover_lines, movers_of
from allocation.views import scenario_parts as parts
from allocation.views.access import for_leads, today
from allocation.views.jobs import is_under_way, progress
from allocation.views.lists import page_of


@require_safe
@for_leads
def scenarios(request: HttpRequest) -> HttpResponse:
    """All the person may see, the newest first, with a box each to lay them side by side."""
    user: Any = request.user
    away = request.GET.get("show") == "away"
    page = page_of(request, selector.scenarios(user=user, away=away))
    rows = [_row(one) for one in page.object_list]
    context = {"page": page, "rows": rows, "away": away, "can_compare": sum(row["done"] for row in rows) > 1}
    return render(request, "pages/scenarios.html", context)


def _row(one: Scenario) -> dict[str, Any]:
    done = one.status == AnswerStatus.DONE
    then, now = figures_of(one.result), figures_of(one.result.get("today", {}))
    return {
        "scenario": one,
        "done": done,
        "moves": wording.grouped(then.moves) if done else wording.DASH,
        "hours": parts.hours(then.minutes_asked) if done else wording.DASH,
        "hours_change": parts.signed(then.minutes_asked - now.minutes_asked, parts.hours) if done else "",
        "heads": parts.number(then.heads) if done else wording.DASH,
        "heads_there": parts.number(then.heads_there) if done else "",
    }


def scenario_or_404(*, user: Any, pk: int) -> Scenario:
    found = selector.one_scenario(user=user, pk=pk)
    if found is None:
        raise Http404
    return found


def may_change(this: Scenario, user: Any) -> bool:
    """CS ops every scenario, a manager the own ones; who else sees it copies it."""
    return bool(user.is_ops or this.owner_id == user.pk)


@require_safe
@for_leads
def scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """One question: how far it is, or its answer against today."""
    user: Any = request.user
    this = scenario_or_404(user=user, pk=pk)
    under_way = is_under_way(this)
    context: dict[str, Any] = {
        "scenario": this,
        "under_way": under_way,
        "job_words": job_words(job=this, what="scenario", at=timezone.now()) if under_way else "",
        "changes": selector.changes_shown(scenario=this, user=user),
        "fault": selector.told_of([this.message], scenario=this, user=user)[0],
        "may_change": may_change(this, user),
        "can_cancel": may_change(this, user) and under_way and this.may_be_cancelled(timezone.now()),
        "drafts": _drafts(this) if user.is_ops and this.retired_at is None else (),
        "away": this.retired_at is not None,
    }
    if this.status == AnswerStatus.DONE:
        context |= _answer(request, this)
    return render(request, "pages/scenario.html", context)


def _drafts(this: Scenario) -> tuple[str, ...]:
    """What can be made of it with one click: "model" and "policy" where it changes these, and nobody did it yet."""
    model, policy = (this.definition.get(part) for part in ("model", "policy"))
    rules = isinstance(model, dict) and bool(set(model) - {"guards"})
    values = isinstance(policy, dict) and bool(set(policy) - {"name"})
    wanted = (("model", rules, this.drafted_model_id), ("policy", values, this.drafted_policy_id))
    return tuple(what for what, changed, made in wanted if changed and made is None)


def _answer(request: HttpRequest, this: Scenario) -> dict[str, Any]:
    """The figures of a computed scenario, and the page of its movers that the person may see."""
    user: Any = request.user
    names = tier_names()
    then, now = figures_of(this.result), figures_of(this.result.get("today", {}))
    lines, total = parts.tier_lines(then, now, names)
    was, to = request.GET.get("was"), request.GET.get("to")
    if was is None or to is None:  # one flow, or all
        was = to = None
    moving = movers_of(scenario=this, user=user, names=names, was=was, to=to)
    page = page_of(request, moving)
    return {
        "kpis": parts.tiles(then, now),
        "tier_lines": lines,
        "total": total,
        "chart": parts.flow_chart(then, names, url=reverse("scenario", args=[this.pk])),
        "flows": parts.flow_lines(then, names),
        "page": page,
        "movers": mover_lines(rows=list(page.object_list), names=names, user=user),
        "narrowed": (names.name(was or ""), names.name(to or ""))
        if was is not None and to is not None
        else (),
        "with_csm": bool(then.books),
        "books": parts.book_tiles(then.books) if then.books else [],
        "shortages": parts.shortage_lines(then.books.get("shortages") or ()) if then.books else [],
        "moves_in_all": then.moves,
        "is_past": this.as_of is not None and this.as_of < today(),
    }


@require_safe
@for_leads
def scenario_progress(request: HttpRequest, pk: int) -> JsonResponse:
    return progress(scenario_or_404(user=request.user, pk=pk), what="scenario", at=timezone.now())
