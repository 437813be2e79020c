"""The timetable: when what is due, what became of it, and the days on which nothing is applied."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, ViewOnlyAdmin, button
from allocation.models import Freeze, Schedule, Slot, Work
from allocation.selectors.timetable import last_slot, next_times, when_words
from allocation.services.timetable import UnableToAskNow, ask_now, change_schedule
from allocation.tasks.bell import ring
from allocation.tasks.timetable import carry_out_slot

# What each kind of work does, for who decides when.
WHAT: dict[str, str] = {
    Work.FULL_RUN: "A re-tiering run of all customers is proposed, as of the day. People apply it, or do not.",
    Work.GOALS_RUN: "Where a goal or an override began or ended by its day, a run of those customers is proposed.",
    Work.BOOK_PLAN: "A book plan is proposed, as of the day. People apply it, or do not.",
    Work.OVERRIDES: "Overrides whose day has come begin, those whose time is over end, and askers are told before.",
    Work.LEAVE: "Who covers for whom is told before and on the first and last day. Rights follow the days by themselves.",
    Work.RATES: "Exchange rates are fetched from the address of RATES_URL; without one it is said how old they are.",
    Work.TOUCHES: "Touches are planned ahead by the touch plans of the tiers; of those that are there only open ones that are due later change.",
    Work.BOOK_DAYS: "The figures of each book are kept for the trend on the balance page; of days older than 400 days the month's last stays.",
    Work.HANDOVERS: "Both CSMs of a handover whose day has passed are told once, and three days later their managers.",
    Work.DIGESTS: "Each person's digest is written, as often as the person wants it.",
    Work.HOUSEKEEPING: "Sign-ins that are over, files nobody confirmed and old lines of this timetable are put away.",
}
NEXT_SHOWN = 3


def _moments(found: list[Any]) -> SafeString:
    return format_html_join(
        ", ", '<span class="nowrap">{}</span>', ((date_format(at, "j M Y H:i"),) for at in found)
    )


@admin.register(Schedule)
class ScheduleAdmin(CSAdmin):
    lead = "When the program does by itself what is due. It proposes, tells and tidies; it never applies a run or a plan."
    form_lead = "Times are the company's; what you change counts from now on."
    list_display = ("work", "switched_on", "when", "last_time")
    ordering = ("work",)
    readonly_fields = ("what", "coming")
    formfield_overrides = {
        models.TimeField: {"widget": forms.TimeInput(format="%H:%M", attrs={"type": "time"})}
    }
    fieldsets = (
        (None, {"fields": ("what", "enabled", ("rhythm", "at_time"))}),
        ("On which day", {"fields": (("month", "day"), "weekday")}),
        ("Next", {"fields": ("coming",)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.now_view)
        return [path("<int:pk>/now/", view, name="allocation_schedule_now"), *super().get_urls()]

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return (
            *button(label="Scheduled work", name="admin:allocation_slot_changelist", icon="history"),
            *button(label="Freezes", name="admin:allocation_freeze_changelist", icon="lock"),
        )

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        done = reverse("admin:allocation_slot_changelist") + f"?work__exact={obj.work}"
        return (
            Button("Scheduled work", done, "history"),
            *button(label="Do it now", name="admin:allocation_schedule_now", args=(obj.pk,), icon="run", method="post"),
        )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Schedule, form: forms.ModelForm, change: bool) -> None:
        change_schedule(schedule=obj, at=timezone.now())

    def now_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do the work of a schedule now, besides its times."""
        schedule = self.get_object(request, str(pk))
        if schedule is None:
            raise Http404
        if request.method != "POST" or not self.has_change_permission(request, schedule):
            raise PermissionDenied("Work is started from the page of its schedule.")
        user: Any = request.user
        try:
            slot = ask_now(work=schedule.work, actor_id=user.pk, at=timezone.now())
        except UnableToAskNow as refused:
            self.message_user(request, str(refused), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:allocation_schedule_change", args=[pk]))
        ring(carry_out_slot, slot_id=slot.pk)
        self.log_change(request, schedule, "Started by hand.")
        self.message_user(
            request, f"{schedule} was asked for; what comes of it is shown here.", messages.SUCCESS
        )
        return HttpResponseRedirect(reverse("admin:allocation_slot_change", args=[slot.pk]))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With what became of the last time."""
        return super().get_queryset(request).annotate(
            last_status=last_slot("status"), last_message=last_slot("message"), last_due=last_slot("due_at")
        )  # fmt: skip

    @admin.display(description="Switched on", ordering="enabled")
    def switched_on(self, row: Schedule) -> str:
        if row.enabled:
            return badges.badge(words="On", tone="good", icon_name="check")
        return badges.badge(words="Off", tone="neutral", icon_name="close")

    @admin.display(description="When")
    def when(self, row: Schedule) -> str:
        words = when_words(schedule=row)
        coming = _moments(next_times(schedule=row, after=timezone.now(), many=1))
        following = format_html('<br><span class="quiet small">next {}</span>', coming) if coming else ""
        return format_html("{}{}", words[0].upper() + words[1:], following)

    @admin.display(description="Last time")
    def last_time(self, row: Schedule) -> str:
        status, due = row.last_status, row.last_due  # type: ignore[attr-defined]
        if not status:
            return badges.NOTHING
        return format_html(
            '{} {}<br><span class="wrap quiet small">{}</span>',
            badges.status_badge(status=status, words=Slot.Status(status).label),
            _moments([timezone.localtime(due)]),
            row.last_message,  # type: ignore[attr-defined]
        )

    @admin.display(description="What it does")
    def what(self, row: Schedule) -> str:
        return WHAT[row.work]

    @admin.display(description="Coming times")
    def coming(self, row: Schedule) -> str:
        return (
            _moments(next_times(schedule=row, after=timezone.now(), many=NEXT_SHOWN))
            or "None while it is off."
        )


@admin.register(Slot)
class SlotAdmin(ViewOnlyAdmin):
    lead = "What was due by the timetable, and what became of it: one line for each time, whoever asked and however often."
    list_display = ("work", "due", "state", "result", "led_to")
    list_filter = ("status", "work")
    date_hierarchy = "due_at"
    ordering = ("-due_at", "-pk")
    list_select_related = ("run", "plan")
    fieldsets = (
        (None, {"fields": (("work", "slot"), ("due", "state"), "message", "led_to")}),
        ("Carried out", {"fields": (("started_at", "ended"), ("attempts", "requested_by"))}),
    )
    readonly_fields = ("due", "state", "ended", "led_to")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_safe(self.progress))
        return [path("<int:pk>/progress/", view, name="allocation_slot_progress"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            address = reverse("admin:allocation_slot_progress", args=[obj.pk])
            context |= {"under_way": _is_under_way(obj), "progress_url": address}
        return super().render_change_form(request, context, *args, **kwargs)

    def progress(self, request: HttpRequest, pk: int) -> JsonResponse:
        """How the work stands, for cstiers/js/progress.js: nobody counts its steps."""
        slot = self.get_object(request, str(pk))
        if slot is None:
            raise Http404
        if not self.has_view_permission(request, slot):
            raise PermissionDenied
        words = slot.message or slot.get_status_display()
        answer = {"status": slot.status, "done": 0, "total": 0, "message": words, "note": ""}
        return JsonResponse(answer | {"finished": not _is_under_way(slot)})

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: Slot) -> str:
        return date_format(timezone.localtime(row.due_at), "j M Y H:i")

    @admin.display(description="Result", ordering="message")
    def result(self, row: Slot) -> str:
        return format_html('<span class="wrap">{}</span>', row.message)

    @admin.display(description="Ended", ordering="finished_at")
    def ended(self, row: Slot) -> str:
        return (
            date_format(timezone.localtime(row.finished_at), "j M Y H:i")
            if row.finished_at
            else badges.NOTHING
        )

    @admin.display(description="State", ordering="status")
    def state(self, row: Slot) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Led to")
    def led_to(self, row: Slot) -> str:
        """The run or plan that was asked for, with what became of it since."""
        for job, page in ((row.run, "run"), (row.plan, "plan")):
            if job is not None:
                return format_html('<a href="{}">{}</a> {}', reverse(page, args=[job.pk]), job,
                                   badges.status_badge(status=job.status, words=job.get_status_display()))  # fmt: skip
        return badges.NOTHING


def _is_under_way(slot: Slot) -> bool:
    return slot.status in (Slot.Status.QUEUED, Slot.Status.WORKING)


@admin.register(Freeze)
class FreezeAdmin(CSAdmin):
    lead = (
        "Days on which runs and book plans are proposed but not applied, such as the last weeks of a quarter."
    )
    form_lead = (
        "A proposal that is accepted meanwhile is applied when the freeze has ended. Undoing, overrides by people and what "
        "was begun before go on."
    )
    empty_words = "No freeze was entered: what is accepted is applied at once."
    list_display = ("name", "starts_on", "ends_before", "standing", "words")
    search_fields = ("name", "words")
    search_help_text = "Name or reason"
    date_hierarchy = "starts_on"
    ordering = ("-starts_on", "pk")
    deletable = True

    @admin.display(description="Standing")
    def standing(self, row: Freeze) -> str:
        today = timezone.localdate()
        if row.starts_on <= today < row.ends_before:
            return badges.badge(words="Holds", tone="info", icon_name="lock")
        if row.starts_on > today:
            return badges.badge(words="Coming", tone="neutral", icon_name="clock")
        return badges.badge(words="Over", tone="neutral", icon_name="check")
