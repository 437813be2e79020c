"""Books: the own one, any in scope, and the list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts.models import CSM
from allocation.forms.leave import LeaveForm
from allocation.selectors import books as selector
from allocation.selectors import wording
from allocation.selectors.book_facts import BookFacts, book_facts
from allocation.selectors.book_figures import BookFigures, book_figures
from allocation.selectors.book_ground import BookGround, book_ground
from allocation.selectors.book_renewals import renewals_of_book
from allocation.selectors.covers import CoveredBook, LeaveLine, leave_lines
from allocation.selectors.handovers import handovers_of_book
from allocation.selectors.past_books import past_book
from allocation.views.access import for_everyone_with_a_role, for_roles, today
from allocation.views.as_of import AsOf, as_of
from allocation.views.attention_parts import attention_card
from allocation.views.book_list import (
    WITH_LEFT,
    BookList,
    as_csv,
    best_ids,
    book_list,
    default_address,
    entries,
    list_context,
)
from allocation.views.book_tiles import book_kpis, month_kpis, past_kpis
from allocation.views.lists import page_of
from allocation.views.parts import tier_shares


@require_safe
@for_roles("csm")
def my_book(request: HttpRequest) -> HttpResponse:
    """The own book; a CSM whose sign-in is linked to no CSM is told what to do."""
    csm = selector.own_csm(user=request.user)
    if csm is None:
        return render(request, "pages/no_book.html")
    if request.GET:
        return book_page(request, csm, own=True)
    ground = book_ground(csm=csm, on=today(), user=request.user)
    default = default_address(request, ground.views)
    return redirect(default) if default else book_page(request, csm, own=True, ground=ground)


@require_safe
@for_roles("csm")
def my_book_csv(request: HttpRequest) -> HttpResponse:
    """What the own book shows, as CSV."""
    csm = selector.own_csm(user=request.user)
    if csm is None:
        raise Http404
    return _csv(request, csm, own=True)


@require_safe
@for_everyone_with_a_role
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """A book in scope; one that is not, is not there."""
    csm = selector.csm_in_scope(user=request.user, pk=pk)
    if csm is None:
        raise Http404
    return book_page(request, csm, own=_is_own(csm, request))


@require_safe
@for_everyone_with_a_role
def book_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """What the page of a book in scope shows, as CSV."""
    csm = selector.csm_in_scope(user=request.user, pk=pk)
    if csm is None:
        raise Http404
    return _csv(request, csm, own=_is_own(csm, request))


def _is_own(csm: CSM, request: HttpRequest) -> bool:
    return csm.user_id is not None and csm.user_id == request.user.pk


@dataclass(frozen=True, slots=True)
class Served:
    """A book as a person looks at it: on the own page with everybody the CSM serves, else one book at a time.

    csm_ids: whose customers the page shows. summary: of all of them; `book.summary` is of those that the CSM owns.
    """

    facts: BookFacts
    book: selector.Book
    covered: Sequence[CoveredBook]
    csm_ids: Sequence[int]
    summary: selector.Summary
    figures: BookFigures


def _served(csm: CSM, *, own: bool, day: date, ground: BookGround) -> Served:
    facts = book_facts(csm=csm, on=day, ground=ground)
    this = selector.csm_book(csm=csm, as_of=day, facts=facts)
    covered = this.covered if own else ()
    csm_ids = [csm.pk, *(one.away.csm_id for one in covered)]
    summary = selector.summary_of(facts=facts, csm_ids=csm_ids) if covered else this.summary
    return Served(facts, this, covered, csm_ids, summary, book_figures(facts=facts, base=summary.minutes_of))


def _list(request: HttpRequest, served: Served) -> BookList:
    return book_list(
        data=request.GET,
        facts=served.facts,
        csm_ids=served.csm_ids,
        figures=served.figures,
        user=request.user,
    )


def _csv(request: HttpRequest, csm: CSM, *, own: bool) -> HttpResponse:
    day = today()
    ground = book_ground(csm=csm, on=day, user=request.user)
    found = _list(request, _served(csm, own=own, day=day, ground=ground))
    return as_csv(found, name="my-book" if own else f"book-{slugify(csm.name) or csm.pk}")


def book_page(
    request: HttpRequest,
    csm: CSM,
    *,
    own: bool = False,
    faulty: LeaveForm | None = None,
    status: int = 200,
    ground: BookGround | None = None,
) -> HttpResponse:
    """The page of a book in scope. faulty: a form about leave that was sent and refused. ground: where it is read already."""
    shown = as_of(request)
    if shown.is_past:
        return _past_page(request, csm, shown, own=own)
    user: Any = request.user
    leads = user.is_ops or user.is_manager
    day = shown.day
    ground = ground or book_ground(csm=csm, on=day, user=user)
    served = _served(csm, own=own, day=day, ground=ground)
    this, covered, figures = served.book, served.covered, served.figures
    found = _list(request, served)
    page, best = page_of(request, found.ids), best_ids(figures)
    context = {
        "csm": csm,
        "as_of": shown,
        "own": own,
        "leads": leads,
        "covered": covered,
        "leave_lines": _said_once(
            lines := leave_lines(csm=csm, user=user, on=day, leaves=served.facts.leaves), covered
        ),
        "with_csm": bool(covered),
        "handovers": handovers_of_book(csm=csm, rows=ground.handovers, on=day),
        "leave_forms": leave_forms(csm=csm, lines=lines, user=user, on=day, faulty=faulty) if leads else [],
        "heading": "My book" if own else f"Book of {csm.name}",
        "lead": _lead(csm),
        "kpis": [*book_kpis(this, served.summary), *month_kpis(figures)],
        "warnings": _warnings(this),
        "shares": tier_shares(this.summary, with_cap=True, with_hours=True),
        "renewals": renewals_of_book(facts=served.facts, csm_ids=served.csm_ids),
        "count_words": _count_words(this, covered, served.summary, found),
        "best": entries(found, best),
        "attention": attention_card(csm=csm, on=day, own=own, care=figures.care, done=figures.served_done),
        "csv_url": reverse("my_book_csv") if own else reverse("book_csv", args=[csm.pk]),
        **list_context(
            request,
            found,
            page=page,
            views=ground.views,
        ),
    }
    return render(request, "pages/book.html", context, status=status)


def _said_once(lines: Sequence[LeaveLine], covered: Sequence[CoveredBook]) -> list[LeaveLine]:
    """Without those that the card of covered books tells."""
    told = {one.away.leave_id for one in covered}
    return [line for line in lines if line.pk not in told]


def _count_words(
    this: selector.Book, covered: Sequence[CoveredBook], everybody: selector.Summary, found: BookList
) -> str:
    """How many there are; with a filter, how many of them the list shows."""
    if found.filter.status in WITH_LEFT:
        return wording.counted(len(found.ids), "customer") + " shown"
    if found.filter.in_use:
        return (
            f"{wording.grouped(len(found.ids))} of {wording.counted(everybody.customers, 'active customer')}"
        )
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
        "kpis": past_kpis(this),
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
        over = wording.hours_and_minutes(this.load - this.capacity)
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
