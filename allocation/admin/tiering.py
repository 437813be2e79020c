"""Tiering models, re-tiering runs, their decisions, overrides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, ViewOnlyAdmin, button
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import Tier
from allocation.admin.model_words import model_in_words
from allocation.models import Override, RetierRun, TierDecision, TieringModel
from allocation.services.playbooks import (
    UnableToLoadPlaybook,
    UnableToPublishModel,
    available_playbooks,
    definition_digest,
    load_playbook,
    publish_model,
)


class TieringModelForm(forms.ModelForm):
    class Meta:
        model = TieringModel
        fields = ("name", "definition")
        widgets = {
            "definition": forms.Textarea(
                attrs={"rows": 28, "class": "mono-field vLargeTextField", "spellcheck": "false"}
            )
        }

    def clean_definition(self) -> Any:
        definition = self.cleaned_data["definition"]
        faults = model_in_words(definition=definition).faults
        if faults:
            raise forms.ValidationError([forms.ValidationError(fault) for fault in faults])
        return definition


@admin.register(TieringModel)
class TieringModelAdmin(CSAdmin):
    lead = "Numbered versions of the rules. A published version never changes; one is published at a time."
    form_lead = "A draft can be edited and published; published and retired versions stay as runs used them."
    empty_words = "Load a ready-made playbook, or write a model of your own."
    form = TieringModelForm
    change_form_template = "admin/allocation/tieringmodel/change_form.html"
    list_display = ("version", "state", "playbook_name", "created_at", "published_at", "published_by")
    list_filter = ("status",)
    list_select_related = ("published_by",)
    search_fields = ("name", "number")
    search_help_text = "Name or number"
    ordering = ("-number",)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("playbooks/", wrap(self.playbooks_view), name="allocation_tieringmodel_playbooks"),
            path("<int:pk>/publish/", wrap(self.publish_view), name="allocation_tieringmodel_publish"),
            *super().get_urls(),
        ]

    def has_change_permission(self, request: HttpRequest, obj: TieringModel | None = None) -> bool:
        if obj is not None and obj.status != TieringModel.Status.DRAFT:
            return False
        return super().has_change_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: TieringModel, form: forms.ModelForm, change: bool
    ) -> None:
        obj.digest = definition_digest(definition=obj.definition)
        if not change:
            obj.number = (TieringModel.objects.aggregate(Max("number"))["number__max"] or 0) + 1
            obj.created_by = request.user
            super().save_model(request, obj, form, change)
            return
        # Still a draft when it is written, and not only when it was read: published just now, it changes no more.
        drafts = TieringModel.objects.filter(pk=obj.pk, status=TieringModel.Status.DRAFT)
        if not drafts.update(name=obj.name, definition=obj.definition, digest=obj.digest):
            raise PermissionDenied("This version was published meanwhile, so it does not change any more.")

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return button(label="Load a playbook", name="admin:allocation_tieringmodel_playbooks", icon="book")

    def form_buttons(self, request: HttpRequest, obj: TieringModel) -> tuple[Button, ...]:
        if obj.status != TieringModel.Status.DRAFT or not self.has_change_permission(request, obj):
            return ()
        return button(
            label="Publish",
            name="admin:allocation_tieringmodel_publish",
            args=(obj.pk,),
            icon="check",
            method="post",
            primary=True,
            confirm=f"Publish version {obj.number}? The version in force is retired and open proposals become stale.",
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            context["words"] = model_in_words(definition=obj.definition)
        return super().render_change_form(request, context, *args, **kwargs)

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put a draft in force."""
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise Http404
        if request.method != "POST" or not self.has_change_permission(request, obj):
            raise PermissionDenied("Only a draft can be published, and only from its page.")
        try:
            publish_model(model_id=pk, at=timezone.now(), actor_id=request.user.pk)
        except UnableToPublishModel as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.log_change(request, obj, "Published.")
            self.message_user(request, f"Version {obj.number} is published.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_change", args=[pk]))

    def playbooks_view(self, request: HttpRequest) -> HttpResponse:
        """Ready-made set-ups: choose one, as a draft or in force at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied("Only CS ops may load a playbook.")
        if request.method == "POST":
            return self._load(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "playbooks": available_playbooks(),
        }
        return render(request, "admin/allocation/tieringmodel/playbooks.html", context)

    def _load(self, request: HttpRequest) -> HttpResponse:
        try:
            loaded = load_playbook(
                slug=request.POST.get("slug", "")[:50],
                publish="publish" in request.POST,
                at=timezone.now(),
                actor_id=request.user.pk,
            )
        except (UnableToLoadPlaybook, UnableToPublishModel) as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_playbooks"))
        words = f"{loaded.name}: version {loaded.model_version} is {loaded.status}."
        self.message_user(request, words, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_changelist"))

    @admin.display(description="Version", ordering="number")
    def version(self, row: TieringModel) -> str:
        return str(row)

    @admin.display(description="Status", ordering="status")
    def state(self, row: TieringModel) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Playbook", ordering="playbook")
    def playbook_name(self, row: TieringModel) -> str:
        return row.playbook or badges.NOTHING


@admin.register(RetierRun)
class RetierRunAdmin(ViewOnlyAdmin):
    lead = "Dated proposals of tier changes: computed, looked at, approved, applied, and undone if need be."
    empty_words = "A run needs customers and a published tiering model."
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
    list_display = ("customer", "in_run", "from_to", "score_num", "segment", "by", "row_state")
    list_filter = (
        "is_move",
        "status",
        DecidedByFilter,
        rows_filter(Tier, "effective", title="tier", order=("rank",), none_words="No tier"),
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


@admin.register(Override)
class OverrideAdmin(ViewOnlyAdmin):
    lead = "Human exceptions: a reason, an expiry and a second pair of eyes. Nobody decides the own request."
    list_display = ("customer", "to_tier", "state", "reason_kind", "asked_by", "decided_by", "expires_on")
    list_filter = (
        "status",
        "reason_kind",
        rows_filter(Tier, "tier", title="tier", order=("rank",), none_words=""),
    )
    list_select_related = ("customer", "tier", "asked_by", "decided_by")
    search_fields = ("customer__name", "customer__external_id", "asked_by__name", "asked_by__email")
    search_help_text = "Customer or who asked"
    ordering = ("-pk",)

    @admin.display(description="Tier", ordering="tier__rank")
    def to_tier(self, row: Override) -> str:
        return badges.tier_mark(name=row.tier.name, rank=row.tier.rank)

    @admin.display(description="Status", ordering="status")
    def state(self, row: Override) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())
