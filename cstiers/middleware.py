"""Small wiring between requests and answers."""

import re
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import is_valid_path
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import get_random_string

from accounts.changes import acting
from cstiers.logs import HEADER, ID, USER, request_of_log, user_id_of

SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestIds:
    """Gives each request an id, or keeps the proxy's, and says it in the answer. First of all middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if SANE_ID.fullmatch(given) else get_random_string(32, "0123456789abcdef")
        request.META[ID] = request_id
        token = request_of_log.set((request_id, request))
        try:
            response = self.get_response(request)
        finally:
            request_of_log.reset(token)
            user_id = user_id_of(request)
            if user_id is not None:
                request.META[USER] = user_id
        response[HEADER] = request_id
        return response


class NeverStoreSignedInPages:
    """Pages of a signed-in person are never kept by a browser or a proxy: a book is confidential."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 503:
            return response  # the database may be away, and who asks cannot be looked up
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            add_never_cache_headers(response)
        return response


class ChangesAreOfWhoAsks:
    """What a request changes is logged as done by who is signed in; nobody is looked up where nothing changes.

    In place of django-auditlog's own: that one keeps addresses, believes request headers, and connects anew each time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(lambda: request.user if request.user.is_authenticated else None):
            return self.get_response(request)


class RefuseNulInAddresses:
    """No search or filter holds the character NUL, and PostgreSQL cannot even be asked for it: 400, not 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path_info:
            raise BadRequest("The address holds the character NUL.")
        return self.get_response(request)


class PageForWrongMethod:
    """Who opens an address that is only sent to by a button gets a page with a way on, where Django says nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or "text/html" not in request.headers.get("Accept", ""):
            return response
        page = render(request, "405.html", {"back": page_above(request.path_info)}, status=405)
        page["Allow"] = response["Allow"]
        return page


def page_above(path: str) -> str:
    """The nearest address above this one that leads somewhere: /runs/7/apply/ → /runs/7/."""
    parts = [part for part in path.split("/") if part]
    above = ("/" + "/".join(parts[:end]) + "/" for end in range(len(parts) - 1, 0, -1))
    return next((address for address in above if is_valid_path(address)), "/")
