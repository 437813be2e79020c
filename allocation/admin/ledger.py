"""The ledger: who held which tier and which CSM when. Written by decisions, read by everyone in ops."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import badges
from accounts.admin.base import ViewOnlyAdmin
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import Team, Tier
from allocation.models import BookHolding, TierHolding
from allocation.selectors.tiers import tiers_in_ledger


class CurrentFilter(FixedFilter):
    title = "standing"
    parameter_name = "now"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Holds now"), ("no", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in ("yes", "no"):
            return queryset.filter(ends_before__isnull=self.value() == "yes")
        return queryset


class LedgerAdmin(ViewOnlyAdmin):
    date_hierarchy = "starts_on"
    search_fields = ("customer__name", "customer__external_id")
    search_help_text = "Customer"
    ordering = ("-starts_on", "-pk")

    @admin.display(description="Until", ordering="ends_before")
    def until(self, row: Any) -> str:
        if row.ends_before is None:
            return badges.badge(words="Holds now", tone="good", icon_name="check")
        return f"{row.ends_before:%d %b %Y}"

    @admin.display(description="By", ordering="source")
    def decided_by(self, row: Any) -> str:
        return f"{row.get_source_display()} {row.source_id}" if row.source_id else row.get_source_display()


@admin.register(TierHolding)
class TierHoldingAdmin(LedgerAdmin):
    lead = "Who held which tier when, and by what decision. Rows are added and closed, never changed."
    list_display = ("customer", "held_tier", "starts_on", "until", "decided_by", "words")
    list_filter = (
        CurrentFilter,
        rows_filter(Tier, "tier", title="tier", offered=tiers_in_ledger, none_words=""),
        "source",
    )
    list_select_related = ("customer", "tier")

    @admin.display(description="Tier", ordering="tier__rank")
    def held_tier(self, row: TierHolding) -> str:
        return badges.tier_mark(name=row.tier.name, rank=row.tier.shown_rank)


@admin.register(BookHolding)
class BookHoldingAdmin(LedgerAdmin):
    lead = "Who had which customer when, and by what decision. Rows are added and closed, never changed."
    list_display = ("customer", "csm", "starts_on", "until", "decided_by", "words")
    list_filter = (CurrentFilter, rows_filter(Team, "csm__team", title="team", none_words=""), "source")
    list_select_related = ("customer", "csm")
    search_fields = ("customer__name", "customer__external_id", "csm__name")
    search_help_text = "Customer or CSM"
