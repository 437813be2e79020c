"""Policies: what is in force, how books are planned, and what that makes of today's customers and CSMs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, CSTabularInline, button
from allocation.forms.policies import NamedTiersForm, PolicyForm
from allocation.models import AllocationPolicy, NamedTiers
from allocation.selectors import wording
from allocation.selectors.policy_preview import PolicyPreview, policy_preview
from allocation.selectors.policy_words import words_of_policy
from allocation.services.policies import activate_policy, copy_policy

NOBODY_SHOWN = 10


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


PRESETS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (
        "Even hours, few moves",
        "What plans usually want: hours first, ARR half as much, a customer moves only where it pays.",
        {},
    ),
    (
        "Relationships first",
        "Grown teams: a change of CSM costs ten points and books may be 10 % off in hours.",
        {"weight_continuity": 10, "hours_tolerance_pct": 10, "max_moves_pct": 5, "max_moves_arr_pct": 5},
    ),
    (
        "Equal numbers",
        "Young teams of generalists: the same number of customers each, whatever they are worth.",
        {
            "weight_customers": 60,
            "weight_hours": 0,
            "weight_arr": 0,
            "weight_continuity": 1,
            "vertical_fit": "ignore",
        },
    ),
    (
        "Equal ARR",
        "Teams paid by revenue: ARR first, hours after it.",
        {"weight_arr": 60, "weight_hours": 30, "arr_tolerance_pct": 5},
    ),
    (
        "Grow into value",
        "The most experienced hold the highest revenue; juniors grow from the smallest customers up.",
        {"seniority_follows_value": "on", "weight_fit": 3},
    ),
)


class NamedTiersInline(CSTabularInline):
    model = NamedTiers
    form = NamedTiersForm
    verbose_name = "CSM"
    verbose_name_plural = "tiers named for a CSM"
    deletable = True

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With what the rows show, so that the form asks equally often at any size."""
        return super().get_queryset(request).select_related("csm").prefetch_related("tiers").order_by("pk")


@admin.register(AllocationPolicy)
class AllocationPolicyAdmin(PolicyAdmin):
    change_form_template = "admin/allocation/allocationpolicy/change_form.html"
    form = PolicyForm
    inlines = (NamedTiersInline,)
    lead = "How books are planned: what a CSM must be able to do, what weighs how much, how much may move."
    form_lead = (
        "Plans remember the values they were made with; changing the policy in force makes open plans stale."
    )
    add_lead = "Start from a ready-made one and change what is different with you; nothing is in force until you say so."
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
            {
                "fields": (("vertical_fit", "region_fit"), ("language_fit", "product_fit"), "country_law"),
                "description": (
                    "An empty list of a CSM means a generalist, able for all. Required rules nobody out whose value is "
                    "not known."
                ),
            },
        ),
        ("Preferences", {"fields": ("seniority_follows_value", "keep_families_together")}),
        (
            "What makes a plan better",
            {
                "fields": (
                    ("weight_hours", "weight_arr"),
                    ("weight_customers", "weight_fit"),
                    ("weight_continuity", "weight_background"),
                ),
                "description": (
                    "Points: one point is one ordinary (low-touch) customer in the wrong hands; a high-touch customer "
                    "counts four times, a tech-touch one a seventh. What weighs more is put right first; 0 leaves a part out."
                ),
            },
        ),
        ("Close enough", {"fields": (("hours_tolerance_pct", "arr_tolerance_pct"),)}),
        (
            "Limits of a plan",
            {
                "fields": (("max_moves_pct", "max_moves_arr_pct"), ("approve_top", "objection_days")),
                "description": (
                    "Changes by choice only. Leavers' customers, those whose CSM may not serve them and those without a "
                    "CSM move whatever the budget."
                ),
            },
        ),
        (
            "Holds",
            {
                "fields": (("hold_before_renewal_days", "hold_first_days", "hold_after_move_days"),),
                "description": "Only a CSM who leaves (within 90 days, or is gone) and country law outrank a hold. 0 days: no hold.",
            },
        ),
        (
            "Handovers",
            {
                "fields": (("handover_days", "short_handover_days"),),
                "description": "Of what opens from now on; no plan becomes stale by them.",
            },
        ),
        ("Work", {"fields": (("full_time_hours", "search_iterations"),), "classes": ("collapse",)}),
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.copy_view)
        return [path("<int:pk>/copy/", view, name="allocation_allocationpolicy_copy"), *super().get_urls()]

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        buttons = super().form_buttons(request, obj)
        if not self.has_add_permission(request):
            return buttons
        name = "admin:allocation_allocationpolicy_copy"
        return (*button(label="Copy", name=name, args=(obj.pk,), icon="plus", method="post"), *buttons)

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A resting copy to try other weights on; leads to its form."""
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise Http404
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied("A policy is copied from its page.")
        made = copy_policy(policy=obj)
        self.log_addition(request, made, f"Copied from {obj}.")
        self.message_user(request, f"{made} is a copy of {obj}; it is not in force.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:allocation_allocationpolicy_change", args=[made.pk]))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is None:
            context["presets"] = _presets()
        elif request.method == "GET":  # after a refusal the form stands for itself
            preview = policy_preview(policy=obj, as_of=timezone.localdate())
            context |= {
                "words": words_of_policy(policy=obj),
                "remarks": preview.remarks,
                "preview": _shown(preview),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="May move", ordering="max_moves_pct")
    def moves_num(self, row: AllocationPolicy) -> str:
        return f"{row.max_moves_pct.normalize():f} %"

    @admin.display(description="May move of ARR", ordering="max_moves_arr_pct")
    def arr_moves_num(self, row: AllocationPolicy) -> str:
        return f"{row.max_moves_arr_pct.normalize():f} %"


def _presets() -> list[dict[str, str]]:
    """Ready-made starts: the form opens with their values filled in."""
    address = reverse("admin:allocation_allocationpolicy_add")
    return [
        {"name": name, "words": words, "url": f"{address}?{urlencode({'name': name, **values})}"}
        for name, words, values in PRESETS
    ]


def _shown(preview: PolicyPreview) -> dict[str, Any]:
    found = preview.found
    if found is None:
        return {"problem": preview.problem}
    return {
        "lines": [
            {
                "pool": line.pool,
                "customers": wording.grouped(line.customers),
                "asked": wording.hours_and_minutes(line.minutes),
                "there": wording.hours_and_minutes(line.minutes_there),
                "short": line.minutes > line.minutes_there,
                "able": f"{line.able}"
                if line.open == line.able
                else f"{line.able} ({line.open} take new ones)",
                "nobody": wording.grouped(line.nobody) if line.nobody else "",
            }
            # Whoever has nobody comes first, then who is short.
            for line in sorted(
                found.lines, key=lambda line: (not line.nobody, line.minutes <= line.minutes_there)
            )
        ],
        "nobody": [
            {"pool": one.pool, "customers": _some(one.external_ids), "reason": one.reason}
            for one in found.nobody[:NOBODY_SHOWN]
        ],
        "nobody_more": max(0, len(found.nobody) - NOBODY_SHOWN),
        "customers": wording.counted(found.customers, "customer"),
        "asked": wording.hours_and_minutes(found.minutes),
        "there": wording.hours_and_minutes(found.minutes_there),
    }


def _some(external_ids: tuple[str, ...]) -> str:
    first = ", ".join(external_ids[:3])
    return first if len(external_ids) <= 3 else f"{first} and {len(external_ids) - 3} more"
