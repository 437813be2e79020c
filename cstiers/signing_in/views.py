"""The doors that look at a password: signing in and changing the own password."""

from __future__ import annotations

import logging
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from cstiers.signing_in.address import client_address
from cstiers.signing_in.throttle import (
    PERSON,
    TooManyGuesses,
    give_place_back,
    take_place,
)

log = logging.getLogger(__name__)


def too_many_guesses(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429: what happened, when to try again, and what else one can do. Also what django-axes answers with."""
    now = timezone.now()
    full: TooManyGuesses = request.too_many_guesses  # type: ignore[attr-defined]
    seconds = max(1, ceil((full.until - now).total_seconds()))
    log.warning("Sign-ins refused from %s: too many guesses (%s)", client_address(request), full.whose)
    context = {
        "of_person": full.whose == PERSON,
        "until": full.until,
        "minutes": ceil(seconds / 60),
        "limit": settings.SIGN_IN_GUESSES if full.whose == PERSON else settings.SIGN_IN_GUESSES_OF_ADDRESS,
        "sso": settings.OIDC,
    }
    page = render(request, "registration/too_many_guesses.html", context, status=429)
    page["Retry-After"] = str(seconds)
    add_never_cache_headers(page)
    return page


@method_decorator(login_not_required, name="dispatch")
class SignIn(auth_views.LoginView):
    """The one door for everybody. Who is signed in already is sent on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        """Where `next` leads, when it is a page of ours and not this one again."""
        target: str = super().get_redirect_url(*args, **kwargs)
        return "" if target.partition("?")[0] == self.request.path else target

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked_for = self.request.GET.get("by") == "password"
        shown = not (settings.OIDC and settings.OIDC.only) or asked_for or self.request.method == "POST"
        return super().get_context_data(
            sso=settings.OIDC,
            by_password=shown,
            idle_minutes=settings.SESSION_IDLE_SECONDS // 60,
            hours=settings.SESSION_COOKIE_AGE // 3600,
            **kwargs,
        )


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class ChangePassword(auth_views.PasswordChangeView):
    """The old password is a guess like any other: whoever finds an open browser gets as many as at the door."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.OIDC and (_only_by_provider(request.user) or not request.user.has_usable_password()):
            raise PermissionDenied(
                "There is no password of yours here: you sign in through your company's sign-in service, so change it there."
            )
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            place = take_place(
                person=request.user.get_username(), address=client_address(request), at=timezone.now()
            )
        except TooManyGuesses as full:
            request.too_many_guesses = full  # type: ignore[attr-defined]
            return too_many_guesses(request)
        form = self.get_form()
        valid = form.is_valid()
        if "old_password" not in form.errors:
            give_place_back(place)
        return self.form_valid(form) if valid else self.form_invalid(form)


def _only_by_provider(user: Any) -> bool:
    return bool(settings.OIDC.only and not user.is_superuser)
