"""Attention policies and scenarios."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.base import CSAdmin
from allocation.admin.policies import PolicyAdmin
from allocation.models import AttentionPolicy, Scenario


@admin.register(AttentionPolicy)
class AttentionPolicyAdmin(PolicyAdmin):
    lead = "By what the hours left after base hours are shared inside a book; never simply evenly."
    list_display = ("name", "in_force", "basis", "floor_num", "cap_num")

    @admin.display(description="Floor", ordering="floor_pct")
    def floor_num(self, row: AttentionPolicy) -> str:
        return f"{row.floor_pct.normalize():f} %"

    @admin.display(description="Cap", ordering="cap_pct")
    def cap_num(self, row: AttentionPolicy) -> str:
        return f"{row.cap_pct.normalize():f} %"


@admin.register(Scenario)
class ScenarioAdmin(CSAdmin):
    lead = "What-if questions. A scenario never changes a customer."
    list_display = ("name", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name",)
    search_help_text = "Name"
    ordering = ("-created_at", "pk")
    readonly_fields = ("created_at",)

    def save_model(self, request: HttpRequest, obj: Scenario, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.owner = request.user
        super().save_model(request, obj, form, change)
