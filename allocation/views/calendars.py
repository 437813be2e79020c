"""A CSM's calendar: the page with its secret address, and the file that calendar programs read without signing in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_POST, require_safe

from allocation.models import CalendarFeed
from allocation.selectors import books, wording
from allocation.selectors.calendar_feed import calendar_answer, calendar_file, standing_calendars
from allocation.services import calendars as service
from allocation.views.access import for_everyone_with_a_role, for_roles
from allocation.views.refusals import refusals_shown


@require_safe
@for_everyone_with_a_role
def calendar(request: HttpRequest) -> HttpResponse:
    """The own address (when it was made and last read), and for who leads those of CSMs in scope."""
    return calendar_page(request)


def calendar_page(request: HttpRequest, *, token: str = "") -> HttpResponse:
    """The page. token: of the address that was made just now, shown this once."""
    user: Any = request.user
    csm = books.own_csm(user=user) if user.is_csm else None
    feeds = standing_calendars(user=user)
    mine = next(
        (one for one in feeds if csm is not None and one.csm_id == csm.pk and one.created_by_id == user.pk),
        None,  # one of who was this CSM before opens nothing any more
    )
    address = f"{settings.SITE_URL}{reverse('calendar_file', args=[token])}" if token else ""
    context = {
        "csm": csm,
        "mine": _line(mine) if mine else None,
        "others": [_line(feed) for feed in feeds if feed is not mine],
        "leads": user.is_ops or user.is_manager,
        "address": address,
        "subscribe": _subscribe(address),
    }
    return render(request, "pages/calendar.html", context)


def _subscribe(address: str) -> str:
    """What a calendar program opens. `webcals` asks by https; the older `webcal` would send the secret in clear first."""
    way, _, rest = address.partition("://")
    return f"{'webcals' if way == 'https' else 'webcal'}://{rest}" if rest else ""


def _line(feed: CalendarFeed) -> dict[str, Any]:
    return {
        "pk": feed.pk,
        "csm": feed.csm,
        "team": feed.csm.team,
        "made": wording.moment(feed.created_at),
        "read": wording.moment(feed.read_at) if feed.read_at else "not read yet",
    }


@require_POST
@for_roles("csm")
def calendar_make(request: HttpRequest) -> HttpResponse:
    """A new address; the one before stops working. It is shown in this answer and never again."""
    user: Any = request.user
    now = timezone.now()
    try:
        token = service.make_calendar(actor=user, on=timezone.localdate(now), at=now)
    except service.UnableToMakeCalendar as refusal:
        messages.error(request, str(refusal))
        return redirect("calendar")
    return calendar_page(request, token=token)


@require_POST
@for_everyone_with_a_role
def calendar_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """The address opens nothing any more."""
    user: Any = request.user
    if not CalendarFeed.objects.revocable_by(user).filter(pk=pk).exists():
        raise Http404
    with refusals_shown(request, service.UnableToRevokeCalendar):
        feed = service.revoke_calendar(feed_id=pk, actor=user, at=timezone.now())
        whose = (
            "Your calendar's address"
            if feed.csm.user_id == user.pk
            else f"The calendar's address of {feed.csm}"
        )
        messages.success(request, f"{whose} is revoked: programs that read it get nothing any more.")
    return redirect("calendar")


@require_safe
@login_not_required
def calendar_file_of(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar whose address this is; one and the same answer for every other. No session is opened or looked at."""
    now = timezone.now()
    day = timezone.localdate(now)
    csm = service.read_calendar(token=token, on=day, at=now)
    if csm is None:
        answer = HttpResponse(
            "There is no calendar here.\n", status=404, content_type="text/plain; charset=utf-8"
        )
        answer["Cache-Control"] = "private"
        return answer
    found = calendar_answer(csm=csm, on=day)
    unchanged = get_conditional_response(request, etag=found.etag)
    if unchanged is not None:
        unchanged["Cache-Control"] = "private"
        return unchanged
    answer = HttpResponse(calendar_file(answer=found), content_type="text/calendar; charset=utf-8")
    answer["Cache-Control"] = "private"
    answer["Content-Disposition"] = 'inline; filename="customers.ics"'
    answer["ETag"] = found.etag
    return answer
