"""Asking a what-if question, and asking it otherwise: the form over today's numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from allocation.forms.faults import with_focus
from allocation.forms.scenario_definition import merged
from allocation.forms.scenarios import ScenarioForm
from allocation.models import Scenario
from allocation.selectors.scenario_ground import Ground, ground
from allocation.selectors.scenario_presets import presets
from allocation.selectors.scenario_words import changes_in_words
from allocation.selectors.scenarios import faults_for, free_name, others_not_there, readable, told
from allocation.services import scenarios as services
from allocation.tasks.bell import ring
from allocation.tasks.scenarios import compute_scenario
from allocation.views.access import clock, for_leads, today
from allocation.views.scenarios import may_change, scenario_or_404

# Characters of a name that the form suggests: it leaves room for a number behind it.
NAME_SUGGESTED = 150
Ask = Callable[[ScenarioForm], Scenario]


@require_http_methods(["GET", "HEAD", "POST"])
@for_leads
def scenario_new(request: HttpRequest) -> HttpResponse:
    """A question from nothing, from one of those that are asked often (?preset=), or from another page's (?definition=)."""
    user: Any = request.user
    brought = _brought(request)
    base = ground(user=user, version=_version(request) or _version_of(brought), on=today())
    offered = presets(ground=base, vertical=request.GET.get("vertical", ""))
    chosen = next((one for one in offered if one.key == request.GET.get("preset")), None)

    def ask(form: ScenarioForm) -> Scenario:
        on, at = clock()
        given = {"name": form.cleaned_data["name"], "words": form.cleaned_data["words"]}
        return services.ask_scenario(**given, definition=form.definition, actor=user, at=at, on=on)

    if request.method == "POST":
        return _asked(request, base, ask=ask, context={"presets": offered})
    start = {}
    if chosen:
        start = {"name": free_name(user=user, name=chosen.title), "words": chosen.words}
    elif brought:
        start = {"name": free_name(user=user, name=_suggested(brought))}
    form = ScenarioForm(ground=base, definition=chosen.definition if chosen else brought, initial=start)
    context = {"form": form, "presets": offered, "chosen": chosen, "ground": base}
    return render(request, "pages/scenario_form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_leads
def scenario_change(request: HttpRequest, pk: int) -> HttpResponse:
    """The same form over what was asked; sent, the scenario is computed anew."""
    user: Any = request.user
    this = scenario_or_404(user=user, pk=pk)
    if not may_change(this, user):
        raise PermissionDenied("Somebody else asked this scenario: make a copy of it, and change that.")
    shown, hidden = readable(definition=this.definition, user=user)
    base = ground(user=user, version=_version(request) or _version_of(this.definition), on=today())

    def ask(form: ScenarioForm) -> Scenario:
        on, at = clock()
        given = {"name": form.cleaned_data["name"], "words": form.cleaned_data["words"]}
        # What somebody else left out, and this person may not read, stays left out.
        kept = {"roster": {"without": hidden}} if hidden else {}
        definition = merged(form.definition, kept)
        services.change_scenario(scenario_id=pk, **given, definition=definition, actor=user, at=at, on=on)
        return this

    context = {"scenario": this, "others": others_not_there(hidden) if hidden else ""}
    if request.method == "POST":
        return _asked(request, base, ask=ask, context=context)
    start = {"name": this.name, "words": this.words}
    form = ScenarioForm(ground=base, definition=shown, initial=start)
    return render(request, "pages/scenario_form.html", context | {"form": form, "ground": base})


def _asked(request: HttpRequest, base: Ground, *, ask: Ask, context: dict[str, Any]) -> HttpResponse:
    """What was sent: computed, shown again with its faults, or shown over the numbers of another version."""
    form = ScenarioForm(request.POST, ground=base)
    if "look" in request.POST:
        again = ScenarioForm(ground=base, initial=form.typed())
        return render(request, "pages/scenario_form.html", context | {"form": again, "ground": base})
    if form.is_valid():
        try:
            this = ask(form)
        except services.UnableToAskScenario as refusal:
            form.add_error(None, list(told(refusal.faults, user=request.user)))
        else:
            ring(compute_scenario, scenario_id=this.pk)
            messages.success(
                request, f"“{form.cleaned_data['name']}” is being computed; no customer changes."
            )
            return redirect("scenario", pk=this.pk)
    shown = {"form": with_focus(form), "ground": base}
    return render(request, "pages/scenario_form.html", context | shown, status=422)


def _brought(request: HttpRequest) -> dict[str, Any]:
    """The definition in the address, as the page of sensitivity writes it. What cannot be asked is said and left out."""
    if request.method == "POST" or "definition" not in request.GET:
        return {}
    try:
        given = json.loads(request.GET["definition"])
    except (ValueError, RecursionError):
        given = None
    faults = faults_for(definition=given, user=request.user)
    if not faults:
        return cast(dict[str, Any], given)
    messages.error(request, " ".join(told(faults, user=request.user)))
    return {}


def _suggested(definition: dict[str, Any]) -> str:
    """A name: the first change in words. The version that it starts from says least, and stands first."""
    said = changes_in_words(definition)
    named = said[1] if _version_of(definition) and len(said) > 1 else said[0]
    return named.removesuffix(".")[:NAME_SUGGESTED]


def _version_of(definition: dict[str, Any]) -> int | None:
    """The version that a definition starts from, where it names one."""
    model = definition.get("model")
    asked = model.get("version") if isinstance(model, dict) else None
    return asked if isinstance(asked, int) else None


def _version(request: HttpRequest) -> int | None:
    """Which version's numbers are wanted: the one chosen with "Show its numbers", else the one that was shown."""
    name = "version" if "look" in request.POST else "shown_version"
    given = request.POST.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 10 else None
