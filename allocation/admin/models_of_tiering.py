"""Tiering models: the list of versions, a version's page with its editor, playbooks. More pages: model_pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms.fields import InvalidJSONInput
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, button
from accounts.admin.fields import StorableJSON
from accounts.changes import update_logged
from accounts.models import Tier
from allocation.admin.model_pages import ModelPages, playbook_of
from allocation.admin.model_words import model_in_words
from allocation.models import ModelLock, TieringModel
from allocation.querysets.versions import definition_digest
from allocation.selectors.model_checks import (
    faults_of,
    holders_by_tier,
    model_remarks,
    without_planned_tiers,
)
from allocation.selectors.model_editor import catalogue
from allocation.selectors.model_preview import as_published
from allocation.selectors.wording import grouped
from allocation.services.models import (
    UnableToDraftModel,
    UnableToPublishModel,
    draft_of_version,
    publish_model,
)
from allocation.services.playbooks import (
    LoadedPlaybook,
    UnableToLoadPlaybook,
    available_playbooks,
    load_playbook,
    publish_loaded,
)
from allocation.snapshots.vocabulary import model_vocabulary


class IndentedJSON(StorableJSON):
    """A document as people read and write it: one thing a line."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class TieringModelForm(forms.ModelForm):
    definition = IndentedJSON(
        help_text=TieringModel._meta.get_field("definition").help_text,
        widget=forms.Textarea(
            attrs={"rows": 28, "class": "mono-field vLargeTextField", "spellcheck": "false"}
        ),
    )
    seen_digest = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = TieringModel
        fields = ("name", "definition")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_digest"] = self.instance.digest

    def clean_seen_digest(self) -> str:
        """Two people at one draft do not write over each other unseen."""
        seen: str = self.cleaned_data["seen_digest"]
        now = TieringModel.objects.filter(pk=self.instance.pk).values_list("digest", flat=True).first()
        if self.instance.pk is not None and seen != now:
            raise forms.ValidationError(
                "Somebody saved this draft while you were editing. What you built stands below, as text: keep a copy, "
                "open the page again and repeat your change."
            )
        return seen

    def clean_definition(self) -> Any:
        definition = self.cleaned_data["definition"]
        faults = faults_of(definition=definition)
        if faults:
            raise forms.ValidationError([forms.ValidationError(fault) for fault in faults])
        return definition


def _confirmation(playbook: LoadedPlaybook, holders: Mapping[str, int]) -> str:
    """What putting a playbook in force at once does. holders: active customers by tier in use."""
    leaving = sum(count for slug, count in holders.items() if slug not in playbook.tiers)
    who = (
        f"{grouped(leaving)} customer{' holds' if leaving == 1 else 's hold'}" if leaving else "Nobody holds"
    )
    until = ", until the next run decides" if leaving else ""
    return (
        f"Put {playbook.name} in force? The version in force now is retired, and tiers that the playbook does not have "
        f"are retired too: {who} one of those{until}. Its policies for books and for attention become the active ones."
    )


@admin.register(TieringModel)
class TieringModelAdmin(ModelPages, CSAdmin):
    lead = "Numbered versions of the rules. A published version never changes; one is published at a time."
    form_lead = "A draft can be edited and published; published and retired versions stay as runs used them."
    add_lead = "A model from nothing: everybody in the lowest tier, until rules say otherwise."
    empty_words = "Load a ready-made playbook, or write a model of your own."
    form = TieringModelForm
    change_form_template = "admin/allocation/tieringmodel/change_form.html"
    change_list_template = "admin/allocation/tieringmodel/change_list.html"
    list_display = ("version", "state", "playbook_name", "created_at", "published_at", "published_by")
    list_filter = ("status",)
    list_select_related = ("published_by",)
    search_fields = ("name", "number")
    search_help_text = "Name or number"
    ordering = ("-number",)
    deletable = True

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("playbooks/", wrap(self.playbooks_view), name="allocation_tieringmodel_playbooks"),
            path("<int:pk>/publish/", wrap(self.publish_view), name="allocation_tieringmodel_publish"),
            path("<int:pk>/draft/", wrap(self.draft_view), name="allocation_tieringmodel_draft"),
            *self.urls_of_pages(wrap),
            *super().get_urls(),
        ]

    def has_change_permission(self, request: HttpRequest, obj: TieringModel | None = None) -> bool:
        if obj is not None and obj.status != TieringModel.Status.DRAFT:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: TieringModel | None = None) -> bool:
        """A draft may be thrown away: no run used it. Whatever was in force stays."""
        is_draft = obj is not None and obj.status == TieringModel.Status.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The least that is a model: everybody in the lowest tier in use."""
        lowest = Tier.objects.filter(retired=False).order_by("-rank").values_list("slug", flat=True).first()
        document = {
            "segments": [{"name": "Everyone", "when": []}],
            "criteria": [],
            "tiers": [{"tier": lowest or "", "when": []}],
            "guards": {},
        }
        return {"name": "New model", "definition": document, **super().get_changeform_initial_data(request)}

    def save_model(
        self, request: HttpRequest, obj: TieringModel, form: forms.ModelForm, change: bool
    ) -> None:
        obj.digest = definition_digest(definition=obj.definition)
        if not change:
            obj.number = TieringModel.objects.next_number()
            obj.created_by = request.user
            super().save_model(request, obj, form, change)
            return
        # Still the draft that was read when it is written: published or saved just now, it is another.
        as_read = TieringModel.objects.drafts().filter(pk=obj.pk, digest=form.cleaned_data["seen_digest"])
        if update_logged(as_read, name=obj.name, definition=obj.definition, digest=obj.digest):
            return
        # The same save sent twice (a browser tries again when a connection breaks) is no quarrel.
        if not TieringModel.objects.drafts().filter(pk=obj.pk, digest=obj.digest, name=obj.name).exists():
            raise PermissionDenied("This draft was published or saved by somebody else at the same moment.")

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        if not self.has_add_permission(request):
            return ()
        source = TieringModel.objects.order_by("-number")
        copied = source.published().first() or source.first()
        lock = ModelLock.objects.in_force(timezone.localdate())
        return (
            *button(label="Load a playbook", name="admin:allocation_tieringmodel_playbooks", icon="book"),
            *button(
                label="Change or lift the lock" if lock else "Lock the model until …",
                name="admin:allocation_tieringmodel_lock",
                icon="lock",
            ),
            *(self._draft_button(copied, label=f"New draft of version {copied.number}") if copied else ()),
        )

    def _draft_button(self, source: TieringModel, *, label: str = "New draft") -> tuple[Button, ...]:
        return button(
            label=label,
            name="admin:allocation_tieringmodel_draft",
            args=(source.pk,),
            icon="edit",
            method="post",
        )

    def form_buttons(self, request: HttpRequest, obj: TieringModel) -> tuple[Button, ...]:
        if not self.has_add_permission(request):
            return ()
        name, args = "admin:allocation_tieringmodel", (obj.pk,)
        looking = (
            *button(label="Compare", name=f"{name}_compare", args=args, icon="move"),
            *button(label="Preview", name=f"{name}_preview", args=args, icon="eye"),
            Button("Sensitivity", f"{reverse('sensitivities')}?model={obj.pk}", "scenario"),
        )
        if not self.has_change_permission(request, obj):
            return (*looking, *self._draft_button(obj))
        words = (
            f"Publish version {obj.number}? The version in force is retired and open proposals become stale."
        )
        if playbook_of(obj):
            words += (
                " The playbook's tiers and touch plans get its values; tiers that neither it nor these rules have are "
                "retired."
            )
        return (
            *looking,
            *self._draft_button(obj),
            *button(
                label="Publish",
                name=f"{name}_publish",
                args=args,
                icon="check",
                method="post",
                primary=True,
                confirm=words,
            ),
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        lock = ModelLock.objects.in_force(timezone.localdate())
        return super().changelist_view(request, {"lock": lock, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        vocabulary = offered = model_vocabulary()
        playbook = playbook_of(obj)
        if obj is not None:
            vocabulary = (
                as_published(vocabulary=offered, playbook=playbook, definition=obj.definition)
                if playbook is not None
                else without_planned_tiers(vocabulary=offered, definition=obj.definition)
            )
            context["words"] = model_in_words(definition=obj.definition, vocabulary=vocabulary)
            context["remarks"] = model_remarks(definition=obj.definition, vocabulary=vocabulary)
            context["lock"] = ModelLock.objects.in_force(timezone.localdate())
            context["document"] = json.dumps(obj.definition, indent=2, ensure_ascii=False)
        if self.has_change_permission(request, obj):
            # Rules may lead to any tier in use; the order is the one that publishing makes.
            all_tiers = {"tiers": [{"tier": tier.slug} for tier in offered.tiers]}
            offered = as_published(vocabulary=offered, playbook=playbook, definition=all_tiers)
            context["catalogue"] = catalogue(vocabulary=offered)
            context["count_url"] = (
                reverse("admin:allocation_tieringmodel_count", args=[obj.pk])
                if obj is not None
                else reverse("admin:allocation_tieringmodel_count_new")
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put a draft in force."""
        obj = self._row(request, pk)
        if request.method == "POST" and obj.status != obj.Status.DRAFT and self.has_add_permission(request):
            self.message_user(request, self._why_no_draft(obj), messages.ERROR)
            return self._to_row(pk)
        if request.method != "POST" or not self.has_change_permission(request, obj):
            raise PermissionDenied("Only a draft can be published, and only from its page.")
        publish = publish_loaded if playbook_of(obj) else publish_model
        try:
            publish(model_id=pk, at=timezone.now(), actor_id=request.user.pk)
        except (UnableToPublishModel, UnableToLoadPlaybook) as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.log_change(request, obj, "Published.")
            self.message_user(request, f"Version {obj.number} is published.", messages.SUCCESS)
        return self._to_row(pk)

    @staticmethod
    def _why_no_draft(obj: TieringModel) -> str:
        """To somebody whose page is older than what happened since."""
        if obj.status == TieringModel.Status.PUBLISHED:
            return f"Version {obj.number} is published already."
        return f"Version {obj.number} was in force and is retired; make a new draft of it to publish its rules again."

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A new draft with the rules of a version."""
        obj = self._row(request, pk)
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied("A draft is made by CS ops, with the button.")
        try:
            draft = draft_of_version(model_id=pk, actor_id=request.user.pk)
        except UnableToDraftModel as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return self._to_row(pk)
        self.log_addition(request, draft, f"A copy of version {obj.number}.")
        words = f"Version {draft.number} is a draft with the rules of version {obj.number}."
        self.message_user(request, words, messages.SUCCESS)
        return self._to_row(draft.pk)

    def _row(self, request: HttpRequest, pk: int) -> TieringModel:
        obj: TieringModel | None = self.get_object(request, str(pk))
        if obj is None:
            raise Http404
        return obj

    def _to_row(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_change", args=[pk]))

    def playbooks_view(self, request: HttpRequest) -> HttpResponse:
        """Ready-made set-ups: choose one, as a draft or in force at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied("Only CS ops may load a playbook.")
        if request.method == "POST":
            return self._load(request)
        holders = holders_by_tier()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "playbooks": [(each, _confirmation(each, holders)) for each in available_playbooks()],
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
        except UnableToLoadPlaybook as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_playbooks"))
        words = f"{loaded.name}: version {loaded.model_version} is {loaded.status}."
        self.message_user(request, words, messages.SUCCESS)
        if loaded.status != TieringModel.Status.DRAFT:
            return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_changelist"))
        draft = TieringModel.objects.get(number=loaded.model_version)
        return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_preview", args=[draft.pk]))

    @admin.display(description="Version", ordering="number")
    def version(self, row: TieringModel) -> str:
        return str(row)

    @admin.display(description="Status", ordering="status")
    def state(self, row: TieringModel) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Playbook", ordering="playbook")
    def playbook_name(self, row: TieringModel) -> str:
        return row.playbook or badges.NOTHING
