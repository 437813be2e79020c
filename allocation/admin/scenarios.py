"""Scenarios: a list to be read; they are asked, run and shared on their pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import badges
from accounts.admin.base import Button, ViewOnlyAdmin, button
from accounts.admin.filters import FixedFilter
from allocation.models import Scenario


class AwayFilter(FixedFilter):
    title = "standing"
    parameter_name = "now"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("kept", "Kept"), ("away", "Put away")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("kept", "away"):
            return queryset.filter(retired_at__isnull=self.value() == "kept")
        return queryset


@admin.register(Scenario)
class ScenarioAdmin(ViewOnlyAdmin):
    lead = "What-if questions and their answers. A scenario never changes a customer; it is asked and looked at on its page."
    list_display = ("name", "state", "owner", "shared", "as_of", "created_at")
    list_filter = ("status", "shared", AwayFilter)
    list_select_related = ("owner",)
    search_fields = ("name", "words")
    search_help_text = "Name or words"
    ordering = ("-created_at", "pk")
    exclude = ("movers", "result")
    readonly_fields = ("created_at", "status", "as_of", "message")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("result", "movers")

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return button(label="To the scenarios", name="scenarios", icon="scenario")

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        return button(label="Open its page", name="scenario", args=(obj.pk,), icon="eye", primary=True)

    @admin.display(description="State", ordering="status")
    def state(self, row: Scenario) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())
