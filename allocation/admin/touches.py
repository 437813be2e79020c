"""Touches in the admin: what is planned, due, late, done and skipped. The plan writes most of them; people add others."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import CSAdmin
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import Customer, Team
from allocation.models import Touch
from allocation.selectors.touches import state_of_touch

WORDS = {"planned": "Planned", "due": "Due", "late": "Late", "done": "Done", "skipped": "Skipped"}
# Where a touch stands in the plan: the plan alone writes it.
OF_THE_PLAN = ("customer", "activity")
# What somebody answers for who closes it.
WRITTEN_DOWN = {"status", "done_on", "done_by", "hours", "words"}


class StandingFilter(FixedFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return list(WORDS.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        on = timezone.localdate()
        match self.value():
            case "planned":
                return queryset.coming_on(on)
            case "due":
                return queryset.due_on(on)
            case "late":
                return queryset.late_on(on)
            case "done" | "skipped":
                return queryset.filter(status=self.value())
            case _:
                return queryset


def _standing(pk: int | None) -> str:
    """A mark of what a page can overwrite; empty for a touch that is not there."""
    fields = "status", "due_on", "name", "hours", "done_on", "done_by_id", "words", "activity_id", "closed_at"
    row = None if pk is None else Touch.objects.filter(pk=pk).values_list(*fields).first()
    return "" if row is None else hashlib.sha256(repr(row).encode()).hexdigest()


class TouchForm(forms.ModelForm):
    """A done touch says when, a skipped one why; an open one says neither day nor person.

    seen: how the touch stood when the page was opened. People do, skip and move touches meanwhile, and planning rewrites
    them: what they left is not written over.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = _standing(self.instance.pk)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.instance.pk is not None:
            # Locked till the page is saved (the admin saves in one transaction), in the order in which people do: customer, touch.
            list(
                Customer.objects.select_for_update(no_key=True)
                .filter(pk=self.instance.customer_id)
                .values_list("pk")
            )
            if given.get("seen") != _standing(self.instance.pk):
                raise forms.ValidationError(
                    "Somebody did, skipped, moved or planned this touch anew while you were editing. Open the page again and "
                    "repeat your change."
                )
        status, day = given.get("status"), given.get("done_on")
        if status == Touch.Status.DONE:
            self._refuse_where(day is None, "done_on", "Give the day on which it was done.")
            late = day is not None and day > timezone.localdate()
            self._refuse_where(late, "done_on", "This day is yet to come: give the day on which it was done.")
        elif status == Touch.Status.SKIPPED:
            self._refuse_where(not given.get("words", "").strip(), "words", "Say why it is skipped.")
        if status != Touch.Status.DONE:
            words = "Only one that is done has this: leave it empty, or set the status to done."
            self._refuse_where(day is not None, "done_on", words)
            self._refuse_where(given.get("done_by") is not None, "done_by", words)
        return given

    def _refuse_where(self, wrong: bool, field: str, words: str) -> None:
        if wrong:
            self.add_error(field, words)


@admin.register(Touch)
class TouchAdmin(CSAdmin):
    lead = "Contacts with customers: planned ahead by the touch plans of the tiers, logged, done or skipped by people."
    form_lead = "A day that you change stays, as long as the plan wants the touch; name and hours of what is due later follow the plan."
    add_lead = "Beside the plan: no change of tier or goals takes it away."
    form = TouchForm
    list_display = ("name", "customer", "due_on", "hours_num", "state", "done_by")
    number_hints = {
        "hours_num": "Planned: the hours of the activity in the touch plan; done: what was written down.",
    }
    list_filter = (StandingFilter, rows_filter(Team, "customer__csm__team", title="team", none_words=""))
    list_select_related = ("customer", "done_by")
    search_fields = ("customer__name", "customer__external_id", "name")
    search_help_text = "Customer or activity"
    date_hierarchy = "due_on"
    ordering = ("due_on", "pk")
    fieldsets = (
        (None, {"fields": (("customer", "activity"), "name", ("due_on", "hours"), "slot", "seen")}),
        ("What came of it", {"fields": ("status", ("done_on", "done_by"), "words", ("closed_by", "closed"))}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Touch | None = None) -> tuple[str, ...]:
        of_the_plan = OF_THE_PLAN if obj is not None and obj.slot_on is not None else ()
        return ("slot", "closed_by", "closed", *of_the_plan)

    def save_model(self, request: HttpRequest, obj: Touch, form: forms.ModelForm, change: bool) -> None:
        """Who closes it, or says otherwise what came of it, is written down; one that is open was closed by nobody."""
        if obj.status == Touch.Status.PLANNED:
            obj.closed_by = obj.closed_at = None
        elif WRITTEN_DOWN & set(form.changed_data) or obj.closed_at is None:
            obj.closed_by, obj.closed_at = request.user, timezone.now()  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    @admin.display(description="Hours", ordering="hours")
    def hours_num(self, row: Touch) -> str:
        return f"{row.hours.normalize():f}"

    @admin.display(description="Standing", ordering="status")
    def state(self, row: Touch) -> str:
        standing = state_of_touch(status=row.status, due_on=row.due_on, on=timezone.localdate())
        return badges.status_badge(status=standing, words=WORDS[standing])

    @admin.display(description="Day of the plan")
    def slot(self, row: Touch) -> str:
        return f"{row.slot_on:%d %b %Y}" if row.slot_on else "None: it is beside the plan."

    @admin.display(description="Written down at")
    def closed(self, row: Touch) -> str:
        return f"{timezone.localtime(row.closed_at):%d %b %Y %H:%M}" if row.closed_at else badges.NOTHING
