"""Pages about tiering models beside their list and form: compare, preview, live counts, the lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone

from accounts.admin.fields import StorableJSON
from allocation.charts.flows import NARROW, WIDE, Flow, Level, tier_flow
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.facts.ways import way_between
from allocation.engine.rules import UnusableRules
from allocation.forms.models import LiftForm, LockForm
from allocation.models import ModelLock, TieringModel
from allocation.selectors.model_differences import compared_with, differences_in_words
from allocation.selectors.model_editor import located_faults
from allocation.selectors.model_preview import PlaybookInForce, Preview, preview_model
from allocation.services.models import UnableToLockModels, lift_lock, lock_models
from allocation.services.playbooks import playbook_in_force
from allocation.snapshots.money import UnknownRate

TEMPLATES = "admin/allocation/tieringmodel"
LOWEST_RANK = 6


class ModelPages:
    """Mixed into the admin of tiering models. CS ops only, like everything there."""

    admin_site: Any
    opts: Any
    has_add_permission: Callable[..., bool]
    has_change_permission: Callable[..., bool]
    message_user: Callable[..., None]
    _row: Callable[..., TieringModel]

    def urls_of_pages(self, wrap: Callable[..., Any]) -> list[Any]:
        name = "allocation_tieringmodel"
        return [
            path("lock/", wrap(self.lock_view), name=f"{name}_lock"),
            path("count/", wrap(self.count_view), name=f"{name}_count_new"),
            path("<int:pk>/count/", wrap(self.count_view), name=f"{name}_count"),
            path("<int:pk>/compare/", wrap(self.compare_view), name=f"{name}_compare"),
            path("<int:pk>/preview/", wrap(self.preview_view), name=f"{name}_preview"),
        ]

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts}
        return render(request, f"{TEMPLATES}/{template}.html", {**common, **context})

    def _only_ops(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied("Tiering models are the work of CS ops.")

    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What differs between two versions, in words."""
        self._only_ops(request)
        new = self._row(request, pk)
        old = compared_with(model=new, asked=request.GET.get("with", ""))
        others = TieringModel.objects.exclude(pk=pk).defer("definition").order_by("-number")
        found = differences_in_words(old=old, new=new) if old is not None else None
        return self._page(request, "compare", new=new, old=old, others=others, found=found)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What this version would do today to our customers; nothing is stored."""
        self._only_ops(request)
        model = self._row(request, pk)
        preview, refusals, playbook = None, (), playbook_of(model)
        try:
            preview = preview_model(
                definition=model.definition, as_of=timezone.localdate(), playbook=playbook
            )
        except UnusableRules as faulty:
            refusals = faulty.faults
        except UnknownRate as missing:
            refusals = (str(missing),)
        chart = flow_chart(preview) if preview is not None else ""
        return self._page(
            request,
            "preview",
            model=model,
            preview=preview,
            refusals=refusals,
            chart=chart,
            playbook=playbook,
            today=timezone.localdate(),
        )

    def count_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Live counts for the editor: the document as it stands on the page, as JSON; nothing is stored."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._only_ops(request)
        model = None if pk is None else self._row(request, pk)
        if model is not None and not self.has_change_permission(request, model):
            raise PermissionDenied("Only a draft is edited.")
        try:
            definition = StorableJSON().to_python(request.POST.get("definition", ""))
        except ValidationError as unreadable:
            return JsonResponse({"faults": [_fault(words) for words in unreadable.messages]})
        try:
            preview = preview_model(
                definition=definition,
                as_of=timezone.localdate(),
                moves_shown=0,
                playbook=playbook_of(model),
            )
        except UnusableRules:
            found = located_faults(definition=definition)
            return JsonResponse({"faults": [_fault(f.words, f.part, f.index) for f in found]})
        except UnknownRate as missing:
            return JsonResponse({"faults": [_fault(str(missing))]})
        return JsonResponse(counts_json(preview))

    def lock_view(self, request: HttpRequest) -> HttpResponse:
        """Set a lock, or lift the one that holds; all that were are listed."""
        self._only_ops(request)
        lifting = "lift" in request.POST
        lock_form = LockForm(
            request.POST if request.method == "POST" and not lifting else None, label_suffix=""
        )
        lift_form = LiftForm(request.POST if lifting else None, auto_id="lift_%s", label_suffix="")
        form = lift_form if lifting else lock_form
        if request.method == "POST" and form.is_valid() and self._locked(request, form):
            return HttpResponseRedirect(reverse("admin:allocation_tieringmodel_changelist"))
        history = ModelLock.objects.newest_first()
        lock = ModelLock.objects.in_force(timezone.localdate())
        return self._page(
            request, "lock", lock=lock, lock_form=lock_form, lift_form=lift_form, history=history[:50]
        )

    def _locked(self, request: HttpRequest, form: Any) -> bool:
        """Whether the service did it; its refusal becomes an error of the form."""
        words, who = form.cleaned_data["words"], {"at": timezone.now(), "actor_id": request.user.pk}
        try:
            if isinstance(form, LiftForm):
                lift_lock(words=words, **who)
                said = "The lock is lifted: versions can be published again."
            else:
                lock = lock_models(until=form.cleaned_data["until"], words=words, **who)
                said = f"The model is locked until {lock.until:%d %b %Y}."
        except UnableToLockModels as refusal:
            form.add_error(None, str(refusal))
            return False
        self.message_user(request, said, messages.SUCCESS)
        return True


def _fault(words: str, part: str = "", index: int = -1) -> dict[str, Any]:
    return {"words": words, "part": part, "index": index}


def counts_json(preview: Preview) -> dict[str, Any]:
    """What the editor shows beside each rule and in its summary."""
    return {
        "faults": [],
        "about": preview.about,
        "customers": preview.customers,
        "segments": [_rule(count) for count in preview.segments],
        "touch": [_rule(count) for count in preview.touch],
        "tiers": [_rule(count) for count in preview.rules],
        "criteria": list(preview.criteria_known),
        "spread": [
            {
                "name": line.tier.name if line.tier else "No tier",
                "rank": line.tier.shown_rank if line.tier else None,
                "now": line.before,
                "then": line.after,
            }
            for line in preview.tiers
        ],
        "moves": preview.moves,
        "ups": preview.ups,
        "downs": preview.downs,
        "directions": preview.directions,
        "first_tiers": preview.first_tiers,
        "undecided": preview.undecided,
        "held": [{"guard": words, "customers": customers} for words, customers in preview.held],
        "over_limit": preview.over_limit,
    }


def _rule(count: Any) -> dict[str, int]:
    return {"matches": count.matches, "gets": count.gets}


def flow_chart(preview: Preview) -> Markup:
    """Customers flowing between tiers, as on the page of a run."""
    levels = [
        Level(line.tier.slug, line.tier.name, line.tier.shown_rank)
        if line.tier
        else Level("", "No tier", LOWEST_RANK)
        for line in preview.tiers
    ]
    tiers = {line.tier.slug: line.tier for line in preview.tiers if line.tier}
    flows = [
        Flow(source, target, customers, way=way_between(tiers.get(source), tiers.get(target)))
        for (source, target), customers in preview.flows.items()
    ]
    return wide_and_narrow(tier_flow(levels, flows, width=WIDE), tier_flow(levels, flows, width=NARROW))


def playbook_of(model: TieringModel | None) -> PlaybookInForce | None:
    """Of a playbook's draft: what publishing it puts in force around its rules; None for every other version."""
    if model is None or not model.playbook or model.status != TieringModel.Status.DRAFT:
        return None
    return playbook_in_force(slug=model.playbook)
