"""Who guessed too often, for CS ops to see and to let in again. The table is django-axes' own."""

from __future__ import annotations

from copy import copy
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_POST
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from accounts.admin import badges
from accounts.admin.base import Button, ViewOnlyAdmin, button
from cstiers.signing_in.throttle import PERSON, locked_until, places_of

# Its rows are written from our own timetable (allocation.services.timetable); its pages would let a person start any
# task with any arguments.
for library_model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(library_model)

WORDS = ("sign-in lock", "sign-in locks")  # the library's own are "access attempt" and a time


class LockList(ChangeList):
    def __init__(self, request: HttpRequest, model: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, model, *args, **kwargs)
        self.opts = self.model_admin.opts


class LockWords(str):
    """What a page calls the row, where it asks the row itself."""

    pk: int


@admin.register(AccessAttempt)
class SignInLockAdmin(ViewOnlyAdmin):
    lead = (
        "Wrong passwords of the last day, counted by person and address and by address. A lock ends by itself; clear it "
        "when the right person waits."
    )
    empty_words = "Nobody has given a wrong password since yesterday."
    number_hints = {
        "wrong": "Wrong passwords counted, of those after which it locks.",
    }
    list_display = ("who", "address", "wrong", "standing", "counted_at")
    list_display_links = ("who",)
    search_fields = ("username", "ip_address")
    search_help_text = "E-mail or address"
    ordering = ("-attempt_time", "-pk")
    fields = readonly_fields = ("who", "address", "wrong", "standing", "counted_at")

    def __init__(self, model: type[AccessAttempt], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self.opts = copy(model._meta)
        self.opts.verbose_name, self.opts.verbose_name_plural = WORDS

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LockList

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: AccessAttempt = kwargs["obj"]
        words = LockWords(f"{self.who(row)}, from {row.ip_address}")
        words.pk = row.pk
        return super().render_change_form(request, context | {"original": words}, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().history_view(request, object_id, {"title": "Change history", **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without counters at 0: the right password was given since."""
        return super().get_queryset(request).filter(failures_since_start__gt=0)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The table belongs to no app of ours, so the group's permissions do not name it: CS ops, by the role."""
        return bool(request.user.is_active and request.user.is_ops)

    def get_urls(self) -> list[Any]:
        clear = self.admin_site.admin_view(require_POST(self.clear))
        return [path("<int:pk>/clear/", clear, name="clear_sign_in_lock"), *super().get_urls()]

    def form_buttons(self, request: HttpRequest, obj: AccessAttempt) -> tuple[Button, ...]:
        return button(
            label="Clear",
            name="admin:clear_sign_in_lock",
            icon="key",
            args=(obj.pk,),
            method="post",
            confirm="Clear this counter? Passwords can be tried again at once.",
        )

    def clear(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(AccessAttempt, pk=pk)
        who = self.who(row)
        self.log_change(request, row, f"Cleared: {who}, from {row.ip_address}")
        row.delete()
        messages.success(request, f"Cleared for {who} from {row.ip_address}: passwords can be tried again.")
        return HttpResponseRedirect(reverse("admin:axes_accessattempt_changelist"))

    @admin.display(description="Who")
    def who(self, row: AccessAttempt) -> str:
        return row.username if row.user_agent == PERSON else "Everybody at this address"

    @admin.display(description="From", ordering="ip_address")
    def address(self, row: AccessAttempt) -> str:
        return str(row.ip_address)

    @admin.display(description="Counted", ordering="attempt_time")
    def counted_at(self, row: AccessAttempt) -> str:
        return date_format(timezone.localtime(row.attempt_time), "DATETIME_FORMAT")

    @admin.display(description="Wrong passwords", ordering="failures_since_start")
    def wrong(self, row: AccessAttempt) -> str:
        return f"{row.failures_since_start} of {places_of(row)}"

    @admin.display(description="Standing")
    def standing(self, row: AccessAttempt) -> str:
        until = locked_until(row, at=timezone.now())
        if until is None:
            return badges.badge(words="may try", tone="neutral", icon_name="check")
        words = f"locked until {date_format(timezone.localtime(until), 'H:i')}"
        return badges.badge(words=words, tone="warn", icon_name="lock")
