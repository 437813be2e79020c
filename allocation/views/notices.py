"""A person's own notices, and what mail the person gets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from allocation.forms.faults import with_focus
from allocation.forms.preferences import PreferenceForm
from allocation.selectors.own_notices import LATEST, own_notices, preference_of
from allocation.selectors.own_requests import LATEST_REQUESTS, own_requests
from allocation.services.preferences import save_preference
from allocation.views.access import for_everyone_with_a_role

UNPROCESSABLE = 422


@require_safe
@for_everyone_with_a_role
def notices(request: HttpRequest) -> HttpResponse:
    """The latest notices to who asks, and the form."""
    user: Any = request.user
    return _page(request, PreferenceForm.of(preference_of(user=user)))


@require_POST
@for_everyone_with_a_role
def notice_preference(request: HttpRequest) -> HttpResponse:
    """Keep what mail the person wants."""
    user: Any = request.user
    form = PreferenceForm(request.POST, auto_id="mail_%s")
    if not form.is_valid():
        return _page(request, with_focus(form), status=UNPROCESSABLE)
    given = form.cleaned_data
    save_preference(user=user, digest=given["digest"], at_once=given["at_once"])
    messages.success(request, "Saved. It holds for every mail that is not sent yet.")
    return redirect("notices")


def _page(request: HttpRequest, form: PreferenceForm, *, status: int = 200) -> HttpResponse:
    user: Any = request.user
    context = {
        "form": form,
        "lines": own_notices(user=user, at=timezone.now()),
        "latest": LATEST,
        "requests": own_requests(user=user),
        "latest_requests": LATEST_REQUESTS,
    }
    return render(request, "pages/notices.html", context, status=status)
