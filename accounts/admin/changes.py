"""The log of changes: who changed which setting, tier, model, policy or person, and when. Written by the program only."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from auditlog import get_logentry_model
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst

from accounts.admin import badges
from accounts.admin.base import ViewOnlyAdmin
from accounts.admin.filters import FixedFilter, pk_of
from accounts.models import User
from accounts.selectors.changes import DASH, SHORT, Difference, differences, kinds

LogEntry = get_logentry_model()
DONE = {0: ("Added", "good", "plus"), 1: ("Changed", "info", "edit"), 2: ("Deleted", "bad", "close")}
PEOPLE = 60
LINES = 5


class KindFilter(FixedFilter):
    title = "thing"
    parameter_name = "thing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(model._meta.label_lower, capfirst(str(model._meta.verbose_name))) for model in kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        app, _, model = (self.value() or "").partition(".")
        return queryset.filter(content_type__app_label=app, content_type__model=model) if model else queryset


class PersonFilter(FixedFilter):
    """Those who may change something here; anybody else is found by e-mail."""

    title = "person"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        staff = User.objects.filter(is_staff=True).order_by("name", "email")[:PEOPLE]
        return [*((str(user.pk), str(user)) for user in staff), ("none", "The program itself")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if chosen == "none":
            return queryset.filter(actor__isnull=True)
        if not chosen:
            return queryset
        pk = pk_of(chosen)
        return queryset.none() if pk is None else queryset.filter(actor=pk)


class DayFilter(FixedFilter):
    title = "when"
    parameter_name = "when"
    DAYS = {"1": "Today", "7": "The last 7 days", "30": "The last 30 days", "365": "The last 365 days"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.DAYS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in self.DAYS:
            return queryset
        first = timezone.localdate() - timedelta(days=int(self.value()) - 1)
        return queryset.filter(timestamp__gte=timezone.make_aware(datetime.combine(first, time.min)))


if admin.site.is_registered(LogEntry):
    admin.site.unregister(LogEntry)  # the library brings a screen of its own, with styles inside its pages


@admin.register(LogEntry)
class ChangesAdmin(ViewOnlyAdmin):
    lead = (
        "Who changed which tier, model, policy, person or setting, and when. Kept for good; nobody can change it. "
        "What was decided about customers stands in the ledgers."
    )
    empty_words = "Nothing was changed since this log is kept."
    list_display = ("when", "who", "did", "thing", "change")
    list_filter = (KindFilter, PersonFilter, DayFilter)
    list_select_related = ("actor", "content_type")
    list_display_links = ("when",)
    search_fields = ("object_repr", "actor_email")
    search_help_text = "Name of the thing, e-mail of the person, or a day such as 2026-03-31"
    ordering = ("-timestamp", "-pk")
    sortable_by = ("when",)
    fields = ("when", "who", "did", "thing", "change_in_full")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """A day finds what was changed on it."""
        day = _day(search_term)
        if day is None:
            return super().get_search_results(request, queryset, search_term)
        first = timezone.make_aware(datetime.combine(day, time.min))
        last = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
        return queryset.filter(timestamp__gte=first, timestamp__lt=last), False

    @admin.display(description="When", ordering="timestamp")
    def when(self, row: Any) -> str:
        return f"{timezone.localtime(row.timestamp):%d %b %Y, %H:%M}"

    @admin.display(description="Who")
    def who(self, row: Any) -> str:
        return str(row.actor or row.actor_email or "The program itself")

    @admin.display(description="Did")
    def did(self, row: Any) -> str:
        words, tone, icon = DONE.get(row.action, ("Looked at", "neutral", "eye"))
        return badges.badge(words=words, tone=tone, icon_name=icon)

    @admin.display(description="What")
    def thing(self, row: Any) -> str:
        model = row.content_type.model_class()
        kind = capfirst(str(model._meta.verbose_name)) if model is not None else row.content_type.model
        url = _address(row)
        name = format_html('<a href="{}">{}</a>', url, row.object_repr) if url else row.object_repr
        return format_html(
            '<span class="changed-thing">{}<br><span class="quiet small">{}</span></span>', name, kind
        )

    @admin.display(description="From what to what")
    def change(self, row: Any) -> str:
        return _as_html(differences(line=row, at_most=SHORT), new=row.action == 0, lines=LINES)

    @admin.display(description="From what to what")
    def change_in_full(self, row: Any) -> str:
        return _as_html(differences(line=row), new=row.action == 0)


def _day(text: str) -> Any:
    try:
        return parse_date(text.strip())
    except ValueError:
        return None


def _address(row: Any) -> str:
    """The history of the thing, while it is there and has a screen."""
    if row.action == LogEntry.Action.DELETE or row.object_id is None:
        return ""
    try:
        kind = row.content_type
        return reverse(f"admin:{kind.app_label}_{kind.model}_history", args=[row.object_id])
    except NoReverseMatch:
        return ""


def _as_html(found: list[Difference], *, new: bool, lines: int | None = None) -> str:
    """One line a column; of a new thing only what was filled in, and in a list only the first `lines`."""
    shown = [_one(each, new=new) for each in found if not (new and each.after == DASH)]
    more = len(shown) - lines if lines is not None else 0
    if more > 0:
        shown = [*shown[:lines], format_html('<span class="quiet">and {} more</span>', more)]
    return format_html(
        '<ul class="changes">{}</ul>', format_html_join("", "<li>{}</li>", ((each,) for each in shown))
    )


def _one(each: Difference, *, new: bool) -> str:
    label = format_html('<span class="quiet">{}:</span>', each.label)
    if each.partly:
        return format_html("{} {} changed", label, each.after)
    if each.added:
        return format_html("{} with {}", label, each.after)
    if each.taken:
        return format_html("{} without {}", label, each.before)
    if new:
        return format_html("{} {}", label, each.after)
    return format_html(
        '{} {} <span aria-hidden="true">→</span> <span class="visually-hidden">to</span> {}',
        label,
        each.before,
        each.after,
    )
