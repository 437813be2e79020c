"""The customer list and the page of one customer."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Customer
from accounts.querysets.scope import covered_csm_ids
from accounts.selectors.paging import COUNTED, MORE
from allocation.filters.customers import CustomerFilter
from allocation.selectors import wording
from allocation.selectors.customer_detail import customer_detail, customer_in_scope
from allocation.selectors.customer_totals import list_totals, narrowed_customers
from allocation.selectors.customers import DEFAULT_SORT, customer_rows, ordered, visible_customers, with_joins
from allocation.selectors.customers_by_arr import rows_by_arr
from allocation.selectors.explanations import customer_explanation
from allocation.selectors.handovers import open_handover_of
from allocation.selectors.overrides import with_override_marks
from allocation.selectors.past_customer import past_customer
from allocation.selectors.sentiments import with_sentiments
from allocation.selectors.thresholds import LOW_HEALTH
from allocation.selectors.timeline import tier_timeline
from allocation.snapshots.covers import Covers, covers_on
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.as_of import AsOf, as_of
from allocation.views.attention_parts import customer_attention_kpis
from allocation.views.goals import goal_forms
from allocation.views.history import history_line, tier_history
from allocation.views.lists import Column, capped_page_of, has_filters, headings
from allocation.views.override_card import NO_FAULT, PLACE, Faulty, override_card
from allocation.views.parts import Kpi, page_url
from allocation.views.totals import totals_line
from allocation.views.touch_card import PLACE as TOUCH_PLACE
from allocation.views.touch_card import touch_card
from allocation.views.why import why

NOT_ADDED_UP = (
    f"More than {COUNTED:,} customers fit. So many are not added up for a search, or for filters other than tier, CSM, team, vertical and region: "
    "narrow the list to see what they come to."
)
COLUMNS = (
    Column("Customer", "name"),
    Column("Tier", "tier"),
    Column("CSM", "csm"),
    Column("Vertical"),
    Column("ARR", "arr", "num"),
    Column("Health", "health"),
    Column("Renewal", "renewal"),
    Column("Open goals"),
)


@require_safe
@for_everyone_with_a_role
def customers(request: HttpRequest) -> HttpResponse:
    """The customers in scope: find, filter, sort."""
    day = today()
    visible = visible_customers(user=request.user)
    several = bool(covered_csm_ids(request.user)) if request.user.is_csm else False
    found = CustomerFilter(request.GET, queryset=visible, user=request.user, today=day, several=several)
    sort = request.GET.get("sort", DEFAULT_SORT)
    user, chosen = request.user, found.by_figures
    narrowed = None if chosen is None else narrowed_customers(user=user, as_of=day, chosen=chosen)
    totals = list_totals(user=user, as_of=day, narrowed=narrowed, rows=found.qs)
    if narrowed is not None and sort.lstrip("-") == "arr":
        rows = with_override_marks(with_joins(found.qs), on=day)
        listed: Any = rows_by_arr(narrowed=narrowed, descending=sort.startswith("-"), rows=rows)
    else:
        listed = with_override_marks(with_joins(ordered(found.qs, sort=sort, as_of=day)), on=day)
    page = capped_page_of(request, listed, known=totals.customers if totals else MORE)
    context = {
        "filter": found,
        "page": page,
        "rows": customer_rows(customers=list(page.object_list), today=day),
        "columns": headings(COLUMNS, sort=sort),
        "totals": totals_line(totals) if totals else (),
        "not_added_up": "" if totals else NOT_ADDED_UP,
        "sort": sort,
        "filtered": has_filters(request),
        "import_url": page_url("admin:import_customers"),
    }
    return render(request, "pages/customers.html", context)


@require_safe
@for_everyone_with_a_role
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """One customer: facts, tier and why, CSM, goals, history."""
    user: Any = request.user
    this = customer_in_scope(user=user, pk=pk)
    if this is None:
        raise Http404
    shown = as_of(request)
    return past_page(request, this, shown) if shown.is_past else customer_page(request, this, shown=shown)


def past_page(request: HttpRequest, this: Customer, shown: AsOf) -> HttpResponse:
    """The page as of a past day: what held and who decided it, without anything to do."""
    user: Any = request.user
    past = past_customer(customer=this, day=shown.day, user=user)
    context = {
        "customer": this,
        "as_of": shown,
        "past": past,
        "said": history_line(past.said) if past.said else None,
        "events": with_sentiments(past.events, customer=this, day=shown.day),
        "leads": user.is_ops or user.is_manager,
    }
    return render(request, "pages/customer_past.html", context)


def customer_page(
    request: HttpRequest,
    this: Customer,
    *,
    faulty: Faulty = NO_FAULT,
    status: int = 200,
    shown: AsOf | None = None,
) -> HttpResponse:
    """The page of a customer in scope. faulty: a form about an override that was sent and refused."""
    user: Any = request.user
    day = today()
    explanation = customer_explanation(customer_id=this.pk, today=day)
    detail = customer_detail(customer=this, user=user, today=day)
    said = list(get_messages(request))
    context = {
        "customer": this,
        "as_of": shown or AsOf(day, day),
        "detail": detail,
        "handover": open_handover_of(customer=this, user=user, on=day),
        # Each is said in the card where the redirect leads.
        "messages": [one for one in said if not {PLACE, TOUCH_PLACE} & set(one.tags.split())],
        "touch_messages": [one for one in said if TOUCH_PLACE in one.tags.split()],
        "override_messages": [one for one in said if PLACE in one.tags.split()],
        **goal_forms(customer=this, detail=detail, user=user),
        **touch_card(customer=this, user=user, on=day, at=timezone.now()),
        **override_card(
            customer=this,
            found=detail.overrides,
            explanation=explanation,
            user=user,
            day=day,
            asking=request.GET.get("ask") == PLACE,
            back=request.GET.get("back", ""),
            faulty=faulty,
        ),
        "kpis": _kpis(this, day, covers_on(on=day))
        + customer_attention_kpis(customer=this, user=user, on=day),
        "why": why(explanation, in_force=detail.overrides.in_force) if explanation else None,
        "events": with_sentiments(detail.events, customer=this),
        "history": tier_history(tier_timeline(customer_id=this.pk), today=day),
        "why_empty": "No run has looked at this customer yet. "
        + (
            "Start a re-tiering run to get a tier with a reason."
            if user.is_ops
            else "CS ops starts the runs."
        ),
        "leads": user.is_ops or user.is_manager,
        "admin_url": page_url("admin:accounts_customer_change", this.pk)
        if user.is_ops and user.is_staff
        else "",
    }
    return render(request, "pages/customer.html", context, status=status)


def _csm_note(this: Customer, covers: Covers) -> str:
    """Since when, and who serves the customer while the CSM is away."""
    if this.csm is None:
        return _no_csm(this)
    away = covers.away.get(this.csm.pk)
    if away is None:
        return f"since {wording.day(this.csm_since)}"
    who = f"{away.cover_name} covers" if away.cover_id else "nobody covers"
    return f"away, {who} until {wording.day(away.ends_before)}"


def _kpis(this: Customer, day: date, covers: Covers) -> list[Kpi]:
    csm = this.csm
    return [
        Kpi(
            "Tier",
            this.tier.name if this.tier else "None yet",
            note=f"since {wording.day(this.tier_since)}" if this.tier else "no run has been applied",
            icon="tier",
        ),
        Kpi(
            "CSM",
            csm.name if csm else "Nobody",
            note=_csm_note(this, covers),
            icon="people",
            url=reverse("book", args=[csm.pk]) if csm else "",
        ),
        # A narrow tile breaks before the currency, never inside it.
        Kpi(
            "ARR",
            wording.money(this.arr, this.currency).replace(wording.SPACE, " "),
            note=_potential(this),
            icon="rates",
        ),
        Kpi(
            "Health",
            wording.DASH if this.health is None else f"{float(this.health):g}",
            note="of 100" if this.health is not None else "not known",
            tone="bad" if this.health is not None and this.health < LOW_HEALTH else "",
            icon="attention",
            trace=f"As imported or typed in under Facts; below {LOW_HEALTH} it counts as low.",
        ),
        Kpi(
            "Renewal",
            wording.day(this.renewal_date),
            note=wording.days_from(this.renewal_date, today=day) or "no date known",
            icon="clock",
        ),
    ]


def _no_csm(this: Customer) -> str:
    if this.tier and not this.tier.has_csm:
        return "self-service has no CSM"
    return "waits for a book plan"


def _potential(this: Customer) -> str:
    if this.potential_arr is None:
        return "potential not known"
    return f"could reach {wording.money(this.potential_arr, this.currency)}"
