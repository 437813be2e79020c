"""The addresses of the benchmark of pages: those of the site, and two that say nothing but who asks."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from cstiers.urls import handler500 as handler500


def hello(request: HttpRequest) -> HttpResponse:
    """Session and user, through the same middleware as every page."""
    return HttpResponse(f"Hello, {request.user}.")


def shell(request: HttpRequest) -> HttpResponse:
    """What every page of the site has around it, with nothing inside."""
    return render(request, "pages/base.html")


urlpatterns = [
    path("hello/", hello),
    path("hello/shell/", shell),
    path("", include("cstiers.urls")),
]
