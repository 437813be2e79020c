"""Re-tiering runs and their decisions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import badges
from accounts.admin.base import Button, ViewOnlyAdmin, button
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import Tier
from allocation.models import RetierRun, TierDecision
from allocation.selectors.tiers import tiers_in_decisions


@admin.register(RetierRun)
class RetierRunAdmin(ViewOnlyAdmin):
    lead = "Dated proposals of tier changes: computed, looked at, approved, applied, and undone if need be."
    empty_words = "A run needs customers and a published tiering model."
    number_hints = {
        "customers_num": "Customers the run looked at.",
        "moves_num": "Customers with another tier after the run than before, as it was computed; a first tier is no change.",
    }
    list_display = (
        "run",
        "state",
        "progress",
        "as_of",
        "customers_num",
        "moves_num",
        "model_version",
        "queued_at",
    )
    list_filter = ("status", "scope", "over_limit")
    list_select_related = ("tiering_model",)
    search_fields = ("message",)
    date_hierarchy = "as_of"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": (("state", "progress"), "message", ("scope", "as_of"), "tiering_model")}),
        ("What it found", {"fields": (("customers_num", "moves_num"), "over_limit")}),
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
        return button(
            label="Start a re-tiering run", name="retier_start", icon="run", method="post", primary=True
        )

    def form_buttons(self, request: HttpRequest, obj: RetierRun) -> tuple[Button, ...]:
        return button(label="See the run", name="run", args=(obj.pk,), icon="eye", primary=True)

    @admin.display(description="Run", ordering="pk")
    def run(self, row: RetierRun) -> str:
        return f"Run {row.pk} · {row.get_scope_display()}"

    @admin.display(description="Status", ordering="status")
    def state(self, row: RetierRun) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Progress")
    def progress(self, row: RetierRun) -> str:
        if row.is_busy and row.progress_total:
            return f"{row.progress_pct} %"
        return badges.NOTHING

    @admin.display(description="Customers")
    def customers_num(self, row: RetierRun) -> Any:
        return row.summary.get("customers", badges.NOTHING)

    @admin.display(description="Moves")
    def moves_num(self, row: RetierRun) -> Any:
        moves = row.summary.get("moves", badges.NOTHING)
        return len(moves) if isinstance(moves, list) else moves

    @admin.display(description="Model", ordering="tiering_model__number")
    def model_version(self, row: RetierRun) -> str:
        return f"Version {row.tiering_model.number}"


class DecidedByFilter(FixedFilter):
    title = "decided by"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        words = (
            "rule",
            "undecided",
            "override",
            "paid_floor",
            "first_year",
            "dead_band",
            "minimum_stay",
            "renewal_freeze",
        )
        return [(word, word.replace("_", " ").capitalize()) for word in words]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(decided_by=self.value()) if self.value() else queryset


@admin.register(TierDecision)
class TierDecisionAdmin(ViewOnlyAdmin):
    lead = "What each run said about each customer, and why."
    number_hints = {
        "score_num": "Points of the criteria × their weights, added up and divided by the weights of those that have points: 0 to 100.",
    }
    list_display = ("customer", "in_run", "from_to", "score_num", "segment", "by", "row_state")
    list_filter = (
        "is_move",
        "status",
        DecidedByFilter,
        rows_filter(Tier, "effective", title="tier", offered=tiers_in_decisions, none_words="No tier"),
    )
    list_select_related = ("customer", "run", "previous", "effective", "suggested")
    search_fields = ("customer__name", "customer__external_id")
    search_help_text = "Customer"
    ordering = ("-run_id", "pk")
    fieldsets = (
        (None, {"fields": (("customer", "run"), ("from_to", "row_state"), "reason", "words")}),
        ("How it came about", {"fields": (("segment", "score"), ("suggested", "by"), "guards")}),
    )

    def form_buttons(self, request: HttpRequest, obj: TierDecision) -> tuple[Button, ...]:
        return button(
            label="See the customer", name="customer", args=(obj.customer_id,), icon="eye", primary=True
        )

    @admin.display(description="Run", ordering="run_id")
    def in_run(self, row: TierDecision) -> str:
        return f"Run {row.run_id}"

    @admin.display(description="From → to", ordering="effective__rank")
    def from_to(self, row: TierDecision) -> str:
        return badges.change_of_tier(before=row.previous, after=row.effective)

    @admin.display(description="Score", ordering="score")
    def score_num(self, row: TierDecision) -> Any:
        return row.score if row.score is not None else badges.NOTHING

    @admin.display(description="Decided by", ordering="decided_by")
    def by(self, row: TierDecision) -> str:
        return row.decided_by.replace("_", " ").capitalize()

    @admin.display(description="Row", ordering="status")
    def row_state(self, row: TierDecision) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())
