"""Allocation policies, book plans, moves, handovers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, ViewOnlyAdmin, button
from allocation.models import AllocationPolicy, BookPlan, Handover, Move
from allocation.services.policies import activate_policy


class PolicyAdmin(CSAdmin):
    """A policy with a button that puts it in force; one of its kind is in force at a time."""

    ordering = ("name", "pk")
    search_fields = ("name",)
    search_help_text = "Name"
    list_filter = ("is_active",)

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_activate"
        return [
            path("<int:pk>/activate/", self.admin_site.admin_view(self.activate_view), name=name),
            *super().get_urls(),
        ]

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        if obj.is_active or not self.has_change_permission(request, obj):
            return ()
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_activate"
        return button(
            label="Put in force", name=name, args=(obj.pk,), icon="check", method="post", primary=True
        )

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put this policy in force instead of the one before."""
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise Http404
        if request.method != "POST" or not self.has_change_permission(request, obj):
            raise PermissionDenied("A policy is put in force from its page.")
        activate_policy(policy=obj)
        self.log_change(request, obj, "Put in force.")
        self.message_user(request, f"{obj} is in force.", messages.SUCCESS)
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[pk])
        )

    @admin.display(description="In force", ordering="is_active")
    def in_force(self, row: Any) -> str:
        if row.is_active:
            return badges.badge(words="In force", tone="good", icon_name="check")
        return badges.badge(words="Resting", tone="neutral", icon_name="clock")


@admin.register(AllocationPolicy)
class AllocationPolicyAdmin(PolicyAdmin):
    lead = "How books are planned: what a CSM must be able to do, what weighs how much, how much may move."
    form_lead = (
        "Plans remember the values they were made with; changing the policy in force makes open plans stale."
    )
    list_display = (
        "name",
        "in_force",
        "vertical_fit",
        "region_fit",
        "country_law",
        "moves_num",
        "arr_moves_num",
    )
    fieldsets = (
        (None, {"fields": ("name",)}),
        (
            "Who can serve whom",
            {"fields": (("vertical_fit", "region_fit"), ("language_fit", "product_fit"), "country_law")},
        ),
        ("Preferences", {"fields": ("seniority_follows_value", "keep_families_together")}),
        (
            "Weights of the objective",
            {
                "fields": (
                    ("weight_hours", "weight_arr"),
                    ("weight_fit", "weight_continuity"),
                    "weight_background",
                ),
                "description": "What weighs more is balanced first; 0 leaves a part out.",
            },
        ),
        ("Close enough", {"fields": (("hours_tolerance_pct", "arr_tolerance_pct"),)}),
        ("Limits of a plan", {"fields": (("max_moves_pct", "max_moves_arr_pct"),)}),
        ("Holds", {"fields": (("hold_before_renewal_days", "hold_first_days", "hold_after_move_days"),)}),
        ("Work", {"fields": (("full_time_hours", "search_iterations"),), "classes": ("collapse",)}),
    )

    @admin.display(description="May move", ordering="max_moves_pct")
    def moves_num(self, row: AllocationPolicy) -> str:
        return f"{row.max_moves_pct.normalize():f} %"

    @admin.display(description="May move of ARR", ordering="max_moves_arr_pct")
    def arr_moves_num(self, row: AllocationPolicy) -> str:
        return f"{row.max_moves_arr_pct.normalize():f} %"


@admin.register(BookPlan)
class BookPlanAdmin(ViewOnlyAdmin):
    lead = "Dated proposals of who gets which customer, each with its distance from the best possible."
    empty_words = "A plan needs customers with a tier and CSMs who accept customers."
    list_display = (
        "plan",
        "state",
        "progress",
        "as_of",
        "assigned_num",
        "moves_num",
        "gap_num",
        "policy",
        "queued_at",
    )
    list_filter = ("status", "repeatable")
    list_select_related = ("policy",)
    search_fields = ("message",)
    date_hierarchy = "as_of"
    ordering = ("-pk",)
    fieldsets = (
        (
            None,
            {"fields": (("state", "progress"), "message", ("as_of", "policy"), ("seed", "max_moves_pct"))},
        ),
        (
            "What it found",
            {"fields": (("assigned_num", "moves_num"), ("objective", "bound", "gap_num"), "repeatable")},
        ),
        (
            "Who and when",
            {
                "fields": (
                    ("requested_by", "queued_at"),
                    ("started_at", "finished_at"),
                    ("approved_by", "approved_at"),
                    ("applied_by", "applied_at"),
                )
            },
        ),
    )

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return button(label="Plan the books", name="plan_start", icon="plan", method="post", primary=True)

    def form_buttons(self, request: HttpRequest, obj: BookPlan) -> tuple[Button, ...]:
        return button(label="See the plan", name="plan", args=(obj.pk,), icon="eye", primary=True)

    @admin.display(description="Plan", ordering="pk")
    def plan(self, row: BookPlan) -> str:
        return f"Plan {row.pk}"

    @admin.display(description="Status", ordering="status")
    def state(self, row: BookPlan) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Progress")
    def progress(self, row: BookPlan) -> str:
        return f"{row.progress_pct} %" if row.is_busy and row.progress_total else badges.NOTHING

    @admin.display(description="Assigned")
    def assigned_num(self, row: BookPlan) -> Any:
        return row.summary.get("assigned", badges.NOTHING)

    @admin.display(description="Moves")
    def moves_num(self, row: BookPlan) -> Any:
        moves = row.summary.get("moves", badges.NOTHING)
        return len(moves) if isinstance(moves, list) else moves

    @admin.display(description="Gap to the bound", ordering="gap_pct")
    def gap_num(self, row: BookPlan) -> str:
        # Of a plan that people changed no gap is claimed.
        return f"{row.gap_pct:.2f} %" if row.gap_pct is not None and not row.is_changed else badges.NOTHING


@admin.register(Move)
class MoveAdmin(ViewOnlyAdmin):
    lead = "Every change of CSM that a plan proposed, with its reason and who was second."
    list_display = ("customer", "in_plan", "from_csm", "to_csm", "runner_up", "forced", "row_state")
    list_filter = ("forced", "status")
    list_select_related = ("customer", "from_csm", "to_csm", "runner_up")
    search_fields = ("customer__name", "customer__external_id", "from_csm__name", "to_csm__name")
    search_help_text = "Customer or CSM"
    ordering = ("-plan_id", "pk")

    @admin.display(description="Plan", ordering="plan_id")
    def in_plan(self, row: Move) -> str:
        return f"Plan {row.plan_id}"

    @admin.display(description="Row", ordering="status")
    def row_state(self, row: Move) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())


@admin.register(Handover)
class HandoverAdmin(CSAdmin):
    lead = "A change of CSM as people feel it: who introduces whom, by when."
    list_display = ("customer", "from_csm", "to_csm", "due_on", "state")
    list_filter = ("status",)
    list_select_related = ("customer", "from_csm", "to_csm")
    search_fields = ("customer__name", "customer__external_id", "from_csm__name", "to_csm__name")
    search_help_text = "Customer or CSM"
    ordering = ("due_on", "pk")

    @admin.display(description="Status", ordering="status")
    def state(self, row: Handover) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())
