"""Books: the own one, any in scope, and the list of them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import CSM, Customer
from allocation.filters.customers import CustomerFilter
from allocation.forms.leave import LeaveForm
from allocation.selectors import books as selector
from allocation.selectors import wording
from allocation.selectors.covers import CoveredBook, LeaveLine, leave_lines
from allocation.selectors.customers import customer_rows, ordered, with_joins
from allocation.selectors.handovers import handovers_of_book
from allocation.selectors.overrides import with_override_marks
from allocation.selectors.past_books import PastBook, past_book
from allocation.selectors.thresholds import LOW_HEALTH
from allocation.views.access import for_everyone_with_a_role, for_roles
from allocation.views.as_of import AsOf, as_of
from allocation.views.lists import Column, has_filters, headings, page_of
from allocation.views.override_card import PLACE
from allocation.views.parts import Kpi, arr_kpi, rows_of, tier_shares, utilisation_tone

COLUMNS = (
    Column("Customer", "name"),
    Column("Tier", "tier"),
    Column("ARR", "arr", "num"),
    Column("Hours a month", "", "num"),
    Column("Health", "health"),
    Column("Renewal", "renewal"),
    Column("Open goals"),
    Column("Since", "since"),
)


@require_safe
@for_roles("csm")
def my_book(request: HttpRequest) -> HttpResponse:
    """The own book; a CSM whose sign-in is linked to no CSM is told what to do."""
    csm = selector.own_csm(user=request.user)
    if csm is None:
        return render(request, "pages/no_book.html")
    return book_page(request, csm, own=True)


@require_safe
@for_everyone_with_a_role
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """A book in scope; one that is not, is not there."""
    csm = selector.csm_in_scope(user=request.user, pk=pk)
    if csm is None:
        raise Http404
    return book_page(request, csm, own=csm.user_id is not None and csm.user_id == request.user.pk)


def book_page(
    request: HttpRequest,
    csm: CSM,
    *,
    own: bool = False,
    faulty: LeaveForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a book in scope. faulty: a form about leave that was sent and refused."""
    shown = as_of(request)
    if shown.is_past:
        return _past_page(request, csm, shown, own=own)
    user: Any = request.user
    leads = user.is_ops or user.is_manager
    day = shown.day
    this = selector.csm_book(csm=csm, as_of=day)
    # On the own page stands everybody the CSM serves; others look at one book at a time.
    covered = this.covered if own else ()
    customers = Customer.objects.filter(csm__in=[csm.pk, *(one.away.csm_id for one in covered)])
    found = CustomerFilter(
        request.GET, queryset=customers, user=user, today=day, in_book=True, several=bool(covered)
    )
    sort = request.GET.get("sort", "tier")
    rows = ordered(found.qs, sort=sort, as_of=day, default="tier")
    page = page_of(request, with_override_marks(with_joins(rows), on=day))
    renewals = selector.next_renewals(customers=customers, as_of=day, by_amount=False)
    context = {
        "csm": csm,
        "as_of": shown,
        "own": own,
        "leads": leads,
        "covered": covered,
        "leave_lines": _said_once(lines := leave_lines(csm=csm, user=user, on=day), covered),
        "with_csm": bool(covered),
        "handovers": handovers_of_book(csm=csm, user=user, on=day),
        "leave_forms": leave_forms(csm=csm, lines=lines, user=user, on=day, faulty=faulty) if leads else [],
        "heading": "My book" if own else f"Book of {csm.name}",
        "lead": _lead(csm),
        "kpis": book_kpis(this),
        "warnings": _warnings(this),
        "shares": tier_shares(this.summary, with_cap=True, with_hours=True),
        "renewals": rows_of(renewals, today=day),
        "count_words": _count_words(this, covered),
        "filter": found,
        "filtered": has_filters(request),
        "columns": headings(COLUMNS, sort=sort),
        "sort": sort,
        "page": page,
        "rows": customer_rows(customers=list(page.object_list), today=day, minutes=_minutes_of(this)),
        "override_query": urlencode({"ask": PLACE, "back": request.get_full_path()}),
    }
    return render(request, "pages/book.html", context, status=status)


def _said_once(lines: Sequence[LeaveLine], covered: Sequence[CoveredBook]) -> list[LeaveLine]:
    """Without those that the card of covered books tells."""
    told = {one.away.leave_id for one in covered}
    return [line for line in lines if line.pk not in told]


def _minutes_of(this: selector.Book) -> Mapping[int, int]:
    """Base minutes of every customer that may stand on the page."""
    return ChainMap(dict(this.summary.minutes_of), *(dict(one.minutes_of) for one in this.covered))


def _count_words(this: selector.Book, covered: Sequence[CoveredBook]) -> str:
    own = wording.counted(this.summary.customers, "active customer")
    return ", and ".join([own, *(f"{one.customers} of {one.away.name}" for one in covered)])


def leave_forms(
    *, csm: CSM, lines: Sequence[LeaveLine], user: Any, on: date, faulty: LeaveForm | None
) -> list[tuple[LeaveLine | None, LeaveForm, bool]]:
    """For who leads: a form for each leave of the CSM that can be changed, and one for a new one; whether it was refused."""
    sent = str(faulty.data.get("leave") or "") if faulty else None
    forms: list[tuple[LeaveLine | None, LeaveForm, bool]] = []
    for line in (*(line for line in lines if line.own), None):
        if faulty is not None and sent == (str(line.pk) if line else ""):
            forms.append((line, faulty, True))
        else:
            row = line.leave if line else None
            forms.append((line, LeaveForm(csm=csm, user=user, on=on, row=row), False))
    return forms


def _past_page(request: HttpRequest, csm: CSM, shown: AsOf, *, own: bool) -> HttpResponse:
    """The book as it stood: of the customers that the person may see today; for leads, how many more there were."""
    user: Any = request.user
    this = past_book(csm=csm, day=shown.day, today=shown.today, user=user)
    page = page_of(request, this.rows)
    leads = user.is_ops or user.is_manager
    context = {
        "csm": csm,
        "own": own,
        "leads": leads,
        "as_of": shown,
        "heading": "My book" if own else f"Book of {csm.name}",
        "kpis": _past_kpis(this),
        "problem": this.summary.money_problem,
        "shares": tier_shares(this.summary, with_cap=False, with_hours=True),
        "count_words": wording.counted(this.summary.customers, "customer"),
        "left_out": _left_out(this.left_out) if leads and this.left_out else "",
        "page": page,
        "rows": page.object_list,
    }
    return render(request, "pages/book_past.html", context)


def _left_out(number: int) -> str:
    return f"{wording.counted(number, 'customer')} of this book on that day, now with others, are left out."


def _past_kpis(this: PastBook) -> list[Kpi]:
    found, pct = this.summary, this.utilisation_pct
    hours = (
        f"{wording.minutes_as_hours(this.load)} of {wording.minutes_as_hours(this.capacity)} hours a month"
    )
    return [
        Kpi("Customers", wording.grouped(found.customers), icon="customers", note="on that day"),
        arr_kpi(found.arr_cents, label="ARR today", problem=found.money_problem),
        Kpi(
            "Utilisation",
            wording.percent(pct, places=1)
            if pct is not None
            else "covered"
            if this.is_covered
            else "no capacity",
            icon="attention",
            note=hours,
            tone=utilisation_tone(pct),
        ),
    ]


def book_kpis(this: selector.Book, *, url: str = "") -> list[Kpi]:
    """Customers, ARR, hours, renewals and health of one book."""
    found, pct = this.summary, this.utilisation_pct
    hours = (
        f"{wording.minutes_as_hours(this.load)} of {wording.minutes_as_hours(this.capacity)} hours a month"
    )
    if this.is_covered and this.away is not None:
        hours = f"{wording.minutes_as_hours(found.minutes)} hours a month count with {this.away.cover_name}"
    elif this.covered:
        hours += ", with those covered"
    return [
        Kpi(
            "Customers",
            wording.grouped(found.customers),
            icon="customers",
            note="active, in this book",
            url=url,
        ),
        arr_kpi(found.arr_cents, problem=found.money_problem),
        Kpi(
            "Utilisation",
            wording.percent(pct, places=1)
            if pct is not None
            else "covered"
            if this.is_covered
            else "no capacity",
            icon="attention",
            note=hours,
            tone=utilisation_tone(pct) or ("" if this.is_covered else "good"),
        ),
        Kpi(
            "Renewals in 90 days",
            wording.grouped(found.renewals_soon),
            icon="clock",
            note="contracts to renew",
        ),
        Kpi(
            f"Health below {LOW_HEALTH}",
            wording.grouped(found.low_health),
            icon="alert",
            note=f"{found.without_health} without a score"
            if found.without_health
            else "every customer has a score",
            tone="warn" if found.low_health else "",
        ),
    ]


def _lead(csm: CSM) -> str:
    parts = [
        csm.team.name if csm.team else "",
        f"seniority {csm.seniority} of 5",
        "accepts new customers" if csm.accepting else "takes no new customers",
        f"leaves on {wording.day(csm.leaves_on)}" if csm.leaves_on else "",
    ]
    return ", ".join(part for part in parts if part) + "."


def _warnings(this: selector.Book) -> list[str]:
    found = this.summary
    words = []
    if this.capacity and this.load > this.capacity:
        over = wording.minutes_as_hours(this.load - this.capacity)
        asks = "This book and those covered ask" if this.covered else "This book asks"
        words.append(
            f"{asks} {over} hours a month more than there are. The touch plans say so; nothing is scaled away."
        )
    words += [
        f"{line.customers} {line.tier} customers are more than the cap of {line.cap}."
        for line in found.tiers
        if line.over_cap
    ]
    if found.money_problem:
        words.append(f"{found.money_problem} Amounts in that currency are missing from the sums.")
    return words
