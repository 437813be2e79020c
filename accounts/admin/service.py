"""The service model: tiers with their touch plans, goal kinds.

The screens of tiers and goal kinds are registered in allocation.admin.service: a lock on the model binds them too.
"""

from __future__ import annotations

from decimal import Decimal

from django.contrib import admin
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest

from accounts.admin import badges
from accounts.admin.base import CSAdmin, CSTabularInline
from accounts.admin.filters import rows_filter
from accounts.models import Customer, GoalKind, Tier, TouchActivity


class TouchActivityInline(CSTabularInline):
    model = TouchActivity
    fields = ("name", "goal_kind", "times_a_year", "hours_each", "channel")
    verbose_name = "activity"
    verbose_name_plural = "touch plan"
    deletable = True


class TierAdmin(CSAdmin):
    lead = "Service levels in order. A tier that is no longer wanted is retired; its history stays."
    form_lead = "The touch plan below gives the base hours of every customer in this tier."
    number_hints = {
        "base_hours_num": "Times a year × hours each of the activities that every customer gets, added up ÷ 12.",
        "customers_num": "Active customers in the tier.",
    }
    list_display = ("tier", "touch", "cap_num", "base_hours_num", "customers_num", "retired")
    list_filter = ("touch_level", "retired")
    search_fields = ("name", "slug")
    search_help_text = "Name or slug"
    ordering = ("rank", "pk")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "rank", "touch_level", "cap", "retired")}),
        ("In words", {"fields": ("description",)}),
    )
    inlines = (TouchActivityInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        held = Customer.objects.active().filter(tier=OuterRef("pk")).order_by().values("tier")
        asked = (
            TouchActivity.objects.filter(tier=OuterRef("pk"), goal_kind__isnull=True)
            .order_by()
            .values("tier")
        )
        return (
            super()
            .get_queryset(request)
            .annotate(
                held=Subquery(held.annotate(number=Count("pk")).values("number")),
                hours=Subquery(
                    asked.annotate(total=Sum(F("times_a_year") * F("hours_each"))).values("total")
                ),
            )
        )

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Tier | None = None
    ) -> dict[str, tuple[str, ...]]:
        return {} if obj is not None else self.prepopulated_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Tier | None = None) -> tuple[str, ...]:
        """Files and models name the slug, so it stays as it was made."""
        return ("slug",) if obj is not None else ()

    @admin.display(description="Tier", ordering="rank")
    def tier(self, row: Tier) -> str:
        return badges.tier_mark(name=row.name, rank=row.shown_rank)

    @admin.display(description="Touch level", ordering="touch_level")
    def touch(self, row: Tier) -> str:
        return row.get_touch_level_display()

    @admin.display(description="Cap per CSM", ordering="cap")
    def cap_num(self, row: Tier) -> str:
        return str(row.cap) if row.cap is not None else "no cap"

    @admin.display(description="Base hours a month", ordering="hours")
    def base_hours_num(self, row: Tier) -> str:
        hours: Decimal = row.hours or Decimal(0)
        return f"{hours / 12:.2f}"

    @admin.display(description="Customers", ordering="held")
    def customers_num(self, row: Tier) -> int:
        return row.held or 0


@admin.register(TouchActivity)
class TouchActivityAdmin(CSAdmin):
    lead = "What is done how often in each tier, and how long it takes; some only while a goal of a kind is open."
    list_display = ("name", "in_tier", "for_goal", "times_num", "hours_num", "channel")
    list_filter = (
        rows_filter(Tier, "tier", title="tier", order=("rank",), none_words=""),
        rows_filter(GoalKind, "goal_kind", title="goal kind", none_words="For all"),
        "channel",
    )
    list_select_related = ("tier", "goal_kind")
    search_fields = ("name",)
    search_help_text = "Name of the activity"
    ordering = ("tier__rank", "name", "pk")
    deletable = True

    @admin.display(description="Tier", ordering="tier__rank")
    def in_tier(self, row: TouchActivity) -> str:
        return badges.tier_mark(name=row.tier.name, rank=row.tier.shown_rank)

    @admin.display(description="Only with goal", ordering="goal_kind__name", empty_value="for all")
    def for_goal(self, row: TouchActivity) -> str | None:
        return row.goal_kind.name if row.goal_kind else None

    @admin.display(description="Times a year", ordering="times_a_year")
    def times_num(self, row: TouchActivity) -> str:
        return f"{row.times_a_year.normalize():f}"

    @admin.display(description="Hours each", ordering="hours_each")
    def hours_num(self, row: TouchActivity) -> str:
        return f"{row.hours_each.normalize():f}"


class GoalKindAdmin(CSAdmin):
    lead = "What may be wanted with a customer for a while: adoption, expansion, risk mitigation and so on."
    list_display = ("name", "slug", "asks_for", "retired")
    list_filter = ("asks_for", "retired")
    search_fields = ("name", "slug")
    search_help_text = "Name or slug"
    ordering = ("name", "pk")
    prepopulated_fields = {"slug": ("name",)}

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: GoalKind | None = None
    ) -> dict[str, tuple[str, ...]]:
        return {} if obj is not None else self.prepopulated_fields

    def get_readonly_fields(self, request: HttpRequest, obj: GoalKind | None = None) -> tuple[str, ...]:
        return ("slug",) if obj is not None else ()
