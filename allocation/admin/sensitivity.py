"""Sensitivities of models: what was asked and what became of it. The answer has a page of its own."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin import badges
from accounts.admin.base import Button, ViewOnlyAdmin, button
from allocation.models import Sensitivity


@admin.register(Sensitivity)
class SensitivityAdmin(ViewOnlyAdmin):
    lead = (
        "Which numbers of a version, changed by how little, move how many customers. Asking changes nothing."
    )
    empty_words = "Ask for the sensitivity of a version, and it is kept here."
    list_display = ("version", "state", "as_of", "message", "requested_by", "queued_at")
    list_filter = ("status",)
    list_select_related = ("tiering_model", "requested_by")
    search_fields = ("message", "tiering_model__name")
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("tiering_model", ("state", "as_of"), "message")}),
        ("Who and when", {"fields": (("requested_by", "queued_at"), ("started_at", "finished_at"))}),
    )

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return (Button("Ask for one", reverse("sensitivities"), "scenario", primary=True),)

    def form_buttons(self, request: HttpRequest, obj: Sensitivity) -> tuple[Button, ...]:
        return button(label="See the answer", name="sensitivity", args=(obj.pk,), icon="eye", primary=True)

    @admin.display(description="Version", ordering="tiering_model__number")
    def version(self, row: Sensitivity) -> str:
        return str(row.tiering_model)

    @admin.display(description="Status", ordering="status")
    def state(self, row: Sensitivity) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())
