"""Book plans and their moves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import badges
from accounts.admin.base import Button, ViewOnlyAdmin, button
from allocation.models import BookPlan, Move
from allocation.selectors.plan_rows import gap_words


@admin.register(BookPlan)
class BookPlanAdmin(ViewOnlyAdmin):
    lead = "Dated proposals of who gets which customer, each with its distance from the best possible."
    empty_words = "A plan needs customers with a tier and CSMs who accept customers."
    number_hints = {
        "assigned_num": "Customers that the plan places or leaves where they are.",
        "moves_num": "Customers that would get another CSM, or their first one: the forced moves + those by choice.",
        "gap_num": "100 × (objective − bound) ÷ objective, rounded up; no plan at all can be below the bound.",
        "objective": "With the policy's weights: how far books are from even, what changes of CSM cost and how badly some fit; less is better.",
        "bound": "Proven: no plan at all can be below it.",
    }
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
            {
                "fields": (
                    ("state", "progress"),
                    "message",
                    ("as_of", "policy"),
                    ("seed", "max_moves_pct"),
                    ("variant", "continuity_weight"),
                )
            },
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
        found = row.summary
        return found.get("forced", 0) + found["chosen"] if "chosen" in found else badges.NOTHING

    @admin.display(description="Gap to the bound", ordering="gap_pct")
    def gap_num(self, row: BookPlan) -> str:
        return gap_words(row)


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
