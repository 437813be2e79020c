"""Overrides in the admin: CS ops ask for one and withdraw; who is a manager as well decides; everything else is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, CSTabularInline, button
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import Team, Tier
from allocation.forms.overrides import AskForm, WithdrawForm
from allocation.models import Override, OverrideEdit
from allocation.selectors import wording
from allocation.selectors.override_detail import changes_of
from allocation.selectors.override_rights import override_rights
from allocation.selectors.tiers import tiers_in_overrides
from allocation.services import overrides
from allocation.tasks.bell import ring
from allocation.tasks.notices import send_notices
from allocation.tasks.overrides import follow

AT_MOST = 200
SOON_DAYS = (14, 30, 90)
REFUSALS = (overrides.UnableToDecideOverride, overrides.UnableToWithdrawOverride)


@dataclass(frozen=True)
class Act:
    """What is done to selected rows. done: what each is then; danger: it cannot be taken back by a button."""

    name: str
    title: str
    done: str
    lead: str
    service: Callable[..., Override]
    decides: bool


ACTS = {
    act.name: act
    for act in (
        Act(
            "approve",
            "Approve",
            "approved",
            "Each that starts today or earlier gives its customer the tier at once.",
            overrides.approve_override,
            decides=True,
        ),
        Act(
            "decline",
            "Decline",
            "declined",
            "The customers keep the tier they have.",
            overrides.decline_override,
            decides=True,
        ),
        Act(
            "withdraw",
            "Withdraw",
            "withdrawn",
            "A request is taken back. One in force ends: its customer keeps the tier until the goals run that is proposed "
            "then is applied.",
            overrides.withdraw_override,
            decides=False,
        ),
    )
}


class EndFilter(FixedFilter):
    title = "end"
    parameter_name = "end"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(str(days), f"In force, ends in {days} days") for days in SOON_DAYS]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in {str(days) for days in SOON_DAYS}:
            return queryset
        today = timezone.localdate()
        return queryset.in_force(today).filter(expires_on__lte=today + timedelta(days=int(str(self.value()))))


class DueFilter(FixedFilter):
    title = "decision"
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("waits", "Waits"), ("overdue", "Waits, and is overdue")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "waits":
            return queryset.asked()
        return (
            queryset.asked().filter(due_on__lt=timezone.localdate())
            if self.value() == "overdue"
            else queryset
        )


class OverrideEditInline(CSTabularInline):
    model = OverrideEdit
    fields = readonly_fields = ("at", "editor", "change", "words")
    verbose_name_plural = "changes of the request"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("editor").order_by("at", "pk")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Change")
    def change(self, row: OverrideEdit) -> str:
        return "; ".join(changes_of(edit=row, tiers={})) or badges.NOTHING


@admin.register(Override)
class OverrideAdmin(CSAdmin):
    lead = "Human exceptions: a reason, an expiry and a second pair of eyes. A manager of the customer's team decides."
    add_lead = (
        "You ask; a manager of the customer's team decides. What the model says today is kept beside it. Nobody decides "
        "the own request."
    )
    form_lead = (
        "What was asked for and decided never changes; it is ended by withdrawing it, or by its last day."
    )
    empty_words = "CSMs and managers ask on the customer's page, CS ops here."
    form = AskForm
    list_display = (
        "customer",
        "to_tier",
        "state",
        "asked_by",
        "due_on",
        "decided_by",
        "expires_on",
    )
    list_filter = (
        "status",
        DueFilter,
        EndFilter,
        "reason_kind",
        rows_filter(Tier, "tier", title="tier", offered=tiers_in_overrides, none_words=""),
        rows_filter(Team, "customer__csm__team", title="team", none_words="No team"),
    )
    list_select_related = ("customer", "tier", "asked_by", "decided_by")
    search_fields = ("customer__name", "customer__external_id", "asked_by__name", "asked_by__email")
    search_help_text = "Customer or who asked"
    ordering = ("-pk",)
    plain_choice_fields = ("tier",)
    actions = ("approve", "decline", "withdraw")
    inlines = (OverrideEditInline,)
    add_fieldsets = (
        (None, {"fields": ("customer", ("tier", "reason_kind"), "words", "evidence")}),
        ("For how long", {"fields": (("starts_on", "expires_on"),)}),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("customer", "state"),
                    ("to_tier", "reason_kind"),
                    "words",
                    "evidence",
                    ("starts_on", "expires_on"),
                )
            },
        ),
        (
            "When it was asked for",
            {"fields": (("asked_by", "asked_at"), ("tier_when_asked", "due_on"), "opinion")},
        ),
        ("Decision", {"fields": (("decided_by", "decided_at"), "decided_words", "begun_at")}),
        ("End", {"fields": (("ended_by", "ended_at"), "ended_words", "warned_at")}),
    )
    readonly_fields = ("state", "to_tier", "opinion")

    def has_add_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_ops and super().has_add_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """The changes, where there are any."""
        return self.inlines if obj is not None and obj.version > 1 else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.actor, form.on, form.at = request.user, timezone.localdate(), timezone.now()
        return form

    def save_model(self, request: HttpRequest, obj: Override, form: Any, change: bool) -> None:
        """The service wrote the row when the form was checked (`AskForm`): nothing is left to be saved."""
        ring(send_notices)

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return button(label="What people overrule", name="override_report", icon="decision")

    def form_buttons(self, request: HttpRequest, obj: Override) -> tuple[Button, ...]:
        return button(
            label="See the customer", name="customer", args=(obj.customer_id,), icon="eye", primary=True
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deciding is offered to managers only; the service refuses whoever is none, or asked."""
        user: Any = request.user
        found = super().get_actions(request)
        return {name: entry for name, entry in found.items() if user.is_manager or not ACTS[name].decides}

    @admin.action(description="Approve", permissions=["view"])
    def approve(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, ACTS["approve"])

    @admin.action(description="Decline", permissions=["view"])
    def decline(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, ACTS["decline"])

    @admin.action(description="Withdraw", permissions=["view"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, ACTS["withdraw"])

    def _act(self, request: HttpRequest, queryset: QuerySet, act: Act) -> HttpResponse | None:
        """Show what is meant, ask for words, act, then say row by row what happened."""
        rows = list(
            queryset.select_related("customer__csm", "tier", "asked_by")
            .prefetch_related("edits")
            .order_by("pk")[: AT_MOST + 1]
        )
        if len(rows) > AT_MOST:
            self.message_user(request, f"Choose at most {AT_MOST} at a time.", messages.ERROR)
            return None
        sent = "seen" in request.POST
        form = WithdrawForm(request.POST if sent else None)
        if sent and form.is_valid():
            self._do(request, rows, act, form.cleaned_data["words"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "act": act,
            "form": form,
            "rows": [(row, _in_the_way(row, act, request.user)) for row in rows],
        }
        return render(request, "admin/allocation/override/act.html", context)

    def _do(self, request: HttpRequest, rows: list[Override], act: Act, words: str) -> None:
        today, now = timezone.localdate(), timezone.now()
        seen, done = dict(_seen(request)), []
        for row in rows:
            given = {"seen_version": seen.get(row.pk, 0)} if act.decides else {}
            try:
                done.append(
                    act.service(
                        override_id=row.pk, actor=request.user, words=words, on=today, at=now, **given
                    )
                )
            except REFUSALS as refusal:
                self.message_user(request, f"{_named(row)} is not {act.done}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{_named(row)} is {act.done}.", messages.SUCCESS)
        run = follow(done, on=today, at=now, actor_id=request.user.pk)
        if run is not None:
            self.message_user(request, f"Run {run.pk} proposes what follows for the tiers.", messages.INFO)

    @admin.display(description="Tier", ordering="tier__rank")
    def to_tier(self, row: Override) -> str:
        return badges.tier_mark(name=row.tier.name, rank=row.tier.shown_rank)

    @admin.display(description="Status", ordering="status")
    def state(self, row: Override) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="The model said then")
    def opinion(self, row: Override) -> str:
        said = row.model_said or {}
        if not said.get("suggested"):
            return badges.NOTHING
        tier = Tier.objects.filter(slug=said["suggested"]).first()
        parts = [
            tier.name if tier else said["suggested"],
            f"score {said['score']}" if said.get("score") is not None else "",
            f"segment {said['segment']}" if said.get("segment") else "",
            f"rule “{said['rule']}”" if said.get("rule") else "",
            f"run {said.get('run')}, model version {said.get('model_version')}",
        ]
        return ", ".join(part for part in parts if part)


def _named(row: Override) -> str:
    return f"Override {row.pk} ({row.customer} → {row.tier})"


def _in_the_way(row: Override, act: Act, user: Any) -> str:
    """What is plain before asking; the service looks again. Empty: nothing."""
    if act.decides and not (rights := override_rights(override=row, customer=row.customer, user=user)).decide:
        return rights.not_deciding
    open_states = ("asked",) if act.decides else ("asked", "approved")
    if row.status not in open_states:
        return f"It is {row.get_status_display().lower()} already ({wording.day(row.expires_on)})."
    return ""


def _seen(request: HttpRequest) -> Iterator[tuple[int, int]]:
    """ "7:2" is version 2 of override 7, as the page showed it."""
    for entry in request.POST.getlist("seen"):
        pk, _, version = entry.partition(":")
        if pk.isdecimal() and version.isdecimal() and len(entry) < 30:
            yield int(pk), int(version)
