"""Handovers and their checklists: what the program opened, and what both CSMs did. People act on the page of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import Button, CSTabularInline, ViewOnlyAdmin, button
from accounts.admin.filters import FixedFilter, pk_of
from accounts.models import Team
from allocation.models import Handover, HandoverStep
from allocation.selectors.handovers import signatures_in_words

AT_MOST = 60


class LateFilter(FixedFilter):
    title = "day"
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("yes", "Late"), ("escalated", "Passed on to managers or CS ops")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "yes":
            return queryset.late_on(timezone.localdate())  # type: ignore[attr-defined,no-any-return]
        if self.value() == "escalated":
            return queryset.filter(escalated_at__isnull=False)
        return queryset


class TeamFilter(FixedFilter):
    """Either side's team."""

    title = "team"
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        teams = Team.objects.visible_to(request.user).order_by("name", "pk")[:AT_MOST]
        return [(str(team.pk), team.name) for team in teams]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if chosen is None:
            return queryset
        team = pk_of(chosen)
        if team is None:
            return queryset.none()
        return queryset.filter(Q(from_csm__team=team) | Q(to_csm__team=team))


class StepInline(CSTabularInline):
    model = HandoverStep
    verbose_name_plural = "checklist"
    fields = ("position", "words", "side", "done_at", "done_by")
    readonly_fields = fields
    ordering = ("position",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("done_by")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Handover)
class HandoverAdmin(ViewOnlyAdmin):
    lead = "A change of CSM as people feel it: who introduces whom, by when. It opens with the change, and both CSMs sign it."
    empty_words = "When a customer gets another CSM, its handover stands here."
    list_display = ("customer", "from_csm", "to_csm", "path", "due_on", "signatures", "state")
    list_filter = ("status", "path", LateFilter, TeamFilter)
    list_select_related = ("customer", "from_csm", "to_csm")
    search_fields = ("customer__name", "customer__external_id", "from_csm__name", "to_csm__name")
    search_help_text = "Customer or CSM"
    date_hierarchy = "due_on"
    ordering = ("due_on", "pk")
    inlines = (StepInline,)
    fieldsets = (
        (None, {"fields": ("customer", ("from_csm", "to_csm"), ("path", "state"), ("opened_on", "due_on"), "move")}),
        ("Notes of the former CSM", {"fields": ("notes",)}),
        (
            "Signed and closed",
            {
                "fields": (
                    ("from_signed_at", "from_signed_by"),
                    ("to_signed_at", "to_signed_by"),
                    ("closed_at", "closed_words"),
                    "escalated_at",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("state",)

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        return button(label="Open the page", name="handover", args=(obj.pk,), icon="handover")

    @admin.display(description="Status", ordering="status")
    def state(self, row: Handover) -> str:
        if row.status == Handover.Status.OPEN and row.due_on < timezone.localdate():
            return badges.status_badge(status="overdue", words="Late")
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Signed by")
    def signatures(self, row: Handover) -> str:
        return signatures_in_words(row)
