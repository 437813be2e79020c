"""Which roles may open a page: outside the scope is 404 (the querysets do that), a missing role is 403."""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

View = Callable[..., HttpResponse]


def for_roles(*names: str) -> Callable[[View], View]:
    """`@for_roles("ops", "manager")`: people with one of these roles only."""

    def decorate(view: View) -> View:
        @wraps(view)
        def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if not any(getattr(user, f"is_{name}", False) for name in names):
                raise PermissionDenied("Your role does not include this page. If it should, ask CS ops.")
            return view(request, *args, **kwargs)

        return allowed

    return decorate


for_ops = for_roles("ops")
for_leads = for_roles("ops", "manager")
for_everyone_with_a_role = for_roles("ops", "manager", "csm")


def clock() -> tuple[date, datetime]:
    """The business day and the moment, of one look at the clock: at midnight two looks would tell of two days."""
    now = timezone.now()
    return timezone.localdate(now), now


def today() -> date:
    """The clock, read once at the edge, in the time zone of the installation."""
    return timezone.localdate()
