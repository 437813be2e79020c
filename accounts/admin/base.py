"""What every screen of the admin shares: scope, paging, autocompletes, buttons, no deleting of history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from accounts.admin.fields import DayInput, KnownOrNot, StorableJSON
from accounts.changes import is_logged
from accounts.selectors.changes import SHORT, differences, lines_of
from accounts.selectors.paging import COUNTED, CappedPaginator

# How the filters and the dates above a list ask.
ASKED_BY_FILTERS = frozenset({"exact", "isnull", "year", "month", "day", "gte", "lt"})

TOO_MANY = f"The list has more than {COUNTED:,} rows: narrow it, then choose. Nothing was done."


@dataclass(frozen=True, slots=True)
class Button:
    """A button beside the heading; a `post` one may ask `confirm` first."""

    label: str
    url: str
    icon: str
    method: str = "get"
    primary: bool = False
    confirm: str = ""


def button(
    *, label: str, name: str, icon: str, args: tuple[Any, ...] = (), **options: Any
) -> tuple[Button, ...]:
    """A button to the page called `name`; none where this installation does not have the page."""
    try:
        return (Button(label, reverse(name, args=args), icon, **options),)
    except NoReverseMatch:
        return ()


def scoped(rows: QuerySet, user: Any) -> QuerySet:
    """Only what the person may see, where the model has an owner; words such as regions have none."""
    return rows.visible_to(user) if hasattr(rows, "visible_to") else rows


class Scoped:
    """Rows, choices and autocompletes through `visible_to`; every foreign key an autocomplete."""

    formfield_overrides = {
        models.DateField: {"widget": DayInput},
        models.JSONField: {"form_class": StorableJSON},
    }
    model: type[models.Model]
    opts: Any
    admin_site: admin.AdminSite

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return scoped(super().get_queryset(request), request.user)  # type: ignore[misc]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        plain = set(getattr(self, "plain_choice_fields", ()))
        return [
            field.name
            for field in (*self.opts.fields, *self.opts.many_to_many)
            if field.remote_field
            and field.name not in plain
            and self.admin_site.is_registered(field.remote_field.model)
        ]

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet | None:
        rows = super().get_field_queryset(db, db_field, request)  # type: ignore[misc]
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        return scoped(rows, request.user)

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if isinstance(db_field, models.BooleanField) and db_field.null:
            return KnownOrNot(
                label=capfirst(db_field.verbose_name), required=False, help_text=db_field.help_text
            )
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_delete_related = False  # a form is no place to delete what others stand on
        return field


class CSAdmin(Scoped, admin.ModelAdmin):
    """Base of every screen. `lead` is the sentence under the heading of the list, `form_lead` of the form.

    number_hints: how the numbers of a column (or of a read-only field) come that the screen works out.
    """

    lead = ""
    form_lead = ""
    add_lead = ""
    empty_words = "Nothing has been entered so far."
    number_hints: dict[str, str] = {}
    deletable = False

    actions: Any = None  # deleting in bulk is nobody's work here; screens name their own actions
    list_per_page = 50
    paginator = CappedPaginator
    list_max_show_all = 200
    show_full_result_count = False
    save_as = False
    search_help_text: str | None = None
    plain_choice_fields: tuple[str, ...] = ()

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Nothing is done to "all" rows of a list that was not counted to its end: nobody saw how many they are."""
        if request.POST.get("select_across") == "1" and CappedPaginator(queryset, self.list_per_page).is_more:
            self.message_user(request, TOO_MANY, messages.WARNING)
            return HttpResponseRedirect(request.get_full_path())
        found: HttpResponse | None = super().response_action(request, queryset)
        return found

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what the list itself offers as a filter: an address typed by hand can ask rows for nothing else."""
        first, *how = lookup.split(LOOKUP_SEP)
        if first not in {field.name for field in self.opts.get_fields()}:
            return super().lookup_allowed(
                lookup, value, request
            )  # no field: Django shows the list without it
        offered = {self.date_hierarchy, *(getattr(item, "parameter_name", item) for item in self.list_filter)}
        return (
            first in offered
            and set(how) <= ASKED_BY_FILTERS
            and super().lookup_allowed(lookup, value, request)
        )

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        """Buttons beside the heading of the list."""
        return ()

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        """Buttons beside the heading of one row's page."""
        return ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"list_buttons": self.list_buttons(request)}
        return super().changelist_view(request, context | (extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Where changes are logged, all of them, whoever made them; elsewhere the edits made in the admin."""
        if not is_logged(self.model):
            return super().history_view(request, object_id, extra_context)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        pages = CappedPaginator(lines_of(row=row), self.list_per_page)
        page = pages.get_page(request.GET.get(PAGE_VAR))
        for line in page.object_list:
            line.differences = differences(line=line, at_most=SHORT)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "logged": True,
            "action_list": page,
            "page_range": pages.get_elided_page_range(page.number),
            "page_var": PAGE_VAR,
            "pagination_required": pages.num_pages > 1,
            "module_name": capfirst(str(self.opts.verbose_name_plural)),
            "object": row,
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/object_history.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        context["form_buttons"] = self.form_buttons(request, obj) if obj is not None else ()
        return super().render_change_form(request, context, *args, **kwargs)


class ViewOnlyAdmin(CSAdmin):
    """What the program writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CSTabularInline(Scoped, admin.TabularInline):
    """Rows of a parent, without room for new ones until asked."""

    extra = 0
    deletable = False
    plain_choice_fields: tuple[str, ...] = ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """In a table the heading names the column for the eye only, so each field says its name itself."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = str(field.label or db_field.verbose_name)
        return field
