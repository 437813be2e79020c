"""Views of a list that a person keeps: save, rename, open the list with one, delete. POST, one service call, back to the list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from allocation.filters.books import BookFilter
from allocation.forms.saved_views import SaveViewForm, ViewNameForm
from allocation.models import SavedView
from allocation.selectors.saved_views import view_in_scope
from allocation.services import saved_views
from allocation.services.saved_views import UnableToSaveView
from allocation.views.access import for_everyone_with_a_role
from allocation.views.book_list import kept_query
from allocation.views.refusals import refusals_shown, refused
from allocation.views.returning import asked_back, is_book


@require_POST
@for_everyone_with_a_role
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the filters, order and columns that the page has; a view of the same name is replaced."""
    user: Any = request.user
    path = _path(request)
    form = SaveViewForm(request.POST)
    if not form.is_valid():
        refused(request, form)
        return redirect(path)
    query = kept_query(QueryDict(request.POST.get("query", "")), names=frozenset(BookFilter.base_filters))
    with refusals_shown(request, UnableToSaveView):
        view = saved_views.save_view(
            user=user,
            list_name=SavedView.List.BOOK,
            name=form.cleaned_data["name"],
            query=query,
            default=form.cleaned_data["default"],
        )
        messages.success(request, f"The view “{view}” is kept as the list stands now.")
        path = _with_view(path, view)
    return redirect(path)


@require_POST
@for_everyone_with_a_role
def view_rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name for an own view."""
    view = _view_or_404(request, pk)
    form = ViewNameForm(request.POST)
    if not form.is_valid():
        refused(request, form)
        return _back(request)
    user: Any = request.user
    with refusals_shown(request, UnableToSaveView):
        renamed = saved_views.rename_view(view_id=view.pk, user=user, name=form.cleaned_data["name"])
        messages.success(request, f"The view is called “{renamed}” now.")
    return _back(request)


@require_POST
@for_everyone_with_a_role
def view_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the book with this view, or no longer."""
    view = _view_or_404(request, pk)
    user: Any = request.user
    default = request.POST.get("default") == "1"
    with refusals_shown(request, UnableToSaveView):
        saved_views.set_default_view(view_id=view.pk, user=user, default=default)
        words = f"opens with “{view}”" if default else "opens with the whole book"
        messages.success(request, f"My book {words} from now on.")
    return _back(request)


@require_POST
@for_everyone_with_a_role
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an own view away."""
    view = _view_or_404(request, pk)
    user: Any = request.user
    with refusals_shown(request, UnableToSaveView):
        name = saved_views.delete_view(view_id=view.pk, user=user)
        messages.success(request, f"The view “{name}” is deleted.")
    return _back(request)


def _view_or_404(request: HttpRequest, pk: int) -> SavedView:
    view = view_in_scope(user=request.user, pk=pk)
    if view is None:
        raise Http404
    return view


def _back(request: HttpRequest) -> HttpResponse:
    back = asked_back(request)
    return redirect(back if is_book(back) else _home_of_books(request))


def _path(request: HttpRequest) -> str:
    """The list's own address without what it asks for."""
    back = asked_back(request)
    return back.split("?")[0] if is_book(back) else _home_of_books(request)


def _with_view(path: str, view: SavedView) -> str:
    query = "&".join(part for part in (view.query, f"view={view.pk}") if part)
    return f"{path}?{query}"


def _home_of_books(request: HttpRequest) -> str:
    user: Any = request.user
    return reverse("my_book") if user.is_csm else reverse("books")
