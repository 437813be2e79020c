"""Attention policies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from accounts.admin.base import Button, button
from allocation.admin.policies import PolicyAdmin
from allocation.forms.attention import AttentionPolicyForm
from allocation.models import AttentionPolicy
from allocation.selectors import wording
from allocation.selectors.attention import policy_in_force, rules_of
from allocation.selectors.attention_preview import AttentionPreview, attention_preview, standing
from allocation.selectors.attention_words import basis_label, cap_words, floor_words

VALUES = ("basis", "floor_pct", "cap_pct")


@admin.register(AttentionPolicy)
class AttentionPolicyAdmin(PolicyAdmin):
    lead = "By what the hours left after base hours are shared inside a book."
    form_lead = "What is in force is not edited: add another policy and put it in force. What that changes is shown before."
    form = AttentionPolicyForm
    list_display = ("name", "in_force", "basis", "floor_num", "cap_num")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_safe(self.preview_view))
        return [
            path("<int:pk>/preview/", view, name="allocation_attentionpolicy_preview"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Every book would change at once, unseen, so the values in force stand still."""
        fixed = VALUES if obj is not None and obj.is_active else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        """Saved is not in force: what is left to do is said, with the way there."""
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            url = reverse("admin:allocation_attentionpolicy_preview", args=[obj.pk])
            words = '{} is not in force yet. <a href="{}">See what it would change, and put it in force there</a>.'
            self.message_user(request, format_html(words, obj.name, url), messages.INFO)

    def form_buttons(self, request: HttpRequest, obj: Any) -> tuple[Button, ...]:
        """First what it would change; it is put in force from there."""
        if obj.is_active or not self.has_change_permission(request, obj):
            return ()
        name = "admin:allocation_attentionpolicy_preview"
        return button(label="Put in force", name=name, args=(obj.pk,), icon="check", primary=True)

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        self._lead_on(request, obj)
        return super().response_add(request, obj, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        self._lead_on(request, obj)
        return super().response_change(request, obj)

    def _lead_on(self, request: HttpRequest, obj: Any) -> None:
        """What is saved rests until it is put in force: say where."""
        if obj.is_active:
            return
        address = reverse("admin:allocation_attentionpolicy_preview", args=[obj.pk])
        words = format_html(
            'It is not in force yet. <a href="{}">See what it changes, and put it in force</a>.', address
        )
        self.message_user(request, words, messages.INFO)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What this policy would change in all books; nothing is stored."""
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise Http404
        if not self.has_change_permission(request, obj):
            raise PermissionDenied("Policies are the work of CS ops.")
        today = timezone.localdate()
        preview = attention_preview(policy=obj, as_of=today)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "policy": obj,
            "today": today,
            "preview": preview,
            "seen": f"{preview.seen} {standing(obj)}",
            **_shown(obj, preview),
        }
        return render(request, "admin/allocation/attentionpolicy/preview.html", context)

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """As of any policy; refused where another one than was shown holds by now."""
        obj, seen = self.get_object(request, str(pk)), request.POST.get("seen")
        if obj is not None and seen and seen != f"{standing(policy_in_force())} {standing(obj)}":
            self.message_user(
                request, "The policies changed since this was shown: look at it again.", messages.WARNING
            )
            return HttpResponseRedirect(reverse("admin:allocation_attentionpolicy_preview", args=[pk]))
        return super().activate_view(request, pk)

    @admin.display(description="Floor", ordering="floor_pct")
    def floor_num(self, row: AttentionPolicy) -> str:
        return f"{row.floor_pct.normalize():f} %"

    @admin.display(description="Cap", ordering="cap_pct")
    def cap_num(self, row: AttentionPolicy) -> str:
        return f"{row.cap_pct.normalize():f} %"


def _shown(policy: AttentionPolicy, preview: AttentionPreview) -> dict[str, Any]:
    """The preview as it is written."""
    hm, change = wording.hours_and_minutes, wording.difference
    return {
        "now": _rule_words(preview.in_force),
        "then": _rule_words(policy),
        "moved": hm(preview.moved),
        "gain": wording.grouped(preview.gain),
        "lose": wording.grouped(preview.lose),
        "customers": wording.counted(preview.customers, "customer"),
        "books": [
            {
                "book": book,
                "moved": hm(book.moved),
                "gains": f"{book.gains[0]} {change(book.gains[1])}" if book.gains else wording.DASH,
                "loses": f"{book.loses[0]} {change(book.loses[1])}" if book.loses else wording.DASH,
                "unallocated": hm(book.unallocated) if book.unallocated else "",
            }
            for book in preview.books
        ],
    }


def _rule_words(policy: AttentionPolicy) -> str:
    rules = rules_of(policy)
    return f"{basis_label(rules.basis)}. {floor_words(rules)} {cap_words(rules)}"
