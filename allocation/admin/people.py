"""Delegations and notices: who decides for whom while away, and which mail went out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import ViewOnlyAdmin
from accounts.admin.filters import FixedFilter
from accounts.models import Delegation, NoticePreference
from allocation.models import Notice
from allocation.querysets.notices import ATTEMPTS
from allocation.services import delegating
from allocation.tasks.bell import ring
from allocation.tasks.notices import send_notices


class StandingFilter(FixedFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "Holds or is to come"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        is_open = Q(ended_at__isnull=True, ends_before__gt=timezone.localdate())
        return {"open": queryset.filter(is_open), "over": queryset.exclude(is_open)}.get(
            self.value() or "", queryset
        )


@admin.register(Delegation)
class DelegationAdmin(ViewOnlyAdmin):
    lead = "Which manager decides for which while away. Hand decisions over on the page of approvals; end it here or there."
    list_display = ("manager", "delegate", "starts_on", "ends_before", "standing", "words")
    list_filter = (StandingFilter,)
    list_select_related = ("manager", "delegate", "ended_by")
    search_fields = ("manager__name", "manager__email", "delegate__name", "delegate__email")
    search_help_text = "Manager or delegate"
    ordering = ("-starts_on", "-pk")
    actions = ("end_delegations",)

    @admin.display(description="Standing")
    def standing(self, row: Delegation) -> str:
        day = timezone.localdate()
        if row.ended_at:
            return badges.badge(words=f"Ended by {row.ended_by}", icon_name="close")
        if row.ends_before <= day:
            return badges.badge(words="Over", icon_name="clock")
        if row.starts_on > day:
            return badges.badge(words="To come", tone="info", icon_name="clock")
        return badges.badge(words="Holds now", tone="good", icon_name="check")

    @admin.action(description="End the ticked delegations now")
    def end_delegations(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Each told apart: one that is over stops no other."""
        ended, now, day = 0, timezone.now(), timezone.localdate()
        for row in queryset.order_by("pk"):
            try:
                delegating.end_delegation(delegation_id=row.pk, actor=request.user, on=day, at=now)
            except delegating.UnableToDelegate as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.WARNING)
            else:
                ended += 1
        if ended:
            ring(send_notices)
            self.message_user(request, f"{ended} ended; the delegates are told.", messages.SUCCESS)


class SentFilter(FixedFilter):
    title = "sent"
    parameter_name = "sent"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("no", "Not sent yet"), ("given_up", "Given up"), ("yes", "Sent"), ("digest", "In a digest")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        conditions = {
            "no": Q(sent_at__isnull=True, told_in__isnull=True, attempts__lt=ATTEMPTS),
            "given_up": Q(sent_at__isnull=True, told_in__isnull=True, attempts__gte=ATTEMPTS),
            "yes": Q(sent_at__isnull=False),
            "digest": Q(told_in__isnull=False),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(Notice)
class NoticeAdmin(ViewOnlyAdmin):
    lead = (
        "Mail to people of the company: what was not sent comes first, with the reason of the last attempt."
    )
    list_display = ("subject", "to", "kind", "created_at", "state", "attempts", "fault")
    number_hints = {"attempts": f"How often sending was tried; after {ATTEMPTS} it is given up."}
    list_filter = (SentFilter, "kind")
    list_select_related = ("to",)
    search_fields = ("subject", "to__name", "to__email")
    search_help_text = "Subject or person"
    ordering = (F("sent_at").desc(nulls_first=True), "-pk")
    exclude = ("key",)

    @admin.display(description="State", ordering="sent_at")
    def state(self, row: Any) -> str:
        if row.sent_at:
            return badges.badge(words=f"Sent {row.sent_at:%d %b %Y %H:%M}", tone="good", icon_name="check")
        if row.told_in_id is not None:
            return badges.badge(words="In a digest", tone="good", icon_name="check")
        if row.attempts >= ATTEMPTS:
            return badges.badge(words="Given up", tone="bad", icon_name="alert")
        return badges.badge(words="Waits", tone="info", icon_name="clock")


@admin.register(NoticePreference)
class NoticePreferenceAdmin(ViewOnlyAdmin):
    lead = "Which mail people chose, each for oneself. Who is not listed has a digest on Mondays, and mail at once."
    list_display = ("user", "digest", "at_once")
    list_filter = ("digest", "at_once")
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email")
    search_help_text = "Person"
    ordering = ("user__name", "user__email", "pk")
