"""The two addresses of single sign-on: to the provider, and back from it. Loaded only where it is switched on."""

from __future__ import annotations

import re
import time
from typing import Any

from django.contrib import auth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from cstiers.signing_in.oidc import ByProvider, not_believed
from cstiers.signing_in.provider import Refused, discovery, library_setting, provider

BACKEND = f"{ByProvider.__module__}.{ByProvider.__qualname__}"
ANSWER_WITHIN_SECONDS = 600


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    context = {"sentence": str(refused), "sso": provider()}
    return render(request, "registration/sso_refused.html", context, status=refused.status)


@method_decorator([login_not_required, never_cache], name="dispatch")
class ToProvider(OIDCAuthenticationRequestView):
    """Sends the browser to the provider, with state, nonce and PKCE kept in the session."""

    get_settings = staticmethod(library_setting)

    def __init__(self, **kwargs: Any) -> None:
        View.__init__(self, **kwargs)  # the library's asks the provider here, where nothing can be answered
        self.OIDC_RP_CLIENT_ID = provider().client_id

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            self.OIDC_OP_AUTH_ENDPOINT = library_setting("OIDC_OP_AUTHORIZATION_ENDPOINT")
            answer: HttpResponse = super().get(request)
        except Refused as refused:
            return refusal(request, refused)
        return answer


@method_decorator([login_not_required, never_cache], name="dispatch")
class FromProvider(View):
    """Takes the provider's answer: signs one person in, or says why nobody was."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            asked = self._asked(request)
            next_url = request.session.pop("oidc_login_next", None)
            user = ByProvider().authenticate(
                request, nonce=asked["nonce"], code_verifier=asked["code_verifier"]
            )
            if user is None:
                raise Refused("This is no answer to a sign-in. Start again from the sign-in page.")
        except Refused as refused:
            return refusal(request, refused)
        auth.login(request, user, backend=BACKEND)
        return HttpResponseRedirect(next_url or resolve_url("home"))

    def _asked(self, request: HttpRequest) -> dict[str, Any]:
        """What this browser asked the provider under this state; it is used up by reading it."""
        states = request.session.get("oidc_states") or {}
        asked = states.pop(request.GET.get("state", ""), None)
        if asked is None or time.time() - asked["added_on"] > ANSWER_WITHIN_SECONDS:
            raise Refused(
                "This sign-in was begun in another browser, too long ago, or is used already. Start again from the sign-in page."
            )
        request.session["oidc_states"] = states
        request.session.save()  # used up, whatever happens next
        error = request.GET.get("error")
        if error:
            code = error if re.fullmatch(r"[a-z_]{1,40}", error) else "an error"
            raise Refused(f"{provider().name} signed nobody in (it says: {code}).")
        said_by = request.GET.get("iss")  # RFC 9207: which provider answers, where one says so
        if said_by is not None and said_by != discovery.document()["issuer"]:
            raise Refused(not_believed("it comes from somebody else"))
        return dict(asked)


urlpatterns = [
    path("sign-in/sso/", ToProvider.as_view(), name="oidc_start"),
    path("sign-in/sso/callback/", FromProvider.as_view(), name="oidc_callback"),
]
