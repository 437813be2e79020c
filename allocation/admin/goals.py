"""Goals in the admin: on the customer's page and as a list. What changes for the rules leads to a goals run."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import CSAdmin, CSTabularInline
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import Customer, Goal, GoalKind
from allocation.tasks.retiering import ask_for_goals_run

# What a run reads of a goal: owner and words it does not.
READ_BY_RULES = frozenset({"customer", "kind", "starts_on", "ends_before"})


def ask_after_commit(request: HttpRequest, customer_id: int) -> None:
    """A goals run and new touches once the page is saved: what started earlier would not see what it is about."""
    ask = partial(
        ask_for_goals_run,
        as_of=timezone.localdate(),
        at=timezone.now(),
        actor_id=request.user.pk,
        customer_ids=[customer_id],
    )
    transaction.on_commit(ask, robust=True)


class GoalForm(forms.ModelForm):
    """A kind that is retired is no longer given to a goal; one that has it keeps it."""

    def clean_kind(self) -> GoalKind:
        kind: GoalKind = self.cleaned_data["kind"]
        if kind.retired and kind.pk != self.instance.kind_id:
            raise forms.ValidationError(f"The goal kind {kind} is retired: choose one that is in use.")
        return kind


class GoalPageForm(GoalForm):
    def clean(self) -> dict[str, Any]:
        """The customer's row is held till the page is saved, as `services.goals` holds it: of two at once one is told.

        On the customer's own page its form does so (allocation.admin.customers).
        """
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("customer"):
            held = Customer.objects.select_for_update().filter(pk=cleaned["customer"].pk)
            held.values_list("pk").first()
        return cleaned


class GoalFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        """Two open goals of one kind are caught here: the row's own check does not see the row beside it."""
        super().clean()
        given = [form.cleaned_data for form in self.forms if form.is_valid() and form.cleaned_data]
        open_kinds = [goal["kind"] for goal in given if goal.get("kind") and not goal.get("ends_before")]
        twice = sorted({str(kind) for kind in open_kinds if open_kinds.count(kind) > 1})
        if twice:
            raise forms.ValidationError(
                f"Two open goals are of one kind: {', '.join(twice)}. Keep one of them open."
            )


class GoalInline(CSTabularInline):
    model = Goal
    form = GoalForm
    formset = GoalFormSet
    fields = ("kind", "owner", "starts_on", "ends_before", "words")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "words":
            kwargs["widget"] = forms.TextInput
        return super().formfield_for_dbfield(db_field, request, **kwargs)


def goals_changed(formset: Any) -> bool:
    """Whether a saved formset of goals wrote anything that a run reads."""
    changed = getattr(formset, "changed_objects", ())
    return bool(getattr(formset, "new_objects", ())) or any(
        READ_BY_RULES & set(names) for _, names in changed
    )


class OpenGoals(FixedFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "Open"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "open":
            return queryset.filter(ends_before__isnull=True)
        if self.value() == "closed":
            return queryset.filter(ends_before__isnull=False)
        return queryset


@admin.register(Goal)
class GoalAdmin(CSAdmin):
    lead = "What is wanted with each customer now. A goal is closed, not deleted: the model may have used it."
    form = GoalPageForm
    list_display = ("customer", "kind", "owner", "starts_on", "standing")
    list_filter = (OpenGoals, rows_filter(GoalKind, "kind", title="kind", none_words=""))
    list_select_related = ("customer", "kind", "owner")
    search_fields = ("customer__name", "customer__external_id")
    search_help_text = "Customer"
    ordering = ("-starts_on", "pk")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        today: date = timezone.localdate()
        return {"starts_on": today, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Goal, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or READ_BY_RULES & set(form.changed_data):
            ask_after_commit(request, obj.customer_id)

    @admin.display(description="Standing", ordering="ends_before")
    def standing(self, row: Goal) -> str:
        if row.ends_before is None:
            return badges.badge(words="Open", tone="good", icon_name="goal")
        return badges.badge(words=f"Closed {row.ends_before:%d %b %Y}", tone="neutral", icon_name="check")
