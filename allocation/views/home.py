"""The first page after signing in, by role: what waits, the figures that matter, the ways on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Customer
from allocation.selectors import books, covers, home, objections, todo, wording
from allocation.selectors.balance import Workload, workload
from allocation.selectors.book_lines import book_lines, furthest_from_even, mean_pct, over_capacity
from allocation.selectors.scope_sums import scope_sums
from allocation.selectors.timetable import timetable_todos
from allocation.selectors.todo import Todo
from allocation.snapshots.figures import Everybody, customer_figures
from allocation.snapshots.money import UnknownRate
from allocation.views.access import today
from allocation.views.book_tiles import book_kpis
from allocation.views.parts import (
    Kpi,
    Link,
    arr_kpi,
    page_url,
    rows_of,
    tier_shares,
    utilisation_tone,
    with_meters,
)

FURTHEST = 6

ICONS = {
    "run": "run",
    "full_run": "run",
    "full_run_of_model": "run",
    "plan": "plan",
    "book": "book",
    "exchange_rates": "rates",
    "tiering_models": "model",
    "import_customers": "import",
    "imports": "import",
    "imports_asking": "import",
    "overrides_asked": "approval",
    "overrides_mine": "approval",
    "moves_mine": "plan",
    "overrides_approved": "override",
    "without_tier": "tier",
    "retired_tier": "tier",
    "without_csm": "people",
    "without_arr": "rates",
    "leavers": "exit",
    "renewal_past": "alert",
    "renewal_30": "clock",
    "low_health": "attention",
    "no_health": "info",
    "touches_late": "touch",
    "touches_due": "touch",
    "handovers": "handover",
    "handovers_late": "handover",
    "objections": "move",
    "plan_objections": "plan",
    "over_capacity": "balance",
    "slots": "clock",
    "silent": "alert",
    "freeze": "lock",
    "covering": "leave",
    "cover_soon": "leave",
    "uncovered": "leave",
}
# Where a line leads: the name of a page and its filters.
PAGES = {
    "without_tier": ("customers", "?gap=no_tier"),
    "retired_tier": ("customers", "?gap=retired_tier"),
    "without_csm": ("customers", "?gap=no_csm"),
    "renewal_past": ("customers", "?renewal=past&sort=renewal"),
    "renewal_30": ("customers", "?renewal=30&sort=renewal"),
    "low_health": ("customers", "?health=low&sort=health"),
    "no_health": ("customers", "?gap=no_health"),
    "touches_late": ("touches", "?show=late"),
    "touches_due": ("touches", "?show=due"),
    "objections": ("objections", ""),
    "handovers": ("handovers", ""),
    "handovers_late": ("handovers", "?show=late"),
    "over_capacity": ("balance", ""),
    "full_run": ("runs", ""),
    "full_run_of_model": ("runs", ""),
    "tiering_models": ("admin:allocation_tieringmodel_changelist", ""),
    "exchange_rates": ("admin:accounts_exchangerate_changelist", ""),
    "import_customers": ("admin:import_customers", ""),
    "without_arr": ("admin:accounts_customer_changelist", "?gap=arr"),
    "leavers": ("admin:accounts_csm_changelist", "?standing=leaving"),
    "imports": ("admin:accounts_importbatch_changelist", "?status__exact=staged"),
    "imports_asking": ("admin:accounts_importbatch_changelist", "?status__exact=asking"),
    "overrides_asked": ("approvals", "?kind=override"),
    "slots": ("admin:allocation_slot_changelist", ""),
    "silent": ("admin:allocation_slot_changelist", ""),
    "freeze": ("admin:allocation_freeze_changelist", ""),
    "overrides_mine": ("approvals", "?kind=override&mine=yes"),
    "moves_mine": ("approvals", "?kind=move&mine=yes"),
    "overrides_approved": ("admin:allocation_override_changelist", "?status__exact=approved"),
}


@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """The highest role decides which page it is; who has none is told so kindly."""
    user: Any = request.user
    if user.is_ops:
        context = _ops(user)
    elif user.is_manager:
        context = _manager(user)
    elif user.is_csm:
        context = _csm(user)
    else:
        context = {"lead": "You are signed in."}
    context["has_role"] = user.is_ops or user.is_manager or user.is_csm
    return render(request, "pages/home.html", context)


def _ops(user: Any) -> dict[str, Any]:
    day = today()
    everybody = customer_figures()
    more = timetable_todos(at=timezone.now(), on=day)
    desk = todo.desk(user=user, today=day, more=more, everybody=everybody)
    found = _workload(user, everybody)
    sums = scope_sums(user=user, as_of=day, everybody=everybody)
    summary = sums.summary
    todos = [
        *objections.answering_todos(user=user),
        *desk.todos,
        *covers.uncovered_todos(user=user, on=day),
        *_over_capacity(found),
    ]
    return {
        "lead": "What needs doing, how the books stand, and what comes next.",
        "kpis": _scope_kpis(summary, found),
        "todos": [_entry(line, user) for line in todos],
        "nothing_words": "Every customer has a tier and everybody served has a CSM.",
        "books": _furthest(found, user),
        "shares": tier_shares(summary, with_cap=False, with_hours=False, customers_url=reverse("customers")),
        "renewals": rows_of(
            sums.biggest,
            today=day,
        ),
        "renewals_title": "Biggest renewals in 90 days",
        "with_csm": True,
        "buttons": [
            {"label": "Re-tier", "url": reverse("runs"), "icon": "run", "primary": True},
            {"label": "Plan the books", "url": reverse("plans"), "icon": "plan", "primary": False},
        ],
        "links": [
            Link("Balance", "Who carries how much", reverse("balance"), "balance"),
            Link("Customers", "Find, filter, sort", reverse("customers"), "customers"),
            Link("Books", "One line a CSM", reverse("books"), "book"),
            *_import_link(),
            Link("Admin", "Models, policies, people, data", page_url("admin:index"), "admin"),
        ],
    }


def _import_link() -> list[Link]:
    url = page_url("admin:import_customers")
    return [Link("Import customers", "CSV or Excel, with a preview", url, "import")] if url else []


def _manager(user: Any) -> dict[str, Any]:
    day = today()
    everybody = customer_figures()
    found = _workload(user, everybody)
    sums = scope_sums(user=user, as_of=day, everybody=everybody)
    summary = sums.summary
    todos = [
        *home.manager_todos(user=user, today=day),
        *covers.uncovered_todos(user=user, on=day),
        *objections.answering_todos(user=user),
        *_over_capacity(found),
    ]
    return {
        "lead": "Your teams: what waits for you, how the books stand, which renewals are big.",
        "kpis": _scope_kpis(summary, found),
        "todos": [_entry(line, user) for line in todos],
        "nothing_words": "No approval, no gap and no overload in your teams.",
        "books": _furthest(found, user),
        "shares": tier_shares(summary, with_cap=False, with_hours=False, customers_url=reverse("customers")),
        "renewals": rows_of(sums.biggest, today=day),
        "renewals_title": "Biggest renewals in 90 days",
        "with_csm": True,
        "buttons": [
            {"label": "Balance of my teams", "url": reverse("balance"), "icon": "balance", "primary": True}
        ],
        "links": [
            Link("Books", "One line a CSM", reverse("books"), "book"),
            Link("Customers", "Of your teams", reverse("customers"), "customers"),
            Link("Re-tiering runs", "Proposed and applied", reverse("runs"), "run"),
            Link("Book plans", "Proposed and applied", reverse("plans"), "plan"),
        ],
    }


def _csm(user: Any) -> dict[str, Any]:
    day = today()
    csm = books.own_csm(user=user)
    if csm is None:
        return {"lead": "Your customers and what they need.", "no_csm_row": True}
    book = books.csm_book(csm=csm, as_of=day)
    served = [csm.pk, *(one.away.csm_id for one in book.covered)]
    customers = Customer.objects.filter(csm__in=served)
    total = books.summary(customers=customers, as_of=day, hours=False) if book.covered else book.summary
    renewals = books.next_renewals(customers=customers, as_of=day, by_amount=False)
    return {
        "lead": "Your customers and what they need.",
        "kpis": book_kpis(book, total, url=reverse("my_book")),
        "todos": [
            _entry(line, user)
            for line in (
                *covers.cover_todos(csm=csm, covered=book.covered, on=day),
                *objections.csm_todos(user=user, on=day),
                *home.csm_todos(user=user, today=day),
            )
        ],
        "nothing_words": "No touch is due, no renewal is near, no health is low, and every customer has a score.",
        "shares": tier_shares(
            book.summary, with_cap=True, with_hours=False, customers_url=reverse("my_book")
        ),
        "renewals": rows_of(renewals, today=day),
        "renewals_title": "Next renewals",
        "with_csm": bool(book.covered),
        "buttons": [{"label": "Open my book", "url": reverse("my_book"), "icon": "book", "primary": True}],
    }


def _workload(user: Any, everybody: Everybody) -> Workload | None:
    """None while a currency has no rate: the to-do list says which."""
    try:
        return workload(as_of=today(), user=user, everybody=everybody)
    except UnknownRate:
        return None


def _scope_kpis(summary: books.Summary, found: Workload | None) -> list[Kpi]:
    kpis = [
        Kpi(
            "Customers",
            wording.grouped(summary.customers),
            note="active",
            icon="customers",
            url=reverse("customers"),
            trace="Active customers of the books you may see, and those of nobody's book if you may see them.",
        ),
        arr_kpi(
            summary.arr_cents,
            problem=summary.money_problem,
            trace=f"The ARR of these {wording.counted(summary.customers, 'customer')}, each turned into {settings.BASE_CURRENCY} at today's"
            " rate and rounded to the cent, added up.",
        ),
        Kpi(
            "Renewals in 90 days",
            wording.grouped(summary.renewals_soon),
            note="contracts to renew",
            icon="clock",
            url=reverse("customers") + "?renewal=90&sort=renewal",
            trace="Active customers whose renewal date lies between today and 90 days from now.",
        ),
    ]
    if found is not None:
        mean = mean_pct(found.rows)
        pct = None if mean is None else float(mean)
        outside = found.utilisation.outside_15_pct
        kpis += [
            Kpi(
                "Mean utilisation",
                wording.percent(pct, places=1),
                note=f"{len(found.rows)} CSMs",
                tone=utilisation_tone(pct),
                icon="attention",
                url=reverse("balance"),
                trace="Utilisation of a book: the hours its customers ask ÷ the CSM's net hours, in a month.\n"
                f"The mean of {wording.counted(len(found.rows), 'book', 'books')}, each counted once.",
            ),
            Kpi(
                "Books outside ±15 %",
                wording.percent(outside, places=1),
                note="of the mean utilisation",
                tone="warn" if outside else "good",
                icon="balance",
                url=reverse("balance"),
                trace=f"The share of books whose utilisation is less than 85 % or more than 115 % of the mean"
                f" ({wording.percent(pct, places=1)}).",
            ),
        ]
    return kpis


def _over_capacity(found: Workload | None) -> list[Todo]:
    if found is None:
        return []
    over = over_capacity(found.rows)
    if not over:
        return []
    title = f"{wording.counted(len(over), 'book asks', 'books ask')} more hours than there are"
    names = ", ".join(row.name for row in over[:4]) + (" and others" if len(over) > 4 else "")
    return [Todo("over_capacity", "warn", title, names)]


def _furthest(found: Workload | None, user: Any) -> list[Any]:
    if found is None:
        return []
    far = furthest_from_even(found.rows, at_most=FURTHEST)
    lines = book_lines(far, among=found.rows, tiers=[], user=user, covers=found.covers, seen=found.seen)
    return with_meters(lines)


def _entry(line: Todo, user: Any) -> dict[str, str]:
    return {
        "title": line.title,
        "words": line.words,
        "tone": line.tone,
        "icon": ICONS.get(line.kind, "inbox"),
        "url": _todo_url(line, user),
    }


def _todo_url(line: Todo, user: Any) -> str:
    """Where a line leads, if the person may go there."""
    if line.kind == "plan_objections":
        return page_url("plan", line.pk, query="?row=unanswered#moves")
    if line.kind in {"covering", "uncovered"}:
        return page_url("book", line.pk) + ("#leave-heading" if line.kind == "uncovered" else "")
    if line.kind in {"run", "plan", "book"}:
        return page_url(line.kind, line.pk)
    name, query = PAGES.get(line.kind, ("", ""))
    if not name or (name.startswith("admin:") and not (user.is_ops and user.is_staff)):
        return ""
    return page_url(name, query=query)
